// Round and cycle records: written and read back alike, and refused where they contradict themselves. [C043][C045]
#include <catch2/catch.hpp>

#include "base/error.h"
#include "records/miner.h"
#include "records/round.h"

using namespace hh;
using namespace hh::records;

namespace {

Round sample() {
  Round r;
  r.chain = Network::regtest, r.round = 3, r.status = RoundStatus::closed;
  r.merkle_root = std::string(64, 'a');
  r.cuts = {{"pool-a", 1, 10}, {"pool-b", 5, 4}};
  r.block = RoundBlock{101, std::string(64, '0'), 0x207fffff, 1700000000000, Sat(5'000'000'000), Sat(1000), FeeTo::manifest, "alice", 100};
  r.miners = {{"alice", 3, Work(30), Msat(5), Destination{DestinationKind::lnaddress, "alice@example.com"}}, {"bob", 0, Work(0), Msat(7), {}}};
  r.shares = 3, r.work = Work(30);
  return r;
}

bool refused(Round r) {
  try {
    parse_round(json::parse(round_line(r)));
  } catch (const Error& e) {
    return e.code() == Exit::data;
  }
  return false;
}

}  // namespace

TEST_CASE("a round is read back as it was written", "[C043]") {
  Round r = sample();
  CHECK(round_line(parse_round(json::parse(round_line(r)))) == round_line(r));
  r.scheme = Scheme::pplns;
  r.pplns = PplnsWindow{2, Work(60), Work(1)};
  r.simulated = true;
  CHECK(round_line(parse_round(json::parse(round_line(r)))) == round_line(r));
}

TEST_CASE("a round that contradicts itself is refused", "[C043]") {
  const auto with = [](auto change) {
    Round r = sample();
    change(r);
    return r;
  };
  CHECK_FALSE(refused(sample()));
  CHECK(refused(with([](Round& r) { r.shares = 4; })));
  CHECK(refused(with([](Round& r) { r.work = Work(31); })));
  CHECK(refused(with([](Round& r) { std::swap(r.miners[0], r.miners[1]); })));
  CHECK(refused(with([](Round& r) { r.miners[1].miner = "alice"; })));
  CHECK(refused(with([](Round& r) { r.merkle_root.reset(); })));
  CHECK(refused(with([](Round& r) { r.block.reset(); })));
  CHECK(refused(with([](Round& r) { r.chain = Network::dev; })));
  CHECK(refused(with([](Round& r) { std::swap(r.cuts[0], r.cuts[1]); })));
  CHECK(refused(with([](Round& r) { r.miners[0].carried = Msat(-1); })));
  CHECK(refused(with([](Round& r) { r.round = 0; })));
}

TEST_CASE("a miner's destination is read with its form, and an error names the miner", "[C043][C074]") {
  Round r = sample();
  r.miners[0].destination->value = "alice@";
  CHECK_THROWS_WITH(parse_round(json::parse(round_line(r))), Catch::Contains("destination of miner alice: lnaddress \"alice@\" has no host"));
  r.miners[0].destination->value = "";
  CHECK_THROWS_WITH(parse_round(json::parse(round_line(r))), Catch::Contains("destination of miner alice"));
}

TEST_CASE("a cycle is seven days since the epoch", "[C045]") {
  Cycle c;
  c.chain = Network::main, c.cycle = 2811, c.node_pool = Msat(5), c.nodes = {{"node-1", Msat(0)}};
  CHECK(c.start_ms() == int64_t{2811} * 604'800'000);
  CHECK(cycle_line(parse_cycle(json::parse(cycle_line(c)))) == cycle_line(c));
  std::string wrong = cycle_line(c);
  wrong.replace(wrong.find("2811"), 4, "2812");
  CHECK_THROWS_AS(parse_cycle(json::parse(wrong)), Error);
}

TEST_CASE("a miner is read back as it was written", "[C043]") {
  Miner m{"alice", "bc1qxyz", Destination{DestinationKind::lnaddress, "alice@example.com"}};
  CHECK(parse_miner(json::parse(miner_line(m))) == m);
  CHECK(miner_line(parse_miner(json::parse(R"({"type":"miner","v":1,"miner":"bob"})"))) == R"({"type":"miner","v":1,"miner":"bob"})");
  CHECK_THROWS_AS(parse_miner(json::parse(R"({"type":"miner","v":1,"miner":"bob","destination":{"kind":"cash","value":"x"}})")), Error);
}
