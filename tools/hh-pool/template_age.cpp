#include "template_age.h"

#include <array>

#include "base/log.h"

namespace hh::pool {
namespace {

constexpr int64_t reminder_ms = 60'000;
constexpr std::array<std::string_view, 3> names{"keep", "pause", "disconnect"};

}  // namespace

std::optional<WhenDown> when_down_from_name(std::string_view text) {
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == text) return static_cast<WhenDown>(i);
  return std::nullopt;
}

std::string_view name(WhenDown w) { return names[static_cast<size_t>(w)]; }

WhenDown TemplateAge::update(int64_t age_ms, int64_t now_ms) {
  const bool is_old = age_ms > most_ms_;
  if (is_old && (!too_old_ || now_ms - told_ms_ >= reminder_ms)) {
    log::error("template_too_old", {{"age_seconds", age_ms / 1000}, {"limit_seconds", most_ms_ / 1000}, {"policy", name(policy_)}, {"hint", "no node confirms it: see bitcoind_down and bitcoind_lags"}});
    told_ms_ = now_ms;
  }
  if (is_old && !too_old_) ++alarms_;
  if (!is_old && too_old_) log::info("template_fresh", {{"age_seconds", age_ms / 1000}});
  too_old_ = is_old;
  return too_old_ ? policy_ : WhenDown::keep;
}

}  // namespace hh::pool
