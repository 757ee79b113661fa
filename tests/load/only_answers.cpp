// The least that a Stratum V1 server can do, as a measure for hh-pool: it says yes to every submit without looking at it, stores nothing, and
// gives everybody the same notify, again when the node has a new tip. One thread, epoll, one recv and one send for what a client sends at
// once. What hh-pool costs beyond this is what its work costs; what this costs is the kernel's price.
//
// only_answers RPC_URL COOKIE_FILE [SENDERS]   prints {"type":"only_answers","v":1,"listen":"127.0.0.1:PORT"} and serves until it is ended
//
// SENDERS (1): so many threads send a new notify, each to its share of the clients: whether a machine has a gain from it.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "base/daemon.h"
#include "base/error.h"
#include "http/bitcoin_rpc.h"
#include "net/endpoint.h"
#include "stratum/v1.h"

namespace {

using namespace hh;
namespace v1 = stratum::v1;

const bitcoin::Difficulty least_difficulty(1);  // 2^-32

// As long as hh-pool's, for an empty block.
std::string notify_line(uint64_t number, const bitcoin::Hash256& tip) {
  const Bytes coinbase1(60, 1), coinbase2(200, 2);
  const auto halves = v1::notify_halves(std::to_string(number), tip, coinbase1, {}, 0x20000000, 0x1d00ffff, 1'800'000'000, true);
  std::string hex(2 * coinbase2.size(), '0');
  return halves.first + hex + halves.second;
}

class Server {
 public:
  explicit Server(size_t senders) : senders_(senders), epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_NONBLOCK)), listener_(net::listen_on(net::Endpoint::parse("127.0.0.1:0", "listen"))) {
    watch(listener_.get());
    watch(wake_.get());
  }
  std::string address() const { return net::Endpoint::of_socket(listener_.get()).text(); }

  void new_tip(const bitcoin::Hash256& tip) {
    {
      std::lock_guard lock(mutex_);
      tip_ = tip;
    }
    const uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof one);
  }

  void run() {
    std::vector<epoll_event> events(512);
    while (true) {
      const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < n; ++i) {
        const int fd = events[static_cast<size_t>(i)].data.fd;
        if (fd == listener_.get()) accept();
        else if (fd == wake_.get()) notify_all();
        else read(fd);
      }
    }
  }

 private:
  void watch(int fd) {
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.fd = fd;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &e) != 0) throw Error(Exit::io, "epoll_ctl: " + reason(errno));
  }
  void accept() {
    while (true) {
      const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int one = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      watch(fd);
      if (partial_.size() <= static_cast<size_t>(fd)) partial_.resize(static_cast<size_t>(fd) + 1);
      clients_.push_back(fd);
    }
  }
  void notify_all() {
    uint64_t count = 0;
    [[maybe_unused]] const auto n = ::read(wake_.get(), &count, sizeof count);
    std::lock_guard lock(mutex_);
    notify_ = notify_line(++jobs_, tip_);
    std::vector<std::thread> helpers;
    for (size_t i = 1; i < senders_; ++i) helpers.emplace_back([this, i] { notify_share(i); });
    notify_share(0);
    for (std::thread& helper : helpers) helper.join();
  }
  void notify_share(size_t i) {
    for (; i < clients_.size(); i += senders_) send(clients_[i], notify_);
  }
  // Nobody here is slow enough for a send that does not go out whole.
  void send(int fd, std::string_view what) { [[maybe_unused]] const auto n = ::send(fd, what.data(), what.size(), MSG_NOSIGNAL | MSG_DONTWAIT); }

  void read(int fd) {
    char buffer[65536];
    const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n < 0) return;
    if (n == 0) return leave(fd);
    std::string& partial = partial_[static_cast<size_t>(fd)];
    std::string_view text(buffer, static_cast<size_t>(n));
    if (!partial.empty()) text = partial += text;
    std::string out;
    for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) answer(text.substr(0, end), fd, out);
    std::string rest(text);
    partial.swap(rest);
    if (!out.empty()) send(fd, out);
  }
  void answer(std::string_view line, int fd, std::string& out) {
    const size_t at = line.find("\"id\":"), end = line.find_first_of(",}", at);
    if (at == std::string_view::npos || end == std::string_view::npos) return;
    const v1::Id id(line.substr(at + 5, end - at - 5));
    const auto says = [line](std::string_view method) { return line.find(method) != std::string_view::npos; };
    if (says("\"mining.subscribe\"")) {
      const auto n = static_cast<uint32_t>(fd);
      const std::array<uint8_t, 4> extranonce1{static_cast<uint8_t>(n >> 24), static_cast<uint8_t>(n >> 16), static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n)};
      out += v1::subscribe_result(id, extranonce1, 8);
    } else {
      out += v1::true_line(id);
    }
    if (says("\"mining.authorize\"")) out += v1::set_difficulty_line(least_difficulty) + notify_;
  }
  void leave(int fd) {
    partial_[static_cast<size_t>(fd)].clear();
    std::erase(clients_, fd);
    ::close(fd);
  }

  const size_t senders_;
  FileHandle epoll_, wake_, listener_;
  std::vector<int> clients_;
  std::vector<std::string> partial_;  // by descriptor
  std::string notify_;
  std::mutex mutex_;
  bitcoin::Hash256 tip_;
  uint64_t jobs_ = 0;
};

void follow_tip(Server& server, const char* url, const char* cookie) {
  http::BitcoinRpcConfig config;
  config.url = url;
  config.cookie_file = cookie;
  http::BitcoinRpc rpc(config);
  for (std::string last; !stop_requested();) {
    const std::string tip = rpc.call("getbestblockhash").get<std::string>();
    if (tip != last) server.new_tip(*bitcoin::Hash256::from_display_hex(last = tip));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run_main("only_answers", [&] {
    const int senders = argc == 4 ? std::atoi(argv[3]) : 1;
    if (argc < 3 || argc > 4 || senders < 1 || senders > 64) throw Error(Exit::usage, "usage: only_answers RPC_URL COOKIE_FILE [SENDERS, 1 to 64]");
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    install_signal_flags();
    Server server(static_cast<size_t>(senders));
    std::thread([&server] { server.run(); }).detach();
    std::printf("{\"type\":\"only_answers\",\"v\":1,\"listen\":\"%s\"}\n", server.address().c_str());
    std::fflush(stdout);
    follow_tip(server, argv[1], argv[2]);
    std::_Exit(0);
    return 0;
  });
}
