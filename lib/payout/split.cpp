#include "payout/split.h"

#include <algorithm>

#include "base/error.h"
#include "bitcoin/uint256.h"

namespace hh::payout {
namespace {

using bitcoin::Uint256;
using bitcoin::Work;

Uint256 widen(Work w) { return (Uint256(static_cast<uint64_t>(w.hashes() >> 64)) << 64) + Uint256(static_cast<uint64_t>(w.hashes())); }

struct Floor {
  int64_t quotient;
  Work remainder;
};

// REQUIRES 0 <= pool and weight <= total, so that the quotient fits.
Floor divide(Msat pool, Work weight, const Uint256& total) {
  const Uint256 product = widen(weight) * static_cast<uint64_t>(pool.count());
  const Uint256 quotient = product / total;
  const Uint256 remainder = product - total * quotient.low64();
  return {static_cast<int64_t>(quotient.low64()), Work(bitcoin::Uint128{remainder.limb(1)} << 64 | remainder.low64())};
}

void require_not_negative(Msat pool) {
  if (pool.is_negative()) throw Error(Exit::data, "a negative amount cannot be divided");
}

}  // namespace

std::vector<Part> split_largest_remainder(Msat pool, std::span<const Work> weights) {
  require_not_negative(pool);
  std::vector<Part> parts(weights.size());
  if (pool.is_zero()) return parts;
  Work sum;
  for (const Work w : weights) sum += w;
  if (sum == Work()) throw Error(Exit::data, "there is no work to divide the amount by");

  const Uint256 total = widen(sum);
  Msat left = pool;
  for (size_t i = 0; i < weights.size(); ++i) {
    const Floor f = divide(pool, weights[i], total);
    parts[i] = {Msat(f.quotient), f.remainder, false};
    left -= parts[i].amount;
  }

  // The remainders add up to left·total and each is below total, so more than `left` of them are not zero: nobody without work gets one.
  std::vector<size_t> order(weights.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto by_remainder = [&](size_t a, size_t b) {
    return parts[a].remainder != parts[b].remainder ? parts[a].remainder > parts[b].remainder : a < b;
  };
  const auto winners = order.begin() + left.count();
  std::partial_sort(order.begin(), winners, order.end(), by_remainder);
  for (auto it = order.begin(); it != winners; ++it) {
    parts[*it].amount += Msat(1);
    parts[*it].rounded_up = true;
  }
  return parts;
}

Msat part_per_million(Msat amount, int64_t ppm) {
  require_not_negative(amount);
  return Msat(static_cast<int64_t>(bitcoin::Uint128(amount.count()) * bitcoin::Uint128(ppm) / 1'000'000));
}

EvenSplit split_evenly(Msat pool, int64_t count) {
  require_not_negative(pool);
  if (count <= 0) return {Msat(0), pool};
  return {Msat(pool.count() / count), Msat(pool.count() % count)};
}

}  // namespace hh::payout
