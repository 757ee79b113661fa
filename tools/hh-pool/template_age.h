// What becomes of miners when no node confirms the template in use any more: an alarm, and the policy template.when_down. [C124]
//
//   keep        They go on with the old job. Right where nodes are restarted often and nobody is there to take the miners.
//   pause       They stay connected, but their shares are refused, and the reason says why. What would be a block is taken all the same.
//   disconnect  They are sent away, and new ones are closed at once, so that their second pool gets them. The default: work on a tip that the
//               network has left pays nobody, and a miner cannot see that; a closed connection is the one sign that all firmware acts upon.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace hh::pool {

enum class WhenDown { keep, pause, disconnect };
std::optional<WhenDown> when_down_from_name(std::string_view name);
std::string_view name(WhenDown w);

class TemplateAge {
 public:
  TemplateAge(int64_t most_ms, WhenDown policy) : most_ms_(most_ms), policy_(policy) {}
  // About once a second: age_ms of the template (negative: none yet). Logs what changed; again every minute while it is too old. Returns what is to be done with miners now.
  WhenDown update(int64_t age_ms, int64_t now_ms);
  void change(int64_t most_ms, WhenDown policy) { most_ms_ = most_ms, policy_ = policy; }
  int64_t most_ms() const { return most_ms_; }
  bool is_too_old() const { return too_old_; }
  uint64_t alarms() const { return alarms_; }  // times that it became too old

 private:
  int64_t most_ms_;
  WhenDown policy_;
  bool too_old_ = false;
  int64_t told_ms_ = 0;
  uint64_t alarms_ = 0;
};

}  // namespace hh::pool
