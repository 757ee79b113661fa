// A histogram of durations with fixed buckets. Counting is two additions without a lock, so that any thread may count while another reads; a reader may see
// a duration counted in one place and not yet in another, which Prometheus does not mind.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>

#include "metrics/exposition.h"

namespace hh::metrics {

class DurationHistogram {
 public:
  // Upper bounds in microseconds, from 100 µs to 10 s; the last bucket has none.
  static constexpr std::array<int64_t, 14> bounds_us{100, 250, 500, 1'000, 2'500, 5'000, 10'000, 25'000, 50'000, 100'000, 250'000, 1'000'000, 2'500'000, 10'000'000};
  void observe_us(int64_t us);
  // The samples of a family that the caller has begun with kind histogram.
  void put(Exposition& page, Labels labels = {}) const;

 private:
  std::array<std::atomic<uint64_t>, bounds_us.size() + 1> counts_{};
  std::atomic<uint64_t> sum_us_{0};
};

}  // namespace hh::metrics
