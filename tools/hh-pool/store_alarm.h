// What the log says while shares cannot be stored for now: once when it begins, again every minute, and once when it is over. [C060]
//
// It is over after five seconds without refusals, so that a disk that comes and goes is one alarm and not thousands.
#pragma once
#include <cstdint>

#include "store.h"

namespace hh::pool {

class StoreAlarm {
 public:
  void update(const StoreFigures& now, int64_t now_ms);  // as often as one likes
  uint64_t alarms() const { return alarms_; }            // times that it began

 private:
  void tell(const StoreFigures& now, int64_t now_ms);
  Strain told_ = Strain::none;
  int64_t began_ms_ = 0, told_ms_ = 0, last_ms_ = 0;
  uint64_t alarms_ = 0;
};

}  // namespace hh::pool
