#include "tips.h"

#include <algorithm>

namespace hh::load {

uint32_t Tips::number_of(std::string_view prev_hash, uint64_t told_us) {
  if (!tips_.empty() && prev_hash == newest_hash_) return newest();  // nearly always
  const auto [at, is_new] = numbers_.try_emplace(std::string(prev_hash), static_cast<uint32_t>(tips_.size()));
  if (!is_new) return at->second;
  newest_hash_ = prev_hash;
  Tip& tip = tips_.emplace_back();
  if (told_us != last_told_us_) tip.told_us = last_told_us_ = told_us;
  return newest();
}

void Tips::received(uint32_t number, uint64_t now_us) {
  Tip& tip = tips_.at(number);
  if (tip.receivers++ == 0) tip.first_us = now_us;
  tip.last_us = std::max(tip.last_us, now_us);
  tip.after_first_us.add(now_us - std::min(now_us, tip.first_us));
}

}  // namespace hh::load
