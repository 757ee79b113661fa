// Variable difficulty: keeps each connection near a wanted number of shares a minute. Integers only, a fake clock drives it in tests.
//
// Few shares are a noisy measure of speed: with 20 shares the estimate is off by a fifth one time in three. So the difficulty moves only when the
// count is out of proportion (beyond 2/3 to 3/2 of the wanted rate), at most by a factor of 16 up or down, and after a window of at least
// 15 s (or at once when four windows' worth of shares arrived: a big miner at a small difficulty). New difficulty = old × counted ÷ wanted.
#pragma once
#include <cstdint>
#include <optional>

#include "bitcoin/difficulty.h"

namespace hh::pool {

struct VardiffConfig {
  int64_t shares_per_minute = 20;  // 0: off
  bitcoin::Difficulty least{1}, most = bitcoin::max_share_difficulty();
};

class Vardiff {
 public:
  Vardiff(const VardiffConfig& config, bitcoin::Difficulty start, int64_t now_ms);
  bitcoin::Difficulty difficulty() const { return difficulty_; }
  void set(bitcoin::Difficulty d, int64_t now_ms);        // clamped to the limits; starts a new window
  void set_least(bitcoin::Difficulty least) { least_ = least; }  // of this connection (BIP310 minimum-difficulty)
  void count_share() { ++shares_; }
  // True where the difficulty changed.
  bool adjust(int64_t now_ms);

 private:
  bitcoin::Difficulty clamp(bitcoin::Difficulty d) const;
  const VardiffConfig& config_;
  bitcoin::Difficulty difficulty_, least_;
  int64_t window_start_ms_;
  int64_t shares_ = 0;
};

}  // namespace hh::pool
