// A job: one block template turned into work for miners, with everything that later judges the shares for it.
//
// Every job has a coinbase of its own: eight bytes after the pool tag are the beginning of SHA-256("source/job"). Without them two jobs made
// from the same template (a refresh without new transactions, a reorganisation back to an old tip, a second pool of the same treasury)
// would have equal coinbases, and one proof of work would count as a share of both.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "bitcoin/block_template.h"
#include "bitcoin/coinbase.h"
#include "bitcoin/work.h"
#include "records/job.h"
#include "seen_shares.h"
#include "stratum/v1.h"

namespace hh::pool {

inline constexpr size_t extranonce1_size = 4;
inline constexpr size_t extranonce2_size = 8;
// Network rule for a block's time: at most two hours ahead.
inline constexpr uint32_t max_time_ahead = 7200;

// Immutable once made; shared between threads.
struct Job {
  records::Job record;
  uint64_t number = 0;  // grows from job to job, over restarts too
  bool new_tip = false; // the tip changed with this job: older jobs are stale
  std::shared_ptr<const bitcoin::BlockTemplate> block_template;
  bitcoin::CoinbaseParts coinbase;
  stratum::v1::NotifyHalves notify;
  uint32_t least_time = 0, most_time = 0;  // for a share's ntime
  // Shares are never harder than blocks: a miner sends only what meets its difficulty, so a harder one would lose blocks.
  bitcoin::Difficulty most_difficulty{1};
};

// A job from its record, the template it was made of, and its place among the others. The record has everything of the coinbase in it.
std::shared_ptr<const Job> make_job(records::Job record, uint64_t number, bool new_tip, std::shared_ptr<const bitcoin::BlockTemplate> t);

// Makes the jobs of one run: ids are the run's start in milliseconds and a counter, in hex. Numbers go on growing from run to run.
class JobMaker {
 public:
  struct Config {
    std::string source;
    bitcoin::Network chain;
    Bytes treasury_script;
    std::string pool_tag;
    uint64_t run;  // unix milliseconds; larger than that of any run before
    std::optional<int64_t> solo_fee_ppm = std::nullopt;  // of the reward, for the treasury; set: the rest is the finder's
  };
  explicit JobMaker(Config config) : config_(std::move(config)) {}
  // Throws Error(data) where no coinbase can be built.
  std::shared_ptr<const Job> make(std::shared_ptr<const bitcoin::BlockTemplate> t, bool new_tip, int64_t now_ms);
  // Whether an id is one that this run or one before it gave out up to now (for the difference between "stale" and "unknown").
  bool was_ours(std::string_view id, uint64_t last_number) const;

 private:
  std::string id(uint64_t count) const;
  uint64_t number(uint64_t count) const { return (config_.run << 20) + count; }
  Config config_;
  uint64_t made_ = 0;
};

// A job in use by the event loop, with its shares so far. One thread's.
//
// What differs between miners of one job is the end of the coinbase, which pays the miner's script (an empty script is a miner without an
// address). It is put together when it is needed: kept for ten thousand miners and thirty jobs it would be the largest thing in memory.
class LiveJob {
 public:
  explicit LiveJob(std::shared_ptr<const Job> job, uint16_t short_number = 0);
  const Job& job() const { return *job_; }
  const std::shared_ptr<const Job>& shared() const { return job_; }
  // Unique among the jobs that are in use: Stratum V2 has 32 bits for a job's name.
  uint16_t short_number() const { return short_number_; }
  records::FeeTo fee_to(BytesView script) const;
  std::optional<Sat> treasury_keeps(BytesView script) const;  // solo, where the coinbase can pay that script
  Bytes suffix(BytesView script) const { return bitcoin::suffix_for(job_->coinbase, script); }
  // The suffix between the halves of the notify line; valid until the next call.
  std::string_view suffix_hex(BytesView script);
  bitcoin::Hash256 coinbase_txid(BytesView extranonce1, BytesView extranonce2, BytesView script) const;
  bool first_time_seen(const bitcoin::Hash256& share) { return seen_.insert(share); }
  void forget(const bitcoin::Hash256& share) { seen_.erase(share); }  // it was refused for a reason of ours, and may come again
  const SeenShares& seen() const { return seen_; }
  SeenShares& seen() { return seen_; }

 private:
  std::shared_ptr<const Job> job_;
  uint16_t short_number_;
  bitcoin::Sha256 prefix_hashed_;
  std::string suffix_hex_;
  SeenShares seen_;
};

}  // namespace hh::pool
