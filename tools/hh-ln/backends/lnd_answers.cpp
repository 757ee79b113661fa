#include "backends/lnd_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "backends/answer_fields.h"
#include "base/error.h"
#include "crypto/base64url.h"

namespace hh::ln {
namespace {

constexpr int64_t grpc_not_found = 5, grpc_already_exists = 6;

// lnd's names of PaymentFailureReason in words, and whether trying again soon can help.
struct Failure {
  const char* words;
  bool try_again;
};
const std::map<std::string_view, Failure> failures{
    {"FAILURE_REASON_TIMEOUT", {"no route worked before the time-out", true}},
    {"FAILURE_REASON_NO_ROUTE", {"no route (within the fee limit)", true}},
    {"FAILURE_REASON_ERROR", {"the node reports an error that it cannot recover from", true}},
    {"FAILURE_REASON_INCORRECT_PAYMENT_DETAILS", {"the payee does not know the invoice or its amount", false}},
    {"FAILURE_REASON_INSUFFICIENT_BALANCE", {"insufficient balance in the node's channels", false}},
    {"FAILURE_REASON_CANCELED", {"the payment was cancelled", false}},
};

bool htlc_is_out(const Json& payment) {
  const Json& htlcs = array(payment, "htlcs");
  return std::any_of(htlcs.begin(), htlcs.end(), [](const Json& h) { return text(h, "status") != "FAILED"; });
}

Report failed(const Json& payment) {
  const auto known = failures.find(text(payment, "failure_reason"));
  if (htlc_is_out(payment)) return plain(Evidence::in_flight, "the node has given up, but a part of the payment is still under way");
  if (known == failures.end()) return plain(Evidence::unknown, "the node says FAILED without a reason that is known");
  Report r = plain(Evidence::failed, known->second.words);
  r.try_again = known->second.try_again;
  return r;
}

Report read_payment(const Json& payment, const std::string& hash) {
  if (text(payment, "payment_hash") != hash) return plain(Evidence::unknown, "the node answered about another payment");
  const std::string status = text(payment, "status");
  if (status == "SUCCEEDED") {
    Report r = plain(Evidence::settled, "");
    r.preimage = text(payment, "payment_preimage");
    r.amount = Msat(number(payment, "value_msat"));
    r.fee = Msat(std::max<int64_t>(number(payment, "fee_msat"), 0));
    return r;
  }
  if (status == "FAILED") return failed(payment);
  if (status == "IN_FLIGHT" || status == "INITIATED") return plain(Evidence::in_flight, "");
  return plain(Evidence::unknown, fmt::format("the node reports the unknown status \"{}\"", shortened(status)));
}

Report read_failure(const Json& error, bool tracking) {
  const int64_t code = number(error, "code");
  const std::string message = shortened(text(error, "message"));
  if (code == grpc_already_exists) return plain(Evidence::in_flight, message);
  // "Not Found" is what the gateway itself says of a path that this lnd does not serve; lnd says "payment isn't initiated".
  if (tracking && code == grpc_not_found && message != "Not Found") return plain(Evidence::not_found, message);
  return plain(Evidence::unknown, fmt::format("the node answers with error {}: {}", code, message));
}

Json parse_or_unavailable(std::string_view body, const char* what) {
  try {
    Json value = json::parse(body);
    if (!value.is_object()) throw Error(Exit::data, "it is no JSON object");
    if (const Json* message = member(value, "message"); message && member(value, "code"))
      throw Error(Exit::data, message->is_string() ? shortened(message->get<std::string>()) : "an error");
    return value;
  } catch (const Error& e) {
    throw Error(Exit::unavailable, fmt::format("lnd did not answer {} as expected: {}", what, e.what()));
  }
}

// "0.21.1-beta commit=…" is at least 0.18
bool is_new_enough(const std::string& version) {
  int major = 0, minor = 0;
  if (std::sscanf(version.c_str(), "%d.%d", &major, &minor) != 2) return false;
  return major > 0 || minor >= 18;
}

}  // namespace

Report read_stream_line(std::string_view line, const std::string& hash, bool tracking) try {
  const Json value = json::parse(line);
  if (const Json* result = member(value, "result"); result && result->is_object()) return read_payment(*result, hash);
  if (const Json* error = member(value, "error"); error && error->is_object()) return read_failure(*error, tracking);
  return plain(Evidence::unknown, "the node's answer is neither a result nor an error");
} catch (const Error& e) {
  return plain(Evidence::unknown, fmt::format("the node's answer cannot be read: {}", e.what()));
}

Report read_error(std::string_view body, long status, bool tracking) try {
  const Json value = json::parse(body);
  if (const Json* error = member(value, "error"); error && error->is_object()) return read_failure(*error, tracking);
  if (member(value, "code")) return read_failure(value, tracking);
  return plain(Evidence::unknown, fmt::format("the node answers with HTTP status {}", status));
} catch (const Error&) {
  return plain(Evidence::unknown, fmt::format("the node answers with HTTP status {}", status));
}

GetInfo read_getinfo(std::string_view body) {
  const Json info = parse_or_unavailable(body, "/v1/getinfo");
  static const std::map<std::string_view, const char*> chains{{"mainnet", "main"}, {"testnet4", "testnet4"}, {"signet", "signet"}, {"regtest", "regtest"}};
  GetInfo out;
  const Json* list = member(info, "chains");
  const std::string network = list && list->is_array() && list->size() == 1 && (*list)[0].is_object() ? text((*list)[0], "network") : "";
  const auto chain = chains.find(network);
  if (chain == chains.end()) throw Error(Exit::config, fmt::format("lnd runs on the network \"{}\", which is not supported", shortened(network)));
  out.identity = {chain->second, text(info, "identity_pubkey"), text(info, "version"), false};
  if (!lightning::parse_node_key(out.identity.node)) throw Error(Exit::unavailable, "lnd did not say its public key");
  if (!is_new_enough(out.identity.version)) throw Error(Exit::config, fmt::format("lnd {} is too old: 0.18 or later is needed", shortened(out.identity.version)));
  out.synced = flag(info, "synced_to_chain");
  return out;
}

PaymentPage read_payments(std::string_view body) try {
  const Json page = parse_or_unavailable(body, "/v1/payments");
  PaymentPage out;
  const Json* payments = member(page, "payments");
  if (payments && !payments->is_array()) throw Error(Exit::data, "payments is no array");
  for (const Json& p : payments ? *payments : Json::array()) {
    if (!p.is_object() || text(p, "payment_hash").size() != 64) throw Error(Exit::data, "a payment without a hash");
    out.payments.push_back({text(p, "payment_hash"), Msat(number(p, "value_msat")), Msat(std::max<int64_t>(number(p, "fee_msat"), 0)), text(p, "status"), text(p, "payment_preimage"),
                            number(p, "creation_time_ns") / 1'000'000, static_cast<uint64_t>(number(p, "payment_index"))});
  }
  out.last_index = static_cast<uint64_t>(number(page, "last_index_offset"));
  return out;
} catch (const Error& e) {
  throw Error(Exit::unavailable, fmt::format("lnd's list of payments cannot be read: {}", e.what()));
}

bool read_has_htlc(std::string_view body, const PaymentHash& hash) {
  const Json answer = parse_or_unavailable(body, "/v1/channels");
  const std::string wanted = crypto::to_base64(hash);
  const Json* channels = member(answer, "channels");
  if (!channels || !channels->is_array()) throw Error(Exit::unavailable, "lnd did not list its channels");
  for (const Json& c : *channels)
    for (const Json& h : array(c, "pending_htlcs"))
      if (text(h, "hash_lock") == wanted && !flag(h, "incoming")) return true;
  return false;
}

Balances read_balances(std::string_view blockchain, std::string_view channels) try {
  const Json chain = parse_or_unavailable(blockchain, "/v1/balance/blockchain"), off = parse_or_unavailable(channels, "/v1/balance/channels");
  const auto msat = [&](const char* name) {
    const Json* amount = member(off, name);
    return Msat(amount ? number(*amount, "msat") : 0);
  };
  const Balances b{.confirmed = Sat(number(chain, "confirmed_balance")), .unconfirmed = Sat(number(chain, "unconfirmed_balance")), .local = msat("local_balance"), .remote = msat("remote_balance")};
  if (!is_money(b.confirmed) || b.unconfirmed > max_money || !is_money(b.local) || !is_money(b.remote)) throw Error(Exit::data, "a balance is no amount of bitcoin");
  return b;
} catch (const Error& e) {
  if (e.code() == Exit::unavailable) throw;
  throw Error(Exit::unavailable, fmt::format("lnd's answer about its balances cannot be read: {}", e.what()));
}

}  // namespace hh::ln
