// Properties of many seeded random rounds: exact sums, independence of order, and money that is never lost between rounds. [C044][C121][C123]
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>

#include "payout/manifest.h"
#include "payout/test_rounds.h"

using namespace hh;
using namespace hh::payout;
using namespace hh::payout::test;

namespace {

records::Round random_round(std::mt19937_64& rng, std::map<std::string, Msat>& balances) {
  std::vector<records::RoundMiner> miners;
  const size_t n = 1 + rng() % 30;
  for (size_t i = 0; i < n; ++i) {
    const std::string name = "m" + std::to_string(rng() % 60);
    if (std::any_of(miners.begin(), miners.end(), [&](const auto& m) { return m.miner == name; })) continue;
    miners.push_back(miner(name, 1 + rng() % 1000, 1 + rng() % (uint64_t{1} << (1 + rng() % 62)), balances[name].count(), rng() % 4 != 0));
  }
  const std::string finder = miners[rng() % miners.size()].miner;
  for (const auto& [account, balance] : balances)
    if (const std::string& name = account; balance > Msat(0) && std::none_of(miners.begin(), miners.end(), [&](const auto& m) { return m.miner == name; }))
      miners.push_back(miner(name, 0, 0, balance.count(), rng() % 4 != 0));
  const int64_t subsidy = static_cast<int64_t>(rng() % 5'000'000'000) >> (rng() % 33);
  auto r = round_of(std::move(miners), subsidy, static_cast<int64_t>(rng() % 10'000'000));
  r.block->miner = finder;
  r.block->fee_to = rng() % 2 != 0 ? FeeTo::manifest : FeeTo::coinbase;
  return r;
}

}  // namespace

TEST_CASE("property: carry is conserved across 50 rounds in a row [C044][C123]", "[C044][C123]") {
  std::mt19937_64 rng(50);
  for (int run = 0; run < 10; ++run) {
    std::map<std::string, Msat> balances;
    Msat earned, paid;
    for (int i = 0; i < 50; ++i) {
      const auto r = random_round(rng, balances);
      const Payout p = compute_round(r, {});
      for (const Line& line : p.lines) {
        earned += line.earned + line.fees;
        paid += line.pay;
        balances[line.account.substr(6)] = line.carried_out;
      }
      CHECK(p.operator_share + p.node_pool + p.earned() == p.subsidy);
      CHECK(p.carried_in() + p.earned() + (p.fee_to == FeeTo::manifest ? p.fees : Msat(0)) == p.pay() + p.carried_out());
    }
    Msat left;
    for (const auto& [name, balance] : balances) left += balance;
    CHECK(earned == paid + left);
  }
}

TEST_CASE("property: the order of miners changes no byte of the manifest [C044][C123]", "[C044][C123]") {
  std::mt19937_64 rng(7);
  for (int trial = 0; trial < 100; ++trial) {
    std::map<std::string, Msat> balances;
    auto r = random_round(rng, balances);
    const std::string bytes = manifest_bytes(compute_round(r, {}));
    for (int i = 0; i < 3; ++i) {
      std::shuffle(r.miners.begin(), r.miners.end(), rng);
      CHECK(manifest_bytes(compute_round(r, {})) == bytes);
    }
  }
}

TEST_CASE("property: the order of nodes changes no byte of the manifest [C045]", "[C045]") {
  std::mt19937_64 rng(8);
  std::vector<NodeFacts> nodes;
  for (int i = 0; i < 40; ++i) nodes.push_back(node("n" + std::to_string(i), rng() % 3 != 0));
  const std::string bytes = manifest_bytes(compute_cycle(cycle_of(123'456'789), {}, nodes));
  for (int i = 0; i < 20; ++i) {
    std::shuffle(nodes.begin(), nodes.end(), rng);
    CHECK(manifest_bytes(compute_cycle(cycle_of(123'456'789), {}, nodes)) == bytes);
  }
}

TEST_CASE("property: more work never earns less, and a share more never costs [C044]", "[C044]") {
  std::mt19937_64 rng(9);
  for (int trial = 0; trial < 100; ++trial) {
    std::map<std::string, Msat> balances;
    auto r = random_round(rng, balances);
    const Payout before = compute_round(r, {});
    for (const Line& a : before.lines)
      for (const Line& b : before.lines)
        if (a.work > b.work && a.earned < b.earned) FAIL(a.account << " has more work than " << b.account << " and earns less");
    records::RoundMiner& lucky = r.miners[rng() % r.miners.size()];
    const std::string account = "miner:" + lucky.miner;
    lucky.work += bitcoin::Work(1 + rng() % 1000);
    CHECK(compute_round(r, {}).find(account)->earned >= before.find(account)->earned);
  }
}
