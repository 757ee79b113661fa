// The monotonic clock in microseconds, as every measurement here reads it.
#pragma once
#include <cstdint>
#include <ctime>

namespace hh::load {

inline uint64_t now_us() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000 + static_cast<uint64_t>(t.tv_nsec) / 1000;
}

inline void sleep_us(uint64_t us) {
  const timespec t{static_cast<time_t>(us / 1'000'000), static_cast<long>(us % 1'000'000 * 1000)};
  nanosleep(&t, nullptr);
}

}  // namespace hh::load
