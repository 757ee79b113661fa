// What the node says about payments, taken into the journal.
#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "settle/settle.h"

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

// Returns the attempt where the node says that what we hold for failed has succeeded.
std::optional<Attempt> Reconciler::compare_one(const Listed& listed) {
  auto attempt = journal_.attempt_of(listed.hash);
  if (!attempt || attempt->node != identity_.node) {
    journal_.note_foreign(identity_.node, {listed.hash, listed.amount, listed.status, listed.created_ms});
    return {};
  }
  if (attempt->state == State::resolved && attempt->sends == 0) alarm(*attempt, "the node has a payment that was never sent from here");
  return attempt->state == State::failed_safe && listed.status == "SUCCEEDED" ? attempt : std::nullopt;
}

void Reconciler::compare_list(bool from_the_start) {
  uint64_t last = from_the_start ? 0 : journal_.cursor(identity_.node);
  std::vector<Listed> listed;
  backend_.list(last, [&](const Listed& p) { listed.push_back(p); });
  std::vector<Attempt> late;
  store::Transaction tx(journal_.database());
  for (const Listed& p : listed) {
    if (auto attempt = compare_one(p)) late.push_back(*attempt);
    last = std::max(last, p.index);
  }
  journal_.set_cursor(identity_.node, last);
  tx.commit();
  for (Attempt& a : late) track(a);
  for (const Foreign& f : journal_.unacknowledged(identity_.node))
    if (f.status != "SUCCEEDED" && backend_.track(hash_bytes(f.hash)).evidence == Evidence::failed) journal_.note_foreign(identity_.node, {f.hash, f.amount, "FAILED", f.created_ms});
}

void Reconciler::require_no_foreign() {
  const auto foreign = journal_.unacknowledged(identity_.node);
  if (foreign.empty()) return;
  throw Error(Exit::temp_fail, fmt::format("the node has {} outgoing payment{} that this journal does not know, the first {} over {} msat: nothing is paid until "
                                           "`hh-ln acknowledge {} --reason …` says what it was (`hh-ln audit` lists them)",
                                           foreign.size(), foreign.size() == 1 ? "" : "s", foreign[0].hash, foreign[0].amount.count(), foreign[0].hash));
}

}  // namespace hh::ln
