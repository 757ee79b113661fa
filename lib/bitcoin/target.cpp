#include "bitcoin/target.h"

namespace hh::bitcoin {

// nBits: the highest byte is the length in bytes of the number, the lower three are its most significant bytes. The format is a signed
// one (bit 23 is the sign), which is why a number whose top byte is 0x80 or more is written one byte longer.
std::optional<Target> Target::from_compact(uint32_t bits) {
  const unsigned length = bits >> 24;
  uint32_t mantissa = bits & 0x007fffff;
  if (length < 3) mantissa >>= 8 * (3 - length);
  const bool negative = mantissa != 0 && (bits & 0x00800000) != 0;
  const bool overflow = mantissa != 0 && (length > 34 || (mantissa > 0xff && length > 33) || (mantissa > 0xffff && length > 32));
  if (negative || overflow || mantissa == 0) return std::nullopt;
  return Target{length <= 3 ? Uint256(mantissa) : Uint256(mantissa) << (8 * (length - 3))};
}

uint32_t Target::to_compact() const {
  unsigned length = (value.bit_length() + 7) / 8;
  auto mantissa = static_cast<uint32_t>(length <= 3 ? value.low64() << (8 * (3 - length)) : (value >> (8 * (length - 3))).low64());
  if (mantissa & 0x00800000) {
    mantissa >>= 8;
    ++length;
  }
  return mantissa | length << 24;
}

bool Target::met_by(const Hash256& hash) const { return Uint256::from_little_endian(hash) <= value; }

Target difficulty_one_target() { return {Uint256(0xFFFF) << 208}; }

}  // namespace hh::bitcoin
