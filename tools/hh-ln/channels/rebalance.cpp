#include "channels/rebalance.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "journal/pause.h"
#include "json/fields.h"
#include "payout/settlement.h"

namespace hh::ln {
namespace {

constexpr int64_t invoice_seconds = 600;
// So long after its invoice has expired, a rebalance that the node does not know can no longer come: it was our own invoice, on our own node.
constexpr int64_t surely_expired_ms = (invoice_seconds + 120) * 1000;

PaymentHash hash_of(const Rebalance& r) {
  PaymentHash out{};
  if (!from_hex(r.hash, out)) throw Error(Exit::data, "the journal has a rebalance whose hash is not 64 hex digits");
  return out;
}

}  // namespace

Rebalance Rebalancer::run(const RebalancePlan& plan, Msat fee_limit) {
  follow_open();
  require_not_paused(journal_.database());
  if (const auto open = journal_.rebalances(true); !open.empty()) throw Error(Exit::temp_fail, fmt::format("rebalance {} is still under way: one at a time", open[0].hash));
  const auto key = lightning::parse_node_key(plan.to.peer);
  if (!key) throw Error(Exit::data, "the channel's peer has no valid public key");
  const Msat value = to_msat(plan.amount);
  const auto invoice = lightning::decode_bolt11(node_.own_invoice(value, invoice_seconds));
  if (invoice.amount != value || to_hex(invoice.payee) != identity_.node) throw Error(Exit::unavailable, "the node made another invoice than it was asked for");
  Rebalance r{.hash = to_hex(invoice.payment_hash), .node = identity_.node, .out_channel = plan.from.id, .in_channel = plan.to.id, .amount = value, .fee_limit = fee_limit, .created_ms = clock_.unix_ms()};
  try {
    journal_.start_rebalance(r);
  } catch (const store::ConstraintError&) {
    if (journal_.rebalances(true).empty()) throw;
    throw Error(Exit::temp_fail, "another rebalance has begun meanwhile: one at a time");
  }
  const Outgoing out{"", 0, invoice.payment_hash, value, fee_limit, invoice.text, {}, {}, Circle{plan.from.id, *key}};
  take(r, node_.payer().send(out));
  return *journal_.rebalance_of(r.hash);
}

void Rebalancer::take(const Rebalance& r, const Report& report) {
  if (report.evidence == Evidence::settled && payout::preimage_matches(report.preimage, r.hash)) {
    if (report.fee > r.fee_limit) log::error("payment_alarm", {{"what", "a rebalance cost more than its limit"}, {"payment_hash", r.hash}, {"fee_msat", report.fee.count()}});
    journal_.end_rebalance(r.hash, "PAID", report.fee, report.preimage, "");
  } else if (report.evidence == Evidence::failed || report.evidence == Evidence::not_sent) {
    journal_.end_rebalance(r.hash, "FAILED", Msat(0), "", report.reason);
  } else if (report.evidence == Evidence::not_found && clock_.unix_ms() > r.created_ms + surely_expired_ms) {
    journal_.end_rebalance(r.hash, "FAILED", Msat(0), "", "the node does not know it, and its invoice has expired");
  }
}

void Rebalancer::follow_open() {
  for (const Rebalance& r : journal_.rebalances(true))
    if (r.node == identity_.node) {
      const Report report = node_.payer().track(hash_of(r));
      if (report.evidence != Evidence::not_sent) take(r, report);
    }
}

json::Json record_of(const Rebalance& r, bool with_proof) {
  json::Json out = json::make_record("rebalance");
  out["node"] = r.node;
  out["state"] = r.state;
  out["out_channel"] = r.out_channel;
  out["in_channel"] = r.in_channel;
  out["amount_msat"] = r.amount.count();
  out["fee_limit_msat"] = r.fee_limit.count();
  if (!r.hash.empty()) out["payment_hash"] = r.hash;
  if (r.state == "PAID") out["fee_msat"] = r.fee.count();
  if (r.state == "PAID" && with_proof) out["preimage"] = r.preimage;
  if (!r.reason.empty()) out["reason"] = r.reason;
  out["time_ms"] = r.created_ms;
  return out;
}

}  // namespace hh::ln
