#include "settle/settle.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"

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

Msat fee_limit(const SettlePolicy& p, Msat amount) {
  const int64_t whole = amount.count() / 1'000'000, rest = amount.count() % 1'000'000;
  return p.fee_limit_base + Msat(whole) * p.fee_limit_ppm + Msat(rest * p.fee_limit_ppm / 1'000'000);
}

Settler::Settler(Journal& journal, Backend& backend, Identity identity, Resolver& resolver, SettlePolicy policy, Clock& clock)
    : journal_(journal), backend_(backend), identity_(identity), resolver_(resolver), policy_(policy), clock_(clock), reconciler_(journal, backend, identity) {}

bool Settler::is_expired(const Attempt& a, int64_t margin_seconds) const { return a.expires_at && clock_.unix_seconds() >= *a.expires_at + margin_seconds; }

// A node that cannot say what is in its channels may have anything in them.
bool Settler::may_have_htlc(const Attempt& a) {
  try {
    return backend_.has_htlc(hash_bytes(a.hash));
  } catch (const Error& e) {
    if (e.code() != Exit::unavailable) throw;
    log::warn("channels_unknown", {{"payment_hash", a.hash}, {"reason", e.what()}});
    return true;
  }
}

// True: the line has a new attempt in RESOLVED.
bool Settler::resolve(Line& line) {
  try {
    const Resolved resolved = resolver_.resolve(line);
    line.attempt = journal_.start(line, resolved, backend_.name(), identity_.node, fee_limit(policy_, line.pay));
    journal_.set_note(line, "");
    return true;
  } catch (const InvoiceRefused& e) {
    refuse(line, e.bolt11, e.what(), e.for_good);
  } catch (const store::ConstraintError& e) {
    if (!e.is_unique()) throw;
    refuse(line, "", "the invoice's payment hash was used before", line.destination.kind == payout::DestinationKind::bolt11);
  } catch (const Error& e) {
    if (e.code() != Exit::unavailable && e.code() != Exit::data) throw;
    refuse(line, "", e.what(), false);
  }
  return false;
}

void Settler::refuse(const Line& line, const std::string& bolt11, const std::string& why, bool for_good) {
  journal_.note_refused(line, bolt11, why);
  if (for_good)
    journal_.hold(line.manifest_id, line.line, why);
  else
    journal_.set_note(line, why);
}

// A failed or never sent attempt whose invoice has expired makes room for a new one, unless there is a chance that the old one still moves money. The node
// must say so now: an answer that is missing, or "in flight" of what it had called failed (a request that was held up on its way), is such a chance.
Settler::Replace Settler::may_replace(Line& line) {
  for (Attempt& old : journal_.failed_attempts(line)) {
    if (old.node != identity_.node) continue;  // RESOLVED only, or settled with that node
    const Evidence evidence = reconciler_.track(old);
    if (old.state == State::paid) return Replace::paid;
    const bool ended = evidence == Evidence::failed || evidence == Evidence::not_found;
    if (!ended || may_have_htlc(old)) return Replace::not_now;
  }
  return Replace::yes;
}

bool Settler::retry(Line& line, int64_t& sends_left) {
  Attempt& a = *line.attempt;
  if (give_up_line_ || sends_left == 0) return false;
  if (is_expired(a, 0) || a.node != identity_.node) {
    if (!is_expired(a, surely_expired_seconds) && a.sends > 0) return false;
    const Replace replace = may_replace(line);
    if (replace != Replace::yes) return replace == Replace::paid;
    return resolve(line);
  }
  if (sends_left < policy_.attempts) clock_.sleep_ms(policy_.backoff_ms << (policy_.attempts - sends_left - 1));
  return journal_.apply(a, Event::retry, {.reason = {}, .preimage = {}, .fee = {}, .fee_limit = fee_limit(policy_, line.pay)});
}

// Commits SENDING, with the reservation, before the first byte goes out.
bool Settler::send(Line& line, int64_t& sends_left) {
  Attempt& a = *line.attempt;
  if (node_gone_ || stop_requested() || sends_left == 0) return false;
  Outgoing out{a.manifest_id, a.line, hash_bytes(a.hash), a.amount, a.fee_limit, a.bolt11, {}, {}};
  if (a.bolt11.empty()) {
    from_hex(a.payee, out.node);
    out.preimage = journal_.keysend_preimage(a.manifest_id, a.line, a.number);
  }
  if (!journal_.apply(a, Event::send)) return false;
  --sends_left;
  const Report report = backend_.send(out);
  node_gone_ |= report.evidence == Evidence::not_sent;
  give_up_line_ |= report.evidence == Evidence::failed && !report.try_again;
  reconciler_.take(a, report);
  return report.evidence != Evidence::not_sent;
}

// SENDING, INFLIGHT or UNKNOWN: what does the node say? Sends the same invoice again where it does not know it.
bool Settler::follow(Line& line, int64_t& sends_left) {
  Attempt& a = *line.attempt;
  const Evidence evidence = reconciler_.track(a);
  node_gone_ |= evidence == Evidence::not_sent;
  if (!is_open(a.state)) return true;
  // A held line is followed, but nothing is sent for it: whoever holds it may be finding out whether it was paid.
  if (evidence != Evidence::not_found || a.seen || line.held_reason || !reconciler_.node_remembers(a)) return false;
  if (may_have_htlc(a)) return false;
  if (is_expired(a, surely_expired_seconds))
    return journal_.apply(a, Event::expired, {.reason = "the invoice expired before the node knew it", .preimage = {}, .fee = {}, .fee_limit = {}});
  if (is_expired(a, 0)) return false;
  if (sends_left < policy_.attempts) clock_.sleep_ms(policy_.backoff_ms << (policy_.attempts - sends_left - 1));
  return send(line, sends_left);
}

// One move of one line; false where nothing more can be done now.
bool Settler::step(Line& line, int64_t& sends_left) {
  if (!line.attempt) return !line.held_reason && !node_gone_ && !stop_requested() && resolve(line);
  Attempt& a = *line.attempt;
  if (is_open(a.state)) return follow(line, sends_left);
  if (a.state == State::paid || line.held_reason || node_gone_ || stop_requested()) return false;
  if (a.state == State::failed_safe) return retry(line, sends_left);
  if (a.node != identity_.node || is_expired(a, 0))  // RESOLVED, and it cannot be sent any more: nothing was ever sent
    return journal_.apply(a, Event::expired, {.reason = "the invoice was never sent", .preimage = {}, .fee = {}, .fee_limit = {}});
  return send(line, sends_left);
}

void Settler::advance(Line line) {
  int64_t sends_left = policy_.attempts;
  give_up_line_ = false;
  // Each step either uses up a send or moves the line towards an end; the bound only guards against a defect.
  for (int64_t moves = 0; moves < 8 * policy_.attempts + 8; ++moves) {
    if (!step(line, sends_left)) return;
    line = journal_.line(line.manifest_id, line.line);
  }
}

// Payments that hang are looked at for a while, less and less often.
void Settler::follow_open(const std::string& manifest_id) {
  const int64_t end = clock_.monotonic_ms() + policy_.wait_ms;
  for (int64_t pause = 200; !node_gone_ && !stop_requested() && clock_.monotonic_ms() < end; pause = std::min<int64_t>(pause * 2, 5000)) {
    bool open = false;
    for (const Line& line : journal_.lines(manifest_id))
      if (line.attempt && line.attempt->state == State::inflight) {
        Attempt a = *line.attempt;
        reconciler_.track(a);
        open |= a.state == State::inflight;
      }
    if (!open) return;
    clock_.sleep_ms(std::min(pause, std::max<int64_t>(end - clock_.monotonic_ms(), 0)));
  }
}

int Settler::settle(const std::string& manifest_id, const Print& print) {
  std::set<int64_t> printed;
  const auto print_paid = [&](const Line& line) {
    if (line_state(line) == payout::SettlementState::paid && printed.insert(line.line).second) print(settlement_of(line, backend_.name()));
  };
  for (const Line& line : journal_.lines(manifest_id)) {
    advance(line);
    print_paid(journal_.line(manifest_id, line.line));
  }
  follow_open(manifest_id);
  bool open = false, failed = false;
  for (const Line& line : journal_.lines(manifest_id)) {
    print_paid(line);
    const auto state = line_state(line);
    const bool is_failed = state == payout::SettlementState::failed_safe || state == payout::SettlementState::held;
    if (state == payout::SettlementState::paid) continue;
    open |= !is_failed, failed |= is_failed;
    print(settlement_of(line, backend_.name()));
  }
  return open ? static_cast<int>(Exit::temp_fail) : failed ? 1 : 0;
}

payout::SettlementState line_state(const Line& line) {
  if (line.attempt && (is_open(line.attempt->state) || line.attempt->state == State::paid)) return *payout::state_from_name(state_text(line.attempt->state));
  if (line.held_reason) return payout::SettlementState::held;
  return line.attempt ? *payout::state_from_name(state_text(line.attempt->state)) : payout::SettlementState::planned;
}

payout::Settlement settlement_of(const Line& line, const std::string& backend) {
  payout::Settlement s;
  s.manifest_id = line.manifest_id, s.line = line.line, s.account = line.account;
  s.state = line_state(line);
  s.amount = line.pay;
  s.backend = backend;
  s.time_ms = line.changed_ms;
  s.reason = line.note;
  if (line.attempt) {
    const Attempt& a = *line.attempt;
    s.backend = a.backend, s.payment_hash = a.hash, s.attempt = a.number;
    s.preimage = a.preimage, s.fee = a.fee, s.time_ms = a.changed_ms;
    s.reason = a.state == State::paid || !a.reason.empty() ? a.reason : line.note;
  }
  if (s.state == payout::SettlementState::held) s.reason = *line.held_reason, s.time_ms = line.changed_ms;
  s.simulated = line.simulated || s.backend == "sim";
  return s;
}

}  // namespace hh::ln
