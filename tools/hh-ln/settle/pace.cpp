#include "settle/pace.h"

#include <algorithm>

#include "base/daemon.h"

namespace hh::ln {
namespace {

constexpr int64_t minute_ms = 60'000;
constexpr int64_t longest_pause_ms = 300'000;
constexpr int64_t slice_ms = 250;

// SplitMix64: a different number for each state, and the next state. [Steele, Lea, Flood 2014]
uint64_t next_random(uint64_t& state) {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

Pace::Pace(int64_t per_minute, const std::vector<int64_t>& sent, const Clock& clock) : per_minute_(static_cast<size_t>(per_minute)), clock_(clock) {
  const int64_t to_monotonic = clock.monotonic_ms() - clock.unix_ms();
  for (const int64_t at : sent) booked_.push_back(std::min(at + to_monotonic, clock.monotonic_ms()));  // a wall clock that was set back books nothing ahead
  while (booked_.size() > per_minute_) booked_.pop_front();
}

int64_t Pace::book() {
  if (per_minute_ == 0) return 0;
  const std::lock_guard lock(mutex_);
  int64_t at = clock_.monotonic_ms();
  if (booked_.size() == per_minute_) {
    at = std::max(at, booked_.front() + minute_ms);
    booked_.pop_front();
  }
  booked_.push_back(at);
  return at - clock_.monotonic_ms();
}

int64_t Backoff::pause_ms(int64_t failures) {
  int64_t whole = base_ms_;
  for (int64_t i = 1; i < failures && whole < longest_pause_ms; ++i) whole *= 2;
  whole = std::min(whole, longest_pause_ms);
  return whole - static_cast<int64_t>(next_random(state_) % (static_cast<uint64_t>(whole) / 2 + 1));
}

void pause(Clock& clock, int64_t ms) {
  for (; ms > 0 && !stop_requested(); ms -= slice_ms) clock.sleep_ms(std::min(ms, slice_ms));
}

}  // namespace hh::ln
