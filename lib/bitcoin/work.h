// Work: the number of hashes that a target takes on average. It is the weight of a share and of a chain.
//
// Work of a target = floor(2^256 / (target + 1)), which is GetBlockProof of Bitcoin Core (chain.cpp), saturated at 2^127 - 1. All of the
// network's history is below 2^97, and shares up to max_share_difficulty() weigh less than 2^63, so sums of shares have 64 bits of room.
// It is an integer, so that a round's weights add up alike in any order and on any machine.
#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bitcoin/difficulty.h"
#include "bitcoin/target.h"

namespace hh::bitcoin {

__extension__ using Uint128 = unsigned __int128;

class Work {
 public:
  constexpr Work() = default;
  constexpr explicit Work(Uint128 hashes) : hashes_(hashes) {}
  static constexpr Work max() { return Work((Uint128{1} << 127) - 1); }

  // Decimal digits, no sign, no leading zero; nullopt for anything else and above max().
  static std::optional<Work> from_text(std::string_view digits);
  std::string to_text() const;

  constexpr Uint128 hashes() const { return hashes_; }
  std::optional<int64_t> to_int64() const;  // nullopt from 2^63 on
  Work operator+(Work o) const;             // throws Error(data) above max()
  Work& operator+=(Work o) { return *this = *this + o; }
  constexpr auto operator<=>(const Work&) const = default;

 private:
  Uint128 hashes_ = 0;
};

Work work_of(const Target& t);
inline Work work_of(Difficulty d) { return work_of(target_of(d)); }

}  // namespace hh::bitcoin
