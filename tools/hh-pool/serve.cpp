#include "serve.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>

#include "base/clock.h"
#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "json/fields.h"
#include "server.h"
#include "spool.h"
#include "template_source.h"
#include "zmq_listener.h"

namespace hh::pool {
namespace {

constexpr int64_t submit_patience_ms = 10'000;  // at the end, for blocks on their way
constexpr int64_t stdout_patience_ms = 5'000;
constexpr int64_t store_failure_grace_ms = 2'000;  // a block found by work already handed out still gets through

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
  void tick();
  void reload();
  void finish();
  std::string pool_line() const;

  const Options& options_;
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
  TemplateAge template_age_;
  std::unique_ptr<Server> server_;  // after the pool, whose sessions its connections hold
  int64_t failed_since_ms_ = -1, next_second_ms_ = 0;
};

PoolConfig with_source(PoolConfig config, const std::string& source) {
  config.source = source;
  return config;
}

Daemon::Daemon(const Options& options, Settings& settings)
    : options_(options), settings_(settings), miners_(options.pool.chain, options.miners_file), template_age_(options.max_age_ms, options.when_down) {
  loop_.at_turn_end([this] {
    if (recorder_) recorder_->flush();  // before the server's turn end, which sends the answers
  });
  server_ = std::make_unique<Server>(loop_, options.listen, ServerLimits{options.most_connections});
  miners_.load();
  start_ = open_store();
  const Post post = loop_.poster();
  recorder_ = std::make_unique<Recorder>(start_.source, options.pool.chain == bitcoin::Network::dev, start_.last_seq, *store_);
  submitter_ = std::make_unique<Submitter>(options.nodes, keep_prefix_, [this, post](records::Submission s) {
    if (s.result == "accepted") templates_->hint("block");
    post([this, s = std::move(s)] { recorder_->put_submission(s); });
  });
  JobMaker maker({start_.source, options.pool.chain, options.treasury_script, options.pool_tag, start_.run});
  templates_ = std::make_unique<TemplateSource>(options.templates, std::move(maker), [this, post](std::shared_ptr<const Job> job) {
    post([this, job = std::move(job)] { pool_->on_job(job); });
  });
  pool_ = std::make_unique<Pool>(with_source(options.pool, start_.source), miners_, *recorder_, clock_,
                                 Pool::Outside{[this](Submitter::FoundBlock b) { submitter_->submit(std::move(b)); },
                                               [this](std::string_view id, uint64_t last) { return templates_->was_ours(id, last); }});
}

// Without a spool nobody remembers the last sequence number, so every run is a source of its own.
Daemon::Start Daemon::open_store() {
  const uint64_t now = static_cast<uint64_t>(clock_.unix_ms());
  if (options_.spool.empty()) {
    store_ = make_pipe_store(STDOUT_FILENO, loop_.poster());
    return {fmt::format("{}.{}", options_.pool.source, now), 0, now};
  }
  auto spool = std::make_unique<Spool>(options_.spool, options_.pool.source);
  if (spool->torn_bytes() != 0) log::warn("spool_repaired", {{"spool", spool->path()}, {"torn_bytes", spool->torn_bytes()}});
  log::info("spool", {{"path", spool->path()}, {"bytes", spool->size()}, {"last_seq", spool->last_seq()}});
  keep_prefix_ = spool->path();
  const Start start{options_.pool.source, spool->last_seq(), std::max(now, spool->last_run() + 1)};
  store_ = make_spool_store(std::move(spool), options_.sync_always, STDOUT_FILENO, loop_.poster());
  return start;
}

std::string Daemon::pool_line() const {
  json::Json r = json::make_record("pool");
  if (options_.pool.chain == bitcoin::Network::dev) r["simulated"] = true;
  r["listen"] = server_->address();
  r["source"] = start_.source;
  r["chain"] = std::string(bitcoin::network_name(options_.pool.chain));
  return json::to_line(r) + "\n";
}

int Daemon::run() {
  templates_->start(options_.wait);
  if (stop_requested()) return finish(), 0;
  if (!options_.zmq.empty()) zmq_ = std::make_unique<ZmqListener>(options_.zmq, [this] { templates_->hint("zmq"); });
  submitter_->submit_kept();
  store_->start(pool_line());
  server_->accept_for(*pool_);
  log::info("listening", {{"address", server_->address()}, {"source", start_.source}, {"chain", bitcoin::network_name(options_.pool.chain)}});
  notify_service_manager("READY=1");
  loop_.every_tick([this] { tick(); });
  loop_.run();
  notify_service_manager("STOPPING=1");
  finish();
  if (store_->failed().empty()) return 0;
  throw Error(Exit::io, store_->failed());
}

void Daemon::tick() {
  if (stop_requested()) {
    log::info("stopping", {{"sessions", pool_->session_count()}, {"accepted", pool_->counters.accepted}});
    return loop_.stop();
  }
  const int64_t now = clock_.monotonic_ms();
  if (!store_->failed().empty()) {
    if (failed_since_ms_ < 0) {
      failed_since_ms_ = now;
      server_->refuse_new();
      log::error("store_failed", {{"reason", store_->failed()}, {"hint", "shares are refused; the pool stops"}});
    }
    if (now - failed_since_ms_ >= store_failure_grace_ms) return loop_.stop();
  }
  if (take_reload_request()) reload();
  if (now < next_second_ms_) return;
  next_second_ms_ = now + 1000;
  pool_->when_down = template_age_.update(templates_->template_age_ms(), now);
  pool_->tick();
  notify_service_manager("WATCHDOG=1");
  try {
    if (miners_.load_if_changed()) log::info("miners_loaded", {{"file", options_.miners_file}, {"aliases", miners_.size()}});
  } catch (const Error& e) {
    log::error("miners_not_loaded", {{"reason", e.what()}, {"hint", "the miners known before stay"}});
  }
}

void Daemon::reload() {
  notify_service_manager(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", clock_.monotonic_ms() * 1000));
  const auto before = settings_.snapshot();
  try {
    settings_.load();
    pool_->change_version_mask(read_options(settings_).pool.version_mask);
    miners_.load();
    log::info("reloaded", {{"aliases", miners_.size()}});
    for (const std::string& key : needs_restart(settings_.changed_from(before))) log::warn("needs_restart", {{"setting", key}});
  } catch (const Error& e) {
    log::error("not_reloaded", {{"reason", e.what()}});
  }
  notify_service_manager("READY=1");
}

// No new work and no new miners; then the blocks on their way; then the records, which these answers are part of; then the connections, after
// the last acknowledgements were written to them.
void Daemon::finish() {
  server_->refuse_new();
  zmq_.reset();
  templates_->stop();
  submitter_->close(submit_patience_ms);
  loop_.run_posted();
  recorder_->flush();
  try {
    store_->close(stdout_patience_ms);
  } catch (const Error& e) {
    loop_.run_posted();
    server_->drop_connections();
    loop_.run_posted();
    throw;
  }
  loop_.run_posted();
  server_->drop_connections();
  loop_.run_posted();
  log::info("stopped", {{"last_seq", recorder_->last_seq()}, {"accepted", pool_->counters.accepted}, {"blocks", pool_->counters.blocks}});
}

}  // namespace

int serve(const Options& options, Settings& settings) {
  std::signal(SIGPIPE, SIG_IGN);
  install_signal_flags();
  Daemon daemon(options, settings);
  return daemon.run();
}

}  // namespace hh::pool
