// The pool as its event loop sees it: the jobs in use, the sessions, and what happens with a share that counts. One thread's.
#pragma once
#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/clock.h"
#include "base/log.h"
#include "guard.h"
#include "job.h"
#include "miners.h"
#include "recorder.h"
#include "share_check.h"
#include "state.h"
#include "statistics.h"
#include "submitter.h"
#include "template_age.h"
#include "vardiff.h"

namespace hh::pool {

class Session;

struct PoolConfig {
  std::string source;
  bitcoin::Network chain = bitcoin::Network::main;
  uint32_t version_mask = 0x1fffe000;  // BIP320
  bitcoin::Difficulty start_difficulty = bitcoin::Difficulty::whole(1);
  VardiffConfig vardiff;
  int64_t idle_ms = 600'000;   // without a line from the miner
  int64_t login_ms = 30'000;   // until it is authorized
  size_t most_workers = 100'000;  // in the statistics
  size_t most_jobs = 32;       // of one tip, the newest; templates are large
  int64_t stale_grace_ms = 2'000;  // after a new tip, in which shares for the one before still count
  GuardLimits guard;
};

struct Counters {
  uint64_t accepted = 0, blocks = 0, jobs = 0, connections = 0;
  uint64_t late = 0;                // of the accepted: for a tip that was the newest until a moment ago
  std::array<uint64_t, 6> refused{};  // by error code - 20
};

class Pool {
  PoolConfig config_;  // first: what follows is made by it

 public:
  struct Outside {
    std::function<void(Submitter::FoundBlock)> submit;
    std::function<bool(std::string_view job_id, uint64_t last_number)> was_ours;
  };
  Pool(PoolConfig c, const Miners& known, Recorder& to, Clock& time, Outside outside)
      : config_(std::move(c)), miners(known), recorder(to), clock(time), outside_(std::move(outside)) {}

  // The job is in use from here on; miners hear of it by notify_some().
  void on_job(std::shared_ptr<const Job> job);
  // Gives the newest job to at most so many of those that have not got it. True: there are more. Ten thousand sends take a tenth of a second, for
  // which nobody's share would be answered; so the loop comes between.
  bool notify_some(size_t most);
  // null also while the template is too old and miners should get none (template_age.h).
  LiveJob* newest() { return jobs_.empty() || when_down != WhenDown::keep ? nullptr : jobs_.back().get(); }
  LiveJob* find(std::string_view id);
  Refusal why_not_found(std::string_view id) const;
  // By the name that Stratum V2 gives it; see LiveJob::short_number.
  LiveJob* find_short(uint16_t number);
  Refusal why_not_found_short(uint16_t number) const;
  uint64_t oldest_number() const { return jobs_.empty() ? 0 : jobs_.front()->job().number; }

  // Stale policy. A share that was under way when our notify left is honest work: for stale_grace_ms after a new tip, shares for the jobs of the
  // tip before count like any other. Then they are refused, except for one that is a block: it goes to the nodes as long as its job is
  // kept, ten seconds longer, for it may win a race; and what is submitted is recorded.
  enum class Age { newest_tip, in_grace, stale };
  Age age_of(uint64_t job_number) const;

  // To every connection that works, or to those of one miner.
  struct Told {
    uint64_t connections = 0, miners = 0;
  };
  Told show_message(std::string_view text, std::string_view miner = "");
  Told reconnect(std::string_view host, uint16_t port, uint32_t wait_seconds, std::string_view miner = "");  // host "": back to the same
  const PoolConfig& config() const { return config_; }
  uint32_t version_mask() const { return config_.version_mask; }
  // Takes another configuration while everybody works, all but source and chain. Who works hears of it where it concerns him: a difficulty that
  // is out of its limits now, and another version mask, at once. Ranges of doors (listeners.h) are to be changed before.
  void reload(const PoolConfig& now);

  void add(Session& s);
  void remove(Session& s);
  // Its answer() is called when the turn's records were written: what was stored together is answered together.
  void answer_at_turn_end(Session& s) { to_answer_.push_back(&s); }
  void answer();
  size_t session_count() const { return sessions_.size(); }
  // Unique among the sessions of this run; starts at a random place, so that two pools seldom hand out the same.
  std::array<uint8_t, extranonce1_size> next_extranonce1();
  // About once a second: time-outs, difficulties, jobs that are over.
  void tick();

  // For a handover (state.cpp): jobs with their shares, tips, numbers; not the sessions, which the server has. inherit: into a new pool.
  void save(StateWriter& to) const;
  void inherit(StateReader& from);
  // Whether a job has nothing new for the sessions that were inherited.
  bool is_of_newest_tip(const Job& job) const { return !jobs_.empty() && jobs_.back()->job().record.prev_hash == job.record.prev_hash; }
  // Whether it is of a lower height than what miners work on.
  bool is_behind(const Job& job) const { return !jobs_.empty() && job.record.height < jobs_.back()->job().record.height; }

  // A share for a job that its sender was given. What passes is recorded and answered by ack once it is stored; where it is a block, it is on its way to
  // bitcoind before anything else is done. Returns why it does not count, else nullopt.
  struct ShareFor {
    LiveJob& live;
    const Identity& who;
    const Assignment& assigned;
    BytesView extranonce1;
    const Statistics::Seat& seat;
  };
  std::optional<Refusal> take_share(const ShareFor& f, std::optional<uint32_t> version_mask, const SubmittedShare& share, Ack ack);

  const Miners& miners;
  Recorder& recorder;
  Clock& clock;
  Counters counters;
  WhenDown when_down = WhenDown::keep;  // what is done with miners now
  // Its time is the wall clock's at the start and then steady, so that a clock that is stepped neither ages nor freezes anybody's hashrate.
  const int64_t steady_offset_ms = clock.unix_ms() - clock.monotonic_ms();
  Statistics statistics{config_.most_workers, clock.unix_ms()};
  Guard guard{config_.guard, clock};
  stratum::v1::Parser parser;  // one for all: its buffers are large
  // What any stranger may bring about.
  log::Bounded closed_log{"closed"}, login_refused_log{"authorize_refused"}, authorized_log{"authorized", 2000, 100};

 private:
  struct Tip {
    uint64_t first_number;  // of its jobs
    int64_t since_ms;
  };
  void submit_block(const ShareFor& f, const CheckedShare& checked);
  void record(const ShareFor& f, const CheckedShare& checked, Ack ack);
  void drop_job(size_t index);
  void drop_old_jobs();
  template <class Tell>
  Told tell(std::string_view miner, Tell tell_one);

  Outside outside_;
  std::deque<std::unique_ptr<LiveJob>> jobs_;  // oldest first; those of tips before the newest are kept for a while
  std::deque<Tip> tips_;                       // of those jobs, oldest first
  std::unordered_map<std::string_view, LiveJob*> by_id_;  // keys point into the jobs
  std::unordered_set<Session*> sessions_;
  std::vector<Session*> to_notify_;  // of the newest job, from the back; null: has left
  std::vector<Session*> to_answer_;  // null: has left
  uint64_t last_number_ = 0;
  uint16_t last_short_number_ = 0;
  uint32_t next_extranonce_ = 0;
  bool extranonce_started_ = false;
};

}  // namespace hh::pool
