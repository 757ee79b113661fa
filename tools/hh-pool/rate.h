// A rate over several lengths of time at once, in integers: how fast work (or anything that is counted) has been coming in.
//
// For each length T there is one sum. What is added counts in full and then fades: after a time t its part is exp(-t/T). The sum divided by T is
// the rate; unlike a window it needs no memory of what came when, and it does not jump when an old burst leaves. It is as steady as the mean
// over a window of 2·T. A counter that is younger than a few T has not had the time to fill its sum, so the sum is divided by what a steady
// rate of one would have gathered in its life, T·(1 - exp(-age/T)), instead of T; of its first minute it is taken to be a minute old, so that
// one early share does not look like a farm.
//
// Sums carry 20 bits behind the point, so that fading by a second's factor loses nothing that anybody could see even where one share
// weighs one hash; 2^70 hashes a second (1 ZH/s) for a week fill 110 of the 128 bits.
#pragma once
#include <array>
#include <cstdint>

#include "bitcoin/work.h"

namespace hh::pool {

using bitcoin::Uint128;

inline constexpr std::array<int64_t, 7> rate_seconds{60, 300, 900, 3'600, 21'600, 86'400, 604'800};
inline constexpr std::array<const char*, 7> rate_names{"1m", "5m", "15m", "1h", "6h", "1d", "7d"};

class Rate {
 public:
  // now_s: seconds of any clock, always the same one; one that goes back is taken as standing still.
  void add(uint64_t amount, int64_t now_s) {
    if (now_s > faded_s_) fade(now_s);
    for (Uint128& sum : sums_) sum += Uint128{amount} << point;
  }
  // Per second over rate_seconds[which], rounded down, for a counter that has been counting for age_s.
  Uint128 per_second(size_t which, int64_t now_s, int64_t age_s) const { return per(which, now_s, age_s, 1); }
  // In this many seconds, or in thousandths of a second's worth: per(…, 1000) is the rate times 1000.
  Uint128 per(size_t which, int64_t now_s, int64_t age_s, uint32_t seconds) const;
  // Adds another counter's sums: rates of workers add up to that of their miner.
  void merge(const Rate& other, int64_t now_s);

  static constexpr unsigned point = 20;
  const std::array<Uint128, 7>& sums() const { return sums_; }  // as of faded_s()
  int64_t faded_s() const { return faded_s_; }
  void restore(const std::array<Uint128, 7>& sums, int64_t as_of_s) { sums_ = sums, faded_s_ = as_of_s; }

 private:
  void fade(int64_t now_s);
  std::array<Uint128, 7> sums_{};
  int64_t faded_s_ = 0;
};

}  // namespace hh::pool
