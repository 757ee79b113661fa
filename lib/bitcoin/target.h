// Target: the number that the hash of a header, read as a little-endian integer, must not exceed. One for blocks (nBits), one for shares.
//
// Its difficulty and its expected work are in difficulty.h and work.h.
#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "bitcoin/hash.h"
#include "bitcoin/uint256.h"

namespace hh::bitcoin {

struct Target {
  Uint256 value;

  constexpr auto operator<=>(const Target&) const = default;

  // From nBits. nullopt where a block with such bits is invalid whatever its hash: negative, overflowing or zero (the rules of
  // arith_uint256::SetCompact and of CheckProofOfWork in Bitcoin Core).
  static std::optional<Target> from_compact(uint32_t bits);
  // nBits with the highest 23 or 24 bits of precision kept, the rest rounded down (arith_uint256::GetCompact).
  uint32_t to_compact() const;

  // U256 of the Stratum V2 specification, "Data Types Mapping": little endian.
  static Target from_wire(const Hash256& little_endian) { return {Uint256::from_little_endian(little_endian)}; }
  Hash256 to_wire() const { return value.to_little_endian(); }
  std::string to_hex() const { return value.to_hex(); }  // 64 digits, most significant first, as getblocktemplate shows it

  bool met_by(const Hash256& hash) const;  // hash <= target
};

// Target of difficulty 1: 0xFFFF·2^208 (nBits 0x1d00ffff).
Target difficulty_one_target();

}  // namespace hh::bitcoin
