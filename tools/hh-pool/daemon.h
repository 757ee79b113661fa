// The daemon's parts, and who makes, stops and hands over which: serve.cpp has its life, daemon_handover.cpp its two ends at a takeover,
// daemon_reload.cpp what a reload changes.
#pragma once
#include <array>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "net/handover.h"
#include "net/loop.h"
#include "keys.h"
#include "operations.h"
#include "options.h"
#include "server.h"
#include "spool.h"
#include "store.h"
#include "store_alarm.h"
#include "submitter.h"
#include "template_age.h"
#include "template_source.h"
#include "zmq_listener.h"

namespace hh::pool {

inline constexpr int64_t stdout_patience_ms = 5'000;  // for the reader of what was recorded

// Everything that lives as long as the daemon, in the order in which it is made. The destructor takes it apart in the order that loses
// nothing; see finish().
class Daemon {
 public:
  Daemon(const Options& options, Settings& settings);
  int run();

 private:
  struct Start {
    std::string source;
    uint64_t last_seq = 0, run = 0;
  };
  Start open_store();
  void use_spool(std::shared_ptr<Spool> spool);
  void make_parts();
  std::unique_ptr<TemplateSource> make_templates(const Options& options, uint64_t run);
  std::unique_ptr<Submitter> make_submitter(const Options& options);
  std::unique_ptr<ZmqListener> make_zmq(const Options& options);
  std::shared_ptr<const net::TlsContext> make_tls(const Options& options) const;
  std::shared_ptr<const stratum::ServerKeys> make_sv2(const Options& options);
  void hint(std::string_view from);  // that there may be a new tip
  // Handovers, on either side (daemon_handover.cpp).
  std::string greeting() const;
  std::string judge(std::string_view greeting) const;
  void take_over();
  void offer();
  std::variant<net::HandoverOffer::State, std::string> stop_work();
  std::string rest_store();
  void resume_work();
  void handed_over(pid_t taker);
  void on_job(std::shared_ptr<const Job> job, uint64_t run);
  void tick();
  // Reloads (daemon_reload.cpp).
  struct Reload;
  void reload();
  Reload prepare();
  void take(Reload r);
  std::shared_ptr<const Job> succeed(std::shared_ptr<const Job> job);
  void mind_successors(int64_t now);
  size_t blocks_on_their_way() const;
  void close_submitters();
  void finish();
  std::string pool_line() const;
  PoolFigures figures();

  const Options& options_;  // as at the start: what a reload changes of them, the parts below have
  Settings& settings_;
  Clock& clock_ = system_clock();
  Miners miners_;
  net::Loop loop_;
  std::unique_ptr<Store> store_;
  std::string keep_prefix_;
  Start start_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<Submitter> submitter_;
  std::unique_ptr<TemplateSource> templates_;
  std::unique_ptr<Pool> pool_;
  std::unique_ptr<ZmqListener> zmq_;
  // After a reload: who gives the jobs as soon as he has one; who has blocks on their way to nodes that are not in the list any more.
  std::unique_ptr<TemplateSource> successor_;
  uint64_t successor_run_ = 0;
  int64_t successor_told_ms_ = 0;
  std::vector<std::unique_ptr<Submitter>> former_submitters_;
  std::map<std::string, std::string> in_effect_ = settings_.snapshot();
  TemplateAge template_age_;
  StoreAlarm store_alarm_;
  std::unique_ptr<Server> server_;  // after the pool, whose sessions its connections hold
  std::shared_ptr<Spool> spool_;
  std::unique_ptr<net::HandoverOffer> offer_;
  bool inherited_ = false, handed_over_ = false;
  std::unique_ptr<Operations> operations_;
  const int64_t started_ms_ = system_clock().unix_ms();
  std::array<uint64_t, 3> submissions_{};  // accepted, rejected, unknown
  int64_t keys_end_s_ = 0;  // of Stratum V2's certificate; 0: none
  int64_t failed_since_ms_ = -1, next_second_ms_ = 0;
  std::vector<std::future<void>> farewells_;  // last, so waited for first: of what takes its time to end
};

}  // namespace hh::pool
