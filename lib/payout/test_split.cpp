// The largest-remainder split: vectors worked out by hand, boundaries, and properties of seeded random splits. [C070][C121][L024][L080]
#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>
#include <random>

#include "payout/split.h"
#include "payout/test_rounds.h"

using namespace hh;
using namespace hh::payout;
using bitcoin::Uint128;
using bitcoin::Work;

namespace {

std::vector<Work> works(std::initializer_list<uint64_t> list) {
  std::vector<Work> out;
  for (const uint64_t w : list) out.emplace_back(w);
  return out;
}

std::vector<int64_t> split(int64_t pool, const std::vector<Work>& weights) {
  std::vector<int64_t> out;
  for (const Part& p : split_largest_remainder(Msat(pool), weights)) out.push_back(p.amount.count());
  return out;
}

int64_t sum(const std::vector<int64_t>& v) { return std::accumulate(v.begin(), v.end(), int64_t{0}); }

using Amounts = std::vector<int64_t>;

}  // namespace

TEST_CASE("split: the worked examples of split.h [C070][L024]", "[C070][L024]") {
  CHECK(split(100, works({1, 1, 4})) == Amounts{17, 17, 66});
  CHECK(split(100, works({1, 2, 4})) == Amounts{14, 29, 57});
}

TEST_CASE("split: boundaries [C121][L080]", "[C121][L080]") {
  CHECK(split(1, works({5})) == Amounts{1});
  CHECK(split(1, works({1, 1})) == Amounts{1, 0});
  CHECK(split(1, works({1, 2})) == Amounts{0, 1});
  CHECK(split(0, works({1, 2})) == Amounts{0, 0});
  CHECK(split(0, {}).empty());
  CHECK(split(0, works({0})) == Amounts{0});
  CHECK(split(10, works({0, 3, 0})) == Amounts{0, 10, 0});
  CHECK(split(2, works({1, 1, 1})) == Amounts{1, 1, 0});  // rounding to nearest would pay 3
  CHECK(split(4'950'000'000'000, works({100, 200, 400})) == Amounts{707142857143, 1414285714286, 2828571428571});
}

TEST_CASE("split: what cannot be divided is refused [C121]", "[C121]") {
  CHECK(test::has(test::refusal(Exit::data, [] { split(1, works({0, 0})); }), "no work"));
  CHECK(test::has(test::refusal(Exit::data, [] { split(1, {}); }), "no work"));
  CHECK(test::has(test::refusal(Exit::data, [] { split(-1, works({1})); }), "negative"));
  CHECK_THROWS_AS(split(1, {Work::max(), Work(1)}), Error);  // the sum of work overflows
}

TEST_CASE("split: huge works near 2^120 and 2^127 are exact [C121]", "[C121]") {
  const Work big(Uint128{1} << 120), bigger((Uint128{1} << 120) + 1);
  CHECK(split(3, {big, bigger}) == Amounts{1, 2});
  CHECK(split(9'007'199'254'740'991, {Work::max()}) == Amounts{9'007'199'254'740'991});
  const Work half(Work::max().hashes() / 2);
  CHECK(split(9'007'199'254'740'991, {half, half}) == Amounts{4'503'599'627'370'496, 4'503'599'627'370'495});
}

TEST_CASE("split: equal remainders go to the first names, one msat each [C121]", "[C121]") {
  const std::vector<Work> equal(10'000, Work(77));
  const auto parts = split(4'950'000'000'001, equal);
  CHECK(sum(parts) == 4'950'000'000'001);
  CHECK(parts.front() == 495'000'001);
  CHECK(std::all_of(parts.begin() + 1, parts.end(), [](int64_t n) { return n == 495'000'000; }));
}

TEST_CASE("split: parts per million are rounded down [C070]", "[C070]") {
  CHECK(part_per_million(Msat(199), 5000) == Msat(0));
  CHECK(part_per_million(Msat(200), 5000) == Msat(1));
  CHECK(part_per_million(Msat(5'000'000'000'000), 5000) == Msat(25'000'000'000));
  CHECK(part_per_million(to_msat(max_money), 1'000'000) == to_msat(max_money));
  CHECK_THROWS_AS(part_per_million(Msat(-1), 1), Error);
}

TEST_CASE("split: the node pool is divided evenly, the rest stays [C072]", "[C072]") {
  CHECK(split_evenly(Msat(10), 3).each == Msat(3));
  CHECK(split_evenly(Msat(10), 3).remainder == Msat(1));
  CHECK(split_evenly(Msat(2), 3).each == Msat(0));
  CHECK(split_evenly(Msat(2), 3).remainder == Msat(2));
  CHECK(split_evenly(Msat(7), 0).remainder == Msat(7));
}

TEST_CASE("split: seeded random splits are exact, within one msat, monotone and independent of order [C070][C121]", "[C070][C121]") {
  std::mt19937_64 rng(20261122);
  for (int trial = 0; trial < 300; ++trial) {
    const size_t n = 1 + rng() % 40;
    const unsigned bits = 1 + static_cast<unsigned>(rng() % 119);
    std::vector<Work> weights;
    for (size_t i = 0; i < n; ++i) weights.emplace_back(((Uint128{rng()} << 64 | rng()) >> (128 - bits)) % (Uint128{1} << bits));
    weights[rng() % n] = Work(1 + rng() % 100);
    const int64_t pool = static_cast<int64_t>(rng() % (uint64_t{1} << (1 + rng() % 53)));
    const auto parts = split_largest_remainder(Msat(pool), weights);

    Msat total;
    Uint128 remainders = 0;
    Work whole;
    for (const Work w : weights) whole += w;
    for (size_t i = 0; i < n; ++i) {
      total += parts[i].amount;
      remainders += parts[i].rounded_up ? 1u : 0u;
      CHECK(parts[i].remainder < whole);
      if (weights[i] == Work()) CHECK(parts[i].amount == Msat(0));
      for (size_t j = 0; j < n; ++j)
        if (weights[i] > weights[j] && parts[i].amount < parts[j].amount) FAIL("more work got less");
    }
    CHECK(total == Msat(pool));
    CHECK(remainders < n);

    // Another order: each weight gets the same, up to one msat between equals.
    std::vector<size_t> order(n);
    std::iota(order.begin(), order.end(), size_t{0});
    std::shuffle(order.begin(), order.end(), rng);
    std::vector<Work> shuffled;
    for (const size_t i : order) shuffled.push_back(weights[i]);
    auto again = split(pool, shuffled), first = split(pool, weights);
    std::sort(again.begin(), again.end());
    std::sort(first.begin(), first.end());
    CHECK(again == first);
  }
}
