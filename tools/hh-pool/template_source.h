// Block templates from several nodes, as jobs. [C124][X023]
//
// Tips (tips.h) decides which node gives the next template; every Node (node.h) has threads of its own. Word of a new tip comes by
//   long poll   from the node in use; bitcoind answers it with the new template
//   poll        every node is asked for its best block each poll_ms: what a stuck connection costs is a second, not a block
//   hints       hh-pool notify (for bitcoind's -blocknotify) and ZMQ: every node is polled at once
// Where a poll is first to tell of a new tip and the template does not follow within empty_after_ms, miners get an empty block's job
// meanwhile (empty_block.h), and the template as a second job that does not void the first.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "http/bitcoin_rpc.h"
#include "job.h"
#include "node.h"
#include "tips.h"

namespace hh::pool {

class TemplateSource {
 public:
  struct Config {
    std::vector<http::BitcoinRpcConfig> nodes;  // in order of preference; at least one
    bitcoin::Network chain = bitcoin::Network::main;
    int64_t refresh_ms = 30'000;
    int64_t poll_ms = 1'000;
    bool propose = false;  // have bitcoind judge each job's block (BIP23 proposal) before miners get it
    int64_t timeout_ms = 3'000;  // a node that does not answer a poll for so long is down
    Tips::Config failover;
    int64_t empty_after_ms = 0;  // -1: no jobs of empty blocks
  };
  using OnJob = std::function<void(std::shared_ptr<const Job>)>;  // called on the nodes' threads, one at a time

  TemplateSource(Config config, JobMaker maker, OnJob on_job);
  ~TemplateSource();

  // Starts the threads and waits for the first template. wait: until a node answers (or stop_requested()), with log lines. Throws
  // Error(unavailable) where none does, Error(config) where a node is on another chain.
  void start(bool wait);
  // Starts the threads only: the first job comes when a node has given one.
  void begin();
  void stop();
  bool was_ours(std::string_view job_id, uint64_t last_number) const { return maker_.was_ours(job_id, last_number); }
  // There may be a new tip: look at once. Any thread.
  void hint(std::string_view from);

  struct NodeStatus {
    std::string url, tip, reason;  // reason: why it is not up
    bool is_up = false, lags = false, in_use = false;
    uint32_t height = 0;
    uint64_t failures = 0;    // times that it went down
    uint64_t templates = 0;   // that jobs were made of
  };
  struct Status {
    std::vector<NodeStatus> nodes;
    int64_t template_age_ms = -1;  // since a node last confirmed or renewed the template in use; -1: there was none yet
    uint64_t jobs = 0, empty_jobs = 0, hints = 0, dropped_templates = 0;
  };
  Status status() const;
  int64_t template_age_ms() const;

 private:
  struct Source {
    std::unique_ptr<Node> node;
    bool heard = false;
    std::optional<Error> error;    // why it is not up
    bool may_come = false;         // it is an error that passes by itself
    bool gives_templates = true;   // false since one failed, until one came
    bool lagged = false;           // told people so
    int64_t retry_ms = 0, retry_pause_ms = 1'000;  // after a failed template
    std::string longpollid;
    uint64_t failures = 0, templates = 0;
  };

  void on_tip(size_t i, const Tip& tip, int64_t asked_ms);
  void on_no_tip(size_t i, const Error& e);
  void on_template(size_t i, http::BitcoinRpc& rpc, const std::string& text);
  void on_no_template(size_t i, const Error& e);
  Tip parent_of(http::BitcoinRpc& rpc, const bitcoin::BlockTemplate& t);
  void give_empty(size_t i, const Tip& tip);
  void judge(http::BitcoinRpc& rpc, const Job& job) const;
  // With mutex_ held:
  bool would_use(size_t i, const Tip& parent) const;
  std::shared_ptr<const Job> use(size_t i, std::shared_ptr<const bitcoin::BlockTemplate> t, const Tip& parent);
  void went_down(size_t i, const Error& e);
  void came_up(size_t i);
  void tell_lags();
  void ask_if_due();
  bool all_failed() const;

  const Config config_;
  JobMaker maker_;
  OnJob on_job_;
  mutable std::mutex mutex_;  // guards what follows and, with it, the order of jobs
  std::condition_variable changed_;
  std::vector<Source> sources_;
  Tips tips_;
  std::optional<size_t> in_use_;
  std::shared_ptr<const bitcoin::BlockTemplate> last_;  // not an empty one
  int64_t last_ms_ = -1, job_since_ms_ = -1, started_ms_ = -1;
  bool empty_job_ = false;
  uint64_t jobs_ = 0, empty_jobs_ = 0, hints_ = 0, dropped_ = 0;
  std::atomic<bool> stop_{false};
};

}  // namespace hh::pool
