// From a round to its payout: fees, finder, carry, minimum, schemes, states; and the node pool's cycle.
#include <catch2/catch.hpp>

#include <algorithm>

#include "payout/payout.h"
#include "payout/test_rounds.h"

using namespace hh;
using namespace hh::payout;
using namespace hh::payout::test;
using bitcoin::Uint128;

TEST_CASE("round: 0.5 % operator, 0.5 % node pool, 99 % miners by work, fees to the finder [C044][C070][C123][L024][L026]",
          "[C044][C070][C123][L024][L026]") {
  const Payout p = compute_round(round_of({miner("alice", 1, 100), miner("bob", 3, 300)}, 312'500'000, 4'321'000), {});
  CHECK(p.operator_share == Msat(1'562'500'000));
  CHECK(p.node_pool == Msat(1'562'500'000));
  CHECK(p.lines[0].earned == Msat(77'343'750'000));
  CHECK(p.lines[1].earned == Msat(232'031'250'000));
  CHECK(p.lines[0].fees == Msat(4'321'000'000));
  CHECK(p.lines[1].fees == Msat(0));
  CHECK(p.lines[0].pay == Msat(81'664'750'000));
  CHECK(p.earned() + p.operator_share + p.node_pool == p.subsidy);
}

TEST_CASE("round: fees that the coinbase has paid are not paid again [C123][L026]", "[C123][L026]") {
  auto r = round_of({miner("alice", 1, 100), miner("bob", 3, 300)}, 312'500'000, 4'321'000);
  r.block->fee_to = FeeTo::coinbase;
  const Payout p = compute_round(r, {});
  CHECK(p.fees == Msat(4'321'000'000));
  CHECK(p.lines[0].fees == Msat(0));
  CHECK(p.lines[0].pay == Msat(77'343'750'000));
}

TEST_CASE("round: one miner, one share, one satoshi of subsidy [C121]", "[C121]") {
  const Payout p = compute_round(round_of({miner("alice", 1, 1)}, 1), {});
  CHECK(p.operator_share == Msat(5));
  CHECK(p.node_pool == Msat(5));
  CHECK(p.lines[0].earned == Msat(990));
  CHECK(p.lines[0].why == Why::below_minimum);
  CHECK(p.lines[0].carried_out == Msat(990));
}

TEST_CASE("round: subsidies after every halving add up, down to none [C121]", "[C121]") {
  for (int halvings = 0; halvings < 64; ++halvings) {
    const int64_t subsidy = halvings < 33 ? int64_t{5'000'000'000} >> halvings : 0;
    const Payout p = compute_round(round_of({miner("alice", 3, 5), miner("bob", 2, 7), miner("carol", 1, 9)}, subsidy, 17), {});
    CHECK(p.operator_share + p.node_pool + p.earned() == to_msat(Sat(subsidy)));
    CHECK(p.lines[0].fees == Msat(17'000));
  }
}

TEST_CASE("round: no fees [C121]", "[C121]") {
  const Payout p = compute_round(round_of({miner("alice", 1, 1), miner("bob", 1, 1)}, 5'000'000'000, 0), {});
  CHECK(std::all_of(p.lines.begin(), p.lines.end(), [](const Line& line) { return line.fees == Msat(0); }));
}

TEST_CASE("round: rates from nothing to everything [C070][C121]", "[C070][C121]") {
  Policy none, all;
  none.operator_ppm = none.node_pool_ppm = 0;
  all.operator_ppm = 600'000, all.node_pool_ppm = 400'000;
  const auto r = round_of({miner("alice", 1, 1), miner("bob", 1, 2)}, 100'000, 3);
  CHECK(compute_round(r, none).earned() == Msat(100'000'000));
  CHECK(compute_round(r, all).earned() == Msat(0));
  CHECK(compute_round(r, all).operator_share == Msat(60'000'000));
}

TEST_CASE("round: ten thousand miners and works near 2^120 [C121][C123]", "[C121][C123]") {
  std::vector<records::RoundMiner> miners;
  for (int i = 0; i < 10'000; ++i) miners.push_back(miner("m" + std::to_string(100'000 + i), 1, (Uint128{1} << 113) / static_cast<Uint128>(1 + i % 97) + static_cast<Uint128>(i)));
  const Payout p = compute_round(round_of(std::move(miners)), {});
  CHECK(p.operator_share + p.node_pool + p.earned() == p.subsidy);
  CHECK(p.lines.size() == 10'000);
}

TEST_CASE("round: what is paid are whole units, at least the minimum, where there is a destination [C123]", "[C123]") {
  const auto line_with = [](int64_t carried, bool has_destination, Policy policy = {}) {
    return compute_round(round_of({miner("finder", 1, 1), miner("x", 0, 0, carried, has_destination)}), policy).lines[1];
  };
  CHECK(line_with(999'999, true).why == Why::below_minimum);
  CHECK(line_with(999'999, true).carried_out == Msat(999'999));
  CHECK(line_with(1'000'000, true).pay == Msat(1'000'000));
  CHECK(line_with(1'000'999, true).pay == Msat(1'000'000));
  CHECK(line_with(1'000'999, true).carried_out == Msat(999));
  CHECK(line_with(1'000'000, false).why == Why::no_destination);
  CHECK(line_with(1'000'000, false).carried_out == Msat(1'000'000));
  CHECK(line_with(0, true).why == Why::below_minimum);

  Policy fine;
  fine.pay_unit = Msat(1);
  CHECK(line_with(1'000'999, true, fine).pay == Msat(1'000'999));
  Policy coarse;
  coarse.pay_unit = Msat(1'000'000), coarse.min_payout = Sat(1'500);
  CHECK(line_with(1'999'999, true, coarse).why == Why::below_minimum);
  CHECK(line_with(2'999'999, true, coarse).pay == Msat(2'000'000));
}

TEST_CASE("round: destinations are shown only where something is paid to them [C044]", "[C044]") {
  const Payout p = compute_round(round_of({miner("finder", 1, 1), miner("x", 0, 0, 5)}), {});
  CHECK(p.lines[0].destination.has_value());
  CHECK_FALSE(p.lines[1].destination.has_value());
}

TEST_CASE("round: only a closed one is paid [C044][C123]", "[C044][C123]") {
  auto r = round_of({miner("alice", 1, 1)});
  for (const auto status : {records::RoundStatus::open, records::RoundStatus::confirming, records::RoundStatus::mature}) {
    r.status = status;
    CHECK(has(refusal(Exit::temp_fail, [&] { compute_round(r, {}); }), "not closed"));
  }
  r.status = records::RoundStatus::orphaned;
  CHECK(has(refusal(Exit::data, [&] { compute_round(r, {}); }), "orphaned"));
}

TEST_CASE("round: a scheme or factor other than the policy's is refused [C044]", "[C044]") {
  auto r = round_of({miner("alice", 1, 1)});
  Policy pplns;
  pplns.scheme = Scheme::pplns;
  CHECK(has(refusal(Exit::config, [&] { compute_round(r, pplns); }), "scheme prop, the policy says pplns"));
  r.scheme = Scheme::pplns;
  CHECK(has(refusal(Exit::data, [&] { compute_round(r, pplns); }), "no window"));
  r.pplns = records::PplnsWindow{3, bitcoin::Work(30), bitcoin::Work(1)};
  CHECK(has(refusal(Exit::config, [&] { compute_round(r, pplns); }), "factor 3, the policy says 2"));
  r.pplns->factor = 2;
  CHECK(compute_round(r, pplns).earned() == Msat(4'950'000'000'000));
}

TEST_CASE("round: a round that cannot be is refused [C044]", "[C044]") {
  CHECK(has(refusal(Exit::data, [] { compute_round(round_of({miner("alice", 0, 0, 5)}), {}); }), "no work"));
  auto stranger = round_of({miner("alice", 1, 1)}, 5'000'000'000, 5);
  stranger.block->miner = "bob";
  CHECK(has(refusal(Exit::data, [&] { compute_round(stranger, {}); }), "finder"));
  auto bad_destination = round_of({miner("alice", 1, 1)});
  bad_destination.miners[0].destination->value = "nobody";
  CHECK(has(refusal(Exit::data, [&] { compute_round(bad_destination, {}); }), "line 0: its destination (lnaddress) has no @"));
  auto twice = round_of({miner("alice", 1, 1), miner("alice", 1, 1)});
  CHECK(has(refusal(Exit::data, [&] { compute_round(twice, {}); }), "each account once"));
  auto unmarked = round_of({miner("alice", 1, 1)});
  unmarked.chain = records::Network::dev;
  CHECK(has(refusal(Exit::data, [&] { compute_round(unmarked, {}); }), "simulated"));
}

TEST_CASE("cycle: an even part for each eligible node, the rest stays in the pool [C045][C072][L024]", "[C045][C072][L024]") {
  const Payout p = compute_cycle(cycle_of(10'000'001), {}, {node("b"), node("c", false), node("a"), node("d")});
  REQUIRE(p.lines.size() == 3);
  CHECK(p.eligible_nodes == 3);
  CHECK(p.lines[0].account == "node:a");
  for (const Line& line : p.lines) CHECK(line.earned == Msat(3'333'333));
  CHECK(p.node_pool_remainder == Msat(2));
  CHECK(p.lines[0].pay == Msat(3'333'000));
  CHECK(p.lines[0].carried_out == Msat(333));
}

TEST_CASE("cycle: no eligible node, nothing is earned and all stays in the pool [C045]", "[C045]") {
  const Payout p = compute_cycle(cycle_of(10'000'001), {}, {node("a", false)});
  CHECK(p.lines.empty());
  CHECK(p.node_pool_remainder == Msat(10'000'001));
  CHECK(compute_cycle(cycle_of(0), {}, {}).lines.empty());
}

TEST_CASE("cycle: fewer msat than nodes [C045][C121]", "[C045][C121]") {
  const Payout p = compute_cycle(cycle_of(2), {}, {node("a"), node("b"), node("c")});
  CHECK(p.earned() == Msat(0));
  CHECK(p.node_pool_remainder == Msat(2));
}

TEST_CASE("cycle: balances of nodes that are not eligible are carried or paid, never lost [C045]", "[C045]") {
  const Payout p = compute_cycle(cycle_of(1'000, {{"gone", Msat(5)}, {"late", Msat(2'000'500)}}), {}, {node("a"), node("late", false)});
  REQUIRE(p.lines.size() == 3);
  CHECK(p.find("node:gone")->carried_out == Msat(5));
  CHECK(p.find("node:late")->earned == Msat(0));
  CHECK(p.find("node:late")->pay == Msat(2'000'000));
  CHECK(p.find("node:a")->earned == Msat(1'000));
}

TEST_CASE("cycle: an open cycle and a node that is listed twice are refused [C045]", "[C045]") {
  auto open = cycle_of(5);
  open.closed = false;
  CHECK(has(refusal(Exit::temp_fail, [&] { compute_cycle(open, {}, {}); }), "open"));
  CHECK(has(refusal(Exit::data, [&] { compute_cycle(cycle_of(5), {}, {node("a"), node("a")}); }), "twice"));
}
