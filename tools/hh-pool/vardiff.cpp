#include "vardiff.h"

#include <algorithm>

namespace hh::pool {
namespace {

constexpr int64_t window_ms = 15'000;
constexpr int64_t most_step = 16;
constexpr int64_t silence_ms = 60'000;  // without any share the difficulty is taken down after this long

__extension__ using Uint128 = unsigned __int128;

}  // namespace

Vardiff::Vardiff(const VardiffConfig& config, bitcoin::Difficulty start, int64_t now_ms)
    : config_(config), difficulty_(start), least_(config.least), window_start_ms_(now_ms) {
  difficulty_ = clamp(start);
}

bitcoin::Difficulty Vardiff::clamp(bitcoin::Difficulty d) const {
  return std::clamp(d, std::min(std::max(config_.least, least_), config_.most), config_.most).for_wire();
}

void Vardiff::set(bitcoin::Difficulty d, int64_t now_ms) {
  difficulty_ = clamp(d);
  window_start_ms_ = now_ms;
  shares_ = 0;
}

bool Vardiff::adjust(int64_t now_ms) {
  if (config_.shares_per_minute == 0) return false;
  const int64_t elapsed = std::max<int64_t>(now_ms - window_start_ms_, 1);
  const int64_t in_window = std::max<int64_t>(config_.shares_per_minute * window_ms / 60'000, 1);
  const bool flooded = shares_ >= 4 * in_window + 10;
  if (elapsed < window_ms && !flooded) return false;
  if (shares_ < 4 && elapsed < silence_ms) return false;  // too few to say anything

  // counted/wanted, both scaled by 60,000: shares × 60,000 against elapsed × shares per minute.
  const auto counted = static_cast<uint64_t>(shares_) * 60'000;
  const auto wanted = static_cast<uint64_t>(elapsed) * static_cast<uint64_t>(config_.shares_per_minute);
  const bitcoin::Difficulty old = difficulty_;
  if (counted * 2 > wanted * 3 || counted * 3 < wanted * 2) {
    const Uint128 units = old.units();
    Uint128 next = units * counted / wanted;
    next = std::clamp(next, units / most_step, units * most_step);
    set(bitcoin::Difficulty(static_cast<uint64_t>(std::clamp<Uint128>(next, 1, UINT64_MAX))), now_ms);
  } else if (elapsed >= 8 * window_ms) {
    set(old, now_ms);  // in proportion: forget the distant past
  }
  return difficulty_ != old;
}

}  // namespace hh::pool
