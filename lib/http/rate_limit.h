// So many requests for each name (an address, a token): a bucket that holds `at_once` and fills again with `per_minute`.
//
// Names come from strangers, so their number is bounded: full buckets are forgotten, and where even that leaves too many, new names share one bucket,
// so that who makes up names shuts out new names and not those that are known.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>

namespace hh::http {

class RateLimit {
 public:
  // per_minute 0: no limit.
  RateLimit(int64_t per_minute, int64_t at_once, size_t most_names = 10'000);
  // 0: it may pass (and is counted). Else the seconds after which it is worth trying again. One thread's. now_ms: monotonic.
  int64_t wait_seconds(const std::string& name, int64_t now_ms);
  size_t names() const { return buckets_.size(); }

 private:
  struct Bucket {
    int64_t level;    // in 1/60000 of a request, so that a millisecond adds per_minute of them
    int64_t seen_ms;
  };
  Bucket& bucket(const std::string& name, int64_t now_ms);
  void fill(Bucket& b, int64_t now_ms) const;
  void forget_full(int64_t now_ms);
  int64_t per_minute_, full_;
  size_t most_names_;
  int64_t swept_ms_ = INT64_MIN;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace hh::http
