// Who mines how fast: for every worker, every miner (account) and the pool, rates over seven lengths of time, the best share, and what was
// accepted and refused. [C081]
//
// A share costs one worker's entry and the pool's: a miner's figures are the sums of its workers', added up when somebody asks. Time comes from
// tick(), once a second, so that a share reads no clock. Entries are reached by reference: whoever authorizes a worker holds its Seat.
//
// Memory is bounded: at most `most_workers` entries are kept. Those of connected workers stay (connections are limited elsewhere); of the others
// the one that has been away longest goes first, and any that has been away for a week. What a miner's forgotten workers did stays in the
// miner's sums as long as the miner has other workers. A worker that comes while all entries are taken by connected ones is counted
// with the pool only. A worker that leaves without having sent a share was nobody, and is forgotten at once.
//
// For the loop's thread only.
#pragma once
#include <array>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bitcoin/hash.h"
#include "rate.h"
#include "refusal.h"

namespace hh::pool {

struct Tally {
  uint64_t shares = 0;
  Uint128 work = 0;
  void add(uint64_t w) { ++shares, work += w; }
  void merge(const Tally& o) { shares += o.shares, work += o.work; }
};
using RefusedTallies = std::array<Tally, refused_reasons>;

// The difficulty that a hash reached is kept as the upper half of the hash: comparing needs no division, and 96 bits are left to show.
inline constexpr Uint128 no_best = ~Uint128{0};
inline Uint128 upper_half(const bitcoin::Hash256& h) {
  Uint128 n = 0;
  for (size_t i = 32; i-- > 16;) n = n << 8 | h.bytes[i];  // bytes[31] is the most significant
  return n;
}
std::string difficulty_text(Uint128 best);         // "1234.56789012", rounded down to eight places; "0" for no_best
uint64_t whole_difficulty(Uint128 best);           // rounded down
uint64_t difficulty_shares(Uint128 work);          // work in shares of difficulty one

// What is known of one worker, one miner or the pool, as copied for a reader.
struct Figures {
  std::string miner, worker;                  // as far as they apply
  uint32_t sessions = 0, workers = 0;         // connected now; kept (with shares)
  int64_t first_seen_ms = 0, last_share_ms = 0;  // unix; 0: never
  Tally accepted;
  RefusedTallies refused{};
  Uint128 best = no_best;
  std::array<Uint128, rate_seconds.size()> hashrate{};  // hashes per second
};

class Statistics {
  struct Worker;
  struct Miner;

 public:
  static constexpr int64_t forget_after_s = 7 * 86'400;
  Statistics(size_t most_workers, int64_t unix_ms);
  ~Statistics();
  // Fewer than there are: the next newcomer makes those longest away be forgotten.
  void change_most_workers(size_t most) { most_workers_ = most; }

  // A connection's hold on a worker's entry. Outlives no Statistics.
  class Seat {
   public:
    Seat() = default;
    Seat(Seat&& o) noexcept : all_(std::exchange(o.all_, nullptr)), worker_(std::exchange(o.worker_, nullptr)) {}
    Seat& operator=(Seat&& o) noexcept {
      if (this != &o) {
        leave();
        all_ = std::exchange(o.all_, nullptr);
        worker_ = std::exchange(o.worker_, nullptr);
      }
      return *this;
    }
    ~Seat() { leave(); }

   private:
    friend class Statistics;
    Seat(Statistics* all, Worker* worker) : all_(all), worker_(worker) {}
    void leave();
    Statistics* all_ = nullptr;
    Worker* worker_ = nullptr;
  };
  Seat sit(std::string_view miner, std::string_view worker);

  // Once a second, or as often as one likes. unix_ms may step; what goes back is taken as standing still.
  void tick(int64_t unix_ms);
  void accepted(const Seat& who, uint64_t work, const bitcoin::Hash256& hash);
  void refused(const Seat& who, Refused why, uint64_t work);  // work: of the difficulty that was asked for; 0 where unknown

  Figures pool() const;
  Uint128 pool_share_rate(size_t which) const;  // accepted shares per 1,000 seconds
  std::optional<Figures> miner(std::string_view name) const;
  // Workers of a miner in the order of their names; at most so many, from the first behind `after` on (nullptr: from the first).
  std::vector<Figures> workers(std::string_view miner, const std::string* after = nullptr, size_t most = SIZE_MAX) const;
  // Miners in the order of their names, from the first behind `after` on; at most so many workers are looked at (but one miner at least).
  std::vector<Figures> miners(std::string_view after, size_t most) const;
  size_t worker_count() const { return count_; }
  size_t miner_count() const;
  size_t evicted() const { return evicted_; }  // for want of room or after a week
  size_t turned_away() const { return turned_away_; }

  // What survives a restart, and how it is told apart: see saved_statistics.h.
  struct Saved {
    std::string miner, worker;  // both empty: the pool
    int64_t first_seen_ms = 0, last_share_ms = 0, faded_s = 0;
    Tally accepted;
    RefusedTallies refused{};
    Uint128 best = no_best;
    std::array<Uint128, rate_seconds.size()> sums{};
  };
  std::vector<Saved> saved_workers(std::string_view after_miner, size_t most, std::string& last_miner) const;
  Saved saved_pool() const;
  void restore(const Saved& s);  // before anybody sits down

 private:
  struct Counts {
    Rate rate;
    Tally accepted;
    Uint128 best = no_best;
    int64_t first_seen_ms = 0, last_share_ms = 0;
    std::unique_ptr<RefusedTallies> refused;  // made at the first refusal: most workers never have one
    void count(uint64_t work, Uint128 upper, int64_t now_ms, int64_t now_s);
    void count_refused(Refused why, uint64_t work);
    void merge(const Counts& o, int64_t now_s);
  };
  struct Worker {
    Counts counts;
    uint32_t sessions = 0;
    Miner* miner = nullptr;
    std::map<std::string, Worker, std::less<>>::iterator self;
    std::list<Worker*>::iterator away;  // where it is in away_, if sessions == 0
  };
  struct Miner {
    std::map<std::string, Worker, std::less<>> workers;
    std::map<std::string, Miner, std::less<>>::iterator self;
    std::unique_ptr<Counts> forgotten;
  };
  Worker* find_or_make(std::string_view miner, std::string_view worker);
  void leave(Worker& w);
  void forget(Worker& w);
  Figures figures(const Counts& c) const;
  Figures sum_of(const Miner& m) const;
  static Saved saved(const Counts& c);

  size_t most_workers_;
  int64_t now_ms_, now_s_;
  size_t count_ = 0, evicted_ = 0, turned_away_ = 0;
  Counts pool_;
  Rate pool_shares_;
  std::map<std::string, Miner, std::less<>> miners_;
  std::list<Worker*> away_;  // without a session, longest away first
};

}  // namespace hh::pool
