#include "statistics.h"

#include <fmt/format.h>

#include <algorithm>

namespace hh::pool {
namespace {

// The upper half of difficulty one's target, 0xFFFF·2^208.
constexpr Uint128 difficulty_one = Uint128{0xffff} << 80;
constexpr uint64_t places = 100'000'000;

Uint128 hundred_millionths(Uint128 best) { return best == no_best ? 0 : difficulty_one * places / (best == 0 ? 1 : best); }

}  // namespace

std::string difficulty_text(Uint128 best) {
  const Uint128 n = hundred_millionths(best);
  std::string text = bitcoin::Work(n / places).to_text();
  const auto rest = static_cast<uint64_t>(n % places);
  if (rest == 0) return text;
  text += fmt::format(".{:08}", rest);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}
uint64_t whole_difficulty(Uint128 best) { return static_cast<uint64_t>(std::min<Uint128>(hundred_millionths(best) / places, UINT64_MAX)); }

// 2^32·65536/65535 hashes on average, so work × 65535 ÷ 2^48, rounded: the work of a share is rounded down, and many would add up to one too few.
uint64_t difficulty_shares(Uint128 work) {
  if (work >= Uint128{1} << 111) return UINT64_MAX;
  return static_cast<uint64_t>(std::min<Uint128>((work * 65'535 + (Uint128{1} << 47)) >> 48, UINT64_MAX));
}

void Statistics::Seat::leave() {
  if (worker_ != nullptr) all_->leave(*worker_);
  worker_ = nullptr;
}

Statistics::Statistics(size_t most_workers, int64_t unix_ms) : most_workers_(most_workers), now_ms_(unix_ms), now_s_(unix_ms / 1000) { pool_.first_seen_ms = unix_ms; }
Statistics::~Statistics() = default;

void Statistics::Counts::count(uint64_t work, Uint128 upper, int64_t now_ms, int64_t now_s) {
  rate.add(work, now_s);
  accepted.add(work);
  best = std::min(best, upper);
  last_share_ms = now_ms;
}

void Statistics::Counts::count_refused(Refused why, uint64_t work) {
  if (!refused) refused = std::make_unique<RefusedTallies>();
  (*refused)[static_cast<size_t>(why)].add(work);
}

void Statistics::Counts::merge(const Counts& o, int64_t now_s) {
  rate.merge(o.rate, now_s);
  accepted.merge(o.accepted);
  best = std::min(best, o.best);
  first_seen_ms = first_seen_ms == 0 ? o.first_seen_ms : std::min(first_seen_ms, o.first_seen_ms);
  last_share_ms = std::max(last_share_ms, o.last_share_ms);
  if (!o.refused) return;
  if (!refused) refused = std::make_unique<RefusedTallies>();
  for (size_t i = 0; i < refused_reasons; ++i) (*refused)[i].merge((*o.refused)[i]);
}

Statistics::Seat Statistics::sit(std::string_view miner, std::string_view worker) {
  Worker* w = find_or_make(miner, worker);
  if (w == nullptr) {
    ++turned_away_;
    return {};
  }
  if (w->sessions++ == 0) away_.erase(w->away);
  return {this, w};
}

// Who is found is in away_ unless somebody sits there already. nullptr: no room.
Statistics::Worker* Statistics::find_or_make(std::string_view miner, std::string_view worker) {
  auto m = miners_.find(miner);
  if (m != miners_.end())
    if (const auto w = m->second.workers.find(worker); w != m->second.workers.end()) return &w->second;
  while (count_ >= most_workers_) {
    if (away_.empty()) return nullptr;
    forget(*away_.front());  // may take the miner with it
    ++evicted_;
    m = miners_.find(miner);
  }
  if (m == miners_.end()) {
    m = miners_.try_emplace(std::string(miner)).first;
    m->second.self = m;
  }
  const auto w = m->second.workers.try_emplace(std::string(worker)).first;
  w->second.self = w;
  w->second.miner = &m->second;
  w->second.counts.first_seen_ms = now_ms_;
  w->second.away = away_.insert(away_.end(), &w->second);
  ++count_;
  return &w->second;
}

void Statistics::leave(Worker& w) {
  if (--w.sessions != 0) return;
  w.away = away_.insert(away_.end(), &w);
  if (w.counts.accepted.shares == 0 && !w.counts.refused) forget(w);
}

void Statistics::forget(Worker& w) {
  away_.erase(w.away);
  --count_;
  Miner& m = *w.miner;
  if (m.workers.size() == 1) {
    miners_.erase(m.self);
    return;
  }
  if (w.counts.accepted.shares != 0 || w.counts.refused) {
    if (!m.forgotten) m.forgotten = std::make_unique<Counts>();
    m.forgotten->merge(w.counts, now_s_);
  }
  m.workers.erase(w.self);
}

void Statistics::tick(int64_t unix_ms) {
  now_ms_ = std::max(now_ms_, unix_ms);
  now_s_ = now_ms_ / 1000;
  // The list is in the order in which they left, which is not quite that of their last shares; a worker that sent nothing for days before it
  // left keeps those behind it a little longer.
  while (!away_.empty()) {
    const Counts& c = away_.front()->counts;
    if (now_ms_ - std::max(c.last_share_ms, c.first_seen_ms) < forget_after_s * 1000) break;
    forget(*away_.front());
    ++evicted_;
  }
}

void Statistics::accepted(const Seat& who, uint64_t work, const bitcoin::Hash256& hash) {
  const Uint128 upper = upper_half(hash);
  pool_.count(work, upper, now_ms_, now_s_);
  pool_shares_.add(1, now_s_);
  if (who.worker_ != nullptr) who.worker_->counts.count(work, upper, now_ms_, now_s_);
}

void Statistics::refused(const Seat& who, Refused why, uint64_t work) {
  pool_.count_refused(why, work);
  if (who.worker_ != nullptr) who.worker_->counts.count_refused(why, work);
}

Figures Statistics::figures(const Counts& c) const {
  Figures f;
  f.first_seen_ms = c.first_seen_ms;
  f.last_share_ms = c.last_share_ms;
  f.accepted = c.accepted;
  if (c.refused) f.refused = *c.refused;
  f.best = c.best;
  for (size_t i = 0; i < f.hashrate.size(); ++i) f.hashrate[i] = c.rate.per_second(i, now_s_, now_s_ - c.first_seen_ms / 1000);
  return f;
}

Figures Statistics::pool() const {
  Figures f = figures(pool_);
  f.workers = static_cast<uint32_t>(count_);
  return f;
}

Uint128 Statistics::pool_share_rate(size_t which) const { return pool_shares_.per(which, now_s_, now_s_ - pool_.first_seen_ms / 1000, 1000); }

Figures Statistics::sum_of(const Miner& m) const {
  Counts sum;
  uint32_t sessions = 0;
  for (const auto& [_, w] : m.workers) {
    sum.merge(w.counts, now_s_);
    sessions += w.sessions;
  }
  if (m.forgotten) sum.merge(*m.forgotten, now_s_);
  Figures f = figures(sum);
  f.miner = m.self->first;
  f.sessions = sessions;
  f.workers = static_cast<uint32_t>(m.workers.size());
  return f;
}

std::optional<Figures> Statistics::miner(std::string_view name) const {
  const auto m = miners_.find(name);
  if (m == miners_.end()) return std::nullopt;
  return sum_of(m->second);
}

std::vector<Figures> Statistics::workers(std::string_view miner, const std::string* after, size_t most) const {
  std::vector<Figures> all;
  const auto m = miners_.find(miner);
  if (m == miners_.end()) return all;
  for (auto w = after == nullptr ? m->second.workers.begin() : m->second.workers.upper_bound(*after); w != m->second.workers.end() && all.size() < most; ++w) {
    Figures f = figures(w->second.counts);
    f.miner = m->first;
    f.worker = w->first;
    f.sessions = w->second.sessions;
    f.workers = 1;
    all.push_back(std::move(f));
  }
  return all;
}

std::vector<Figures> Statistics::miners(std::string_view after, size_t most) const {
  std::vector<Figures> some;
  size_t looked_at = 0;
  for (auto m = miners_.upper_bound(after); m != miners_.end() && (looked_at == 0 || looked_at + m->second.workers.size() <= most); ++m) {
    looked_at += m->second.workers.size();
    some.push_back(sum_of(m->second));
  }
  return some;
}

size_t Statistics::miner_count() const { return miners_.size(); }

Statistics::Saved Statistics::saved(const Counts& c) {
  Saved s;
  s.first_seen_ms = c.first_seen_ms;
  s.last_share_ms = c.last_share_ms;
  s.faded_s = c.rate.faded_s();
  s.accepted = c.accepted;
  if (c.refused) s.refused = *c.refused;
  s.best = c.best;
  s.sums = c.rate.sums();
  return s;
}

Statistics::Saved Statistics::saved_pool() const { return saved(pool_); }

std::vector<Statistics::Saved> Statistics::saved_workers(std::string_view after_miner, size_t most, std::string& last_miner) const {
  std::vector<Saved> some;
  for (auto m = miners_.upper_bound(after_miner); m != miners_.end() && (some.empty() || some.size() + m->second.workers.size() <= most); ++m) {
    last_miner = m->first;
    for (const auto& [worker, w] : m->second.workers) {
      if (w.counts.accepted.shares == 0 && !w.counts.refused) continue;
      some.push_back(saved(w.counts));
      some.back().miner = m->first;
      some.back().worker = worker;
    }
  }
  return some;
}

void Statistics::restore(const Saved& s) {
  Counts* c = &pool_;
  if (!s.miner.empty()) {
    Worker* w = find_or_make(s.miner, s.worker);
    if (w == nullptr) return;
    c = &w->counts;
  }
  c->first_seen_ms = s.first_seen_ms;
  c->last_share_ms = s.last_share_ms;
  c->accepted = s.accepted;
  c->best = s.best;
  c->rate.restore(s.sums, s.faded_s);
  c->refused.reset();
  if (std::any_of(s.refused.begin(), s.refused.end(), [](const Tally& t) { return t.shares != 0; })) c->refused = std::make_unique<RefusedTallies>(s.refused);
}

}  // namespace hh::pool
