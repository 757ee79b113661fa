// Variable difficulty: keeps each connection near a wanted number of shares a minute. Integers only; time comes from outside.
//
// The problem. Shares arrive at random: a miner whose difficulty is right sends 20 a minute on average, but any minute may bring 12 or 28. A
// pool that answers to that noise makes the difficulty swing, and with it the miner's share count; one that waits for certainty leaves a
// miner of 10 PH/s at difficulty 1 to send a million lines a second, and one of 1 GH/s at a million without any pay for a month. What is
// wanted is an answer as fast as the evidence allows: at once where it is overwhelming, late where it is thin.
//
// The alternatives. Fixed thresholds ("every 60 s, move when off by more than 30 %") are one number for both jobs: a window of 60 s is slow at
// the start and still wrong one time in ten at 20 shares. An exponential average of the time between shares (as most pools use) needs
// logarithms or floating point, sees nothing while no share comes, and is led by the last few gaps. A retarget after a count of shares
// never comes for a miner that sends none. So: a test of the hypothesis "this difficulty is right", made at each share and each second.
//
// The law. With λ the shares that were due since the difficulty came into force and k those that came, √k is spread around √λ by 1/2, whatever
// λ is (Anscombe's transformation; 3/8 is added to both). The difficulty moves only where √k and √λ differ by c, and k and λ by a half:
//   - c = 2¼ in a short window of 10 due shares, which sees sudden steps; c = 2 in one of 30 and in a long one of 200, which sees that the
//     difficulty is off by 1.5. The long one ends with a trim: 200 shares are precise enough (7 %) to act on a sixth.
//   - c = 1½ in the long window as long as the difficulty is rough: at the start, and after a move by 4 or more, until 48 shares were due.
// The new difficulty is the old one × k ÷ λ, the plain estimate, but at most × 64 (five lines in a row after a stall of the network are no
// proof of a thousandfold speed) and at least ÷ 16. Where nothing came at all there is nothing to estimate: ÷ 4, or ÷ 16 while rough. c is then
// met at 8 due shares (24 s at 20 a minute), or 4 (12 s) while rough.
//
// Rented hashrate goes off and comes back. A connection that has sent shares and falls silent goes down to a 64th within 40 s, for it may
// have become a hundred times slower; from there on each step waits until 40 shares were due (two minutes), for more likely it is off, and
// when it returns the difficulty should not be at the floor.
//
// A move by 4 or more, and any while rough, goes out at once, with the current job again under a new name (given_jobs.h): a miner must not
// wait 30 s for its next job. Smaller ones wait for that job. A share counts as much as its own difficulty is of the one in force, at most once: shares that were
// under way when the difficulty rose say little about it.
//
// A fixed difficulty (the miner asked for it) is left alone, unless 16 times the wanted shares come: then it is a flood, and steered.
//
// Measured: `unit_pool "[table]"`. Poisson arrivals, 60 ms for a new difficulty to reach the miner, 20 shares a minute, jobs every 30 s, 40
// seeds; "settled" is when the difficulty stays within a factor of two for a minute. The same from 1 GH/s to 10 PH/s, as nothing depends on scale:
//   at first 2^20 too easy   settled after   9 s (95 %:  36 s), most of the time within a second; some 600 lines, which were under way
//   at first 2^10 too easy                   1 s (95 %:  45 s), 32 shares
//   at first 2^10 too hard                  53 s (95 %: 144 s),  4 shares
//   at first 2^20 too hard                  65 s (95 %: 152 s), before the first share
//   speed × 100 / ÷ 100                    0.4 s (95 %:  72 s) / 33 s (95 %: 103 s)
//   speed × 3 / ÷ 3                         30 s (95 %:  60 s) / 86 s (95 %: 180 s)
//   10 hours of one speed    19.9 to 20.5 shares a minute; variance of a minute's shares 0.98 to 1.23 of their mean (1 is chance alone);
//                            off by more than two in 0 to 0.3 % of the minutes; one or two moves an hour
//   10 min on, 5 min off     settled 0.6 s after the return (95 %: 38 s) with 4 moves (the most of 160 returns: 11); off for 10 s: no move
#pragma once
#include <cstdint>

#include "bitcoin/difficulty.h"
#include "state.h"

namespace hh::pool {

struct VardiffConfig {
  int64_t shares_per_minute = 20;  // 0: off
  bitcoin::Difficulty least{1}, most = bitcoin::max_share_difficulty();
};

// What a connection begins with, and within which limits it stays: by the door through which it came (listeners.h).
struct DifficultyRange {
  VardiffConfig vardiff;
  bitcoin::Difficulty start{1};
};

class Vardiff {
 public:
  // What became of the wanted difficulty.
  enum class Move : uint8_t { none, with_next_job, at_once };

  Vardiff(const VardiffConfig& config, bitcoin::Difficulty start, int64_t now_ms);
  // The difficulty that the next job should carry.
  bitcoin::Difficulty wanted() const { return wanted_; }
  bool is_fixed() const { return fixed_; }
  bool has_share() const { return has_share_; }

  // A wish of the miner: start there, or (fixed) stay there. Clamped to the limits, which win.
  void start_at(bitcoin::Difficulty d);
  void fix_at(bitcoin::Difficulty d);
  void set_least(bitcoin::Difficulty least);  // of this connection
  // The configuration that it refers to is another now. True: the difficulty in force is out of the limits; the wanted one is not.
  bool limits_changed();

  // For a handover. What was counted is forgotten: the windows begin anew.
  void save(StateWriter& to) const;
  void inherit(StateReader& from);

  // A job has gone out that carries this difficulty, which is the wanted one or the network's where that is lower.
  void in_force(bitcoin::Difficulty d, int64_t now_ms);
  // An accepted share, and the difficulty that it was judged with.
  Move count_share(bitcoin::Difficulty of_share, int64_t now_ms);
  // To be called about once a second: silence is news too.
  Move adjust(int64_t now_ms);

 private:
  struct Window {
    int64_t start_ms = 0;
    uint64_t came = 0;  // shares × 256
  };
  bitcoin::Difficulty clamp(bitcoin::Difficulty d) const;
  uint64_t due(const Window& w, int64_t now_ms) const;
  bool aim(uint64_t came, uint64_t due);
  Move decide(int64_t now_ms);
  void forget(int64_t now_ms);

  const VardiffConfig* config_;
  bitcoin::Difficulty wanted_, in_force_;
  bitcoin::Difficulty least_{1};  // the miner's wish
  bitcoin::Difficulty last_share_{1};  // in force when the last share came
  Window short_, middle_, long_;
  bool fixed_ = false, rough_ = true, has_share_ = false;
};

}  // namespace hh::pool
