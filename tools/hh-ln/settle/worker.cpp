#include "settle/worker.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "crypto/digest.h"

namespace hh::ln {
namespace {

// Past its expiry by so much, no clock of a payee or node is slow enough to still accept an invoice.
constexpr int64_t surely_expired_seconds = 120;

PaymentHash hash_bytes(const std::string& hex) {
  PaymentHash out{};
  if (!from_hex(hex, out)) throw Error(Exit::data, "the journal has a payment hash that is not 64 hex digits");
  return out;
}

}  // namespace

Msat millionths(Msat amount, int64_t ppm) {
  const int64_t whole = amount.count() / 1'000'000, rest = amount.count() % 1'000'000;
  return Msat(whole) * ppm + Msat(rest * ppm / 1'000'000);
}

Msat fee_limit(const SettlePolicy& p, Msat amount) { return p.fee_limit_base + millionths(amount, p.fee_limit_ppm); }

Shared::Shared(const SettlePolicy& p, Journal& journal, Clock& clock)
    : pace(p.payments_per_minute, p.payments_per_minute > 0 ? journal.sends_since(clock.unix_ms() - 60'000) : std::vector<int64_t>(), clock) {}

Worker::Worker(Journal& journal, Backend& backend, Identity identity, Resolver& resolver, const SettlePolicy& policy, Clock& clock, Shared& shared, uint64_t number)
    : journal_(journal), backend_(backend), identity_(identity), resolver_(resolver), policy_(policy), clock_(clock), shared_(shared),
      reconciler_(journal, backend, identity), backoff_(policy.backoff_ms, policy.seed + number) {}

bool Worker::must_stop() const { return shared_.node_gone || shared_.failed || stop_requested() || (policy_.may_send && !policy_.may_send()); }

void Worker::back_off(int64_t sends_left) {
  if (sends_left < policy_.attempts) pause(clock_, backoff_.pause_ms(policy_.attempts - sends_left));
}

// Another thread of this process may take an operator's decision at any moment.
bool Worker::is_held_now(const Line& line) { return journal_.line(line.manifest_id, line.line).held_reason.has_value(); }

// Past its term nothing new is sent for a line: it waits for the operator. One who has released it since then has decided.
bool Worker::is_too_late(const Task& task) {
  if (!task.due_ms || clock_.unix_ms() < *task.due_ms || task.line.released_ms >= *task.due_ms) return false;
  journal_.hold(task.line.manifest_id, task.line.line, task.due_reason);
  return true;
}

bool Worker::is_expired(const Attempt& a, int64_t margin_seconds) const { return a.expires_at && clock_.unix_seconds() >= *a.expires_at + margin_seconds; }

// A node that cannot say what is in its channels may have anything in them.
bool Worker::may_have_htlc(const Attempt& a) {
  try {
    return backend_.has_htlc(hash_bytes(a.hash));
  } catch (const Error& e) {
    if (e.code() != Exit::unavailable) throw;
    log::warn("channels_unknown", {{"payment_hash", a.hash}, {"reason", e.what()}});
    return true;
  }
}

// True: the line has a new attempt in RESOLVED.
bool Worker::resolve(Task& task) {
  Line& line = task.line;
  try {
    const Resolved resolved = resolver_.resolve(line);
    line.attempt = journal_.start(line, resolved, backend_.name(), identity_.node, std::min(task.fee_limit, fee_limit(policy_, line.pay)));
    journal_.set_note(line, "");
    return true;
  } catch (const InvoiceRefused& e) {
    refuse(line, e.invoice, e.what(), e.for_good);
  } catch (const store::ConstraintError& e) {
    if (is_held_now(line)) return false;
    if (!e.is_unique()) throw;
    refuse(line, "", "the invoice's payment hash was used before", line.destination.kind == payout::DestinationKind::bolt11);
  } catch (const Error& e) {
    if (e.code() != Exit::unavailable && e.code() != Exit::data) throw;
    refuse(line, "", e.what(), false);
  }
  return false;
}

void Worker::refuse(const Line& line, const std::string& bolt11, const std::string& why, bool for_good) {
  journal_.note_refused(line, bolt11, why);
  if (for_good)
    journal_.hold(line.manifest_id, line.line, why);
  else
    journal_.set_note(line, why);
}

// A failed or never sent attempt whose invoice has expired makes room for a new one, unless there is a chance that the old one still moves money. The node
// must say so now: an answer that is missing, or "in flight" of what it had called failed (a request that was held up on its way), is such a chance.
Worker::Replace Worker::may_replace(Line& line) {
  for (Attempt& old : journal_.failed_attempts(line)) {
    if (old.node != identity_.node) continue;  // RESOLVED only, or settled with that node
    const Evidence evidence = reconciler_.track(old);
    if (old.state == State::paid) return Replace::paid;
    const bool ended = evidence == Evidence::failed || evidence == Evidence::not_found;
    if (!ended || may_have_htlc(old)) return Replace::not_now;
  }
  return Replace::yes;
}

bool Worker::retry(Task& task, int64_t& sends_left) {
  Line& line = task.line;
  Attempt& a = *line.attempt;
  if (give_up_line_ || sends_left == 0) return false;
  if (is_expired(a, 0) || a.node != identity_.node) {
    if (!is_expired(a, surely_expired_seconds) && a.sends > 0) return false;
    const Replace replace = may_replace(line);
    if (replace != Replace::yes) return replace == Replace::paid;
    return resolve(task);
  }
  back_off(sends_left);
  if (must_stop() || is_held_now(line)) return false;
  return begin(line, Event::retry, {.reason = {}, .preimage = {}, .fee = {}, .fee_limit = std::min(task.fee_limit, fee_limit(policy_, line.pay))});
}

// False also where somebody has held the line at this very moment: the journal refuses the move then.
bool Worker::begin(Line& line, Event event, const Change& change) {
  try {
    return journal_.apply(*line.attempt, event, change);
  } catch (const store::ConstraintError&) {
    if (is_held_now(line)) return false;
    throw;
  }
}

// Commits SENDING, with the reservation, before the first byte goes out.
bool Worker::send(Task& task, int64_t& sends_left) {
  Attempt& a = *task.line.attempt;
  if (must_stop() || sends_left == 0 || task.batch == 0) return false;
  Outgoing out{a.manifest_id, a.line, hash_bytes(a.hash), a.amount, a.fee_limit, a.bolt11, {}, {}};
  if (a.bolt11.empty()) {
    from_hex(a.payee, out.node);
    out.preimage = journal_.keysend_preimage(a.manifest_id, a.line, a.number);
    if (crypto::sha256(BytesView(out.preimage)) != out.hash) throw Error(Exit::software, fmt::format("payment {} is not the keysend that its number says", a.hash));
  }
  pause(clock_, shared_.pace.book());
  if (must_stop() || is_too_late(task)) return false;
  if (!begin(task.line, Event::send)) return false;
  --sends_left;
  const Report report = backend_.send(out);
  if (report.evidence == Evidence::not_sent) shared_.node_gone = true;
  give_up_line_ |= report.evidence == Evidence::failed && !report.try_again;
  reconciler_.take(a, report);
  return report.evidence != Evidence::not_sent;
}

// SENDING, INFLIGHT or UNKNOWN: what does the node say? Sends the same invoice again where it does not know it.
bool Worker::follow(Task& task, int64_t& sends_left) {
  Line& line = task.line;
  Attempt& a = *line.attempt;
  const Evidence evidence = reconciler_.track(a);
  if (evidence == Evidence::not_sent) shared_.node_gone = true;
  if (!is_open(a.state)) return true;
  // A held line is followed, but nothing is sent for it: whoever holds it may be finding out whether it was paid.
  if (evidence != Evidence::not_found || a.seen || line.held_reason || !reconciler_.node_remembers(a)) return false;
  if (may_have_htlc(a)) return false;
  if (is_expired(a, surely_expired_seconds))
    return journal_.apply(a, Event::expired, {.reason = "the invoice expired before the node knew it", .preimage = {}, .fee = {}, .fee_limit = {}});
  if (is_expired(a, 0)) return false;
  back_off(sends_left);
  return send(task, sends_left);
}

// One move of one line; false where nothing more can be done now.
bool Worker::step(Task& task, int64_t& sends_left) {
  Line& line = task.line;
  if (line.attempt && is_open(line.attempt->state)) return follow(task, sends_left);
  if (line.attempt && line.attempt->state == State::paid) return false;
  if (line.held_reason || task.batch == 0 || must_stop() || is_too_late(task)) return false;
  if (!line.attempt) return resolve(task);
  Attempt& a = *line.attempt;
  if (a.state == State::failed_safe) return retry(task, sends_left);
  if (a.node != identity_.node || is_expired(a, 0))  // RESOLVED, and it cannot be sent any more: nothing was ever sent
    return journal_.apply(a, Event::expired, {.reason = "the invoice was never sent", .preimage = {}, .fee = {}, .fee_limit = {}});
  return send(task, sends_left);
}

void Worker::advance(Task task) {
  int64_t sends_left = policy_.attempts;
  give_up_line_ = false;
  // Each step either uses up a send or moves the line towards an end; the bound only guards against a defect.
  for (int64_t moves = 0; moves < 8 * policy_.attempts + 8; ++moves) {
    if (!step(task, sends_left)) return;
    task.line = journal_.line(task.line.manifest_id, task.line.line);
  }
}

}  // namespace hh::ln
