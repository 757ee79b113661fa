#include "zmq_listener.h"

#include <fmt/format.h>
#include <zmq.h>

#include <array>
#include <cerrno>

#include "base/error.h"
#include "base/log.h"

namespace hh::pool {
namespace {

constexpr std::string_view topic = "hashblock";
constexpr int heartbeat_ms = 10'000, heartbeat_timeout_ms = 30'000, longest_pause_ms = 10'000;

// One message of some parts: bitcoind sends topic, hash and a counter. False: the context has ended.
bool receive(void* socket, std::array<std::string, 3>& parts) {
  for (size_t n = 0;; ++n) {
    std::array<char, 256> buffer{};
    const int size = zmq_recv(socket, buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) {
      --n;
      continue;
    }
    if (size < 0) return false;
    if (n < parts.size()) parts[n].assign(buffer.data(), std::min(static_cast<size_t>(size), buffer.size()));
    int more = 0;
    size_t more_size = sizeof more;
    zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_size);
    if (more == 0) {
      for (size_t i = n + 1; i < parts.size(); ++i) parts[i].clear();
      return true;
    }
  }
}

}  // namespace

void ZmqListener::Close::operator()(void* context) const { zmq_ctx_term(context); }

ZmqListener::ZmqListener(const std::vector<std::string>& endpoints, std::function<void()> on_block) : on_block_(std::move(on_block)), context_(zmq_ctx_new()) {
  if (!context_) throw Error(Exit::software, "zmq: no context");
  socket_ = zmq_socket(context_.get(), ZMQ_SUB);
  const int no_linger = 0;
  zmq_setsockopt(socket_, ZMQ_LINGER, &no_linger, sizeof no_linger);
  zmq_setsockopt(socket_, ZMQ_HEARTBEAT_IVL, &heartbeat_ms, sizeof heartbeat_ms);
  zmq_setsockopt(socket_, ZMQ_HEARTBEAT_TIMEOUT, &heartbeat_timeout_ms, sizeof heartbeat_timeout_ms);
  zmq_setsockopt(socket_, ZMQ_RECONNECT_IVL_MAX, &longest_pause_ms, sizeof longest_pause_ms);
  zmq_setsockopt(socket_, ZMQ_SUBSCRIBE, topic.data(), topic.size());
  for (const std::string& endpoint : endpoints) {
    if (zmq_connect(socket_, endpoint.c_str()) == 0) continue;
    const std::string why = zmq_strerror(errno);
    zmq_close(socket_);
    throw Error(Exit::config, fmt::format("zmq: \"{}\" is no endpoint such as tcp://127.0.0.1:28332: {}", endpoint, why));
  }
  thread_ = std::thread([this] { loop(); });
}

// Ends the context first: that wakes the thread, which closes the socket, which termination waits for.
ZmqListener::~ZmqListener() {
  zmq_ctx_shutdown(context_.get());
  if (thread_.joinable()) thread_.join();
}

void ZmqListener::loop() {
  for (std::array<std::string, 3> parts; receive(socket_, parts);) {
    if (parts[0] == topic && parts[1].size() == 32)
      on_block_();
    else
      log::debug("zmq_noise", {{"bytes", parts[1].size()}});
  }
  zmq_close(socket_);
}

}  // namespace hh::pool
