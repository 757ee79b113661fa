#include "base/clock.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <thread>

namespace hh {
namespace {

class SystemClock : public Clock {
 public:
  SystemClock() {
    if (const char* fixed = std::getenv("HH_FAKE_TIME")) fixed_ms_ = std::strtoll(fixed, nullptr, 10) * 1000;
  }
  int64_t unix_ms() const override {
    if (fixed_ms_ != 0) return fixed_ms_;
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  }
  int64_t monotonic_ms() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
  void sleep_ms(int64_t ms) override { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

 private:
  int64_t fixed_ms_ = 0;
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

std::string to_iso8601(int64_t unix_ms) {
  const std::time_t seconds = unix_ms / 1000;
  std::tm t{};
  gmtime_r(&seconds, &t);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec,
                     unix_ms % 1000);
}

}  // namespace hh
