#include "node.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/log.h"
#include "json/fields.h"

namespace hh::pool {
namespace {

constexpr int64_t template_ms = 30'000;
constexpr int64_t long_poll_ms = 300'000;  // a connection that died without a word is noticed, too
constexpr int64_t longest_pause_ms = 10'000;
constexpr int64_t least_long_poll_ms = 100;  // a node that answers long polls at once is not asked without end

uint32_t bits_of(const std::string& hex) {
  const auto bytes = from_hex(hex);
  if (!bytes || bytes->size() != 4) throw Error(Exit::data, "field \"bits\" is not 8 hex digits");
  return static_cast<uint32_t>((*bytes)[0]) << 24 | static_cast<uint32_t>((*bytes)[1]) << 16 | static_cast<uint32_t>((*bytes)[2]) << 8 | (*bytes)[3];
}

// Of getblockchaininfo or getblockheader, whose names for hash and height differ. bits 0: not told (bitcoind before 29).
Tip read_tip(const http::Json& answer, const char* hash, const char* height) {
  const json::Fields f(answer);
  Tip t;
  t.hash = *bitcoin::Hash256::from_display_hex(f.hex_text(hash, 32));
  t.work = *bitcoin::Uint256::from_hex(f.hex_text("chainwork", 32));
  t.height = static_cast<uint32_t>(f.integer(height, 0, INT32_MAX));
  t.median_time = static_cast<uint32_t>(f.integer("mediantime", 0, UINT32_MAX));
  if (f.has("bits")) t.bits = bits_of(f.text("bits"));
  return t;
}

}  // namespace

bitcoin::Network network_of_node(const http::Json& info, const std::string& url) {
  const auto chain = info.contains("chain") && info["chain"].is_string() ? info["chain"].get<std::string>() : std::string();
  const auto network = bitcoin::network_from_name(chain);
  if (!network) throw Error(Exit::config, fmt::format("{} is on chain \"{}\": main, testnet4, signet, regtest and dev can be mined", url, chain));
  return *network;
}

Node::Node(Config config, Events events)
    : config_(std::move(config)), events_(std::move(events)), watch_(config_.rpc), fetch_(config_.rpc), long_poll_(config_.rpc) {}

Node::~Node() { stop(); }

http::Json Node::request(bitcoin::Network chain, const std::string& longpollid) {
  http::Json rules = http::Json::array({"segwit"});
  if (chain == bitcoin::Network::signet) rules.push_back("signet");
  http::Json r;
  r["rules"] = rules;
  r["capabilities"] = http::Json::array({"longpoll", "coinbasevalue", "proposal"});
  if (!longpollid.empty()) r["longpollid"] = longpollid;
  return http::Json::array({r});
}

Tip Node::tip_of(http::BitcoinRpc& rpc, const bitcoin::Hash256& hash, int64_t timeout_ms) {
  return read_tip(rpc.call("getblockheader", http::Json::array({hash.to_display_hex()}), timeout_ms), "hash", "height");
}

void Node::start() {
  threads_[0] = std::thread([this] { watch_loop(); });
  threads_[1] = std::thread([this] { fetch_loop(); });
  threads_[2] = std::thread([this] { long_poll_loop(); });
}

void Node::stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (http::BitcoinRpc* rpc : {&watch_, &fetch_, &long_poll_}) rpc->abort();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

void Node::look() {
  std::lock_guard lock(mutex_);
  look_ = true;
  changed_.notify_all();
}

void Node::fetch(const bitcoin::Hash256& tip) {
  std::lock_guard lock(mutex_);
  if (busy_ && wanted_ == tip) return;
  want_ = true;
  wanted_ = tip;
  changed_.notify_all();
}

void Node::long_poll(const std::string& id) {
  std::lock_guard lock(mutex_);
  if (long_poll_id_ == id) return;
  long_poll_id_ = id;
  changed_.notify_all();
}

// False: stopping.
bool Node::pause(int64_t ms) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, std::chrono::milliseconds(ms), [&] { return stop_; });
}

void Node::watch_once() {
  const int64_t asked = system_clock().monotonic_ms();
  const http::Json info = watch_.call("getblockchaininfo", http::Json::array(), config_.timeout_ms);
  if (const auto network = network_of_node(info, url()); network != config_.chain)
    throw Error(Exit::config, fmt::format("{} is on chain {}, the pool is configured for {}", url(), bitcoin::network_name(network), bitcoin::network_name(config_.chain)));
  Tip tip = read_tip(info, "bestblockhash", "blocks");
  if (tip.bits == 0) tip = tip_of(watch_, tip.hash, config_.timeout_ms);
  events_.tip(tip, asked);
}

void Node::watch_loop() {
  for (std::unique_lock lock(mutex_); !stop_;) {
    look_ = false;
    lock.unlock();
    try {
      watch_once();
    } catch (const Error& e) {
      events_.no_tip(e);
    } catch (const std::exception& e) {
      events_.no_tip(Error(Exit::software, e.what()));
    }
    lock.lock();
    changed_.wait_for(lock, std::chrono::milliseconds(config_.poll_ms), [&] { return stop_ || look_; });
  }
}

void Node::fetch_loop() {
  for (std::unique_lock lock(mutex_);;) {
    changed_.wait(lock, [&] { return stop_ || want_; });
    if (stop_) return;
    want_ = false;
    busy_ = true;
    lock.unlock();
    try {
      events_.block_template(fetch_, fetch_.call_text("getblocktemplate", request(config_.chain).dump(), template_ms));
    } catch (const Error& e) {
      events_.no_template(e);
    } catch (const std::exception& e) {
      events_.no_template(Error(Exit::software, e.what()));
    }
    lock.lock();
    busy_ = false;
  }
}

// Its failures are no news: the watch notices them sooner.
void Node::long_poll_loop() {
  int64_t pause_ms = 200;
  for (std::unique_lock lock(mutex_);;) {
    changed_.wait(lock, [&] { return stop_ || !long_poll_id_.empty(); });
    if (stop_) return;
    const std::string id = long_poll_id_;
    lock.unlock();
    const int64_t asked = system_clock().monotonic_ms();
    try {
      events_.block_template(long_poll_, long_poll_.call_text("getblocktemplate", request(config_.chain, id).dump(), long_poll_ms));
      pause_ms = 200;
      if (const int64_t took = system_clock().monotonic_ms() - asked; took < least_long_poll_ms && !pause(least_long_poll_ms - took)) return;
    } catch (const std::exception& e) {
      log::debug("long_poll_failed", {{"node", url()}, {"reason", e.what()}});
      if (!pause(pause_ms)) return;
      pause_ms = std::min(pause_ms * 2, longest_pause_ms);
    }
    lock.lock();
  }
}

}  // namespace hh::pool
