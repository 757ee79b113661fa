#include "serve.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "daemon.h"
#include "descriptors.h"
#include "json/fields.h"
#include "json/strict.h"
#include "messages.h"
#include "status.h"

namespace hh::pool {
namespace {

constexpr size_t notified_in_a_turn = 32;  // a third of a millisecond
constexpr int64_t store_failure_grace_ms = 2'000;  // a block found by work already handed out still gets through

PoolConfig with_source(PoolConfig config, const std::string& source) {
  config.source = source;
  return config;
}

}  // namespace

Daemon::Daemon(const Options& options, Settings& settings)
    : options_(options), settings_(settings), miners_(options.pool.chain, options.miners_file, options.pay_to, options.solo_fee_ppm.has_value()), template_age_(options.max_age_ms, options.when_down) {
  loop_.at_turn_end([this] {
    if (recorder_) recorder_->flush();  // before the server's turn end, which sends the answers
    if (pool_) pool_->answer();
    if (pool_ && pool_->notify_some(notified_in_a_turn)) loop_.hurry();
  });
  miners_.load();
  if (options.takeover) {
    take_over();
    return;
  }
  server_ = std::make_unique<Server>(loop_, ServerLimits{options.most_connections});
  server_->believe(options.trusted, make_tls(options), make_sv2(options));
  for (const Listener& l : options.listeners) server_->open(l);
  start_ = open_store();
  templates_ = make_templates(options_, start_.run);
  make_parts();
}

std::shared_ptr<const net::TlsContext> Daemon::make_tls(const Options& options) const {
  if (!uses_tls(options_.listeners)) return nullptr;
  auto tls = std::make_shared<net::TlsContext>(options.tls_certificate, options.tls_key);
  log::write(tls->days_left() < 0 ? log::Level::error : log::Level::info, "certificate", {{"file", options.tls_certificate}, {"days_left", tls->days_left()}});
  return tls;
}

std::shared_ptr<const stratum::ServerKeys> Daemon::make_sv2(const Options& options) {
  if (!uses_sv2(options_.listeners)) return nullptr;
  const PoolKeys keys = load_keys(options.sv2_keys, "sv2.keys");
  keys_end_s_ = keys.server.certificate.not_valid_after;
  const int64_t days = days_left(keys, clock_.unix_ms());
  log::write(days < keys_alarm_days ? log::Level::error : log::Level::info, "sv2_certificate", {{"authority", keys.authority_text()}, {"days_left", days}});
  return std::make_shared<stratum::ServerKeys>(keys.server);
}

std::unique_ptr<TemplateSource> Daemon::make_templates(const Options& options, uint64_t run) {
  JobMaker maker({start_.source, options_.pool.chain, options.treasury_script, options.pool_tag, run, options.solo_fee_ppm});
  return std::make_unique<TemplateSource>(options.templates, std::move(maker), [this, run, post = loop_.poster()](std::shared_ptr<const Job> job) {
    post([this, run, job = std::move(job)] { on_job(job, run); });
  });
}

std::unique_ptr<Submitter> Daemon::make_submitter(const Options& options) {
  return std::make_unique<Submitter>(options.nodes, keep_prefix_, [this, post = loop_.poster()](records::Submission s) {
    post([this, s = std::move(s)] {
      if (s.result == "accepted") hint("block");
      recorder_->put_submission(s);
      ++submissions_[s.result == "accepted" ? 0 : s.result == "rejected" ? 1 : 2];
    });
  });
}

std::unique_ptr<ZmqListener> Daemon::make_zmq(const Options& options) {
  if (options.zmq.empty()) return nullptr;
  return std::make_unique<ZmqListener>(options.zmq, [this, post = loop_.poster()] { post([this] { hint("zmq"); }); });
}

void Daemon::hint(std::string_view from) {
  templates_->hint(from);
  if (successor_) successor_->hint(from);
}

void Daemon::make_parts() {
  recorder_ = std::make_unique<Recorder>(start_.source, options_.pool.chain == bitcoin::Network::dev, start_.last_seq, *store_);
  submitter_ = make_submitter(options_);
  pool_ = std::make_unique<Pool>(with_source(options_.pool, start_.source), miners_, *recorder_, clock_,
                                 Pool::Outside{[this](Submitter::FoundBlock b) { submitter_->submit(std::move(b)); },
                                               [this](std::string_view id, uint64_t last) { return templates_->was_ours(id, last); }});
  operations_ = std::make_unique<Operations>(options_, keep_prefix_, pool_->statistics, pool_->guard, loop_.poster(), [this] { return figures(); });
  operations_->control().on("notify", [this, post = loop_.poster()](const json::Fields&, std::string&) { post([this] { hint("notify"); }); });
  add_message_commands(operations_->control(), operations_->on_loop(), *pool_);
}

// After a handover our templates begin with the tip that the miners work on already: they need not hear of it again.
void Daemon::on_job(std::shared_ptr<const Job> job, uint64_t run) {
  if (successor_ && run == successor_run_) job = succeed(std::move(job));
  else if (run != start_.run) return;  // it was on its way when its source was replaced
  if (!job || handed_over_ || (inherited_ && job->new_tip && pool_->is_of_newest_tip(*job))) return;
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
  store_ = make_spool_store(std::move(spool), options_.sync_always, options_.store_limits, STDOUT_FILENO, loop_.poster());
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
  f.solo = options_.solo_fee_ppm.has_value();
  f.doors = server_->doors();
  f.started_ms = started_ms_;
  const TemplateSource::Status t = templates_->status();
  if (keys_end_s_ != 0) f.sv2_certificate_s = keys_end_s_ - clock_.unix_ms() / 1000;
  f.nodes = t.nodes.size();
  f.nodes_up = static_cast<uint64_t>(std::count_if(t.nodes.begin(), t.nodes.end(), [](const auto& n) { return n.is_up; }));
  f.template_age_ms = t.template_age_ms;
  f.most_template_age_ms = template_age_.most_ms();
  f.empty_jobs = t.empty_jobs;
  f.submissions = submissions_;
  f.spool = keep_prefix_;
  f.store_failed = store_->failed();
  f.store = store_->figures();
  f.last_seq = recorder_->last_seq();
  put_figures(f, *pool_);
  return f;
}

int Daemon::run() {
  if (!inherited_) templates_->start(options_.wait);
  if (stop_requested()) return finish(), 0;
  zmq_ = make_zmq(options_);
  operations_->start(inherited_);
  submitter_->submit_kept();
  store_->start(pool_line());
  server_->accept_for(*pool_);
  if (inherited_) pool_->reload(options_.pool);  // what is other than before is news to those who were taken over
  for (const auto& door : server_->doors())
    log::info("listening", {{"address", door.listener.address}, {"source", start_.source}, {"chain", bitcoin::network_name(options_.pool.chain)}});
  notify_service_manager("READY=1");
  loop_.every_tick([this] { tick(); });
  offer();
  loop_.run();
  if (handed_over_) {
    zmq_.reset();
    successor_.reset();
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
  store_alarm_.update(store_->figures(), now);
  if (take_reload_request()) reload();
  if (now < next_second_ms_) return;
  next_second_ms_ = now + 1000;
  pool_->when_down = template_age_.update(templates_->template_age_ms(), now);
  pool_->tick();
  mind_successors(now);
  offer();
  notify_service_manager("WATCHDOG=1");
  try {
    if (miners_.load_if_changed()) log::info("miners_loaded", {{"file", options_.miners_file}, {"aliases", miners_.size()}});
  } catch (const Error& e) {
    log::error("miners_not_loaded", {{"reason", e.what()}, {"hint", "the miners known before stay"}});
  }
}

// No new work and no new miners; then the blocks on their way; then the records, which these answers are part of; then the connections, after
// the last acknowledgements were written to them.
void Daemon::finish() {
  offer_.reset();
  operations_->stop();
  server_->refuse_new();
  zmq_.reset();
  successor_.reset();
  templates_->stop();
  close_submitters();
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
  make_room_for(options.most_connections);
  Daemon daemon(options, settings);
  return daemon.run();
}

}  // namespace hh::pool
