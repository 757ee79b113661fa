// Difficulty of shares in fixed point, and its exact relation to targets: the one mapping between SV1 difficulty and SV2 target. [X060]
//
// A Difficulty counts units of 2^-32 in 64 bits: from 2^-32 (one unit) to just below 2^32. So regtest's and CPU miners' small difficulties
// and an exahash farm's large ones are the same integer type, compare exactly and mean the same target on every machine:
//     target = floor(0xFFFF·2^208 / difficulty) = floor(0xFFFF·2^240 / units)
// which always fits in 256 bits. Two difficulties never share a target, so difficulty_within(target_of(d)) == d.
// Difficulties of the network exceed this range; they are shown with network_difficulty_text.
#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bitcoin/target.h"

namespace hh::bitcoin {

class Difficulty {
 public:
  // REQUIRES units > 0 (throws Error(data)).
  explicit Difficulty(uint64_t units);
  static Difficulty whole(uint32_t n) { return Difficulty(static_cast<uint64_t>(n) << 32); }

  // Decimal text such as "16384" or "0.001": digits, at most one point, no sign, no exponent. Rounded down to a unit; nullopt where
  // that gives zero, where it is 2^32 or more, and for anything else than such a number.
  static std::optional<Difficulty> from_text(std::string_view text);
  // A JSON number of Stratum V1 (mining.set_difficulty, mining.suggest_difficulty). Rounded down to a unit, that is to the easier
  // side; nullopt for NaN, for less than one unit (2^-32) and for 2^32 or more.
  static std::optional<Difficulty> from_wire(double number);

  uint64_t units() const { return units_; }  // of 2^-32
  auto operator<=>(const Difficulty&) const = default;

  // The exact value in decimal, without trailing zeros: at most 32 digits after the point. from_text gives the same difficulty back.
  std::string to_text() const;
  // The number to send over Stratum V1. Exact where for_wire() changes nothing.
  double to_wire() const;
  // Rounded down to 53 significant bits, which a double holds exactly. A server assigns only such difficulties, so that it and the
  // miner mean the same number.
  Difficulty for_wire() const;

 private:
  uint64_t units_;
};

Target target_of(Difficulty d);

// The easiest difficulty whose target does not exceed this one: what a V1 miner is given under a V2 channel with that maximum target, so
// that every share it sends is good enough upstream. Zero and targets below that of the largest difficulty give the largest.
Difficulty difficulty_within(const Target& t);

// Difficulty one's target divided by this one, rounded down to 8 decimals: "141668107417558.20529444", "0.00000000".
// REQUIRES t > 0 (throws Error(data)). The figure that bitcoin-cli shows as a double.
std::string network_difficulty_text(const Target& t);

// The hardest difficulty of a share whose Work is below 2^63: 2^31 - 2^15, at which the target is exactly 2^193.
inline Difficulty max_share_difficulty() { return Difficulty::whole(2'147'450'880u); }

}  // namespace hh::bitcoin
