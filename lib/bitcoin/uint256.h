// Unsigned 256-bit integers: as much of them as targets need, and no more.
//
// Addition and left shift wrap (drop what does not fit), as Bitcoin Core's arith_uint256 does. Division is by shift and subtract (256
// steps): used when a difficulty or target changes, never for each share.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bitcoin/hash.h"

namespace hh::bitcoin {

class Uint256 {
 public:
  constexpr Uint256() = default;
  constexpr explicit Uint256(uint64_t n) : limb_{n, 0, 0, 0} {}
  static constexpr Uint256 max() { return ~Uint256(); }
  static Uint256 from_little_endian(const Hash256& h);
  Hash256 to_little_endian() const;
  static std::optional<Uint256> from_hex(std::string_view digits);  // exactly 64 hex digits, most significant first
  std::string to_hex() const;                                       // 64 lower-case digits, most significant first

  constexpr bool operator==(const Uint256&) const = default;
  constexpr std::strong_ordering operator<=>(const Uint256& o) const {
    for (size_t i = 4; i-- > 0;)
      if (limb_[i] != o.limb_[i]) return limb_[i] <=> o.limb_[i];
    return std::strong_ordering::equal;
  }
  constexpr Uint256 operator~() const {
    Uint256 r;
    for (size_t i = 0; i < 4; ++i) r.limb_[i] = ~limb_[i];
    return r;
  }
  Uint256 operator+(const Uint256& o) const;
  Uint256 operator-(const Uint256& o) const;
  Uint256 operator*(uint64_t k) const;
  Uint256 operator<<(unsigned n) const;
  Uint256 operator>>(unsigned n) const;
  Uint256 operator/(const Uint256& d) const;  // rounds down; REQUIRES d != 0 (throws Error(software))

  unsigned bit_length() const;  // 0 for zero; position of the highest set bit plus one otherwise
  uint64_t low64() const { return limb_[0]; }
  uint64_t limb(size_t i) const { return limb_[i]; }  // i-th 64 bits, least significant first

 private:
  std::array<uint64_t, 4> limb_{};  // least significant first
};

}  // namespace hh::bitcoin
