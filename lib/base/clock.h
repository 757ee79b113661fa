// Time behind an interface, so that tests run the real code against a clock they hold in their hands.
#pragma once
#include <cstdint>
#include <string>

namespace hh {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t unix_ms() const = 0;       // wall clock, milliseconds since 1970 UTC; may step
  virtual int64_t monotonic_ms() const = 0;  // never goes back; for time-outs and intervals
  virtual void sleep_ms(int64_t ms) = 0;
  int64_t unix_seconds() const { return unix_ms() / 1000; }
};

// The machine's clock. Where HH_FAKE_TIME (unix seconds) is set the wall clock stands still at that second; the monotonic clock runs on.
Clock& system_clock();

// Moves only when told to; sleeping moves it.
class FakeClock : public Clock {
 public:
  explicit FakeClock(int64_t start_unix_ms = 1'700'000'000'000) : now_(start_unix_ms) {}
  int64_t unix_ms() const override { return now_; }
  int64_t monotonic_ms() const override { return monotonic_; }
  void sleep_ms(int64_t ms) override { advance_ms(ms); }
  void advance_ms(int64_t ms) { now_ += ms, monotonic_ += ms; }
  void step_wall_ms(int64_t ms) { now_ += ms; }

 private:
  int64_t now_;
  int64_t monotonic_ = 1'000'000;
};

// "2026-11-22T12:34:56.789Z"
std::string to_iso8601(int64_t unix_ms);

}  // namespace hh
