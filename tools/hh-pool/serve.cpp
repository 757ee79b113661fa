#include "serve.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "daemon.h"
#include "json/fields.h"
#include "json/strict.h"
#include "status.h"

namespace hh::pool {
namespace {

constexpr int64_t submit_patience_ms = 10'000;  // at the end, for blocks on their way
constexpr size_t notified_in_a_turn = 64;  // half a millisecond
constexpr int64_t store_failure_grace_ms = 2'000;  // a block found by work already handed out still gets through

PoolConfig with_source(PoolConfig config, const std::string& source) {
  config.source = source;
  return config;
}

}  // namespace

Daemon::Daemon(const Options& options, Settings& settings)
    : options_(options), settings_(settings), miners_(options.pool.chain, options.miners_file), template_age_(options.max_age_ms, options.when_down) {
  loop_.at_turn_end([this] {
    if (recorder_) recorder_->flush();  // before the server's turn end, which sends the answers
    if (pool_ && pool_->notify_some(notified_in_a_turn)) loop_.hurry();
  });
  miners_.load();
  if (options.takeover) {
    take_over();
    return;
  }
  server_ = std::make_unique<Server>(loop_, ServerLimits{options.most_connections});
  trust(options);
  for (const Listener& l : options.listeners) server_->open(l);
  start_ = open_store();
  make_templates();
  make_parts();
}

// At the start, and again on SIGHUP: a renewed certificate has the same files.
void Daemon::trust(const Options& options) {
  std::shared_ptr<const net::TlsContext> tls;
  if (uses_tls(options_.listeners)) {
    tls = std::make_shared<net::TlsContext>(options.tls_certificate, options.tls_key);
    log::write(tls->days_left() < 0 ? log::Level::error : log::Level::info, "certificate", {{"file", options.tls_certificate}, {"days_left", tls->days_left()}});
  }
  server_->believe(options.trusted, std::move(tls));
}

void Daemon::make_templates() {
  JobMaker maker({start_.source, options_.pool.chain, options_.treasury_script, options_.pool_tag, start_.run});
  templates_ = std::make_unique<TemplateSource>(options_.templates, std::move(maker), [this, post = loop_.poster()](std::shared_ptr<const Job> job) {
    post([this, job = std::move(job)] { on_job(job); });
  });
}

void Daemon::make_parts() {
  recorder_ = std::make_unique<Recorder>(start_.source, options_.pool.chain == bitcoin::Network::dev, start_.last_seq, *store_);
  submitter_ = std::make_unique<Submitter>(options_.nodes, keep_prefix_, [this, post = loop_.poster()](records::Submission s) {
    if (s.result == "accepted") templates_->hint("block");
    post([this, s = std::move(s)] {
      recorder_->put_submission(s);
      ++submissions_[s.result == "accepted" ? 0 : s.result == "rejected" ? 1 : 2];
    });
  });
  pool_ = std::make_unique<Pool>(with_source(options_.pool, start_.source), miners_, *recorder_, clock_,
                                 Pool::Outside{[this](Submitter::FoundBlock b) { submitter_->submit(std::move(b)); },
                                               [this](std::string_view id, uint64_t last) { return templates_->was_ours(id, last); }});
  operations_ = std::make_unique<Operations>(options_, keep_prefix_, pool_->statistics, pool_->guard, loop_.poster(), [this] { return figures(); });
  operations_->control().on("notify", [this](const json::Fields&, std::string&) { templates_->hint("notify"); });
}

// After a handover our templates begin with the tip that the miners work on already: they need not hear of it again.
void Daemon::on_job(std::shared_ptr<const Job> job) {
  if (handed_over_ || (inherited_ && job->new_tip && pool_->is_of_newest_tip(*job))) return;
  pool_->on_job(std::move(job));
}

// Without a spool nobody remembers the last sequence number, so every run is a source of its own.
Daemon::Start Daemon::open_store() {
  const uint64_t now = static_cast<uint64_t>(clock_.unix_ms());
  if (options_.spool.empty()) {
    store_ = make_pipe_store(STDOUT_FILENO, loop_.poster());
    return {fmt::format("{}.{}", options_.pool.source, now), 0, now};
  }
  auto spool = std::make_shared<Spool>(options_.spool, options_.pool.source);
  if (spool->torn_bytes() != 0) log::warn("spool_repaired", {{"spool", spool->path()}, {"torn_bytes", spool->torn_bytes()}});
  log::info("spool", {{"path", spool->path()}, {"bytes", spool->size()}, {"last_seq", spool->last_seq()}});
  const Start start{options_.pool.source, spool->last_seq(), std::max(now, spool->last_run() + 1)};
  use_spool(std::move(spool));
  return start;
}

void Daemon::use_spool(std::shared_ptr<Spool> spool) {
  keep_prefix_ = spool->path();
  spool_ = spool;
  store_ = make_spool_store(std::move(spool), options_.sync_always, STDOUT_FILENO, loop_.poster());
}

std::string Daemon::pool_line() const {
  json::Json r = json::make_record("pool");
  if (options_.pool.chain == bitcoin::Network::dev) r["simulated"] = true;
  put_doors(r, server_->doors());
  r["source"] = start_.source;
  r["chain"] = std::string(bitcoin::network_name(options_.pool.chain));
  return json::to_line(r) + "\n";
}

// For the operator; a copy, made between two events.
PoolFigures Daemon::figures() {
  PoolFigures f;
  f.source = start_.source;
  f.chain = std::string(bitcoin::network_name(options_.pool.chain));
  f.simulated = options_.pool.chain == bitcoin::Network::dev;
  f.doors = server_->doors();
  f.started_ms = started_ms_;
  const TemplateSource::Status t = templates_->status();
  f.nodes = t.nodes.size();
  f.nodes_up = static_cast<uint64_t>(std::count_if(t.nodes.begin(), t.nodes.end(), [](const auto& n) { return n.is_up; }));
  f.template_age_ms = t.template_age_ms;
  f.empty_jobs = t.empty_jobs;
  f.submissions = submissions_;
  f.spool = keep_prefix_;
  f.store_failed = store_->failed();
  f.last_seq = recorder_->last_seq();
  put_figures(f, *pool_);
  return f;
}

int Daemon::run() {
  if (!inherited_) templates_->start(options_.wait);
  if (stop_requested()) return finish(), 0;
  if (!options_.zmq.empty()) zmq_ = std::make_unique<ZmqListener>(options_.zmq, [this] { templates_->hint("zmq"); });
  operations_->start(inherited_);
  submitter_->submit_kept();
  store_->start(pool_line());
  server_->accept_for(*pool_);
  for (const auto& door : server_->doors())
    log::info("listening", {{"address", door.listener.address}, {"source", start_.source}, {"chain", bitcoin::network_name(options_.pool.chain)}});
  notify_service_manager("READY=1");
  loop_.every_tick([this] { tick(); });
  offer();
  loop_.run();
  if (handed_over_) {
    zmq_.reset();
    templates_->stop();
    return 0;
  }
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
  offer();
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
    const Options now = read_options(settings_);
    trust(now);
    pool_->change_version_mask(now.pool.version_mask);
    pool_->guard.change(now.pool.guard);
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
  offer_.reset();
  operations_->stop();
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

int serve(const Options& options, Settings& settings) {
  std::signal(SIGPIPE, SIG_IGN);
  install_signal_flags();
  Daemon daemon(options, settings);
  return daemon.run();
}

}  // namespace hh::pool
