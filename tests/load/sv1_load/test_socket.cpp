#include <arpa/inet.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "moment.h"
#include "socket.h"

using namespace hh;
using namespace hh::load;

namespace {

struct Listener {
  FileHandle fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  Options options;
  Listener() {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof a;
    REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&a), size) == 0);
    REQUIRE(::listen(fd.get(), 10) == 0);
    REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&a), &size) == 0);
    options.target_address = INADDR_LOOPBACK;
    options.target_port = ntohs(a.sin_port);
  }
  FileHandle accept(sockaddr_in& peer) const {
    socklen_t size = sizeof peer;
    return FileHandle(::accept4(fd.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC));
  }
};

}  // namespace

TEST_CASE("connections come from loopback addresses of their own, as many as there are", "[socket]") {
  Options o;
  std::set<uint32_t> seen;
  for (uint64_t i = 0; i < 100'000; ++i) {
    const uint32_t a = source_address(o, i);
    REQUIRE(a >> 24 == 127);
    REQUIRE((a & 0xff) != 0);
    REQUIRE((a & 0xff) != 255);
    REQUIRE((a >> 16 & 0xff) != 0);
    seen.insert(a);
  }
  CHECK(seen.size() == 100'000);
  o.per_address = 200;
  CHECK(source_address(o, 199) == source_address(o, 0));
  CHECK(source_address(o, 200) != source_address(o, 0));
}

TEST_CASE("lines arrive whole, however they were cut, with the time at which the kernel had them", "[socket]") {
  Listener listener;
  Socket s;
  REQUIRE(s.connect(listener.options, 7));
  sockaddr_in peer{};
  const FileHandle server = listener.accept(peer);
  REQUIRE(server);
  CHECK(ntohl(peer.sin_addr.s_addr) == source_address(listener.options, 7));
  std::vector<std::string> lines;
  uint64_t arrived = 0;
  const auto read = [&] {
    return s.read_lines([&](std::string_view line, uint64_t at) { lines.emplace_back(line), arrived = at; });
  };
  CHECK(read() == Socket::Read::nothing);
  const auto say = [&](std::string_view text) { write_all(server.get(), text, "test"); };
  say("one\ntw");
  CHECK(read() == Socket::Read::data);
  CHECK(lines == std::vector<std::string>{"one"});
  say("o");
  CHECK(read() == Socket::Read::data);
  const uint64_t before = now_us();
  say("\n\nthree\n");
  const uint64_t after = now_us();
  sleep_us(30'000);  // a reader that is late
  CHECK(read() == Socket::Read::data);
  CHECK(lines == std::vector<std::string>{"one", "two", "", "three"});
  CHECK(arrived + 1000 >= before);
  CHECK(arrived <= after + 1000);
  CHECK(s.send("hello\n"));
  ::shutdown(server.get(), SHUT_RDWR);
  while (read() == Socket::Read::nothing) sleep_us(1000);
  CHECK(read() == Socket::Read::closed);
}
