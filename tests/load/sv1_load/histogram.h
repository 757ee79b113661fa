// Counts of integers in buckets that are at most 1/128 wide of what they hold: every value below 256 has its own, so does 1 s to within 8 ms.
//
// A percentile is the top of its bucket, so it is never better than the truth, and at most 0.8 % worse.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hh::load {

class Histogram {
 public:
  void add(uint64_t value);
  uint64_t count() const { return count_; }
  uint64_t max() const { return max_; }  // exact; 0 where nothing was counted
  // The least bucket top that at least `per_mille` thousandths of the values do not exceed, and no more than max(). 0 where nothing was counted.
  uint64_t percentile(uint64_t per_mille) const;

  static size_t bucket_of(uint64_t value);
  static uint64_t top_of(size_t bucket);

 private:
  std::vector<uint64_t> buckets_;
  uint64_t count_ = 0, max_ = 0;
};

}  // namespace hh::load
