#include "store_alarm.h"

#include "base/log.h"

namespace hh::pool {
namespace {

constexpr int64_t calm_ms = 5'000;
constexpr int64_t reminder_ms = 60'000;

const char* hint(Strain s) {
  switch (s) {
    case Strain::slow_sync: return "fdatasync of the spool does not keep up: look at its disk; see spool_limit_kib";
    case Strain::little_space: return "make room on the spool's disk; see spool_reserve_mib";
    default: return "who reads standard output does not keep up: set a spool";
  }
}

}  // namespace

// A failure has an alarm of its own, and no end.
void StoreAlarm::update(const StoreFigures& now, int64_t now_ms) {
  if (now.strain == Strain::failed) return;
  if (now.strain == Strain::none) {
    if (told_ == Strain::none || now_ms - last_ms_ < calm_ms) return;
    log::info("store_takes_shares", {{"refused_ms", last_ms_ - began_ms_}});
    told_ = Strain::none;
    return;
  }
  if (told_ == Strain::none) {
    began_ms_ = now_ms;
    ++alarms_;
  }
  last_ms_ = now_ms;
  if (now.strain != told_ || now_ms - told_ms_ >= reminder_ms) tell(now, now_ms);
}

void StoreAlarm::tell(const StoreFigures& now, int64_t now_ms) {
  log::error("store_refuses", {{"reason", name(now.strain)}, {"waiting_bytes", now.waiting_bytes}, {"sync_ms", now.sync_ms}, {"free_bytes", now.free_bytes}, {"hint", hint(now.strain)}});
  told_ = now.strain;
  told_ms_ = now_ms;
}

}  // namespace hh::pool
