// One honest miner as the protocol sees it: lines in, lines out, no sockets. Counts every answer exactly once.
//
// An answer that belongs to no outstanding submit (doubled, or to a request never made) is `unexpected`; a submit without an answer is
// `unanswered`. A refusal is told apart by whether the miner had been told of the newest tip when it sent the share: a pool that refuses
// what was sent before_notify takes work from miners that could not know better.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "blocks.h"
#include "histogram.h"
#include "options.h"
#include "share_maker.h"
#include "tips.h"

namespace hh::load {

// What all miners of a run count together.
struct Counts {
  Histogram latency_us;   // submit to answer
  uint64_t submitted = 0, accepted = 0, refused = 0, unexpected = 0, unreadable = 0, low_hash = 0;
  uint64_t hashes = 0;
  enum class Sent : uint8_t { before_notify, after_notify, late };  // late: on purpose of the job before, after the notify of the next tip
  uint64_t late_accepted = 0;                                       // of the accepted
  struct Refusal {
    Sent sent;
    int code;
    std::string reason;
    auto operator<=>(const Refusal&) const = default;
  };
  std::map<Refusal, uint64_t> refusals;
};

struct Shared {
  const Options& options;
  Counts counts;
  Tips tips;
  const Blocks* blocks = nullptr;
  stratum::v1::Parser parser;
};

// The name of miner i: an address made from i, and a worker.
std::string user_name(const Options& o, uint64_t i);

class Miner {
 public:
  Miner(Shared& shared, uint64_t index) : shared_(shared), index_(index) {}

  void put_login(std::string& out);
  // A whole line without its newline, received at at_us (monotonic).
  void line(std::string_view text, uint64_t at_us);
  // Subscribed, authorized and given a job.
  bool is_ready() const { return subscribed_ && authorized_ && has_job_; }
  const std::string& login_refused() const { return login_refused_; }  // why, where it was
  // Appends a submit of a share of the newest job; false where none was found. REQUIRES is_ready().
  bool put_submit(std::string& out);
  // A share of the job before, once after each change of the tip: a pool should say that it is stale. False where there is none.
  bool put_late_submit(std::string& out);
  size_t outstanding() const { return outstanding_.size(); }

 private:
  struct Outstanding {
    uint64_t id, sent_us;
    uint32_t tip;
    bool late;
  };
  bool quick_answer(std::string_view text, uint64_t at_us);
  void notified(std::string_view text, uint64_t at_us);
  void other_line(std::string_view text, uint64_t at_us);
  void answered(uint64_t id, const stratum::v1::Response& r, uint64_t at_us);
  std::optional<Outstanding> take(uint64_t id);
  bool make_ready();
  bool put_share(std::string& out, ShareMaker& maker, bool late);
  uint64_t told_us() const;

  Shared& shared_;
  const uint64_t index_;
  std::string notify_;  // the newest, read when the next share is made: reading 10,000 of them at once would delay what is measured
  std::unique_ptr<ShareMaker> maker_, maker_before_;  // of the newest job; of the last one of the tip before
  std::vector<Outstanding> outstanding_;
  std::string login_refused_;
  Bytes extranonce1_;
  size_t extranonce2_size_ = 0;
  std::optional<uint32_t> version_mask_;
  bitcoin::Difficulty difficulty_{1}, job_difficulty_{1};
  uint64_t next_id_ = 10, jobs_ = 0;
  uint32_t tip_ = 0;
  bool subscribed_ = false, authorized_ = false, has_job_ = false;
};

}  // namespace hh::load
