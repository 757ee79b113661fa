// Amounts of bitcoin: Sat (on chain) and Msat (inside and over Lightning), 64-bit integers that cannot be mixed up.
//
// There is no implicit conversion between the two, to or from plain integers, and none to floating point. Arithmetic is checked: what
// would overflow throws Error(data) instead of wrapping. Every rounding has a name (round_down). Signed, because postings are.
// 21e6 BTC are 2.1e18 msat, which fits in 63 bits with room for four times that sum.
#pragma once
#include <compare>
#include <cstdint>
#include <string>

namespace hh {

namespace detail {
int64_t checked_add(int64_t a, int64_t b);
int64_t checked_sub(int64_t a, int64_t b);
int64_t checked_mul(int64_t a, int64_t b);
}  // namespace detail

template <class Tag>
class Amount {
 public:
  constexpr Amount() = default;
  constexpr explicit Amount(int64_t n) : n_(n) {}
  constexpr int64_t count() const { return n_; }
  Amount operator+(Amount o) const { return Amount(detail::checked_add(n_, o.n_)); }
  Amount operator-(Amount o) const { return Amount(detail::checked_sub(n_, o.n_)); }
  Amount operator-() const { return Amount(detail::checked_sub(0, n_)); }
  Amount operator*(int64_t k) const { return Amount(detail::checked_mul(n_, k)); }
  Amount& operator+=(Amount o) { return *this = *this + o; }
  Amount& operator-=(Amount o) { return *this = *this - o; }
  constexpr auto operator<=>(const Amount&) const = default;
  constexpr bool is_zero() const { return n_ == 0; }
  constexpr bool is_negative() const { return n_ < 0; }

 private:
  int64_t n_ = 0;
};

using Sat = Amount<struct SatTag>;
using Msat = Amount<struct MsatTag>;

Msat to_msat(Sat s);              // exact; throws if it would overflow
Sat round_down_to_sat(Msat m);    // towards zero; REQUIRES m >= 0
Msat sub_sat_remainder(Msat m);   // m - to_msat(round_down_to_sat(m)); REQUIRES m >= 0

// The most that can exist: 21e6 BTC (MAX_MONEY of Bitcoin Core's consensus/amount.h).
inline constexpr Sat max_money{2'100'000'000'000'000};
bool is_money(Sat s);    // 0 <= s <= max_money
bool is_money(Msat m);

// For people: "1.50000000 BTC", "12,345.678 sat".
std::string to_text_sat(Msat m);

}  // namespace hh
