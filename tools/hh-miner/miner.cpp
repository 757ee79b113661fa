#include "miner.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "json/fields.h"
#include "json/lines.h"

namespace hh::miner {

namespace v1 = stratum::v1;

namespace {

constexpr int64_t connect_ms = 5'000, longest_pause_ms = 30'000;
constexpr int64_t silence_ms = 300'000;  // a pool sends jobs more often
constexpr size_t most_unanswered = 10'000;

int64_t now() { return system_clock().monotonic_ms(); }

}  // namespace

Miner::Miner(MinerOptions options) : options_(std::move(options)), workers_(options_.threads, options_.throttle), start_ms_(now()) {}

bool Miner::is_over() const {
  return stop_requested() || (options_.most_seconds != 0 && now() - start_ms_ >= options_.most_seconds * 1000) ||
         (options_.most_shares != 0 && shares_ >= options_.most_shares) || (options_.most_blocks != 0 && blocks_ >= options_.most_blocks);
}

void Miner::run() {
  int64_t pause_ms = 250;
  while (!is_over()) {
    const int64_t began = now();
    try {
      session();
    } catch (const Error& e) {
      if (e.code() == Exit::no_permission) throw;
      log::warn("disconnected", {{"reason", e.what()}, {"retry_ms", pause_ms}});
    }
    workers_.set(nullptr);
    workers_.take();
    if (now() - began > 10'000) pause_ms = 250;
    for (const int64_t end = now() + pause_ms; now() < end && !is_over();) system_clock().sleep_ms(20);
    pause_ms = std::min(pause_ms * 2, longest_pause_ms);
  }
  log::info("ended", {{"shares", shares_}, {"blocks", blocks_}, {"hashes", workers_.hashes()}, {"seconds", (now() - start_ms_) / 1000}});
  if (stop_requested()) return;
  if (!was_connected_) throw Error(Exit::unavailable, fmt::format("no connection to {}:{} in {} s", options_.pool.host, options_.pool.port, options_.most_seconds));
  if (shares_ < options_.most_shares) throw Error(Exit::temp_fail, fmt::format("{} of {} shares in {} s", shares_, options_.most_shares, options_.most_seconds));
  if (blocks_ < options_.most_blocks) throw Error(Exit::temp_fail, fmt::format("{} of {} blocks in {} s", blocks_, options_.most_blocks, options_.most_seconds));
}

void Miner::log_in(LineSocket& socket) {
  difficulty_ = bitcoin::Difficulty::whole(1);
  mask_.reset();
  extranonce_.reset();
  sent_.clear();
  if (options_.version_rolling) socket.send(v1::configure_line(configure_id_ = next_id_++, 0x1fffe000));
  socket.send(v1::subscribe_line(subscribe_id_ = next_id_++, "hh-miner/" HH_VERSION));
  if (options_.suggest) socket.send(v1::suggest_difficulty_line(next_id_++, *options_.suggest));
  socket.send(v1::authorize_line(authorize_id_ = next_id_++, options_.user, options_.password));
}

void Miner::session() {
  LineSocket socket(options_.pool, connect_ms);
  was_connected_ = true;
  log::info("connected", {{"pool", options_.pool.host + ":" + options_.pool.port}});
  log_in(socket);
  int64_t last_line = now();
  while (!is_over()) {
    while (const auto line = socket.line(20)) {
      last_line = now();
      const auto parsed = parser_.server_message(*line);
      if (const auto* bad = std::get_if<v1::ParseFailure>(&parsed.value)) {
        log::warn("line_ignored", {{"reason", bad->reason}});
        continue;
      }
      std::visit([&](const auto& m) { handle(m); }, std::get<v1::ServerMessage>(parsed.value));
      if (is_over()) return;
    }
    submit_found(socket);
    if (now() - last_line > silence_ms) throw Error(Exit::unavailable, "the pool was silent for five minutes");
  }
}

void Miner::submit_found(LineSocket& socket) {
  for (const Found& f : workers_.take()) {
    const Work& w = *f.work;
    const int64_t id = next_id_++;
    if (sent_.size() >= most_unanswered) sent_.erase(sent_.begin());
    sent_.emplace(id, Sent{w.job, f.hash.to_display_hex(), w.difficulty.to_text(), f.is_block});
    std::optional<uint32_t> bits;
    if (w.rolling) bits = f.version & w.version_mask;
    socket.send(v1::submit_line(id, {options_.user, w.job, f.extranonce2, w.ntime, f.nonce, bits}));
  }
}

void Miner::handle(const v1::Notify& m) {
  if (!extranonce_) return;
  auto w = std::make_shared<Work>();
  w->job = m.job;
  w->prev_hash = m.prev_hash;
  w->coinbase1 = m.coinbase1;
  w->coinbase2 = m.coinbase2;
  w->extranonce1 = extranonce_->extranonce1;
  w->extranonce2_size = extranonce_->extranonce2_size;
  w->branch = m.branch;
  w->version = m.version;
  w->bits = m.bits;
  w->ntime = m.ntime;
  w->version_mask = mask_.value_or(0);
  w->rolling = mask_.has_value();
  w->difficulty = difficulty_;
  workers_.set(std::move(w));
}

void Miner::handle(const v1::Reconnect&) { throw Error(Exit::unavailable, "the pool asks to reconnect"); }
void Miner::handle(const v1::ShowMessage& m) { log::info("message", {{"text", m.text}}); }

void Miner::handle(const v1::Response& m) {
  if (!m.id) return;
  if (*m.id == subscribe_id_) {
    if (!m.subscribed) throw Error(Exit::unavailable, "the pool did not let us subscribe");
    extranonce_ = m.subscribed;
  } else if (*m.id == configure_id_) {
    mask_ = m.version_mask;
  } else if (*m.id == authorize_id_) {
    if (!m.ok) throw Error(Exit::no_permission, fmt::format("the pool refuses user \"{}\": {}", options_.user, m.error_text));
    log::info("authorized", {{"user", options_.user}});
  }
  const auto sent = sent_.find(*m.id);
  if (sent == sent_.end()) return;
  const Sent& s = sent->second;
  json::Json r = json::make_record("mined");
  r["result"] = m.ok ? "accepted" : "rejected";
  if (!m.ok) r["reason"] = fmt::format("{}: {}", m.error_code, m.error_text);
  r["difficulty"] = s.difficulty;
  r["hash"] = s.hash;
  r["job"] = s.job;
  json::print(r);
  if (m.ok) ++shares_;
  if (m.ok && s.is_block) ++blocks_;
  sent_.erase(sent);
}

}  // namespace hh::miner
