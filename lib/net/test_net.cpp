// The loop and its streams, over real sockets of this process.
#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "base/error.h"
#include "net/endpoint.h"
#include "net/stream.h"

using namespace hh;
using namespace hh::net;

namespace {

// Takes whole lines, as a server does.
class Lines : public Stream {
 public:
  using Stream::Stream;
  size_t on_bytes(std::string_view all) override {
    const size_t end = all.rfind('\n');
    if (end == std::string_view::npos) return 0;
    got += all.substr(0, end + 1);
    if (echo) send("echo\n");
    return end + 1;
  }
  void on_closed(const char* why) override {
    ++closings;
    closed = why == nullptr ? "all was sent" : why;
  }
  std::string got, closed;
  int closings = 0;
  bool echo = false;
};

struct Pair {
  explicit Pair(StreamLimits l = {}) : limits(l) {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    const int small = 4096;
    ::setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    near = std::make_unique<Lines>(hub, FileHandle(fds[0]), limits);
    far = FileHandle(fds[1]);
  }
  void turn() {
    loop.post([this] { loop.stop(); });
    loop.run();
  }
  void say(std::string_view text) { REQUIRE(::write(far.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())); }
  std::string hear() {
    std::string all(1 << 20, '\0');
    const ssize_t n = ::read(far.get(), all.data(), all.size());
    all.resize(n < 0 ? 0 : static_cast<size_t>(n));
    return all;
  }
  Loop loop;
  StreamHub hub{loop};
  StreamLimits limits;
  std::unique_ptr<Lines> near;
  FileHandle far;
};

}  // namespace

TEST_CASE("a message in pieces is taken when it is whole [C124]", "[C124]") {
  Pair p;
  p.near->start();
  p.say("on");
  p.turn();
  CHECK(p.near->got.empty());
  p.say("e\ntwo\nthr");
  p.turn();
  CHECK(p.near->got == "one\ntwo\n");
  p.say("ee\n");
  p.turn();
  CHECK(p.near->got == "one\ntwo\nthree\n");
}

TEST_CASE("what one turn sends leaves together and in order [C124]", "[C124]") {
  Pair p;
  p.near->start();
  p.near->send("a");
  p.near->send("b");
  CHECK(p.hear().empty());
  p.turn();
  CHECK(p.hear() == "ab");
  p.near->send("c");
  p.near->send_now(std::array<std::string_view, 3>{"d", "", "e"});
  CHECK(p.hear() == "cde");
  p.turn();
  CHECK(p.hear().empty());
}

TEST_CASE("more pieces than one system call takes all leave [C124]", "[C124]") {
  Pair p;
  p.near->start();
  std::vector<std::string_view> pieces(20, "x");
  p.near->send_now(pieces);
  std::string all;
  for (int i = 0; i < 5; ++i) all += p.hear(), p.turn();
  CHECK(all == std::string(20, 'x'));
}

namespace {

// Two milliseconds for the first thing that it receives, as for a handshake; then it passes everything on.
struct DearFilter : StreamFilter {
  const char* receive(std::string_view bytes, std::string& plain, std::string&) override {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(2);
    while (!done && std::chrono::steady_clock::now() < end) {
    }
    done = true;
    plain.append(bytes);
    return nullptr;
  }
  void send(std::span<const std::string_view> pieces, std::string& out) override {
    for (const auto piece : pieces) out.append(piece);
  }
  void end(std::string&) override {}
  bool is_dear() const override { return !done; }
  bool done = false;
};

}  // namespace

TEST_CASE("what is dear to read waits for its turn, in order, and keeps nobody else waiting [C113] [X052]", "[C113][X052]") {
  Pair p;
  p.near->start();
  struct One {
    std::unique_ptr<Lines> near;
    FileHandle far;
  };
  std::vector<One> dear(12);
  for (One& one : dear) {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    one.near = std::make_unique<Lines>(p.hub, FileHandle(fds[0]), p.limits);
    one.far = FileHandle(fds[1]);
    one.near->put_filter(std::make_unique<DearFilter>());
    one.near->start();
    REQUIRE(::write(one.far.get(), "dear\n", 5) == 5);
  }
  const auto served = [&] { return std::count_if(dear.begin(), dear.end(), [](const One& one) { return one.near != nullptr && !one.near->got.empty(); }); };
  p.say("cheap\n");
  p.turn();
  CHECK(p.near->got == "cheap\n");
  CHECK(served() == 1);
  p.turn();
  CHECK(served() == 2);
  p.say("again\n");
  dear[3].near.reset();  // of those in line one goes, and one's peer
  dear[4].far = FileHandle();
  p.turn();
  CHECK(p.near->got == "cheap\nagain\n");
  for (int turns = 0; turns < 20; ++turns) p.turn();
  CHECK(dear[4].near->closed == "the connection broke");
  CHECK(served() == 10);
  for (const One& one : dear) {
    if (one.near == nullptr || !one.near->is_open()) continue;
    REQUIRE(::write(one.far.get(), "more\n", 5) == 5);
  }
  p.turn();
  for (const One& one : dear)
    if (one.near != nullptr && one.near->is_open()) CHECK(one.near->got == "dear\nmore\n");  // cheap now: all in one turn
}

TEST_CASE("who does not read is not read from, and loses nothing [C124]", "[C124]") {
  Pair p(StreamLimits{1 << 20, 16 * 1024});
  p.near->start();
  const std::string much(200'000, 'x');
  p.near->send_now(std::array<std::string_view, 2>{"begin ", much});
  CHECK(p.near->unsent() > 100'000);
  p.say("hello\n");
  p.turn();
  CHECK(p.near->got.empty());
  std::string all;
  for (int i = 0; i < 1000 && p.near->unsent() > 0; ++i) all += p.hear(), p.turn();
  all += p.hear();
  CHECK(all == "begin " + much);
  p.turn();
  CHECK(p.near->got == "hello\n");
}

TEST_CASE("what a peer does not read is bounded [C124]", "[C124]") {
  Pair p(StreamLimits{50'000, 16 * 1024});
  p.near->start();
  p.near->send(std::string(200'000, 'x'));
  p.turn();
  CHECK(p.near->closed == "it does not read what it is sent");
  CHECK(p.near->closings == 1);
  p.near->send("more");  // does nothing
  p.turn();
  CHECK(p.near->closings == 1);
}

TEST_CASE("a goodbye waits until everything was sent [C124]", "[C124]") {
  Pair p(StreamLimits{1 << 20, 16 * 1024});
  p.near->start();
  const std::string much(100'000, 'x');
  p.near->send(much);
  p.near->close_when_sent();
  p.near->send("too late");
  p.say("not read any more\n");
  std::string all;
  for (int i = 0; i < 1000 && p.near->closed.empty(); ++i) p.turn(), all += p.hear();
  all += p.hear();
  CHECK(all == much);
  CHECK(p.near->closed == "all was sent");
  CHECK(p.near->got.empty());
}

TEST_CASE("a peer that goes is noticed once [C124]", "[C124]") {
  Pair p;
  p.near->start();
  p.say("last\nhalf a li");
  p.far = FileHandle();
  p.turn();
  p.turn();
  p.turn();
  CHECK(p.near->got == "last\n");
  CHECK(p.near->closings == 1);
  CHECK(p.near->closed == "the peer closed it");
}

TEST_CASE("a stream moves to another loop in the middle of a message [C124]", "[C124]") {
  Pair p(StreamLimits{1 << 20, 1 << 19});
  p.near->start();
  p.say("one\ntw");
  p.turn();
  const std::string much(100'000, 'y');
  p.near->send_now(std::array<std::string_view, 1>{much});
  p.near->suspend();
  CHECK(p.near->received() == "tw");
  CHECK(!p.near->not_sent().empty());
  p.say("");
  p.turn();
  CHECK(p.near->closings == 0);

  Loop other;
  StreamHub hub(other);
  Lines moved(hub, FileHandle(::dup(p.near->fd())), p.limits);
  moved.echo = true;
  moved.inherit(p.near->received(), p.near->not_sent());
  p.near.reset();  // does not end the connection
  moved.start();
  p.say("o\n");
  std::string all;
  for (int i = 0; i < 1000 && (moved.got.empty() || moved.unsent() > 0); ++i) {
    other.post([&] { other.stop(); });
    other.run();
    all += p.hear();
  }
  all += p.hear();
  CHECK(moved.got == "two\n");
  CHECK(all == much + "echo\n");
}

TEST_CASE("a stream that was suspended goes on [C124]", "[C124]") {
  Pair p;
  p.near->start();
  p.near->suspend();
  p.say("one\n");
  p.turn();
  CHECK(p.near->got.empty());
  p.near->resume();
  p.turn();
  CHECK(p.near->got == "one\n");
}

TEST_CASE("functions of other threads run in order on the loop, and ticks go on [C124]", "[C124]") {
  Loop loop;
  std::vector<int> ran;
  int ticks = 0, turns = 0;
  std::thread::id where;
  loop.at_turn_end([&] { ++turns; });
  loop.every_tick([&] {
    if (++ticks == 2) loop.stop();
  });
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) loop.post([&, i] { ran.push_back(i), where = std::this_thread::get_id(); });
  });
  loop.run();
  other.join();
  loop.run_posted();
  CHECK(where == std::this_thread::get_id());
  CHECK(std::is_sorted(ran.begin(), ran.end()));
  CHECK(ran.size() == 1000);
  CHECK(turns > 2);
}

TEST_CASE("what was buried lives until the turn has ended [C124]", "[C124]") {
  Loop loop;
  auto thing = std::make_shared<int>(7);
  const std::weak_ptr<int> seen = thing;
  bool lived = false;
  loop.post([&] {
    loop.bury(std::move(thing));
    lived = !seen.expired();
    loop.stop();
  });
  loop.run();
  CHECK(lived);
  CHECK(seen.expired());
}

TEST_CASE("endpoints are numbers, and say what is wrong with them [C090]", "[C090]") {
  for (const char* good : {"127.0.0.1:3333", "[::]:0", "[::1]:65535", "0.0.0.0:1"}) CHECK(Endpoint::parse(good, "listen").text() == good);
  for (const char* bad : {"", ":", "3333", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "localhost:1", "::1:80", "[127.0.0.1]:80", "127.0.0.1:1x", "[::1:80"})
    CHECK_THROWS_AS(Endpoint::parse(bad, "listen"), Error);
  CHECK(Endpoint::parse("127.9.9.9:1", "x").is_loopback());
  CHECK(Endpoint::parse("[::1]:1", "x").is_loopback());
  CHECK_FALSE(Endpoint::parse("10.0.0.1:1", "x").is_loopback());
}

TEST_CASE("a port is listened on once, unless it is shared on purpose [C124]", "[C124]") {
  const FileHandle first = listen_on(Endpoint::parse("127.0.0.1:0", "listen"), {64, true});
  const Endpoint at = Endpoint::of_socket(first.get());
  CHECK_THROWS_AS(listen_on(at), Error);
  CHECK(listen_on(at, {64, true}));
}
