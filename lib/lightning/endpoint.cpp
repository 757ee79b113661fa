#include "lightning/endpoint.h"

#include <fmt/format.h>

#include "base/error.h"
#include "crypto/digest.h"
#include "http/url.h"
#include "json/fields.h"

namespace hh::lightning {
namespace {

constexpr int64_t wanted_life_seconds = 3600;

std::string reason_of(std::string_view body) try {
  return json::clean_text(json::Fields(json::parse(body)).text("reason", max_endpoint_reply), 200);
} catch (const Error&) {
  return "";
}

}  // namespace

Endpoint parse_endpoint(std::string_view destination) {
  const size_t key = destination.find('#');
  Endpoint out;
  if (key != std::string_view::npos) {
    out.payee = parse_node_key(destination.substr(key + 1));
    if (!out.payee) throw Error(Exit::data, "the node's public key after the # is not a point of secp256k1");
  }
  const auto url = http::parse_url(destination.substr(0, key));
  if (!url || url->scheme != "https") throw Error(Exit::data, "the invoice endpoint is no https address");
  out.url = url->text();
  return out;
}

std::string payout_note(const PayoutAttempt& a) { return fmt::format("Hyper Hash payout {}/{}/{}", a.manifest_id, a.line, a.attempt); }

std::string endpoint_request(const PayoutAttempt& a) {
  json::Json r = json::make_record("invoice_request");
  r["chain"] = a.chain;
  r["manifest_id"] = a.manifest_id;
  r["line"] = a.line;
  r["attempt"] = a.attempt;
  r["account"] = a.account;
  r["amount_msat"] = a.amount.count();
  r["description"] = payout_note(a);
  r["expiry_seconds"] = wanted_life_seconds;
  return json::to_line(r);
}

Invoice read_endpoint_reply(long status, std::string_view body, std::string_view who) {
  if (status != 200) {
    const std::string reason = reason_of(body);
    throw Error(Exit::unavailable, fmt::format("{} gives no invoice: HTTP status {}{}{}", who, status, reason.empty() ? "" : ": ", reason));
  }
  try {
    const json::Json reply = json::parse(body);
    json::require_record(reply, "invoice_reply");
    return decode_bolt11(json::Fields(reply).text("bolt11", max_invoice_size + 16));
  } catch (const Error& e) {
    throw Error(Exit::data, fmt::format("{} gave no good invoice: {}", who, e.what()));
  }
}

std::string refuse_endpoint(const Invoice& invoice, const Endpoint& endpoint, const PayoutAttempt& a) {
  if (endpoint.payee && invoice.payee != *endpoint.payee) return fmt::format("the invoice is of node {}, not {}", to_hex(invoice.payee), to_hex(*endpoint.payee));
  const std::string note = payout_note(a);
  const bool bound = invoice.description_hash ? *invoice.description_hash == crypto::sha256(std::string_view(note)) : invoice.description == note;
  return bound ? "" : fmt::format("the invoice is not for this line: its description is not \"{}\", nor the SHA-256 of that", note);
}

}  // namespace hh::lightning
