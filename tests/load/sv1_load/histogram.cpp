#include "histogram.h"

#include <algorithm>
#include <bit>

namespace hh::load {
namespace {

constexpr uint64_t exact = 256;  // values below it have a bucket each
constexpr size_t per_power = 128;

}  // namespace

size_t Histogram::bucket_of(uint64_t value) {
  if (value < exact) return value;
  const auto shift = static_cast<size_t>(std::bit_width(value)) - 8;  // value >> shift has 8 bits: 128 … 255
  return exact + (shift - 1) * per_power + (value >> shift) - per_power;
}

uint64_t Histogram::top_of(size_t bucket) {
  if (bucket < exact) return bucket;
  const size_t shift = (bucket - exact) / per_power + 1, step = (bucket - exact) % per_power + per_power;
  return (uint64_t{step} << shift) + ((uint64_t{1} << shift) - 1);
}

void Histogram::add(uint64_t value) {
  const size_t bucket = bucket_of(value);
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++count_;
  max_ = std::max(max_, value);
}

uint64_t Histogram::percentile(uint64_t per_mille) const {
  uint64_t wanted = (count_ * per_mille + 999) / 1000, seen = 0;
  wanted = std::max<uint64_t>(wanted, 1);
  for (size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= wanted) return std::min(top_of(bucket), max_);
  }
  return max_;
}

}  // namespace hh::load
