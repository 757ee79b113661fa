// The tips that jobs build on, in the order in which they were first seen, and when each connection learned of them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "histogram.h"

namespace hh::load {

class Tips {
 public:
  struct Tip {
    uint64_t first_us = 0, last_us = 0;  // monotonic, of the receipt by the first and by the last connection
    uint64_t receivers = 0;
    uint64_t told_us = 0;                // when the node was given the block; 0: not by us
    Histogram after_first_us;
  };

  // The number of the tip with this previous hash (text as in mining.notify). told_us: when the newest block that we gave to the node was
  // given, 0 for none: belongs to the first tip that appears after it.
  uint32_t number_of(std::string_view prev_hash, uint64_t told_us);
  // A connection that worked on another tip has got a job of this one.
  void received(uint32_t tip, uint64_t now_us);
  // Whether this is the newest, and no block was given since that has yet to appear.
  bool is_newest(uint32_t tip, uint64_t told_us) const { return tip == newest() && told_us == last_told_us_; }
  uint32_t newest() const { return static_cast<uint32_t>(tips_.size()) - 1; }  // REQUIRES that there is one
  const std::vector<Tip>& all() const { return tips_; }

 private:
  std::vector<Tip> tips_;
  std::string newest_hash_;
  std::unordered_map<std::string, uint32_t> numbers_;
  uint64_t last_told_us_ = 0;
};

}  // namespace hh::load
