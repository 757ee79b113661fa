// Why a share is refused: a fixed set, as figures are kept for each. The miner gets a code and a sentence, the statistics the reason.
#pragma once
#include <array>
#include <cstdint>

#include "stratum/v1.h"

namespace hh::pool {

enum class Refused : uint8_t { stale, job_not_found, duplicate, low_difficulty, malformed, unauthorized, not_subscribed, no_job, not_stored };
inline constexpr size_t refused_reasons = 9;

inline const char* name(Refused r) {
  constexpr std::array<const char*, refused_reasons> names{"stale", "job_not_found", "duplicate", "low_difficulty", "malformed", "unauthorized", "not_subscribed", "no_job", "not_stored"};
  return names[static_cast<size_t>(r)];
}

// Stratum has codes for fewer of them; the rest is 20, "other".
inline stratum::v1::Code code_of(Refused r) {
  using enum stratum::v1::Code;
  constexpr std::array<stratum::v1::Code, refused_reasons> codes{job_not_found, job_not_found, duplicate, low_difficulty, other, unauthorized, not_subscribed, other, other};
  return codes[static_cast<size_t>(r)];
}

struct Refusal {
  Refused reason = Refused::malformed;
  const char* text = "";  // for the miner
};

}  // namespace hh::pool
