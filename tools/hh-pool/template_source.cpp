#include "template_source.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "bitcoin/merkle.h"

namespace hh::pool {
namespace {

constexpr int64_t answer_ms = 30'000;
constexpr int64_t longest_pause_ms = 10'000;

int64_t now() { return system_clock().monotonic_ms(); }

}  // namespace

bitcoin::Network network_of_node(http::BitcoinRpc& rpc) {
  const http::Json info = rpc.call("getblockchaininfo");
  const auto chain = info.contains("chain") && info["chain"].is_string() ? info["chain"].get<std::string>() : std::string();
  const auto network = bitcoin::network_from_name(chain);
  if (!network) throw Error(Exit::config, fmt::format("{} is on chain \"{}\": main, testnet4, signet, regtest and dev can be mined", rpc.url(), chain));
  return *network;
}

TemplateSource::TemplateSource(Config config, JobMaker maker, OnJob on_job)
    : config_(std::move(config)), maker_(std::move(maker)), on_job_(std::move(on_job)), long_poll_rpc_(config_.rpc), poll_rpc_(config_.rpc), judge_rpc_(config_.rpc) {}

TemplateSource::~TemplateSource() { stop(); }

// BIP22 and BIP23; a signet template is refused without its rule.
http::Json TemplateSource::request(const std::string& longpollid) const {
  http::Json rules = http::Json::array({"segwit"});
  if (config_.chain == bitcoin::Network::signet) rules.push_back("signet");
  http::Json r;
  r["rules"] = rules;
  r["capabilities"] = http::Json::array({"longpoll", "coinbasevalue", "proposal"});
  if (!longpollid.empty()) r["longpollid"] = longpollid;
  return http::Json::array({r});
}

void TemplateSource::fetch(http::BitcoinRpc& rpc, const std::string& longpollid) {
  const int64_t asked = now();
  const std::string text = rpc.call_text("getblocktemplate", request(longpollid).dump(), longpollid.empty() ? answer_ms : -1);
  offer(text, asked, !longpollid.empty());
}

// A plain answer that was asked for before the tip changed may be of the old tip; a long poll's is of the moment when it was given, which is older
// than the known tip only where its height says so. What is dropped wrongly comes back with the next poll.
void TemplateSource::offer(const std::string& text, int64_t asked_ms, bool long_poll) {
  auto t = std::make_shared<bitcoin::BlockTemplate>(bitcoin::parse_block_template(text));
  std::lock_guard lock(mutex_);
  const bool new_tip = t->prev_hash != tip_;
  if (new_tip && (long_poll ? t->height < height_ : asked_ms < tip_since_ms_)) return;
  longpollid_ = t->longpollid;
  if (!new_tip && now() - job_since_ms_ < config_.refresh_ms) return;
  const auto job = maker_.make(t, new_tip, system_clock().unix_ms());
  if (config_.propose) judge(judge_rpc_, *job);
  tip_ = t->prev_hash;
  height_ = t->height;
  job_since_ms_ = now();
  if (new_tip) tip_since_ms_ = job_since_ms_;
  on_job_(job);
}

// Both forms of the coinbase, each in a whole block, which bitcoind checks except for its proof of work. Throws where it says no.
void TemplateSource::judge(http::BitcoinRpc& rpc, const Job& job) {
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
    http::Json params = request("");
    params[0]["mode"] = "proposal";
    params[0]["data"] = bitcoin::block_hex(h, bitcoin::with_witness(coinbase), job.block_template->transactions);
    const http::Json verdict = rpc.call("getblocktemplate", params, answer_ms);
    if (verdict.is_null()) continue;
    if (verdict.is_string() && verdict.get<std::string>().find("prevblk") != std::string::npos) return;  // the tip moved on meanwhile
    throw Error(Exit::software, fmt::format("bitcoind would refuse the block of job {}: {}", job.record.job, verdict.dump()));
  }
  log::debug("proposal_accepted", {{"job", job.record.job}, {"height", job.record.height}});
}

void TemplateSource::check_chain() {
  if (const auto network = network_of_node(poll_rpc_); network != config_.chain)
    throw Error(Exit::config, fmt::format("{} is on chain {}, the pool is configured for {}", poll_rpc_.url(), bitcoin::network_name(network), bitcoin::network_name(config_.chain)));
}

void TemplateSource::start(bool wait) {
  int64_t pause_ms = 500;
  for (bool told = false;; told = true) {
    try {
      check_chain();
      fetch(poll_rpc_, "");
      break;
    } catch (const Error& e) {
      const bool may_come = e.code() == Exit::unavailable || dynamic_cast<const http::RpcError*>(&e) != nullptr;
      if (!wait || !may_come) throw may_come ? Error(Exit::unavailable, std::string(e.what()) + " (--wait waits for it)") : e;
      if (stop_requested()) return;
      if (!told || pause_ms == longest_pause_ms) log::warn("waiting_for_bitcoind", {{"node", poll_rpc_.url()}, {"reason", e.what()}});
    }
    if (!pause(pause_ms)) return;
    pause_ms = std::min(pause_ms * 2, longest_pause_ms);
  }
  up_ = true;
  long_poll_thread_ = std::thread([this] { long_poll_loop(); });
  poll_thread_ = std::thread([this] { poll_loop(); });
}

void TemplateSource::stop() {
  stop_ = true;
  for (http::BitcoinRpc* rpc : {&long_poll_rpc_, &poll_rpc_, &judge_rpc_}) rpc->abort();
  if (long_poll_thread_.joinable()) long_poll_thread_.join();
  if (poll_thread_.joinable()) poll_thread_.join();
}

// False: stopping.
bool TemplateSource::pause(int64_t ms) {
  for (const int64_t end = now() + ms; now() < end && !stop_ && !stop_requested();) system_clock().sleep_ms(std::min<int64_t>(50, ms));
  return !stop_ && !stop_requested();
}

void TemplateSource::went_down(const std::string& why) {
  if (stop_) return;
  if (up_.exchange(false)) log::error("bitcoind_down", {{"node", poll_rpc_.url()}, {"reason", why}, {"hint", "miners keep the last job"}});
}
void TemplateSource::came_up() {
  if (!up_.exchange(true)) log::info("bitcoind_up", {{"node", poll_rpc_.url()}});
}

void TemplateSource::long_poll_loop() {
  int64_t pause_ms = 200;
  while (!stop_) {
    std::string id;
    {
      std::lock_guard lock(mutex_);
      id = longpollid_;
    }
    try {
      if (id.empty()) return;  // this node has no long polls
      fetch(long_poll_rpc_, id);
      pause_ms = 200;
    } catch (const std::exception& e) {
      if (stop_) return;
      log::debug("long_poll_failed", {{"reason", e.what()}});  // the poll loop tells people
      if (!pause(pause_ms)) return;
      pause_ms = std::min(pause_ms * 2, longest_pause_ms);
    }
  }
}

void TemplateSource::poll_once() {
  const http::Json best = poll_rpc_.call("getbestblockhash", http::Json::array(), answer_ms);
  bool due = false;
  {
    std::lock_guard lock(mutex_);
    due = now() - job_since_ms_ >= config_.refresh_ms || (best.is_string() && best.get<std::string>() != tip_.to_display_hex());
  }
  if (due) fetch(poll_rpc_, "");
  came_up();
}

void TemplateSource::poll_loop() {
  int64_t pause_ms = config_.poll_ms;
  while (pause(pause_ms)) {
    try {
      poll_once();
      pause_ms = config_.poll_ms;
    } catch (const http::RpcUnavailable& e) {
      went_down(e.what());
      pause_ms = std::min(pause_ms * 2, longest_pause_ms);
    } catch (const std::exception& e) {
      if (stop_) return;
      log::error("no_template", {{"node", poll_rpc_.url()}, {"reason", e.what()}});
      pause_ms = std::min(pause_ms * 2, longest_pause_ms);
    }
  }
}

}  // namespace hh::pool
