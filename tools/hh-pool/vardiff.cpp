#include "vardiff.h"

#include <algorithm>
#include <bit>

namespace hh::pool {
namespace {

__extension__ using Uint128 = unsigned __int128;
using bitcoin::Difficulty;

// Shares, due or come, are counted in 256ths.
constexpr uint64_t one = 256;
constexpr uint64_t most_came = one << 24;  // more say nothing more; keeps squares in 128 bits
constexpr uint64_t short_window = 10 * one, middle_window = 30 * one, long_window = 200 * one, rough_until = 48 * one, silence_of_the_absent = 40 * one;
// c in quarters.
constexpr uint64_t surely_short = 9, surely = 8, surely_rough = 6;
constexpr uint64_t most_up = 64, most_down = 16, silent_down = 4, flood = 16, at_once_from = 4;
constexpr uint64_t flood_at_least = 64 * one;  // at 8 times the wanted rate chance does not bring as many before 4 are due
constexpr uint64_t absent_below = 64;  // of the difficulty of the last share

// √more − √less >= quarters/4, each with 3/8 of a share added: squared twice, so that no root is taken.
bool differ(uint64_t a, uint64_t b, uint64_t quarters) {
  const uint64_t more = std::max(a, b) + 3 * one / 8, less = std::min(a, b) + 3 * one / 8;
  const uint64_t square = quarters * quarters * one / 16;  // c²
  if (more - less < square) return false;
  const Uint128 rest = more - less - square;
  return rest * rest >= Uint128{4} * square * less;
}

bool beyond(uint64_t came, uint64_t due, uint64_t numerator, uint64_t denominator) {
  return came * denominator > due * numerator || came * numerator < due * denominator;
}

Difficulty times(Difficulty d, uint64_t numerator, uint64_t denominator) {
  const Uint128 units = Uint128{d.units()} * numerator / std::max<uint64_t>(denominator, 1);
  return Difficulty(static_cast<uint64_t>(std::clamp<Uint128>(units, 1, UINT64_MAX)));
}

// Twelve significant bits: whole numbers from 2048 on, which every firmware reads, and fewer different ones.
Difficulty tidy(Difficulty d) {
  const int excess = static_cast<int>(std::bit_width(d.units())) - 12;
  return excess <= 0 ? d : Difficulty(d.units() >> excess << excess);
}

}  // namespace

Vardiff::Vardiff(const VardiffConfig& config, Difficulty start, int64_t now_ms)
    : config_(&config), wanted_(start), in_force_(start) {
  wanted_ = in_force_ = clamp(start);
  forget(now_ms);
}

Difficulty Vardiff::clamp(Difficulty d) const {
  return std::clamp(d, std::min(std::max(config_->least, least_), config_->most), config_->most).for_wire();
}

void Vardiff::start_at(Difficulty d) {
  wanted_ = clamp(d);
  fixed_ = false;
  rough_ = true;
}

void Vardiff::fix_at(Difficulty d) {
  wanted_ = clamp(d);
  fixed_ = true;
}

void Vardiff::set_least(Difficulty least) {
  least_ = least;
  wanted_ = clamp(wanted_);
}

bool Vardiff::limits_changed() {
  wanted_ = clamp(wanted_);
  return wanted_ != in_force_ && clamp(in_force_) != in_force_;
}

void Vardiff::forget(int64_t now_ms) { short_ = middle_ = long_ = {now_ms, 0}; }

void Vardiff::in_force(Difficulty d, int64_t now_ms) {
  const bool moved = d != in_force_, held_back = d != wanted_;
  if (moved && (times(d, 1, at_once_from) >= in_force_ || times(in_force_, 1, at_once_from) >= d)) rough_ = true;
  in_force_ = wanted_ = d;
  if (moved || held_back) forget(now_ms);
}

uint64_t Vardiff::due(const Window& w, int64_t now_ms) const {
  const auto elapsed = static_cast<uint64_t>(std::clamp<int64_t>(now_ms - w.start_ms, 0, int64_t{1} << 32));
  return elapsed * static_cast<uint64_t>(config_->shares_per_minute) * one / 60'000;
}

Vardiff::Move Vardiff::count_share(Difficulty of_share, int64_t now_ms) {
  const uint64_t credit = of_share >= in_force_ ? one : static_cast<uint64_t>(Uint128{of_share.units()} * one / in_force_.units());
  for (Window* w : {&short_, &middle_, &long_}) w->came = std::min(w->came + credit, most_came);
  last_share_ = in_force_;
  has_share_ = true;
  return decide(now_ms);
}

Vardiff::Move Vardiff::adjust(int64_t now_ms) { return decide(now_ms); }

// Sets the wanted difficulty from what a window has seen. False: the silence of one that is probably off, which is to be waited for.
bool Vardiff::aim(uint64_t came, uint64_t due) {
  if (came == 0) {
    const bool absent = has_share_ && times(last_share_, 1, absent_below) >= in_force_;
    if (absent && due < silence_of_the_absent) return false;
    wanted_ = clamp(tidy(times(in_force_, 1, rough_ ? most_down : silent_down)));
    return true;
  }
  const Difficulty estimate = times(in_force_, came, due);
  wanted_ = clamp(tidy(std::clamp(estimate, times(in_force_, 1, most_down), times(in_force_, most_up, 1))));
  return true;
}

Vardiff::Move Vardiff::decide(int64_t now_ms) {
  if (config_->shares_per_minute == 0 || (fixed_ && wanted_ != in_force_)) return Move::none;
  const uint64_t short_due = due(short_, now_ms), middle_due = due(middle_, now_ms), long_due = due(long_, now_ms);
  if (fixed_) {
    if (short_.came < std::max(flood * short_due, flood_at_least)) {
      if (short_due >= short_window) forget(now_ms);
      return Move::none;
    }
    fixed_ = false;
  }
  const auto says = [&](const Window& w, uint64_t due, uint64_t c) { return beyond(w.came, due, 3, 2) && differ(w.came, due, c) && aim(w.came, due); };
  const bool trimmed = long_due >= long_window && beyond(long_.came, long_due, 7, 6);
  if (!says(short_, short_due, surely_short) && !says(middle_, middle_due, surely) && !says(long_, long_due, rough_ ? surely_rough : surely) &&
      !(trimmed && aim(long_.came, long_due))) {
    if (rough_ && long_due >= rough_until && long_.came != 0) rough_ = false;
    if (short_due >= short_window && short_.came != 0) short_ = {now_ms, 0};
    if (middle_due >= middle_window && middle_.came != 0) middle_ = {now_ms, 0};
    if (long_due >= long_window && long_.came != 0) long_ = {now_ms, 0};
    return Move::none;
  }
  if (wanted_ == in_force_) {  // at a limit
    forget(now_ms);
    return Move::none;
  }
  const bool far = times(wanted_, 1, at_once_from) >= in_force_ || times(in_force_, 1, at_once_from) >= wanted_;
  return far || rough_ ? Move::at_once : Move::with_next_job;
}

}  // namespace hh::pool
