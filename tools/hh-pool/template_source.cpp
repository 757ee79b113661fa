#include "template_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "bitcoin/merkle.h"
#include "empty_block.h"

namespace hh::pool {
namespace {

constexpr int64_t proposal_ms = 30'000;
constexpr int64_t longest_pause_ms = 10'000;

int64_t now() { return system_clock().monotonic_ms(); }

}  // namespace

TemplateSource::TemplateSource(Config config, JobMaker maker, OnJob on_job)
    : config_(std::move(config)), maker_(std::move(maker)), on_job_(std::move(on_job)), sources_(config_.nodes.size()), tips_(config_.nodes.size(), config_.failover) {
  for (size_t i = 0; i < sources_.size(); ++i) {
    Node::Events events;
    events.tip = [this, i](const Tip& tip, int64_t asked_ms) { on_tip(i, tip, asked_ms); };
    events.no_tip = [this, i](const Error& e) { on_no_tip(i, e); };
    events.block_template = [this, i](http::BitcoinRpc& rpc, const std::string& text) { on_template(i, rpc, text); };
    events.no_template = [this, i](const Error& e) { on_no_template(i, e); };
    sources_[i].node = std::make_unique<Node>(Node::Config{config_.nodes[i], config_.chain, config_.poll_ms, config_.timeout_ms}, std::move(events));
  }
}

TemplateSource::~TemplateSource() { stop(); }

bool TemplateSource::all_failed() const {
  return std::all_of(sources_.begin(), sources_.end(), [](const Source& s) { return s.error.has_value(); });
}

void TemplateSource::begin() {
  std::lock_guard lock(mutex_);
  started_ms_ = now();
  for (Source& s : sources_) s.node->start();
}

void TemplateSource::start(bool wait) {
  begin();
  std::unique_lock lock(mutex_);
  for (int64_t told_ms = -longest_pause_ms; !tips_.present();) {
    changed_.wait_for(lock, std::chrono::milliseconds(50));
    if (stop_requested()) return;
    if (tips_.present() || !all_failed()) continue;
    const auto worth_waiting = std::find_if(sources_.begin(), sources_.end(), [](const Source& s) { return s.may_come; });
    if (worth_waiting == sources_.end()) throw Error(*sources_.front().error);
    const Error& e = *worth_waiting->error;
    if (!wait) throw Error(Exit::unavailable, std::string(e.what()) + " (--wait waits for it)");
    if (now() - told_ms < longest_pause_ms) continue;
    log::warn("waiting_for_bitcoind", {{"node", worth_waiting->node->url()}, {"reason", e.what()}});
    told_ms = now();
  }
  for (const Source& s : sources_)
    if (s.error) log::error("bitcoind_down", {{"node", s.node->url()}, {"reason", s.error->what()}});
}

void TemplateSource::stop() {
  stop_ = true;
  changed_.notify_all();
  for (Source& s : sources_) s.node->stop();
}

void TemplateSource::hint(std::string_view from) {
  {
    std::lock_guard lock(mutex_);
    ++hints_;
  }
  log::debug("hint", {{"from", from}});
  for (Source& s : sources_) s.node->look();
}

void TemplateSource::on_tip(size_t i, const Tip& tip, int64_t asked_ms) {
  bool is_news = false;
  {
    std::lock_guard lock(mutex_);
    Source& s = sources_[i];
    s.heard = true;
    if (now() < s.retry_ms) return;
    tips_.seen(i, tip, asked_ms, now());
    came_up(i);
    tell_lags();
    ask_if_due();
    is_news = config_.empty_after_ms >= 0 && last_ && tip.hash != tips_.present()->hash && tips_.may_follow(i, tip, now());
  }
  if (!is_news) return;
  try {
    give_empty(i, tip);
  } catch (const std::exception& e) {
    log::error("no_empty_job", {{"node", sources_[i].node->url()}, {"reason", e.what()}});
  }
}

void TemplateSource::on_no_tip(size_t i, const Error& e) {
  if (stop_) return;
  std::lock_guard lock(mutex_);
  sources_[i].heard = true;
  tips_.failed(i, now());
  went_down(i, e);
  ask_if_due();
}

// A node that answers and gives no template is as good as down; it is asked again with growing pauses.
void TemplateSource::on_no_template(size_t i, const Error& e) {
  if (stop_) return;
  std::lock_guard lock(mutex_);
  Source& s = sources_[i];
  s.gives_templates = false;
  s.retry_ms = now() + s.retry_pause_ms;
  s.retry_pause_ms = std::min(2 * s.retry_pause_ms, longest_pause_ms);
  tips_.failed(i, now());
  went_down(i, e);
  ask_if_due();
}

void TemplateSource::went_down(size_t i, const Error& e) {
  Source& s = sources_[i];
  const bool is_news = !s.error;
  s.error = e;
  s.may_come = e.code() == Exit::unavailable || dynamic_cast<const http::RpcError*>(&e) != nullptr;
  changed_.notify_all();
  if (!is_news) return;
  ++s.failures;
  if (!tips_.present()) return;  // start() tells
  const bool others = tips_.source(now()).has_value();
  log::error("bitcoind_down", {{"node", s.node->url()}, {"reason", e.what()}, {"hint", others ? "the next node gives the templates" : "miners keep the last job"}});
}

void TemplateSource::came_up(size_t i) {
  Source& s = sources_[i];
  if (!s.error || !s.gives_templates) return;
  s.error.reset();
  s.may_come = false;
  if (tips_.present()) log::info("bitcoind_up", {{"node", s.node->url()}});
}

void TemplateSource::tell_lags() {
  for (size_t i = 0; i < sources_.size(); ++i) {
    Source& s = sources_[i];
    const Tips::Node& n = tips_.node(i);
    if (n.lags == s.lagged) continue;
    s.lagged = n.lags;
    if (!n.is_up) continue;
    if (s.lagged)
      log::warn("bitcoind_lags", {{"node", s.node->url()}, {"height", n.tip->height}, {"tip", n.tip->hash.to_display_hex()}});
    else
      log::info("bitcoind_in_sync", {{"node", s.node->url()}});
  }
}

// At the start the first of the list gets the time of one poll to be the one.
void TemplateSource::ask_if_due() {
  const bool all_heard = std::all_of(sources_.begin(), sources_.end(), [](const Source& s) { return s.heard; });
  if (stop_ || (!tips_.present() && !all_heard && now() - started_ms_ < config_.timeout_ms)) return;
  const auto best = tips_.source(now());
  if (!best) return;
  if (in_use_ != best) {
    if (in_use_) log::info("template_node", {{"node", sources_[*best].node->url()}, {"before", sources_[*in_use_].node->url()}});
    in_use_ = best;
    for (size_t i = 0; i < sources_.size(); ++i) sources_[i].node->long_poll(i == *best ? sources_[i].longpollid : "");
  }
  const Tip& tip = *tips_.node(*best).tip;
  if (!tips_.present() || tip.hash != tips_.present()->hash || empty_job_ || now() - job_since_ms_ >= config_.refresh_ms) sources_[*best].node->fetch(tip.hash);
}

// The parent's work decides; a node that just gave a template can tell it, if nobody has yet.
Tip TemplateSource::parent_of(http::BitcoinRpc& rpc, const bitcoin::BlockTemplate& t) {
  std::optional<Tip> known;
  {
    std::lock_guard lock(mutex_);
    if (tips_.present() && tips_.present()->hash == t.prev_hash) known = tips_.present();
    for (size_t k = 0; k < tips_.size(); ++k)
      if (const auto& tip = tips_.node(k).tip; tip && tip->hash == t.prev_hash) known = tip;
  }
  if (!known) known = Node::tip_of(rpc, t.prev_hash, config_.timeout_ms);
  if (t.height != known->height + 1) throw Error(Exit::data, fmt::format("a template of height {} on a block of height {}", t.height, known->height));
  return *known;
}

bool TemplateSource::would_use(size_t i, const Tip& parent) const {
  if (!tips_.may_follow(i, parent, now())) return false;
  return !tips_.present() || parent.hash != tips_.present()->hash || empty_job_ || now() - job_since_ms_ >= config_.refresh_ms;
}

void TemplateSource::on_template(size_t i, http::BitcoinRpc& rpc, const std::string& text) {
  auto t = std::make_shared<const bitcoin::BlockTemplate>(bitcoin::parse_block_template(text));
  const Tip parent = parent_of(rpc, *t);
  std::unique_lock lock(mutex_);
  if (config_.propose && would_use(i, parent)) {
    JobMaker trial = maker_;  // judged without the lock: validation takes its time
    lock.unlock();
    judge(rpc, *trial.make(t, true, system_clock().unix_ms()));
    lock.lock();
  }
  Source& s = sources_[i];
  s.longpollid = t->longpollid;
  s.gives_templates = true;
  s.retry_ms = 0;
  s.retry_pause_ms = 1'000;
  if (tips_.node(i).is_up) came_up(i);
  if (!tips_.may_follow(i, parent, now())) {
    ++dropped_;
    log::debug("template_dropped", {{"node", s.node->url()}, {"height", t->height}, {"tip", t->prev_hash.to_display_hex()}});
  } else if (would_use(i, parent)) {
    ++s.templates;
    empty_job_ = false;
    last_ = t;
    last_ms_ = now();
    use(i, std::move(t), parent);
  } else {
    last_ = t;
    last_ms_ = now();
  }
  if (in_use_ == i) s.node->long_poll(s.longpollid);
}

std::shared_ptr<const Job> TemplateSource::use(size_t i, std::shared_ptr<const bitcoin::BlockTemplate> t, const Tip& parent) {
  const bool is_new = !tips_.present() || tips_.present()->hash != parent.hash;
  const auto job = maker_.make(std::move(t), is_new, system_clock().unix_ms());
  tips_.follow(i, parent, now());
  job_since_ms_ = now();
  ++jobs_;
  on_job_(job);
  changed_.notify_all();
  return job;
}

void TemplateSource::give_empty(size_t i, const Tip& tip) {
  std::unique_lock lock(mutex_);
  const auto is_over = [&] { return stop_ || tips_.present()->hash == tip.hash || !tips_.may_follow(i, tip, now()); };
  if (config_.empty_after_ms > 0) changed_.wait_for(lock, std::chrono::milliseconds(config_.empty_after_ms), is_over);
  if (is_over()) return;
  auto empty = empty_block_template(config_.chain, tip, *last_, now() - last_ms_);
  if (!empty) return;
  const auto t = std::make_shared<const bitcoin::BlockTemplate>(std::move(*empty));
  if (config_.propose) {
    JobMaker trial = maker_;
    lock.unlock();
    http::BitcoinRpc rpc(config_.nodes[i]);
    judge(rpc, *trial.make(t, true, system_clock().unix_ms()));
    lock.lock();
    if (is_over()) return;
  }
  empty_job_ = true;
  ++empty_jobs_;
  const auto job = use(i, t, tip);
  log::info("empty_job", {{"job", job->record.job}, {"node", sources_[i].node->url()}});
  ask_if_due();
}

// Both forms of the coinbase, each in a whole block, which bitcoind checks except for its proof of work. Throws where it says no.
void TemplateSource::judge(http::BitcoinRpc& rpc, const Job& job) const {
  const Bytes extranonce(extranonce1_size + extranonce2_size, 0);
  Bytes key_hash_script{0x00, 0x14};
  key_hash_script.resize(22);
  for (const Bytes& script : {Bytes{}, key_hash_script}) {
    const Bytes coinbase = bitcoin::join_coinbase(job.coinbase.prefix, extranonce, bitcoin::suffix_for(job.coinbase, script));
    bitcoin::BlockHeader h;
    h.version = job.record.version;
    h.prev_hash = job.record.prev_hash;
    h.merkle_root = bitcoin::root_from_branch(bitcoin::sha256d(coinbase), job.record.merkle_branch);
    h.time = job.record.ntime;
    h.bits = job.record.nbits;
    http::Json params = Node::request(config_.chain);
    params[0]["mode"] = "proposal";
    params[0]["data"] = bitcoin::block_hex(h, bitcoin::with_witness(coinbase), job.block_template->transactions);
    const http::Json verdict = rpc.call("getblocktemplate", params, proposal_ms);
    if (verdict.is_null()) continue;
    if (verdict.is_string() && verdict.get<std::string>().find("prevblk") != std::string::npos) return;  // the tip moved on meanwhile
    throw Error(Exit::software, fmt::format("bitcoind would refuse the block of job {}: {}", job.record.job, verdict.dump()));
  }
  log::debug("proposal_accepted", {{"height", job.record.height}, {"transactions", job.record.tx_count}});
}

int64_t TemplateSource::template_age_ms() const {
  std::lock_guard lock(mutex_);
  return last_ms_ < 0 ? -1 : now() - last_ms_;
}

TemplateSource::Status TemplateSource::status() const {
  std::lock_guard lock(mutex_);
  Status all;
  all.template_age_ms = last_ms_ < 0 ? -1 : now() - last_ms_;
  all.jobs = jobs_;
  all.empty_jobs = empty_jobs_;
  all.hints = hints_;
  all.dropped_templates = dropped_;
  for (size_t i = 0; i < sources_.size(); ++i) {
    const Source& s = sources_[i];
    const Tips::Node& n = tips_.node(i);
    NodeStatus one;
    one.url = s.node->url();
    one.is_up = n.is_up && !s.error;
    one.lags = n.lags;
    one.in_use = in_use_ == i;
    if (s.error) one.reason = s.error->what();
    if (n.tip) one.tip = n.tip->hash.to_display_hex(), one.height = n.tip->height;
    one.failures = s.failures;
    one.templates = s.templates;
    all.nodes.push_back(std::move(one));
  }
  return all;
}

}  // namespace hh::pool
