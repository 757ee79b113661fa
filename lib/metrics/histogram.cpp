#include "metrics/histogram.h"

#include <algorithm>

namespace hh::metrics {

void DurationHistogram::observe_us(int64_t us) {
  us = std::max<int64_t>(us, 0);
  const auto at = std::lower_bound(bounds_us.begin(), bounds_us.end(), us);
  counts_[static_cast<size_t>(at - bounds_us.begin())].fetch_add(1, std::memory_order_relaxed);
  sum_us_.fetch_add(static_cast<uint64_t>(us), std::memory_order_relaxed);
}

void DurationHistogram::put(Exposition& page, Labels labels) const {
  uint64_t total = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    total += counts_[i].load(std::memory_order_relaxed);
    const std::string bound = i < bounds_us.size() ? fixed(static_cast<Uint128>(bounds_us[i]), 6) : "+Inf";
    page.put_with("_bucket", labels, {"le", bound}, std::to_string(total));
  }
  page.put("_sum", labels, fixed(sum_us_.load(std::memory_order_relaxed), 6));
  page.put("_count", labels, std::to_string(total));
}

}  // namespace hh::metrics
