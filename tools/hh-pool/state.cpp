// What of a running pool goes to the process that takes over, and in which order: all of the format is in this file. See state.h.
#include "state.h"

#include <unordered_map>

#include "base/error.h"
#include "json/strict.h"
#include "pool.h"
#include "session_v1.h"
#include "session_v2.h"

namespace hh::pool {
namespace {

void put(StateWriter& to, const bitcoin::Hash256& h) { to.bytes(h.view()); }
bitcoin::Hash256 take_hash(StateReader& from) {
  const BytesView b = from.bytes();
  bitcoin::Hash256 h;
  if (b.size() != h.bytes.size()) throw Error(Exit::data, "handover: a hash has not 32 bytes");
  std::copy(b.begin(), b.end(), h.bytes.begin());
  return h;
}

void put(StateWriter& to, const bitcoin::Target& t) { put(to, t.value.to_little_endian()); }
bitcoin::Target take_target(StateReader& from) { return {bitcoin::Uint256::from_little_endian(take_hash(from))}; }

uint32_t take_u32(StateReader& from) { return static_cast<uint32_t>(from.number()); }
std::optional<uint32_t> take_optional_u32(StateReader& from) {
  const auto n = from.optional_number();
  return n ? std::optional(static_cast<uint32_t>(*n)) : std::nullopt;
}

void put(StateWriter& to, const Assignment& a) {
  to.number(a.difficulty.units());
  put(to, a.target);
  to.signed_number(a.work);
}
Assignment take_assignment(StateReader& from) {
  Assignment a;
  a.difficulty = bitcoin::Difficulty(from.number());
  a.target = take_target(from);
  a.work = from.signed_number();
  return a;
}

void put(StateWriter& to, const GivenName& n) {
  to.number(n.number);
  to.number(n.again);
}
GivenName take_name(StateReader& from) {
  GivenName n;
  n.number = from.number();
  n.again = static_cast<uint16_t>(from.number());
  return n;
}

void put(StateWriter& to, const Worker& w) {
  for (const std::string* text : {&w.user, &w.who.miner, &w.who.worker, &w.who.address}) to.text(*text);
  to.bytes(w.who.script);
}
Worker take_worker(StateReader& from, Statistics& statistics) {
  Worker w;
  for (std::string* text : {&w.user, &w.who.miner, &w.who.worker, &w.who.address}) *text = from.text();
  const BytesView script = from.bytes();
  w.who.script.assign(script.begin(), script.end());
  w.seat = statistics.sit(w.who.miner, w.who.worker);
  return w;
}

std::array<uint8_t, extranonce1_size> take_extranonce1(StateReader& from) {
  std::array<uint8_t, extranonce1_size> extranonce1{};
  const BytesView e = from.bytes();
  if (e.size() != extranonce1.size()) throw Error(Exit::data, "handover: an extranonce of another size");
  std::copy(e.begin(), e.end(), extranonce1.begin());
  return extranonce1;
}

// Templates of one tip share most of their transactions, and jobs share templates: each is written once.
class TemplateWriter {
 public:
  explicit TemplateWriter(StateWriter& to) : to_(to) {}
  void put_template(const std::shared_ptr<const bitcoin::BlockTemplate>& t) {
    const auto [at, is_new] = templates_.try_emplace(t.get(), templates_.size());
    to_.number(at->second);
    if (!is_new) return;
    to_.number(t->height);
    put(to_, t->prev_hash);
    for (const uint32_t n : {t->version, t->curtime, t->mintime, t->bits}) to_.number(n);
    put(to_, t->target);
    to_.signed_number(t->subsidy.count());
    to_.signed_number(t->fees.count());
    to_.bytes(t->coinbase_aux);
    to_.bytes(t->witness_commitment_script);
    to_.number(t->transactions.size());
    for (const auto& tx : t->transactions) put_transaction(tx);
  }

 private:
  void put_transaction(const bitcoin::TemplateTransaction& tx) {
    const auto [at, is_new] = transactions_.try_emplace(tx.wtxid, transactions_.size());
    to_.number(at->second);
    if (!is_new) return;
    put(to_, tx.txid);
    put(to_, tx.wtxid);
    to_.signed_number(tx.fee.count());
    to_.text(tx.data_hex);
  }
  StateWriter& to_;
  std::unordered_map<const bitcoin::BlockTemplate*, uint64_t> templates_;
  std::unordered_map<bitcoin::Hash256, uint64_t> transactions_;
};

class TemplateReader {
 public:
  explicit TemplateReader(StateReader& from) : from_(from) {}
  std::shared_ptr<const bitcoin::BlockTemplate> take_template() {
    const uint64_t index = from_.number();
    if (index < templates_.size()) return templates_[index];
    auto t = std::make_shared<bitcoin::BlockTemplate>();
    t->height = take_u32(from_);
    t->prev_hash = take_hash(from_);
    for (uint32_t* n : {&t->version, &t->curtime, &t->mintime, &t->bits}) *n = take_u32(from_);
    t->target = take_target(from_);
    t->subsidy = Sat(from_.signed_number());
    t->fees = Sat(from_.signed_number());
    const BytesView aux = from_.bytes();
    t->coinbase_aux.assign(aux.begin(), aux.end());
    const BytesView commitment = from_.bytes();
    t->witness_commitment_script.assign(commitment.begin(), commitment.end());
    for (uint64_t left = from_.number(); left > 0; --left) t->transactions.push_back(take_transaction());
    return templates_.emplace_back(std::move(t));
  }

 private:
  bitcoin::TemplateTransaction take_transaction() {
    const uint64_t index = from_.number();
    if (index < transactions_.size()) return transactions_[index];
    bitcoin::TemplateTransaction tx;
    tx.txid = take_hash(from_);
    tx.wtxid = take_hash(from_);
    tx.fee = Sat(from_.signed_number());
    tx.data_hex = from_.text();
    return transactions_.emplace_back(std::move(tx));
  }
  StateReader& from_;
  std::vector<std::shared_ptr<const bitcoin::BlockTemplate>> templates_;
  std::vector<bitcoin::TemplateTransaction> transactions_;
};

}  // namespace

void GivenJobs::save(StateWriter& to) const {
  to.number(runs_.size());
  for (const Run& r : runs_) {
    put(to, r.first);
    put(to, r.last);
    put(to, r.assignment);
  }
}

void GivenJobs::inherit(StateReader& from) {
  for (uint64_t left = from.number(); left > 0; --left) {
    Run r;
    r.first = take_name(from);
    r.last = take_name(from);
    r.assignment = take_assignment(from);
    runs_.push_back(r);
  }
}

void Vardiff::save(StateWriter& to) const {
  for (const bitcoin::Difficulty d : {wanted_, in_force_, least_}) to.number(d.units());
  to.flag(fixed_);
  to.flag(rough_);
}

void Vardiff::inherit(StateReader& from) {
  for (bitcoin::Difficulty* d : {&wanted_, &in_force_, &least_}) *d = bitcoin::Difficulty(from.number());
  fixed_ = from.flag();
  rough_ = from.flag();
}

void GivenWork::save(StateWriter& to) const {
  given_.save(to);
  vardiff.save(to);
  to.optional_number(told_ ? std::optional(told_->units()) : std::nullopt);
  to.number(last_ntime_);
}

void GivenWork::inherit(StateReader& from) {
  given_.inherit(from);
  vardiff.inherit(from);
  if (const auto units = from.optional_number()) told_ = bitcoin::Difficulty(*units);
  last_ntime_ = take_u32(from);
}

void SessionV1::save(StateWriter& to) const {
  const int64_t now = pool_.clock.monotonic_ms();
  to.text(peer_);
  to.bytes(extranonce1_);
  to.flag(subscribed_);
  to.text(user_agent_);
  to.optional_number(rollable_);
  to.optional_number(version_mask_);
  to.optional_number(former_mask_);
  put(to, former_mask_until_);
  to.number(workers_.size());
  for (const Worker& w : workers_) put(to, w);
  work_.save(to);
  to.signed_number(now - since_ms_);
  to.signed_number(now - last_line_ms_);
  to.number(transactions_of_);
  to.number(static_cast<uint64_t>(bad_lines_));
  to.number(static_cast<uint64_t>(wishes_));
  to.flag(asked_version_);
  to.flag(pinged_);
}

std::shared_ptr<SessionV1> SessionV1::inherit(Pool& pool, Outlet& outlet, StateReader& from, const DifficultyRange* range) {
  std::string peer(from.text());
  const Extranonce1 extranonce1 = take_extranonce1(from);
  std::shared_ptr<SessionV1> s(new SessionV1(pool, outlet, std::move(peer), extranonce1, range));
  s->self_ = s;
  s->subscribed_ = from.flag();
  s->user_agent_ = from.text();
  s->rollable_ = take_optional_u32(from);
  s->version_mask_ = take_optional_u32(from);
  s->former_mask_ = take_optional_u32(from);
  s->former_mask_until_ = take_name(from);
  for (uint64_t left = from.number(); left > 0; --left) {
    s->workers_.push_back(take_worker(from, pool.statistics));
  }
  s->work_.inherit(from);
  const int64_t now = pool.clock.monotonic_ms();
  s->since_ms_ = now - from.signed_number();
  s->last_line_ms_ = now - from.signed_number();
  s->transactions_of_ = from.number();
  s->bad_lines_ = static_cast<int>(from.number());
  s->wishes_ = static_cast<int>(from.number());
  s->asked_version_ = from.flag();
  s->pinged_ = from.flag();
  return s;
}

// What was stored was answered before a handover begins (Daemon::rest_store), so that nothing waits here for an answer.
void SessionV2::save(StateWriter& to) const {
  const int64_t now = pool_.clock.monotonic_ms();
  to.text(peer_);
  to.text(vendor_);
  to.text(firmware_);
  for (const bool b : {is_set_up_, standard_jobs_, worker_names_}) to.flag(b);
  to.number(next_id_);
  to.signed_number(now - since_ms_);
  to.signed_number(now - last_message_ms_);
  to.number(static_cast<uint64_t>(bad_frames_));
  to.number(groups_.size());
  for (const auto& [script, id] : groups_) {
    to.bytes(script);
    to.number(id);
  }
  to.number(channels_.size());
  for (const auto& [id, c] : channels_) {
    to.number(id);
    to.number(c->group);
    to.flag(c->extended);
    to.bytes(c->extranonce1);
    put(to, c->worker);
    to.number(c->named.size());
    for (const auto& [name, worker] : c->named) put(to, worker);
    c->work.save(to);
    to.flag(c->tip.has_value());
    if (c->tip) put(to, *c->tip);
  }
}

std::shared_ptr<SessionV2> SessionV2::inherit(Pool& pool, Outlet& outlet, StateReader& from, const DifficultyRange* range) {
  std::shared_ptr<SessionV2> s = make(pool, outlet, std::string(from.text()), range);
  s->vendor_ = from.text();
  s->firmware_ = from.text();
  for (bool* b : {&s->is_set_up_, &s->standard_jobs_, &s->worker_names_}) *b = from.flag();
  s->next_id_ = take_u32(from);
  const int64_t now = pool.clock.monotonic_ms();
  s->since_ms_ = now - from.signed_number();
  s->last_message_ms_ = now - from.signed_number();
  s->bad_frames_ = static_cast<int>(from.number());
  for (uint64_t left = from.number(); left > 0; --left) {
    const BytesView script = from.bytes();
    s->groups_.emplace(Bytes(script.begin(), script.end()), take_u32(from));
  }
  for (uint64_t left = from.number(); left > 0; --left) {
    auto c = std::make_unique<Channel>(s->begin_work());
    c->id = take_u32(from);
    c->group = take_u32(from);
    c->extended = from.flag();
    c->extranonce1 = take_extranonce1(from);
    c->worker = take_worker(from, pool.statistics);
    for (uint64_t named = from.number(); named > 0; --named) {
      Worker w = take_worker(from, pool.statistics);
      std::string name = w.user;
      c->named.emplace(std::move(name), std::move(w));
    }
    c->work.inherit(from);
    if (from.flag()) c->tip = take_hash(from);
    const uint32_t id = c->id;
    s->channels_.emplace(id, std::move(c));
  }
  return s;
}

void Pool::save(StateWriter& to) const {
  const int64_t now = clock.monotonic_ms();
  to.number(next_extranonce_);
  to.number(last_number_);
  to.number(last_short_number_);
  to.number(config_.version_mask);
  for (const uint64_t n : {counters.accepted, counters.blocks, counters.jobs, counters.connections, counters.late}) to.number(n);
  for (const uint64_t n : counters.refused) to.number(n);
  to.number(tips_.size());
  for (const Tip& t : tips_) {
    to.number(t.first_number);
    to.signed_number(now - t.since_ms);
  }
  TemplateWriter templates(to);
  to.number(jobs_.size());
  for (const auto& live : jobs_) {
    to.text(records::job_line(live->job().record));
    to.number(live->job().number);
    to.number(live->short_number());
    to.flag(live->job().new_tip);
    templates.put_template(live->job().block_template);
    to.number(live->seen().size());
    live->seen().for_each([&](const SeenShares::Key& key) { to.number(key[0]), to.number(key[1]); });
  }
}

void Pool::inherit(StateReader& from) {
  const int64_t now = clock.monotonic_ms();
  next_extranonce_ = take_u32(from);
  extranonce_started_ = true;
  last_number_ = from.number();
  last_short_number_ = static_cast<uint16_t>(from.number());
  take_u32(from);  // the mask of before: who must hear of ours does by reload()
  for (uint64_t* n : {&counters.accepted, &counters.blocks, &counters.jobs, &counters.connections, &counters.late}) *n = from.number();
  for (uint64_t& n : counters.refused) n = from.number();
  for (uint64_t left = from.number(); left > 0; --left) {
    const uint64_t first = from.number();
    tips_.push_back({first, now - from.signed_number()});
  }
  TemplateReader templates(from);
  for (uint64_t left = from.number(); left > 0; --left) {
    auto record = records::parse_job(json::parse(from.text()));
    const uint64_t number = from.number();
    const auto short_number = static_cast<uint16_t>(from.number());
    const bool new_tip = from.flag();
    jobs_.push_back(std::make_unique<LiveJob>(make_job(std::move(record), number, new_tip, templates.take_template()), short_number));
    LiveJob& live = *jobs_.back();
    by_id_.emplace(live.job().record.job, &live);
    for (uint64_t keys = from.number(); keys > 0; --keys) {
      SeenShares::Key key;
      key[0] = from.number();
      key[1] = from.number();
      live.seen().insert(key);
    }
  }
}

}  // namespace hh::pool
