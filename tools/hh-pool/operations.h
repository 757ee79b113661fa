// What operators see and do while the pool runs: the control socket, /metrics and /healthz, the files for dashboards, the kept statistics.
//
// All of it happens on three threads of its own (control, HTTP, and one that keeps house). They look at the pool by short calls on its event loop
// (LoopCall), which copy figures in pieces and format nothing, so that neither a slow disk nor a stuck client nor a curious one delays a
// miner. The house-keeping thread also measures how long the loop takes to get to a call, and says so when that is too long.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ban_keeper.h"
#include "ckpool_export.h"
#include "control/loop_call.h"
#include "control/server.h"
#include "http/server.h"
#include "metrics/histogram.h"
#include "options.h"
#include "pool_figures.h"

namespace hh::pool {

// Where the control socket may be, best first: the setting; else /run/hyperhash/hh-pool.sock and, where there is a spool, SPOOL.sock.
// Empty: control = off.
std::vector<std::string> control_paths(const std::string& setting, const std::string& spool, const std::string& source);

class Operations {
 public:
  // spool: its file, "" for none. post: runs a function on the pool's loop, from any thread. figures: called there; so are statistics' functions. Restores
  // the statistics and bans that an earlier run kept, and takes the address of `http` (but for options.takeover): throws Error(config, unavailable).
  Operations(const Options& options, const std::string& spool, Statistics& statistics, Guard& guard, Post post, std::function<PoolFigures()> figures);
  ~Operations();

  // Further commands of the control socket, before start(). They run on the control thread; see control/server.h.
  control::Server& control() { return control_; }
  // For commands: runs a function on the loop and returns what it returned.
  const control::LoopCall& on_loop() const { return on_loop_; }

  // Once the pool serves. Throws where the control socket or ckpool_folder that was asked for cannot be made. inherited: from a pool that is about to go; the control
  // socket and the address of `http` are then taken when it has let them go.
  void start(bool inherited);
  // On the loop's thread, when it has ended or is about to: nothing asks it any more. keep_too: keeps the statistics.
  void stop(bool keep_too = true);
  // Writes the statistics for the next process to read. On the loop's thread.
  void keep();

 private:
  void add_commands();
  std::string try_control();
  void try_http();
  void start_http();
  void settle();
  http::Page page(const std::string& path);
  std::optional<PoolFigures> look();
  void keep_house();
  void probe_loop();
  void each_minute();
  void export_for_ckpool(const PoolFigures& p);
  void keep_statistics(const std::function<std::vector<Statistics::Saved>(std::string& after)>& next, const Statistics::Saved& pool);
  void watch_refusals(const PoolFigures& p);

  const Options& options_;
  const std::string spool_;
  Statistics& statistics_;
  const Post post_;
  const std::function<PoolFigures()> figures_;
  std::atomic<bool> ending_{false};
  control::LoopCall on_loop_;
  BanKeeper bans_;
  control::Server control_;
  std::unique_ptr<http::Server> http_;
  std::optional<CkpoolExport> ckpool_;
  bool export_failed_ = false, keeping_failed_ = false;
  int64_t settle_until_ms_ = -1;  // while the predecessor may still hold our addresses; -1: not or no more

  metrics::DurationHistogram loop_latency_;
  std::shared_ptr<std::atomic<bool>> probing_ = std::make_shared<std::atomic<bool>>(false);
  int64_t probe_since_ms_ = 0;
  bool told_slow_ = false;
  uint64_t accepted_before_ = 0, rejected_before_ = 0;

  std::mutex keeping_;  // one writer of the kept statistics at a time
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread house_;
};

}  // namespace hh::pool
