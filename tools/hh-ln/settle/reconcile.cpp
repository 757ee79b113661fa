// What the node says about payments, taken into the journal.
#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "payout/settlement.h"
#include "settle/reconcile.h"

namespace hh::ln {
namespace {

PaymentHash hash_bytes(const std::string& hex) {
  PaymentHash out{};
  if (!from_hex(hex, out)) throw Error(Exit::data, "the journal has a payment hash that is not 64 hex digits");
  return out;
}

void alarm(const Attempt& a, const std::string& what) {
  log::error("payment_alarm", {{"what", what}, {"manifest_id", a.manifest_id}, {"line", a.line}, {"attempt", a.number}, {"payment_hash", a.hash}, {"amount_msat", a.amount.count()}});
}

constexpr const char* on_chain_status = "ON_CHAIN";  // of a foreign payment that is a transaction

// A line that several payments hold is one line, as the last of them left it.
void add_held(std::vector<Line>& held, Line line) {
  std::erase_if(held, [&](const Line& l) { return l.manifest_id == line.manifest_id && l.line == line.line; });
  held.push_back(std::move(line));
}

std::string made_for_this_line(const std::string& hash) { return fmt::format("the node made payment {} for this line, and it is not clear what became of it", hash); }

}  // namespace

Reconciler::Reconciler(Journal& journal, Backend& backend, Identity identity)
    : journal_(journal), backend_(backend), identity_(std::move(identity)) {}

void Reconciler::require_same_node() {
  for (const Attempt& a : journal_.open_attempts())
    if (a.node != identity_.node)
      throw Error(Exit::config, fmt::format("payment {} (line {} of manifest {}) was sent through node {}, but this is node {}: settle it with that node first", a.hash, a.line,
                                            a.manifest_id, a.node, identity_.node));
}

void Reconciler::take(Attempt& a, const Report& r) {
  switch (r.evidence) {
    case Evidence::settled:
      if (!payout::preimage_matches(r.preimage, a.hash)) {
        alarm(a, "the node says SUCCEEDED but its preimage is not that of the payment hash");
        journal_.apply(a, Event::no_answer, {.reason = "the node says that it succeeded, but shows a wrong preimage", .preimage = {}, .fee = {}, .fee_limit = {}});
        return;
      }
      if (r.amount && *r.amount != a.amount) alarm(a, fmt::format("the node paid {} msat", r.amount->count()));
      if (r.fee > a.fee_limit) alarm(a, fmt::format("the node paid a fee of {} msat, above the limit of {}", r.fee.count(), a.fee_limit.count()));
      if (a.state == State::failed_safe) alarm(a, "late success: the payment had been taken for failed");
      journal_.apply(a, Event::settled, {.reason = {}, .preimage = r.preimage, .fee = r.fee, .fee_limit = {}});
      if (journal_.is_paid_twice(a.manifest_id, a.line)) alarm(a, "the line is paid twice");
      return;
    case Evidence::failed: journal_.apply(a, Event::failed, {.reason = r.reason, .preimage = {}, .fee = {}, .fee_limit = {}}); return;
    case Evidence::in_flight: journal_.apply(a, Event::in_flight, {.reason = r.reason, .preimage = {}, .fee = {}, .fee_limit = {}}); return;
    case Evidence::not_sent:
    case Evidence::unknown:
      if (a.state != State::inflight) journal_.apply(a, Event::no_answer, {.reason = r.reason, .preimage = {}, .fee = {}, .fee_limit = {}});
      return;
    case Evidence::not_found:
      if (a.seen && is_open(a.state)) alarm(a, "the node has forgotten a payment that it had confirmed");
      journal_.apply(a, Event::no_answer, {.reason = a.seen ? "the node no longer knows the payment that it had confirmed: an operator must find out" : "the node does not know the payment",
                                           .preimage = {}, .fee = {}, .fee_limit = {}});
      return;
  }
}

Evidence Reconciler::track(Attempt& a) {
  const Report report = backend_.track(hash_bytes(a.hash));
  take(a, report);
  return report.evidence;
}

bool Reconciler::node_remembers(Attempt& a) {
  const auto witness = journal_.witness(a);
  if (!witness) return true;
  const Evidence evidence = backend_.track(hash_bytes(*witness)).evidence;
  if (evidence != Evidence::not_found) return evidence == Evidence::settled;
  alarm(a, fmt::format("the node has deleted its history: it no longer knows payment {}, which was paid", *witness));
  journal_.apply(a, Event::no_answer, {.reason = fmt::format("the node has deleted its history (it no longer knows payment {}, which was paid), so that it does not know this "
                                                             "payment proves nothing: an operator must find out",
                                                             *witness),
                                       .preimage = {}, .fee = {}, .fee_limit = {}});
  return false;
}

void Reconciler::track_open() {
  for (Attempt& a : journal_.open_attempts()) track(a);
}

// Whether the payment can only be for a line of this journal, though the journal did not send it.
bool Reconciler::is_ours_unsent(const std::string& hash) {
  if (!unsent_) unsent_ = journal_.unsent_hashes();
  return unsent_->contains(hash);
}

// Returns the attempt where the node says that what we hold for failed has succeeded.
std::optional<Attempt> Reconciler::compare_one(const Listed& listed, Comparison& c) {
  ++c.listed;
  if (const auto rebalance = journal_.rebalance_of(listed.hash); rebalance && rebalance->node == identity_.node) return ++c.known, std::nullopt;
  auto attempt = journal_.attempt_of(listed.hash);
  if (!attempt || attempt->node != identity_.node) {
    journal_.note_foreign(identity_.node, {listed.hash, listed.amount, listed.status, listed.created_ms});
    if (listed.status != "FAILED") ++c.foreign, c.stale += is_ours_unsent(listed.hash);
    return {};
  }
  ++c.known;
  if (attempt->state == State::resolved && attempt->sends == 0) {
    alarm(*attempt, "the node has a payment that was never sent from here: the journal is older than what the node has done");
    c.stale += listed.status != "FAILED";
  }
  if (attempt->state != State::failed_safe || listed.status != "SUCCEEDED") return {};
  ++c.late;
  return attempt;
}

// Transactions that pay lines and are not in the journal: it is older than they are.
std::vector<PaidOnChain> Reconciler::unknown_on_chain() {
  auto made = backend_.paid_on_chain();
  std::erase_if(made, [this](const PaidOnChain& t) { return journal_.has_transaction(t.txid); });
  return made;
}

// They stand among the payments that the journal does not know, under their transaction's id. One that has been acknowledged is no reason to reconcile again.
void Reconciler::note_on_chain(const std::vector<PaidOnChain>& made, Comparison& c) {
  for (const PaidOnChain& t : made) {
    Msat sum;
    for (const Sat a : t.amounts) sum += to_msat(a);
    journal_.note_foreign(identity_.node, {t.txid, sum, on_chain_status, t.time_ms});
  }
  for (const Foreign& f : journal_.unacknowledged(identity_.node)) {
    const bool is = f.status == on_chain_status;
    c.foreign += is, c.stale += is;
  }
}

Comparison Reconciler::compare_list(bool from_the_start, const std::string& kind) {
  uint64_t last = from_the_start ? 0 : journal_.cursor(identity_.node);
  std::vector<Listed> listed;
  backend_.list(last, [&](const Listed& p) { listed.push_back(p); });
  const auto on_chain = unknown_on_chain();
  std::vector<Attempt> late;
  Comparison comparison{.kind = kind};
  unsent_.reset();
  Journal::Work work(journal_);
  for (const Listed& p : listed) {
    if (auto attempt = compare_one(p, comparison)) late.push_back(*attempt);
    last = std::max(last, p.index);
  }
  note_on_chain(on_chain, comparison);
  journal_.set_cursor(identity_.node, last);
  if ((comparison.listed > 0 || (comparison.stale > 0 && !journal_.is_stale(identity_.node))) && kind != "reconcile") journal_.note_comparison(identity_.node, comparison);
  work.commit();
  for (Attempt& a : late) track(a);
  for (const Foreign& f : journal_.unacknowledged(identity_.node))
    if (f.status != "SUCCEEDED" && f.status != on_chain_status && backend_.track(hash_bytes(f.hash)).evidence == Evidence::failed) journal_.note_foreign_failed(identity_.node, f.hash);
  return comparison;
}

void Reconciler::require_no_foreign() {
  if (journal_.is_stale(identity_.node))
    throw Error(Exit::temp_fail, "the node has made payments for lines of this journal that this journal did not send: it was restored from a backup, or there is another one; nothing is paid until "
                                 "`hh-ln reconcile --reason …` has taken from the node what it has done");
  const auto foreign = journal_.unacknowledged(identity_.node);
  if (foreign.empty()) return;
  throw Error(Exit::temp_fail, fmt::format("the node has {} outgoing payment{} that this journal does not know, the first {} over {} msat: nothing is paid until "
                                           "`hh-ln acknowledge {} --reason …` says what it was (`hh-ln audit` lists them), or `hh-ln reconcile` where the journal was restored from a backup",
                                           foreign.size(), foreign.size() == 1 ? "" : "s", foreign[0].hash, foreign[0].amount.count(), foreign[0].hash));
}

// The node has the attempt's payment already, so it is never to be sent from here. REQUIRES a line that is not held, in one Work with what made it so; what it was held for
// holds it again.
void Reconciler::note_sent(Attempt& a, const Line& line) {
  for (const Event event : {Event::send, Event::in_flight}) journal_.apply(a, event, {.reason = "reconcile: the node has it", .preimage = {}, .fee = {}, .fee_limit = {}});
  if (line.held_reason) journal_.hold_anew(line.manifest_id, line.line, *line.held_reason);
}

// Gives the line an attempt with this hash, as if it had been sent from here, where the node says that it is paid or under way. False: it cannot be told.
bool Reconciler::take_over(const Foreign& f, const Journal::Unsent& unsent, Found& found) {
  const Report report = backend_.track(hash_bytes(f.hash));
  if (report.evidence != Evidence::settled && report.evidence != Evidence::in_flight) return false;
  const Line line = journal_.line(unsent.manifest_id, unsent.line);
  if (line.onchain || is_paid_by_rival(line) || !journal_.term(line.manifest_id).revoked.empty() || line.pay != f.amount || (line.attempt && !is_final(line.attempt->state))) return false;
  Journal::Work work(journal_);
  journal_.release(line.manifest_id, line.line);
  Attempt a = journal_.start(line, unsent.resolved, backend_.name(), identity_.node, report.fee);
  note_sent(a, line);
  journal_.acknowledge(identity_.node, f.hash, "reconcile: it is for a line of this journal");
  work.commit();
  take(a, report);
  found.taken.push_back(journal_.line(line.manifest_id, line.line));
  return true;
}

// Attempts that have an invoice and were never sent from here, but which the node knows.
void Reconciler::take_over_resolved(Found& found) {
  std::vector<Listed> listed;
  backend_.list(0, [&](const Listed& p) { listed.push_back(p); });
  for (const Listed& p : listed) {
    auto a = journal_.attempt_of(p.hash);
    if (!a || a->node != identity_.node || a->state != State::resolved || a->sends != 0 || p.status == "FAILED") continue;
    const Line line = journal_.line(a->manifest_id, a->line);
    if (line.onchain || is_paid_by_rival(line) || !journal_.term(line.manifest_id).revoked.empty()) {
      if (!line.onchain) journal_.hold_also(line.manifest_id, line.line, a->hash, made_for_this_line(a->hash));
      add_held(found.held, journal_.line(line.manifest_id, line.line));
      continue;
    }
    {
      Journal::Work work(journal_);
      journal_.release(line.manifest_id, line.line);
      note_sent(*a, line);
      work.commit();
    }
    track(*a);
    found.taken.push_back(journal_.line(a->manifest_id, a->line));
  }
}

// An address that an operator gave may be lost with the journal: so every line over exactly what an output pays is held, whether it is acknowledged already or not.
void Reconciler::hold_paid_on_chain(const std::string& reason, Found& found) {
  for (const PaidOnChain& t : unknown_on_chain()) {
    Journal::Work work(journal_);
    Foreign f{t.txid, Msat(0), on_chain_status, t.time_ms};
    const bool is_new = journal_.acknowledge(identity_.node, t.txid, reason);
    for (const Sat amount : t.amounts) {
      f.amount += to_msat(amount);
      for (Line& l : journal_.hold_lines_like({t.txid, to_msat(amount), on_chain_status, t.time_ms})) add_held(found.held, std::move(l));
    }
    if (is_new) found.foreign.push_back(f);
    work.commit();
  }
}

Reconciler::Found Reconciler::reconcile(const std::string& reason) {
  Found found;
  found.comparison = compare_list(true, "reconcile");
  take_over_resolved(found);
  hold_paid_on_chain(reason, found);
  const auto unsent = journal_.unsent_hashes();
  for (const Foreign& f : journal_.unacknowledged(identity_.node)) {
    const auto ours = unsent.find(f.hash);
    if (ours != unsent.end() && take_over(f, ours->second, found)) continue;
    // Acknowledged, it holds no line any more when settlement begins: so both are done, or neither.
    Journal::Work work(journal_);
    if (!journal_.acknowledge(identity_.node, f.hash, reason)) continue;
    found.foreign.push_back(f);
    if (ours != unsent.end() && journal_.hold_also(ours->second.manifest_id, ours->second.line, f.hash, made_for_this_line(f.hash)))
      add_held(found.held, journal_.line(ours->second.manifest_id, ours->second.line));
    for (Line& l : journal_.hold_lines_like(f)) add_held(found.held, std::move(l));
    work.commit();
  }
  journal_.note_comparison(identity_.node, found.comparison);
  return found;
}

}  // namespace hh::ln
