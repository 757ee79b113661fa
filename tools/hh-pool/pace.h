// So many in a time, all of them at once if need be: a bucket that drains steadily, kept as one number (GCRA, ITU-T I.371).
//
// The number is when the bucket will be empty. Each event moves it on by the time that one event takes at the permitted pace; an event that would
// move it further than the whole time ahead is over the limit. Eight bytes for each connection and address, and nothing to do while nothing comes.
#pragma once
#include <algorithm>
#include <cstdint>

namespace hh::pool {

class Pace {
 public:
  // Counts `count` events. False where there are then more than `most` within `span_ms`. What is over the limit is not counted, so that a
  // stream that is too fast still gets its share. REQUIRES most > 0.
  bool take(int64_t now_ms, uint64_t most, int64_t span_ms, uint64_t count = 1) {
    const int64_t now = now_ms * 1000, span = span_ms * 1000;
    const int64_t then = std::max(empty_us_, now) + cost(most, span, count);
    if (then - now > span) return false;
    empty_us_ = then;
    return true;
  }
  // How many are in the bucket now, rounded up.
  uint64_t level(int64_t now_ms, uint64_t most, int64_t span_ms) const {
    const int64_t ahead = empty_us_ - now_ms * 1000;
    if (ahead <= 0) return 0;
    const auto each = cost(most, span_ms * 1000, 1);
    return static_cast<uint64_t>((ahead + each - 1) / each);
  }
  bool is_empty(int64_t now_ms) const { return empty_us_ <= now_ms * 1000; }
  void clear() { empty_us_ = 0; }

 private:
  // Rounded down, so that `most` events fit; an event costs something all the same.
  static int64_t cost(uint64_t most, int64_t span_us, uint64_t count) { return std::max<int64_t>(1, span_us / static_cast<int64_t>(most)) * static_cast<int64_t>(count); }

  int64_t empty_us_ = 0;
};

}  // namespace hh::pool
