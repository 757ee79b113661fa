// Explanations are right to the msat: every number that they state is parsed back and calculated again. [C044][C123]
#include <catch2/catch.hpp>

#include <random>
#include <regex>

#include "payout/explain.h"
#include "payout/test_rounds.h"

using namespace hh;
using namespace hh::payout;
using namespace hh::payout::test;

namespace {

// The msat in the row that starts with name.
int64_t amount(const std::vector<std::string>& text, const std::string& name) {
  for (const std::string& line : text)
    if (line.starts_with("  " + name + " ")) return std::stoll(line.substr(2 + name.size()));
  FAIL("no row " << name);
  return 0;
}

std::string joined(const std::vector<std::string>& text) {
  std::string all;
  for (const std::string& line : text) all += line + "\n";
  return all;
}

}  // namespace

TEST_CASE("explain: the rows add up to what the payout says, for every account of random rounds [C044][C123]", "[C044][C123]") {
  std::mt19937_64 rng(3);
  for (int trial = 0; trial < 30; ++trial) {
    std::vector<records::RoundMiner> miners;
    for (size_t i = 0; i < 1 + rng() % 12; ++i)
      miners.push_back(miner("m" + std::to_string(i), 1 + rng() % 9, 1 + rng() % 100'000, static_cast<int64_t>(rng() % 2'000'000), rng() % 3 != 0));
    const Payout p = compute_round(round_of(std::move(miners), static_cast<int64_t>(rng() % 5'000'000'000), 777), {});
    for (const Line& line : p.lines) {
      const auto text = explain_account(p, line.account);
      CHECK(amount(text, "subsidy") + amount(text, "operator") + amount(text, "node pool") == amount(text, "for miners"));
      CHECK(amount(text, "by work") + amount(text, "rounding") == line.earned.count());
      CHECK(amount(text, "block fees") == line.fees.count());
      CHECK(amount(text, "by work") + amount(text, "rounding") + amount(text, "block fees") + amount(text, "carried in") == amount(text, "due"));
      CHECK(amount(text, "due") == amount(text, "pay") + amount(text, "carried out"));
      CHECK(amount(text, "pay") == line.pay.count());
      std::smatch m;
      const std::string all = joined(text);
      REQUIRE(std::regex_search(all, m, std::regex("by work +([0-9]+) msat   ([0-9]+) x ([0-9]+) / ([0-9]+), remainder ([0-9]+)")));
      __extension__ using Wide = unsigned __int128;
      CHECK(Wide(std::stoull(m[2])) * std::stoull(m[3]) == Wide(std::stoull(m[1])) * std::stoull(m[4]) + std::stoull(m[5]));
    }
  }
}

TEST_CASE("explain: why an account is not paid [C044]", "[C044]") {
  const Payout p = compute_round(round_of({miner("alice", 1, 1), miner("bob", 0, 0, 5), miner("carol", 1, 1, 0, false)}), {});
  CHECK(has(joined(explain_account(p, "miner:bob")), "less than the minimum of 1000000 msat"));
  CHECK(has(joined(explain_account(p, "miner:carol")), "no destination"));
  CHECK(has(joined(explain_account(p, "miner:dave")), "no share"));
  CHECK(has(refusal(Exit::data, [&] { explain_account(p, "alice"); }), "miner:NAME"));
  CHECK(has(refusal(Exit::data, [&] { explain_account(p, "node:alice"); }), "miner:NAME"));
}

TEST_CASE("explain: where the transaction fees went [C044]", "[C044]") {
  auto r = round_of({miner("alice", 1, 1), miner("bob", 1, 1)}, 5'000'000'000, 1000);
  CHECK(has(joined(explain_account(compute_round(r, {}), "miner:alice")), "found the block: all"));
  CHECK(has(joined(explain_account(compute_round(r, {}), "miner:bob")), "another miner"));
  r.block->fee_to = FeeTo::coinbase;
  CHECK(has(joined(explain_account(compute_round(r, {}), "miner:alice")), "on chain"));
}

TEST_CASE("explain: nodes [C045][C071]", "[C045][C071]") {
  const Payout p = compute_cycle(cycle_of(10'000'001), {}, {node("a"), node("b", false), node("c"), node("d")});
  const auto text = explain_account(p, "node:a");
  CHECK(amount(text, "earned") == 3'333'333);
  CHECK(has(joined(text), "remainder of 2 msat stays"));
  CHECK(has(joined(explain_account(p, "node:b")), "not eligible"));
  CHECK(has(joined(explain_node(p, node("b", false))), "up for 0 of 120960 samples, 114912 are needed"));
}

TEST_CASE("explain: the first difference of two payouts is named [C093]", "[C093]") {
  const auto r = round_of({miner("alice", 1, 1), miner("bob", 1, 1)});
  Payout a = compute_round(r, {}), b = a;
  b.merkle_root = std::string(64, 'b');
  CHECK(has(first_difference(a, b), "merkle_root is \"aaa"));
  b = a;
  b.lines[1].why = Why::no_destination;
  CHECK(has(first_difference(a, b), "line 1: why"));
}
