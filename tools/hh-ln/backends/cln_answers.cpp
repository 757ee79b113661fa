#include "backends/cln_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "backends/answer_fields.h"
#include "base/error.h"

namespace hh::ln {
namespace {

// Error codes of xpay and of the rune check after which nothing more is sent for this call [common/jsonrpc_errors.h], and whether trying again soon can help.
struct Failure {
  const char* words;
  bool try_again;
};
const std::map<int64_t, Failure> failures{
    {203, {"the payee does not know the invoice or its amount", false}},
    {205, {"no route (within the fee limit)", true}},
    {206, {"no route within the fee limit", true}},
    {207, {"the node says that the invoice has expired", false}},
    {209, {"no route worked", true}},
    {210, {"no route worked before the time-out", true}},
    {-32602, {"the node cannot pay this invoice", false}},
    {1501, {"the rune is not accepted", false}},
    {1502, {"the rune does not permit this payment", false}},
    {1503, {"the rune is blacklisted", false}},
};
// The node knows the payment: it is in progress (200), was made with other terms (201), or is paid (219).
constexpr int64_t codes_of_known_payments[] = {200, 201, 219};

std::string said(const Json& error) { return fmt::format("error {}: {}", number(error, "code"), shortened(text(error, "message"))); }

// The object of an answer. Throws Error(data) with what was wrong.
Json object_of(std::string_view body, long status) {
  if (status == cln_success) {
    Json value = json::parse(body);
    if (!value.is_object()) throw Error(Exit::data, "it is no JSON object");
    return value;
  }
  try {
    const Json error = json::parse(body);
    if (member(error, "code")) throw Error(Exit::data, said(error));
  } catch (const Error& e) {
    if (std::string_view(e.what()).starts_with("error ")) throw;
  }
  throw Error(Exit::data, fmt::format("HTTP status {}", status));
}

Json object_or_unavailable(std::string_view body, long status, const char* what) try {
  return object_of(body, status);
} catch (const Error& e) {
  throw Error(Exit::unavailable, fmt::format("Core Lightning did not answer {} as expected: {}", what, e.what()));
}

const Json& list_of(const Json& object, const char* name) {
  const Json* list = member(object, name);
  if (!list || !list->is_array()) throw Error(Exit::data, fmt::format("it has no list \"{}\"", name));
  return *list;
}

Msat amount(const Json& object, const char* name) {
  const Msat m(number(object, name));
  if (!is_money(m)) throw Error(Exit::data, fmt::format("field \"{}\" is no amount of bitcoin", name));
  return m;
}

Report settled(const std::string& preimage, const Json& amounts) {
  Report r = plain(Evidence::settled, "");
  r.preimage = preimage;
  if (!member(amounts, "amount_msat")) return r;
  r.amount = amount(amounts, "amount_msat");
  r.fee = std::max(amount(amounts, "amount_sent_msat") - *r.amount, Msat(0));
  return r;
}

Report read_error_of_xpay(const Json& error) {
  const int64_t code = number(error, "code");
  if (std::find(std::begin(codes_of_known_payments), std::end(codes_of_known_payments), code) != std::end(codes_of_known_payments)) return plain(Evidence::in_flight, said(error));
  const auto known = failures.find(code);
  if (known == failures.end()) return plain(Evidence::unknown, "the node answers with " + said(error));
  Report r = plain(Evidence::failed, fmt::format("{} ({})", known->second.words, said(error)));
  r.try_again = known->second.try_again;
  return r;
}

// The entries of one hash: one for each time that it was tried.
Report combine(const Json& pays, const std::string& hash) {
  bool pending = false;
  for (const Json& p : pays) {
    if (text(p, "payment_hash") != hash) return plain(Evidence::unknown, "the node answered about another payment");
    const std::string status = text(p, "status");
    if (status == "complete") return settled(text(p, "preimage"), p);
    if (status == "pending") pending = true;
    else if (status != "failed") return plain(Evidence::unknown, fmt::format("the node reports the unknown status \"{}\"", shortened(status)));
  }
  if (pending) return plain(Evidence::in_flight, "");
  return pays.empty() ? plain(Evidence::not_found, "the node does not know the payment") : plain(Evidence::failed, "every part of the payment has failed");
}

bool is_new_enough(const std::string& version) {
  int year = 0, month = 0;
  if (std::sscanf(version.c_str(), "v%d.%d", &year, &month) != 2) return false;
  return year > 26 || (year == 26 && month >= 6);
}

Part read_part(const Json& p) {
  Part out{text(p, "payment_hash"), text(p, "status"), text(p, "payment_preimage"), member(p, "bolt12") ? text(p, "bolt12") : text(p, "bolt11"), amount(p, "amount_msat"), amount(p, "amount_sent_msat"), 0, 0};
  const int64_t index = number(p, "created_index"), created = number(p, "created_at");
  if (out.hash.size() != 64 || out.hash.find_first_not_of("0123456789abcdef") != std::string::npos) throw Error(Exit::data, "a payment without a hash");
  if (index <= 0 || created < 0 || created > INT64_MAX / 1000) throw Error(Exit::data, "a payment without index or time");
  if (out.status != "pending" && out.status != "complete" && out.status != "failed") throw Error(Exit::data, fmt::format("a payment with the status \"{}\"", shortened(out.status)));
  out.index = static_cast<uint64_t>(index), out.created_ms = created * 1000;
  return out;
}

// Parts that failed paid nothing; where all did, the invoice says what it was about.
Msat amount_asked(const std::string& invoice) try {
  if (lightning::is_bolt12_invoice(invoice)) return lightning::decode_bolt12_invoice(invoice).amount;
  return lightning::decode_bolt11(invoice).amount.value_or(Msat(0));
} catch (const Error&) {
  return Msat(0);
}

struct Merged {
  Listed listed;
  Msat sent;
  std::string invoice;
};

void merge(Merged& m, const Part& part) {
  Listed& l = m.listed;
  l.index = std::max(l.index, part.index);
  l.created_ms = l.created_ms == 0 ? part.created_ms : std::min(l.created_ms, part.created_ms);
  if (m.invoice.empty()) m.invoice = part.invoice;
  if (part.status == "failed") return;
  l.amount += part.amount, m.sent += part.sent;
  if (part.status == "complete") l.status = "SUCCEEDED", l.preimage = part.preimage;
  else if (l.status != "SUCCEEDED") l.status = "IN_FLIGHT";
}

}  // namespace

XpayAnswer read_xpay(std::string_view body, long status) try {
  const Json value = json::parse(body);
  if (!value.is_object()) return {plain(Evidence::unknown, "the node's answer is no JSON object")};
  if (status == cln_success) {
    if (text(value, "payment_preimage").empty()) return {plain(Evidence::unknown, "the node's answer has no preimage")};
    return {settled(text(value, "payment_preimage"), value)};
  }
  if (!member(value, "code")) return {plain(Evidence::unknown, fmt::format("the node answers with HTTP status {}", status))};
  const Report report = read_error_of_xpay(value);
  return {report, report.evidence != Evidence::unknown};
} catch (const Error& e) {
  return {plain(Evidence::unknown, fmt::format("the node's answer (HTTP status {}) cannot be read: {}", status, e.what()))};
}

Report after_look(const Report& xpay, const Report& list) {
  switch (list.evidence) {
    case Evidence::settled:
    case Evidence::in_flight: return list;
    // "Already paid" of a payment that the list does not have: the node has forgotten it, and it stays a payment that was seen.
    case Evidence::failed:
    case Evidence::not_found: return xpay;
    case Evidence::not_sent:
    case Evidence::unknown: break;
  }
  if (xpay.evidence == Evidence::in_flight) return xpay;
  return plain(Evidence::unknown, fmt::format("the node reports a failure ({}), but not whether a part is still under way: {}", xpay.reason, list.reason));
}

Report read_listpays(std::string_view body, long status, const std::string& hash) try {
  return combine(list_of(object_of(body, status), "pays"), hash);
} catch (const Error& e) {
  return plain(Evidence::unknown, fmt::format("the node's list of payments cannot be read: {}", e.what()));
}

std::string read_fetchinvoice(std::string_view body, long status) {
  if (status == 401 || status == 403)
    throw Error(Exit::unavailable, fmt::format("Core Lightning refuses the rune for fetchinvoice (HTTP status {}): to pay offers it must permit that method", status));
  const std::string invoice = text(object_or_unavailable(body, status, "fetchinvoice"), "invoice");
  if (invoice.empty()) throw Error(Exit::unavailable, "Core Lightning answered fetchinvoice without an invoice");
  return invoice;
}

ClnInfo read_cln_getinfo(std::string_view body, long status) {
  if (status == 401 || status == 403) throw Error(Exit::config, fmt::format("Core Lightning refuses the rune for getinfo (HTTP status {})", status));
  const Json info = object_or_unavailable(body, status, "getinfo");
  static const std::map<std::string_view, const char*> chains{{"bitcoin", "main"}, {"testnet4", "testnet4"}, {"signet", "signet"}, {"regtest", "regtest"}};
  const std::string network = text(info, "network"), version = text(info, "version");
  const auto chain = chains.find(network);
  if (chain == chains.end()) throw Error(Exit::config, fmt::format("Core Lightning runs on the network \"{}\", which is not supported", shortened(network)));
  ClnInfo out{{chain->second, text(info, "id"), version, false}, !member(info, "warning_bitcoind_sync") && !member(info, "warning_lightningd_sync")};
  if (!lightning::parse_node_key(out.identity.node)) throw Error(Exit::unavailable, "Core Lightning did not say its public key");
  if (!is_new_enough(version)) throw Error(Exit::config, fmt::format("Core Lightning {} is too old: v26.06 or later is needed", shortened(version)));
  return out;
}

std::vector<Part> read_listsendpays(std::string_view body, long status) try {
  const Json page = object_or_unavailable(body, status, "listsendpays");
  std::vector<Part> out;
  for (const Json& p : list_of(page, "payments")) {
    if (!p.is_object()) throw Error(Exit::data, "a payment that is no object");
    out.push_back(read_part(p));
  }
  return out;
} catch (const Error& e) {
  throw Error(Exit::unavailable, fmt::format("Core Lightning's list of payments cannot be read: {}", e.what()));
}

std::vector<Listed> payments_of(const std::vector<Part>& parts) {
  std::map<std::string, Merged> by_hash;
  for (const Part& part : parts) {
    Merged& m = by_hash[part.hash];
    if (m.listed.hash.empty()) m.listed.hash = part.hash, m.listed.status = "FAILED";
    merge(m, part);
  }
  std::vector<Listed> out;
  for (auto& [hash, m] : by_hash) {
    m.listed.fee = std::max(m.sent - m.listed.amount, Msat(0));
    if (m.listed.status == "FAILED") m.listed.amount = amount_asked(m.invoice);
    out.push_back(std::move(m.listed));
  }
  std::sort(out.begin(), out.end(), [](const Listed& a, const Listed& b) { return a.index < b.index; });
  return out;
}

bool read_cln_has_htlc(std::string_view body, long status, const PaymentHash& hash) try {
  const Json answer = object_or_unavailable(body, status, "listpeerchannels");
  const std::string wanted = to_hex(hash);
  for (const Json& channel : list_of(answer, "channels"))
    for (const Json& htlc : array(channel, "htlcs"))
      if (text(htlc, "payment_hash") == wanted && text(htlc, "direction") != "in") return true;
  return false;
} catch (const Error& e) {
  throw Error(Exit::unavailable, fmt::format("Core Lightning's channels cannot be read: {}", e.what()));
}

}  // namespace hh::ln
