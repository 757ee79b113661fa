#include "http/rate_limit.h"

#include <algorithm>

namespace hh::http {
namespace {

constexpr int64_t one = 60'000;          // a request
constexpr int64_t sweep_every_ms = 1000;  // a sweep looks at every name
const std::string everybody_else;

}  // namespace

RateLimit::RateLimit(int64_t per_minute, int64_t at_once, size_t most_names) : per_minute_(per_minute), full_(std::max<int64_t>(at_once, 1) * one), most_names_(std::max<size_t>(most_names, 1)) {}

void RateLimit::fill(Bucket& b, int64_t now_ms) const {
  const int64_t passed = std::clamp<int64_t>(now_ms - b.seen_ms, 0, full_ / per_minute_ + 1);
  b.level = std::min(full_, b.level + passed * per_minute_);
  b.seen_ms = now_ms;
}

void RateLimit::forget_full(int64_t now_ms) {
  if (swept_ms_ != INT64_MIN && now_ms - swept_ms_ < sweep_every_ms) return;
  swept_ms_ = now_ms;
  for (auto at = buckets_.begin(); at != buckets_.end();) {
    fill(at->second, now_ms);
    at = at->second.level >= full_ ? buckets_.erase(at) : std::next(at);
  }
}

RateLimit::Bucket& RateLimit::bucket(const std::string& name, int64_t now_ms) {
  const auto found = buckets_.find(name);
  if (found != buckets_.end()) return found->second;
  if (buckets_.size() >= most_names_) forget_full(now_ms);
  return buckets_.try_emplace(buckets_.size() >= most_names_ ? everybody_else : name, Bucket{full_, now_ms}).first->second;
}

int64_t RateLimit::wait_seconds(const std::string& name, int64_t now_ms) {
  if (per_minute_ <= 0) return 0;
  Bucket& b = bucket(name, now_ms);
  fill(b, now_ms);
  if (b.level >= one) {
    b.level -= one;
    return 0;
  }
  const int64_t ms = (one - b.level + per_minute_ - 1) / per_minute_;
  return std::max<int64_t>((ms + 999) / 1000, 1);
}

}  // namespace hh::http
