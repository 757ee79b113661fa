#include "bitcoin/uint256.h"

#include <algorithm>
#include <bit>

#include "base/error.h"

namespace hh::bitcoin {

namespace {
__extension__ using Wide = unsigned __int128;
}

Uint256 Uint256::from_little_endian(const Hash256& h) {
  Uint256 r;
  for (size_t i = 0; i < 32; ++i) r.limb_[i / 8] |= static_cast<uint64_t>(h.bytes[i]) << (8 * (i % 8));
  return r;
}

Hash256 Uint256::to_little_endian() const {
  Hash256 h;
  for (size_t i = 0; i < 32; ++i) h.bytes[i] = static_cast<uint8_t>(limb_[i / 8] >> (8 * (i % 8)));
  return h;
}

std::optional<Uint256> Uint256::from_hex(std::string_view digits) {
  const auto h = Hash256::from_display_hex(digits);
  if (!h) return std::nullopt;
  return from_little_endian(*h);
}

std::string Uint256::to_hex() const { return to_little_endian().to_display_hex(); }

Uint256 Uint256::operator+(const Uint256& o) const {
  Uint256 r;
  Wide carry = 0;
  for (size_t i = 0; i < 4; ++i) {
    carry += Wide{limb_[i]} + o.limb_[i];
    r.limb_[i] = static_cast<uint64_t>(carry);
    carry >>= 64;
  }
  return r;
}

Uint256 Uint256::operator-(const Uint256& o) const { return *this + ~o + Uint256(1); }

Uint256 Uint256::operator*(uint64_t k) const {
  Uint256 r;
  Wide carry = 0;
  for (size_t i = 0; i < 4; ++i) {
    carry += Wide{limb_[i]} * k;
    r.limb_[i] = static_cast<uint64_t>(carry);
    carry >>= 64;
  }
  return r;
}

Uint256 Uint256::operator<<(unsigned n) const {
  Uint256 r;
  if (n >= 256) return r;
  const size_t limbs = n / 64;
  const unsigned bits = n % 64;
  for (size_t i = 4; i-- > limbs;) {
    r.limb_[i] = limb_[i - limbs] << bits;
    if (bits && i > limbs) r.limb_[i] |= limb_[i - limbs - 1] >> (64 - bits);
  }
  return r;
}

Uint256 Uint256::operator>>(unsigned n) const {
  Uint256 r;
  if (n >= 256) return r;
  const size_t limbs = n / 64;
  const unsigned bits = n % 64;
  for (size_t i = 0; i + limbs < 4; ++i) {
    r.limb_[i] = limb_[i + limbs] >> bits;
    if (bits && i + limbs + 1 < 4) r.limb_[i] |= limb_[i + limbs + 1] << (64 - bits);
  }
  return r;
}

unsigned Uint256::bit_length() const {
  for (size_t i = 4; i-- > 0;)
    if (limb_[i]) return static_cast<unsigned>(i) * 64 + static_cast<unsigned>(std::bit_width(limb_[i]));
  return 0;
}

Uint256 Uint256::operator/(const Uint256& d) const {
  if (d == Uint256()) throw Error(Exit::software, "division of a 256-bit number by zero");
  Uint256 quotient, rest = *this;
  if (rest < d) return quotient;
  if (d.bit_length() <= 64) {  // limb by limb: the target of a share's work is such a quotient, and bit by bit it would cost more than the share's hash
    Wide over = 0;
    for (size_t i = 4; i-- > 0;) {
      over = over << 64 | limb_[i];
      quotient.limb_[i] = static_cast<uint64_t>(over / d.limb_[0]);
      over %= d.limb_[0];
    }
    return quotient;
  }
  for (unsigned shift = bit_length() - d.bit_length() + 1; shift-- > 0;) {
    const Uint256 part = d << shift;
    if (rest < part) continue;
    rest = rest - part;
    quotient.limb_[shift / 64] |= uint64_t{1} << (shift % 64);
  }
  return quotient;
}

}  // namespace hh::bitcoin
