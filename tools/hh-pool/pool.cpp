#include "pool.h"

#include <algorithm>
#include <random>
#include <set>
#include <utility>

#include "base/log.h"
#include "given_jobs.h"
#include "session.h"

namespace hh::pool {

namespace {

constexpr int64_t block_race_ms = 10'000;  // beyond the grace; templates are large, races are short

}  // namespace

void Pool::drop_job(size_t index) {
  by_id_.erase(jobs_[index]->job().record.job);
  jobs_.erase(jobs_.begin() + static_cast<ptrdiff_t>(index));
}

// Of the newest tip the last most_jobs, of all others together as many, and no longer than they can be of use.
void Pool::drop_old_jobs() {
  const int64_t now = clock.monotonic_ms();
  while (tips_.size() > 1 && now - tips_[1].since_ms > config_.stale_grace_ms + block_race_ms) {
    while (oldest_number() < tips_[1].first_number) drop_job(0);
    tips_.pop_front();
  }
  size_t old = 0;
  while (old < jobs_.size() && jobs_[old]->job().number < tips_.back().first_number) ++old;
  for (; old > config_.most_jobs; --old) drop_job(0);
  while (jobs_.size() - old > config_.most_jobs) drop_job(old);
}

Pool::Age Pool::age_of(uint64_t number) const {
  const auto next = std::find_if(tips_.begin(), tips_.end(), [&](const Tip& t) { return t.first_number > number; });
  if (next == tips_.end()) return Age::newest_tip;
  const bool in_grace = config_.stale_grace_ms > 0 && clock.monotonic_ms() - next->since_ms <= config_.stale_grace_ms;
  return in_grace ? Age::in_grace : Age::stale;
}

void Pool::on_job(std::shared_ptr<const Job> job) {
  notify_some(SIZE_MAX);  // who has not heard of the job before needs it: it may be the one that says that the tip is new
  recorder.put_job(job->record);  // before any share that refers to it
  if (job->new_tip || tips_.empty()) tips_.push_back({job->number, clock.monotonic_ms()});
  jobs_.push_back(std::make_unique<LiveJob>(std::move(job), ++last_short_number_));
  LiveJob& live = *jobs_.back();
  by_id_.emplace(live.job().record.job, &live);
  last_number_ = live.job().number;
  drop_old_jobs();
  ++counters.jobs;
  log::write(live.job().new_tip ? log::Level::info : log::Level::debug, "job",
             {{"job", live.job().record.job}, {"height", live.job().record.height}, {"new_tip", live.job().new_tip},
              {"transactions", live.job().record.tx_count}, {"fees_sat", live.job().record.fees.count()}, {"sessions", sessions_.size()}});
  to_notify_.assign(sessions_.begin(), sessions_.end());
}

bool Pool::notify_some(size_t most) {
  for (; most > 0 && !to_notify_.empty(); --most) {
    Session* const s = to_notify_.back();
    to_notify_.pop_back();
    if (s != nullptr) s->new_job(*jobs_.back());
  }
  return !to_notify_.empty();
}

void Pool::answer() {
  for (Session* s : std::exchange(to_answer_, {}))
    if (s != nullptr) s->answer();
}

void Pool::remove(Session& s) {
  sessions_.erase(&s);
  std::replace(to_answer_.begin(), to_answer_.end(), &s, static_cast<Session*>(nullptr));
  std::replace(to_notify_.begin(), to_notify_.end(), &s, static_cast<Session*>(nullptr));
}

LiveJob* Pool::find(std::string_view id) {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : at->second;
}

LiveJob* Pool::find_short(uint16_t number) {
  const auto at = std::find_if(jobs_.rbegin(), jobs_.rend(), [&](const auto& live) { return live->short_number() == number; });
  return at == jobs_.rend() ? nullptr : at->get();
}

// Numbers behind the newest were given out, if at all, long ago.
Refusal Pool::why_not_found_short(uint16_t number) const {
  const bool was_ours = static_cast<uint16_t>(last_short_number_ - number) < 0x8000;
  return was_ours ? Refusal{Refused::stale, "Stale share: the job is over"} : Refusal{Refused::job_not_found, "Job not found"};
}

// Also by the name under which a connection got it again (given_jobs.h).
Refusal Pool::why_not_found(std::string_view id) const {
  const auto split = split_name(id);
  const bool was_ours = outside_.was_ours(id, last_number_) || (split && outside_.was_ours(split->job, last_number_));
  return was_ours ? Refusal{Refused::stale, "Stale share: the job is over"} : Refusal{Refused::job_not_found, "Job not found"};
}

void Pool::add(Session& s) {
  sessions_.insert(&s);
  ++counters.connections;
}

std::array<uint8_t, extranonce1_size> Pool::next_extranonce1() {
  if (!extranonce_started_) next_extranonce_ = std::random_device{}();
  extranonce_started_ = true;
  const uint32_t n = next_extranonce_++;
  return {static_cast<uint8_t>(n >> 24), static_cast<uint8_t>(n >> 16), static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n)};
}

void Pool::tick() {
  const int64_t now = clock.monotonic_ms();
  statistics.tick(now + steady_offset_ms);
  guard.tick();
  for (Session* s : sessions_) s->tick(now);  // closing one does not remove it yet: its connection's last handler does
  if (!tips_.empty()) drop_old_jobs();
}

template <class Tell>
Pool::Told Pool::tell(std::string_view miner, Tell tell_one) {
  std::set<std::string_view> names;
  Told told;
  for (Session* s : sessions_) {
    std::set<std::string_view> its;
    s->add_miners(its);
    if (its.empty() || (!miner.empty() && !its.contains(miner))) continue;
    tell_one(*s);
    ++told.connections;
    if (miner.empty()) names.merge(its);
    else names.insert(miner);
  }
  told.miners = names.size();
  return told;
}

Pool::Told Pool::show_message(std::string_view text, std::string_view miner) {
  const Told told = tell(miner, [&](Session& s) { s.show_message(text); });
  log::info("message_sent", {{"text", text}, {"miner", miner}, {"connections", told.connections}});
  return told;
}

Pool::Told Pool::reconnect(std::string_view host, uint16_t port, uint32_t wait_seconds, std::string_view miner) {
  const Told told = tell(miner, [&](Session& s) { s.reconnect(host, port, wait_seconds); });
  log::warn("reconnect_sent", {{"host", host}, {"port", port}, {"wait_seconds", wait_seconds}, {"miner", miner}, {"connections", told.connections}});
  return told;
}

void Pool::reload(const PoolConfig& now) {
  if (now.version_mask != config_.version_mask) log::info("version_mask", {{"before", stratum::v1::hex8(config_.version_mask)}, {"now", stratum::v1::hex8(now.version_mask)}});
  PoolConfig next = now;
  next.source = config_.source;
  next.chain = config_.chain;
  config_ = std::move(next);  // in place: sessions' vardiffs point into it
  guard.change(config_.guard);
  statistics.change_most_workers(config_.most_workers);
  for (Session* s : sessions_) s->config_changed();
}

std::optional<Refusal> Pool::take_share(const ShareFor& f, std::optional<uint32_t> version_mask, const SubmittedShare& share, Ack ack) {
  const CheckedShare checked = check_share(f.live, f.who.script, f.assigned, f.extranonce1, version_mask, share);
  if (checked.refusal) return checked.refusal;
  if (!checked.is_block && age_of(f.live.job().number) == Age::stale) return Refusal{Refused::stale, "Stale share: the job is of a tip that is over"};
  if (when_down == WhenDown::pause && !checked.is_block) {
    f.live.forget(checked.hash);
    return Refusal{Refused::no_job, "No current job: the pool's nodes are down"};
  }
  if (checked.is_block) submit_block(f, checked);
  // A block is recorded as long as anything can be: it is one line, and its miner is paid by it.
  if (const Strain strain = recorder.strain(); strain == Strain::failed || (strain != Strain::none && !checked.is_block)) {
    f.live.forget(checked.hash);
    return Refusal{Refused::not_stored, refusal(strain)};
  }
  record(f, checked, std::move(ack));
  return std::nullopt;
}

void Pool::submit_block(const ShareFor& f, const CheckedShare& checked) {
  Bytes extranonce(f.extranonce1.begin(), f.extranonce1.end());
  extranonce.insert(extranonce.end(), checked.extranonce2.begin(), checked.extranonce2.end());
  outside_.submit({f.live.shared(), checked.header, checked.hash, bitcoin::join_coinbase(f.live.job().coinbase.prefix, extranonce, f.live.suffix(f.who.script))});
  ++counters.blocks;
  const records::Job& job = f.live.job().record;
  log::info("block_found", {{"hash", checked.hash.to_display_hex()}, {"height", job.height}, {"miner", f.who.miner}, {"worker", f.who.worker}, {"job", job.job},
                            {"coinbase_txid", checked.coinbase_txid.to_display_hex()}, {"fees_sat", job.fees.count()}, {"fee_to", records::name(f.live.fee_to(f.who.script))}});
}

void Pool::record(const ShareFor& f, const CheckedShare& checked, Ack ack) {
  const records::Job& job = f.live.job().record;
  records::ShareView s;
  s.job = job.job;
  s.miner = f.who.miner;
  s.worker = f.who.worker;
  s.fee_to = f.live.fee_to(f.who.script);
  if (s.fee_to == records::FeeTo::coinbase) s.address = f.who.address;
  s.time_ms = clock.unix_ms();
  s.work = f.assigned.work;
  s.ntime = checked.header.time;
  s.nonce = checked.header.nonce;
  s.version = checked.header.version;
  std::copy(f.extranonce1.begin(), f.extranonce1.end(), s.extranonce.begin());
  std::copy(checked.extranonce2.begin(), checked.extranonce2.end(), s.extranonce.begin() + extranonce1_size);
  s.extranonce1_size = extranonce1_size;
  s.extranonce2_size = extranonce2_size;
  recorder.put_share(s, std::move(ack));
  ++counters.accepted;
  if (age_of(f.live.job().number) != Age::newest_tip) ++counters.late;
  statistics.accepted(f.seat, static_cast<uint64_t>(f.assigned.work), checked.hash);
  if (!checked.is_block) return;

  records::Block b;
  b.time_ms = s.time_ms;
  b.chain = job.chain;
  b.job = job.job;
  b.height = job.height;
  b.hash = checked.hash;
  b.prev_hash = job.prev_hash;
  b.nbits = job.nbits;
  b.miner = f.who.miner;
  b.worker = f.who.worker;
  b.subsidy = job.subsidy;
  b.fees = job.fees;
  b.fee_to = s.fee_to;
  b.treasury_keeps = f.live.treasury_keeps(f.who.script);
  b.coinbase_txid = checked.coinbase_txid;
  recorder.put_block(std::move(b));
}

}  // namespace hh::pool
