// Block templates from a node, as jobs. [C124][X023]
//
// Two threads with a connection each: one waits in a long poll (BIP22), which bitcoind answers when the tip changes; the other asks for the best
// block's hash every poll_ms, and for a template where the tip is not the known one (the long poll was slow or broken) or the refresh
// interval is over (new transactions, new time). One alone would do; together a stuck connection costs a second, not a block.
// An answer that was asked for before the tip last changed is dropped: it may be of the old tip.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "http/bitcoin_rpc.h"
#include "job.h"

namespace hh::pool {

class TemplateSource {
 public:
  struct Config {
    http::BitcoinRpcConfig rpc;
    bitcoin::Network chain = bitcoin::Network::main;
    int64_t refresh_ms = 30'000;
    int64_t poll_ms = 1'000;
    bool propose = false;  // have bitcoind judge each job's block (BIP23 proposal) before miners get it
  };
  using OnJob = std::function<void(std::shared_ptr<const Job>)>;  // called on these threads, one at a time

  TemplateSource(Config config, JobMaker maker, OnJob on_job);
  ~TemplateSource();

  // Asks for the first template and starts the threads. wait: until the node answers (or stop_requested()), with log lines. Throws
  // Error(unavailable) where it does not, Error(config) where the node is on another chain.
  void start(bool wait);
  void stop();
  bool was_ours(std::string_view job_id, uint64_t last_number) const { return maker_.was_ours(job_id, last_number); }
  bool is_up() const { return up_; }  // the node answered last time

 private:
  http::Json request(const std::string& longpollid) const;
  void fetch(http::BitcoinRpc& rpc, const std::string& longpollid);
  void offer(const std::string& text, int64_t asked_ms, bool long_poll);
  void judge(http::BitcoinRpc& rpc, const Job& job);
  void check_chain();
  void long_poll_loop();
  void poll_loop();
  void poll_once();
  void went_down(const std::string& why);
  void came_up();
  bool pause(int64_t ms);

  const Config config_;
  JobMaker maker_;
  OnJob on_job_;
  http::BitcoinRpc long_poll_rpc_, poll_rpc_, judge_rpc_;
  std::mutex mutex_;  // guards what follows
  bitcoin::Hash256 tip_;
  uint32_t height_ = 0;
  std::string longpollid_;
  int64_t tip_since_ms_ = -1, job_since_ms_ = -1;
  std::atomic<bool> stop_{false}, up_{false};
  std::thread long_poll_thread_, poll_thread_;
};

// Name of a node's chain as ours: getblockchaininfo's `chain`. Throws Error(config) for chains we do not mine (testnet3).
bitcoin::Network network_of_node(http::BitcoinRpc& rpc);

}  // namespace hh::pool
