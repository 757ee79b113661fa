#include "rate.h"

#include <algorithm>

namespace hh::pool {
namespace {

// Factors in units of 2^-32; one is 2^32.
constexpr unsigned bits = 32;
constexpr uint64_t one = uint64_t{1} << bits;

// exp(-1/T) by its series, 1 - 1/T + 1/(2·T²) - …, with 60 bits behind the point: for T ≥ 60 eight terms are exact to the last.
constexpr uint64_t one_second(int64_t T) {
  __extension__ using Int128 = __int128;
  Int128 term = Int128{1} << 60, sum = 0;
  for (int64_t n = 1; n <= 9; ++n) {
    sum += term;
    term = -term / (T * n);
  }
  return static_cast<uint64_t>((sum + (Int128{1} << 27)) >> 28);
}

constexpr uint64_t times(uint64_t a, uint64_t b) { return static_cast<uint64_t>((Uint128{a} * b + (one >> 1)) >> bits); }

// For each T the factors of 0 to 63 seconds, and those of 64, 128, 256 … seconds: two multiplications for nearly every pause between two shares.
struct Factors {
  std::array<uint64_t, 64> seconds{};
  std::array<uint64_t, 26> powers{};
};
constexpr Factors factors_of(int64_t T) {
  Factors f;
  f.seconds[0] = one;
  // By doubling (x^2n = x^n·x^n), so that rounding errors do not pile up 64 high.
  f.seconds[1] = one_second(T);
  for (size_t n = 2; n < 64; ++n) f.seconds[n] = times(f.seconds[n / 2], f.seconds[n - n / 2]);
  f.powers[0] = times(f.seconds[32], f.seconds[32]);
  for (size_t n = 1; n < f.powers.size(); ++n) f.powers[n] = times(f.powers[n - 1], f.powers[n - 1]);
  return f;
}
constexpr std::array<Factors, rate_seconds.size()> make_factors() {
  std::array<Factors, rate_seconds.size()> all{};
  for (size_t i = 0; i < all.size(); ++i) all[i] = factors_of(rate_seconds[i]);
  return all;
}
constexpr auto factors = make_factors();

// exp(-seconds/T)
uint64_t factor(size_t which, int64_t seconds) {
  const Factors& f = factors[which];
  if (seconds <= 0) return one;
  if (seconds >> 6 >= int64_t{1} << f.powers.size()) return 0;
  uint64_t result = f.seconds[static_cast<size_t>(seconds & 63)];
  auto rest = static_cast<uint64_t>(seconds) >> 6;
  for (size_t n = 0; rest != 0; ++n, rest >>= 1)
    if (rest & 1) result = times(result, f.powers[n]);
  return result;
}

Uint128 faded(Uint128 sum, uint64_t by) { return (sum >> bits) * by + (((sum & (one - 1)) * by) >> bits); }

}  // namespace

void Rate::fade(int64_t now_s) {
  const int64_t passed = now_s - faded_s_;
  for (size_t i = 0; i < sums_.size(); ++i) sums_[i] = faded(sums_[i], factor(i, passed));
  faded_s_ = now_s;
}

Uint128 Rate::per(size_t which, int64_t now_s, int64_t age_s, uint32_t seconds) const {
  const Uint128 sum = faded(sums_[which], factor(which, now_s - faded_s_));
  // T·(1 - exp(-age/T)) in units of 2^-20 seconds. Sums may have 110 bits, so they are not multiplied up where that could overflow.
  const Uint128 gathered = (Uint128(one - factor(which, std::max<int64_t>(age_s, 60))) * static_cast<uint64_t>(rate_seconds[which])) >> (bits - point);
  if (sum < Uint128{1} << 90) return sum * seconds / gathered;
  return sum / gathered * seconds;
}

void Rate::merge(const Rate& other, int64_t now_s) {
  if (now_s > faded_s_) fade(now_s);
  for (size_t i = 0; i < sums_.size(); ++i) sums_[i] += faded(other.sums_[i], factor(i, faded_s_ - other.faded_s_));
}

}  // namespace hh::pool
