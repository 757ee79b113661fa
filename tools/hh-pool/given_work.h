// The work that one miner has: which jobs it was given with which difficulty, and what the next one is to carry. A V1 connection has one of these, a V2
// connection one for each channel.
//
// A share is judged with the difficulty that its job was sent with. So a new difficulty comes with a new job, or with the newest one once more, under another
// name (given_jobs.h) and with a later time: a miner begins anew with what it is given (ESP-Miner: at extranonce2 0), and with the same time it
// would find the same shares again.
#pragma once
#include <optional>

#include "given_jobs.h"
#include "job.h"
#include "vardiff.h"

namespace hh::pool {

class GivenWork {
 public:
  GivenWork(const VardiffConfig& config, bitcoin::Difficulty start, int64_t now_ms) : vardiff(config, start, now_ms) {}

  struct Given {
    Assignment assignment;
    bool difficulty_changed = false;  // to what the miner was told last
    uint32_t ntime = 0;
    uint16_t again = 0;
  };
  // For the first time. oldest_number: of the jobs that are kept. REQUIRES a job newer than all before.
  Given give(const Job& job, uint64_t oldest_number, int64_t now_ms);
  // Once more, for its difficulty; nullopt: the difficulty is what it was, or it comes with the next job. age_ms: of the job.
  // same_difficulty_too: the miner has forgotten what it had.
  std::optional<Given> give_again(const Job& job, int64_t age_ms, bool same_difficulty_too, int64_t now_ms);
  const Assignment* find(GivenName name) const { return given_.find(name); }
  const Assignment* newest_assignment() const { return given_.find(given_.newest()); }
  GivenName newest() const { return given_.newest(); }
  bool empty() const { return given_.empty(); }
  void told(bitcoin::Difficulty d) { told_ = d; }  // in another way than with a job
  void forget_told() { told_.reset(); }  // the miner has: it is told its difficulty anew
  const Assignment& assignment_for(const Job& job);
  void save(StateWriter& to) const;
  void inherit(StateReader& from);

  Vardiff vardiff;

 private:
  GivenJobs given_;
  Assignment assignment_;  // the last one, and for which block target: working one out costs two long divisions
  bitcoin::Target assignment_for_;
  std::optional<bitcoin::Difficulty> told_;
  uint32_t last_ntime_ = 0;  // of the newest job as it was sent last
};

}  // namespace hh::pool
