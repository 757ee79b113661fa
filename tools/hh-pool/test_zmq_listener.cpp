#include <zmq.h>

#include <atomic>
#include <catch2/catch.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "zmq_listener.h"

using namespace hh;
using namespace hh::pool;

namespace {

// As bitcoind publishes: topic, hash, little-endian counter.
struct Publisher {
  explicit Publisher(const std::string& endpoint = "tcp://127.0.0.1:*") {
    socket = zmq_socket(context, ZMQ_PUB);
    REQUIRE(zmq_bind(socket, endpoint.c_str()) == 0);
    char text[256];
    size_t size = sizeof text;
    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, text, &size);
    where = text;
  }
  ~Publisher() {
    const int no_linger = 0;
    zmq_setsockopt(socket, ZMQ_LINGER, &no_linger, sizeof no_linger);
    zmq_close(socket);
    zmq_ctx_term(context);
  }
  void publish(const std::string& topic, const std::string& body) {
    zmq_send(socket, topic.data(), topic.size(), ZMQ_SNDMORE);
    zmq_send(socket, body.data(), body.size(), ZMQ_SNDMORE);
    zmq_send(socket, "\1\0\0\0", 4, 0);
  }
  void* context = zmq_ctx_new();
  void* socket = nullptr;
  std::string where;
};

// Publishes until it is heard: a subscription takes a moment.
bool heard(Publisher& p, std::atomic<int>& count) {
  for (int i = 0; i < 500 && count == 0; ++i) {
    p.publish("hashblock", std::string(32, 'x'));
    system_clock().sleep_ms(10);
  }
  return count > 0;
}

}  // namespace

TEST_CASE("ZMQ: a block's hash is heard, noise is not, from each of two nodes and after one restarted", "[C124]") {
  auto one = std::make_unique<Publisher>();
  Publisher two;
  std::atomic<int> count{0};
  ZmqListener listener({one->where, two.where}, [&] { ++count; });
  CHECK(heard(*one, count));
  count = 0;
  CHECK(heard(two, count));
  system_clock().sleep_ms(100);
  count = 0;
  one->publish("hashtx", std::string(32, 'x'));
  one->publish("hashblock", "short");
  one->publish("hashblock", std::string(300, 'x'));
  system_clock().sleep_ms(200);
  CHECK(count == 0);
  const std::string where = one->where;
  one.reset();
  one = std::make_unique<Publisher>(where);
  CHECK(heard(*one, count));
}

TEST_CASE("ZMQ: an endpoint that cannot be one is refused; nobody there is no error", "[C124]") {
  CHECK_THROWS_AS(ZmqListener({"127.0.0.1:28332"}, [] {}), Error);
  const ZmqListener nobody({"tcp://127.0.0.1:1"}, [] {});
}
