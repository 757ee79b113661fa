// Dividing what was earned: sums, rounding, order, and records that say something else than the rule.
#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <random>

#include "base/error.h"
#include "payout/fee_sweep.h"

using namespace hh;
using namespace hh::payout;

namespace {

FeeSweep sweep(int64_t earned, std::vector<SweepPart> parts = {}) {
  FeeSweep s{.simulated = false, .chain = records::Network::regtest, .node = "02ab", .number = 1, .until_ms = 5, .forwards = 2, .earned = Msat(earned), .policy = 1, .parts = std::move(parts), .reserve = {}, .time_ms = 6};
  divide(s);
  return s;
}

}  // namespace

TEST_CASE("a sweep is divided by weight, each part by its rate, and the rest is reinvested (L050 L051)", "[L050][L051]") {
  const FeeSweep none = sweep(7);
  CHECK(none.reserve == Msat(7));
  // By hand: 1001 by 1 : 2 is 333.67 and 667.33; the larger remainder is a's, so 334 and 667. A node that reinvests 60 % may withdraw
  // floor(334 · 0.4) = 133; one that reinvests nothing all of its 667. The reserve has 1001 - 133 - 667.
  const FeeSweep s = sweep(1001, {{"b", 2, 0, {}, {}}, {"a", 1, 600'000, {}, {}}});
  REQUIRE(s.parts.size() == 2);
  CHECK(s.parts[0] == SweepPart{"a", 1, 600'000, Msat(334), Msat(133)});
  CHECK(s.parts[1] == SweepPart{"b", 2, 0, Msat(667), Msat(667)});
  CHECK(s.reserve == Msat(201));
  CHECK(sweep(1, {{"a", 1, 1, {}, {}}}).reserve == Msat(1));  // what may be withdrawn is rounded down
}

TEST_CASE("property: parts and reserve add up to what was earned, whatever the order of the nodes (L050 L051)", "[L050][L051]") {
  std::mt19937_64 rng(51);
  for (int run = 0; run < 2000; ++run) {
    std::vector<SweepPart> parts;
    for (size_t i = 0, n = rng() % 9; i < n; ++i) parts.push_back({"n" + std::to_string(i), 1 + static_cast<int64_t>(rng() % 1'000'000), static_cast<int64_t>(rng() % 1'000'001), {}, {}});
    const auto earned = 1 + static_cast<int64_t>(rng() >> (11 + rng() % 52));
    const FeeSweep s = sweep(earned, parts);
    Msat sum = s.reserve, all;
    for (const SweepPart& p : s.parts) {
      sum += p.withdrawable, all += p.part;
      CHECK(p.withdrawable <= p.part);
      CHECK(p.withdrawable >= Msat(0));
    }
    CHECK(sum == Msat(earned));
    CHECK((parts.empty() || all == Msat(earned)));
    CHECK(s.reserve >= Msat(0));
    std::shuffle(parts.begin(), parts.end(), rng);
    CHECK(sweep(earned, parts) == s);
    CHECK(sweep_from_record(to_record(s)) == s);
  }
}

TEST_CASE("a sweep whose amounts are not those of the rule, or that was changed, is refused (L051)", "[L051]") {
  const FeeSweep good = sweep(1001, {{"a", 1, 600'000, {}, {}}, {"b", 2, 0, {}, {}}});
  const auto refused = [&](const std::function<void(json::Json&)>& spoil) {
    json::Json r = to_record(good);
    spoil(r);
    CHECK_THROWS_AS(sweep_from_record(r), Error);
  };
  refused([](auto& r) { r["reserve_msat"] = 200; });
  refused([](auto& r) { r["earned_msat"] = 1002; });
  refused([](auto& r) { r["earned_msat"] = 0; });
  refused([](auto& r) { r["parts"][0]["withdrawable_msat"] = 134, r["reserve_msat"] = 200; });
  refused([](auto& r) { r["parts"][0]["weight"] = 0; });
  refused([](auto& r) { std::swap(r["parts"][0], r["parts"][1]); });
  refused([](auto& r) { r["parts"][1]["node"] = "a"; });
  refused([](auto& r) { r["number"] = 2; });  // the id is another sweep's
  refused([](auto& r) { r["sweep_id"] = std::string(64, '0'); });
  refused([](auto& r) { r["chain"] = "dev"; });
  refused([](auto& r) { r.erase("parts"); });
  refused([](auto& r) { r["v"] = 2; });
  FeeSweep broken = good;
  broken.reserve = Msat(5);
  CHECK_THROWS_AS(to_record(broken), Error);
}
