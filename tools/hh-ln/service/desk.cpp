#include "service/desk.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/log.h"

namespace hh::ln {

void pause(Journal& journal, const std::string& why, const Operator& by, const Clock& clock) {
  const json::Json value{{"reason", json::clean_text(why, max_reason)}, {"by", by.name}, {"time_ms", clock.unix_ms()}};
  journal.decide({.action = "pause", .manifest_id = {}, .line = {}, .hash = {}, .reason = why, .who = by}, [&] {
    remember(journal.database(), pause_key, json::to_line(value));
    return true;
  });
  log::warn("paused", {{"by", by.name}, {"reason", why}});
}

void resume(Journal& journal, const std::string& why, const Operator& by) {
  const bool done = journal.decide({.action = "resume", .manifest_id = {}, .line = {}, .hash = {}, .reason = why, .who = by}, [&] {
    if (!remembered(journal.database(), pause_key)) return false;
    remember(journal.database(), pause_key, {});
    return true;
  });
  if (done) log::info("resumed", {{"by", by.name}, {"reason", why}});
}

Desk::Desk(const std::string& db, std::string chain, bool simulated, crypto::KeySet keys, Clock& clock, const JournalKey& journal_key)
    : clock_(clock), journal_(db, true, clock, "", journal_key, [this](const Error& e) { const std::lock_guard lock(broken_mutex_); broken_ = e; }), chain_(std::move(chain)), simulated_(simulated), keys_(std::move(keys)), bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!bell_) throw Error(Exit::io, "cannot make an eventfd: " + hh::reason(errno));
  is_paused_ = pause_of(journal_.database()).has_value();
}

void Desk::require_alive() {
  const std::lock_guard lock(broken_mutex_);
  if (broken_) throw Error(*broken_);
}

void Desk::set_keys(crypto::KeySet keys) {
  const std::lock_guard lock(mutex_);
  keys_ = std::move(keys);
}

Desk::Taken Desk::take_manifest(std::string_view line, bool keep, bool counted) try {
  const std::lock_guard lock(mutex_);
  auto verdict = payout::verify_signed(line, keys_, clock_.unix_seconds());
  if (const auto* r = std::get_if<payout::Refusal>(&verdict)) throw Refused(r->exit_code(), payout::refused_name(r->reason), r->sentence);
  const auto& m = std::get<payout::VerifiedManifest>(verdict);
  const payout::Payout& p = m.manifest.payout;
  const std::string is(bitcoin::network_name(p.chain)), wanted = chain_.empty() ? node_.identity.chain : chain_;
  if (!wanted.empty() && is != wanted) throw Refused(Exit::data, "other_chain", fmt::format("it is for chain {}, not {}", is, wanted));
  if (p.simulated && !simulated_) throw Refused(Exit::data, "simulated", "it derives from simulated shares or blocks, and a real wallet pays no simulation");
  Taken out{m.manifest.id, manifest_figures(journal_.database(), "", m.manifest.id, 1).empty(), 0};
  for (const payout::Line& l : p.lines) out.lines += !l.pay.is_zero();
  try {
    keep ? journal_.add(m) : journal_.require_only_manifest(m);
  } catch (const Error& e) {
    if (e.code() != Exit::data) throw;
    throw Refused(Exit::data, "conflict", e.what());
  }
  if (!keep || !out.is_new) return out;
  ++counters.manifests_taken;
  log::info("manifest_taken", {{"manifest_id", out.manifest_id}, {"lines", out.lines}, {"pay_msat", p.pay().count()}});
  ring();
  return out;
} catch (const Refused& e) {
  counters.manifests_refused += counted;
  throw;
}

std::optional<Pause> Desk::paused() {
  const std::lock_guard lock(mutex_);
  return pause_of(journal_.database());
}

void Desk::pause(const std::string& why, const Operator& by) {
  const std::lock_guard lock(mutex_);
  ln::pause(journal_, why, by, clock_);
  is_paused_ = true;
}

void Desk::resume(const std::string& why, const Operator& by) {
  const std::lock_guard lock(mutex_);
  ln::resume(journal_, why, by);
  is_paused_ = false;
  ring();
}

void Desk::look_again() {
  {
    const std::lock_guard lock(mutex_);
    is_paused_ = pause_of(journal_.database()).has_value();
  }
  ring();
}

NodeView Desk::node() {
  const std::lock_guard lock(mutex_);
  return node_;
}

void Desk::set_node(const std::function<void(NodeView&)>& change) {
  const std::lock_guard lock(mutex_);
  change(node_);
}

ChannelsView Desk::channels() {
  const std::lock_guard lock(mutex_);
  return channels_;
}

void Desk::set_channels(const std::function<void(ChannelsView&)>& change) {
  const std::lock_guard lock(mutex_);
  change(channels_);
}

bool Desk::want(RebalanceWish wish) {
  const std::lock_guard lock(mutex_);
  if (wish_) return false;
  wish_ = std::move(wish);
  channels_.not_done.clear();
  return true;
}

std::optional<RebalanceWish> Desk::take_wish() {
  const std::lock_guard lock(mutex_);
  return std::exchange(wish_, std::nullopt);
}

bool Desk::is_idle() {
  const std::lock_guard lock(mutex_);
  if (is_paused_ || !node_.is_up || !node_.problem.empty()) return false;
  const QueueFigures q = queue_figures(journal_.database());
  return q.waiting == 0 && !q.oldest_open_ms;
}

void Desk::ring() {
  rung_ = true;
  const uint64_t one = 1;
  while (::write(bell_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void Desk::quiet() {
  uint64_t count = 0;
  while (::read(bell_.get(), &count, sizeof count) < 0 && errno == EINTR) {
  }
}

}  // namespace hh::ln
