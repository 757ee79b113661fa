// How fast a run pays: so many payments a minute, and longer and longer pauses before a line is tried again.
#pragma once
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "base/clock.h"

namespace hh::ln {

// At most `per_minute` payments in any 60 seconds, also across runs: it starts from what the journal has sent in the last minute. Threads share it. [L074]
class Pace {
 public:
  // per_minute 0: no limit. sent: unix milliseconds of what was sent in the last minute, oldest first.
  Pace(int64_t per_minute, const std::vector<int64_t>& sent, const Clock& clock);
  // Books the next payment, and returns how long to wait before it, in milliseconds.
  int64_t book();

 private:
  const size_t per_minute_;
  const Clock& clock_;
  std::mutex mutex_;
  std::deque<int64_t> booked_;  // monotonic milliseconds of the last per_minute_ payments, oldest first
};

// Pauses of base, 2·base, 4·base … up to five minutes, each shortened at random by up to a half, so that lines that failed together are not tried
// again together. The same seed gives the same pauses.
class Backoff {
 public:
  Backoff(int64_t base_ms, uint64_t seed) : base_ms_(base_ms), state_(seed) {}
  int64_t pause_ms(int64_t failures);  // failures: so far, from 1

 private:
  int64_t base_ms_;
  uint64_t state_;
};

// Sleeps, but not on when the program is to stop.
void pause(Clock& clock, int64_t ms);

}  // namespace hh::ln
