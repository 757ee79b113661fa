// The commands about invoices: `invoices` shows what was asked for and what came, `reissue` accepts another one where a manifest's own can no longer be paid.
//
// A BOLT 11 destination is under the manifest's signature, and most such invoices have expired when their block is mature. A new manifest cannot help: a
// block is paid by one manifest. So the operator may accept a new invoice, but only of the payee that the signed one names: whoever can take
// the money to another node than the signer wanted must have that node's key.
#include <fmt/format.h>

#include "base/error.h"
#include "commands.h"
#include "json/fields.h"
#include "json/lines.h"
#include "settle/settle.h"
#include "writing.h"

namespace hh::ln {
namespace {

constexpr int64_t least_seconds_left = 60;

void print_invoice(const InvoiceEntry& e) {
  json::Json r = json::make_record("invoice");
  if (e.simulated) r["simulated"] = true;
  r["manifest_id"] = e.manifest_id;
  r["line"] = e.line;
  r["account"] = e.account;
  r["amount_msat"] = e.amount.count();
  r["result"] = e.accepted ? "accepted" : "refused";
  if (e.accepted) r["attempt"] = e.attempt, r["state"] = state_text(*e.state), r["payment_hash"] = e.hash, r["payee"] = e.payee;
  if (!e.bolt11.empty()) r[lightning::is_bolt12_invoice(e.bolt11) ? "bolt12" : "bolt11"] = e.bolt11;
  if (e.expires_at) r["expires_at"] = *e.expires_at;
  if (!e.reason.empty()) r["reason"] = e.reason;
  r["times"] = e.times;
  r["first_ms"] = e.first_ms;
  r["last_ms"] = e.last_ms;
  json::print(r);
}

void require_replaceable(const Line& l) {
  if (l.destination.kind != payout::DestinationKind::bolt11)
    throw Error(Exit::data, fmt::format("line {} is paid to {} {}, which is asked for a new invoice by itself", l.line, payout::kind_name(l.destination.kind), l.destination.value));
  if (!l.attempt) return;
  if (l.attempt->state == State::paid) throw Error(Exit::data, fmt::format("line {} is paid", l.line));
  if (is_open(l.attempt->state)) throw Error(Exit::temp_fail, fmt::format("line {} has a payment whose outcome is open ({}): settle it first", l.line, state_text(l.attempt->state)));
}

}  // namespace

int invoices_command(const Settings& settings, const std::string& manifest_id) {
  Journal journal(settings.required("db"), false, journal_key(settings));
  if (!manifest_id.empty() && journal.lines(manifest_id).empty())
    throw Error(Exit::data, fmt::format("the journal has no manifest {} with a line that pays something", manifest_id));
  journal.each_invoice(manifest_id, print_invoice);
  return 0;
}

int reissue_command(const Settings& settings, const std::string& manifest_id, int64_t number, const std::string& text, const std::string& reason) {
  const lightning::Invoice invoice = lightning::decode_bolt11(text);
  Writing w(settings);
  const Line l = w.journal.line(manifest_id, number);
  require_replaceable(l);
  const auto network = bitcoin::network_from_name(l.chain);
  if (!network) throw Error(Exit::data, fmt::format("the journal has a manifest of the unknown chain {}", l.chain));
  if (const std::string why = lightning::refuse_invoice(invoice, *network, l.pay, system_clock().unix_seconds(), least_seconds_left); !why.empty()) throw Error(Exit::data, why);
  const auto payee = lightning::decode_bolt11(l.destination.value).payee;
  if (invoice.payee != payee)
    throw Error(Exit::no_permission, fmt::format("the invoice is of payee {}, the manifest's is of {}: only the same payee may replace it", to_hex(invoice.payee), to_hex(payee)));
  if (w.journal.attempt_of(to_hex(invoice.payment_hash))) throw Error(Exit::data, "the invoice's payment hash was used before");
  w.journal.decide({.action = "reissue", .manifest_id = manifest_id, .line = number, .hash = to_hex(invoice.payment_hash), .reason = reason},
                   [&] { return w.journal.replace_invoice(l, invoice.text, reason), true; });
  json::print(payout::to_record(settlement_of(w.journal.line(manifest_id, number), settings.text("backend"))));
  return 0;
}

}  // namespace hh::ln
