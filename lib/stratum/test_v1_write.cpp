#include <catch2/catch.hpp>

#include "stratum/v1.h"

using namespace hh;
using namespace hh::stratum::v1;

namespace {

template <class T>
T read(Parser& p, std::string line) {
  INFO(line);
  REQUIRE(line.back() == '\n');
  line.pop_back();
  CHECK(line.find('\n') == std::string::npos);
  auto parsed = p.server_message(line);
  if (const auto* bad = std::get_if<ParseFailure>(&parsed.value)) FAIL(bad->reason);
  auto& m = std::get<ServerMessage>(parsed.value);
  REQUIRE(std::holds_alternative<T>(m));
  return std::get<T>(m);
}

}  // namespace

TEST_CASE("what the pool writes is what a miner reads [C125]", "[C125]") {
  Parser p;
  const Bytes e1{1, 2, 3, 4};
  const auto subscribed = read<Response>(p, subscribe_result("7", e1, 8));
  CHECK(subscribed.ok);
  CHECK(subscribed.id == 7);
  REQUIRE(subscribed.subscribed);
  CHECK(subscribed.subscribed->extranonce1 == e1);
  CHECK(subscribed.subscribed->extranonce2_size == 8);

  Configure asked;
  asked.version_rolling = asked.subscribe_extranonce = true;
  CHECK(configure_result("1", asked, 0x1fffe000) ==
        R"({"id":1,"result":{"version-rolling":true,"version-rolling.mask":"1fffe000","subscribe-extranonce":true},"error":null})" "\n");
  CHECK(read<Response>(p, configure_result("1", asked, 0x1fffe000)).version_mask == 0x1fffe000u);
  CHECK_FALSE(read<Response>(p, configure_result("1", asked, std::nullopt)).version_mask);

  const auto refused = read<Response>(p, error_line("3", Code::duplicate, "Duplicate \"share\"\n"));
  CHECK_FALSE(refused.ok);
  CHECK(refused.error_code == 22);
  CHECK(refused.error_text == "Duplicate \"share\"\n");
  CHECK(read<Response>(p, true_line("3")).ok);
  CHECK(read<ShowMessage>(p, show_message_line("hello")).text == "hello");
  CHECK(read<SetVersionMask>(p, set_version_mask_line(0x1000)).mask == 0x1000);
  auto again = read<Reconnect>(p, reconnect_line());
  CHECK(again.host.empty());
  CHECK(again.port == 0);
  again = read<Reconnect>(p, reconnect_line("pool.example.org", 3334, 5));
  CHECK(again.host == "pool.example.org");
  CHECK(again.port == 3334);
  CHECK(again.wait_seconds == 5);
  CHECK(reconnect_line("pool.example.org", 3334, 5) == R"({"id":null,"method":"client.reconnect","params":["pool.example.org",3334,5]})" "\n");
  CHECK(get_version_line(3) == R"({"id":3,"method":"client.get_version","params":[]})" "\n");
  CHECK(ping_line(4) == R"({"id":4,"method":"mining.ping","params":[]})" "\n");
}

TEST_CASE("difficulties keep their value on the wire [X060]", "[X060]") {
  Parser p;
  for (const uint64_t units : {uint64_t{1}, uint64_t{2}, uint64_t{3} << 20, uint64_t{1} << 32, uint64_t{16384} << 32, UINT64_MAX}) {
    const auto d = bitcoin::Difficulty(units).for_wire();
    CHECK(read<SetDifficulty>(p, set_difficulty_line(d)).difficulty == d);
  }
}

TEST_CASE("a job is the same on both sides [C124]", "[C124]") {
  Parser p;
  bitcoin::Hash256 prev, leaf;
  for (size_t i = 0; i < 32; ++i) prev.bytes[i] = static_cast<uint8_t>(i), leaf.bytes[i] = static_cast<uint8_t>(0xff - i);
  const Bytes c1{0xaa, 0xbb}, c2{0xcc};
  const auto halves = notify_halves("a1", prev, c1, {leaf, prev}, 0x20000000, 0x1d00ffff, 0x12345678, true);
  const std::string line = halves.first + to_hex(c2) + halves.second;
  CHECK(line.find("0302010007060504") != std::string::npos);  // words swapped
  const auto n = read<Notify>(p, line);
  CHECK(n.job == "a1");
  CHECK(n.prev_hash == prev);
  CHECK(n.coinbase1 == c1);
  CHECK(n.coinbase2 == c2);
  CHECK(n.branch == std::vector{leaf, prev});
  CHECK(n.version == 0x20000000);
  CHECK(n.bits == 0x1d00ffff);
  CHECK(n.ntime == 0x12345678);
  CHECK(n.clean);
}

TEST_CASE("a miner's lines are what the pool reads [C125]", "[C125]") {
  Parser p;
  const auto line = submit_line(9, {"u.w", "a1", Bytes{0, 1}, 0x5, 0x6, 0x2000});
  CHECK(line == R"({"id":9,"method":"mining.submit","params":["u.w","a1","0001","00000005","00000006","00002000"]})" "\n");
  const auto parsed = p.request(line.substr(0, line.size() - 1));
  const auto& s = std::get<Submit>(std::get<Request>(parsed.value));
  CHECK(s.version_bits == 0x2000u);
  CHECK(std::holds_alternative<Request>(p.request(authorize_line(1, "\"\\\x01", "x")).value));
}
