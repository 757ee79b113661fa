#include "onchain/lnd_wallet_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "backends/answer_fields.h"
#include "base/error.h"
#include "crypto/base64url.h"

namespace hh::ln {
namespace {

// What read makes of the answer; whatever is wrong with that is the node's fault.
template <class Read>
auto answer(std::string_view body, const char* what, Read&& read) {
  try {
    const Json json = json::parse(body);
    if (!json.is_object()) throw Error(Exit::data, "no object");
    return read(json);
  } catch (const Error& e) {
    if (e.code() != Exit::data) throw;
    throw Error(Exit::unavailable, fmt::format("lnd's answer about {} cannot be read: {}", what, e.what()));
  }
}

[[noreturn]] void missing(const char* name) { throw Error(Exit::data, fmt::format("field \"{}\" is missing or malformed", name)); }

int64_t count(const Json& object, const char* name) {
  if (!member(object, name)) missing(name);
  const int64_t n = number(object, name);
  if (n < 0) missing(name);
  return n;
}

Sat amount(const Json& object, const char* name) {
  const Sat out(count(object, name));
  if (!is_money(out)) missing(name);
  return out;
}

Bytes bytes(const Json& object, const char* name) {
  const auto out = crypto::from_base64(text(object, name));
  if (!out || out->empty()) missing(name);
  return *out;
}

bitcoin::Hash256 txid(std::string_view hex) {
  const auto out = bitcoin::Hash256::from_display_hex(hex);
  if (!out) throw Error(Exit::data, "a transaction's id is malformed");
  return *out;
}

uint32_t index(int64_t n) {
  if (n < 0 || n > INT64_C(0xffffffff)) throw Error(Exit::data, "the number of an output is out of range");
  return static_cast<uint32_t>(n);
}

Coin read_coin(const Json& lease) {
  const Json* outpoint = member(lease, "outpoint");
  if (!outpoint) missing("outpoint");
  bytes(lease, "id");
  return {{txid(text(*outpoint, "txid_str")), index(number(*outpoint, "output_index"))}, amount(lease, "value"), text(lease, "id")};
}

// "TXID:N"
bitcoin::OutPoint read_outpoint(std::string_view text) {
  const size_t colon = text.find(':');
  int64_t n = -1;
  if (colon == std::string_view::npos) throw Error(Exit::data, "an input has no number");
  const std::string_view digits = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (error != std::errc{} || end != digits.data() + digits.size()) throw Error(Exit::data, "an input has no number");
  return {txid(text.substr(0, colon)), index(n)};
}

WalletTransaction read_transaction(const Json& json) {
  WalletTransaction out;
  out.txid = txid(text(json, "tx_hash")).to_display_hex();
  out.confirmations = number(json, "num_confirmations");
  out.label = text(json, "label");
  out.time_ms = Msat(number(json, "time_stamp")).count() * 1000;
  for (const Json& input : array(json, "previous_outpoints")) out.inputs.push_back(read_outpoint(text(input, "outpoint")));
  if (out.inputs.empty()) missing("previous_outpoints");
  for (const Json& output : array(json, "output_details")) {
    const auto script = from_hex(text(output, "pk_script"));
    if (script) out.outputs.push_back({Sat(number(output, "amount")), *script});
  }
  return out;
}

}  // namespace

int64_t read_block_height(std::string_view body) {
  return answer(body, "itself", [](const Json& j) { return count(j, "block_height"); });
}

Sat read_confirmed_balance(std::string_view body) {
  return answer(body, "its balance", [](const Json& j) { return amount(j, "confirmed_balance"); });
}

int64_t read_fee_rate(std::string_view body) {
  return answer(body, "fees", [](const Json& j) {
    const int64_t per_kw = count(j, "sat_per_kw");
    if (per_kw == 0 || per_kw > 100'000'000) missing("sat_per_kw");
    return (per_kw * 4 + 999) / 1000;
  });
}

Funded read_funded(std::string_view body) {
  return answer(body, "a transaction to be", [](const Json& j) {
    Funded out{bytes(j, "funded_psbt"), {}};
    for (const Json& lease : array(j, "locked_utxos")) out.coins.push_back(read_coin(lease));
    if (out.coins.empty()) missing("locked_utxos");
    return out;
  });
}

Bytes read_final_transaction(std::string_view body) {
  return answer(body, "a signed transaction", [](const Json& j) { return bytes(j, "raw_final_tx"); });
}

bool has_address(std::string_view body, const std::string& address) {
  return answer(body, "its addresses", [&](const Json& j) {
    const Json& accounts = array(j, "account_with_addresses");
    return std::any_of(accounts.begin(), accounts.end(), [&](const Json& account) {
      const Json& addresses = array(account, "addresses");
      return std::any_of(addresses.begin(), addresses.end(), [&](const Json& a) { return text(a, "address") == address; });
    });
  });
}

std::vector<WalletTransaction> read_transactions(std::string_view body) {
  return answer(body, "its transactions", [](const Json& j) {
    std::vector<WalletTransaction> out;
    for (const Json& t : array(j, "transactions")) out.push_back(read_transaction(t));
    return out;
  });
}

std::string read_bump(std::string_view body) {
  return answer(body, "a higher fee", [](const Json& j) { return shortened(text(j, "status")); });
}

// lnd takes "already in the mempool" and "already in the chain" for success itself; what it calls an error may still be one of these, said by an
// older version or another chain backend.
PublishAnswer read_published(std::string_view body, long status) {
  try {
    const Json json = json::parse(body);
    if (!json.is_object()) return {Published::unknown, "lnd's answer is no object"};
    const bool success = status >= 200 && status <= 299;
    const std::string reason = shortened(success ? text(json, "publish_error") : text(json, "message"));
    if (success && reason.empty()) return {Published::accepted, ""};
    if (reason.empty()) return {Published::unknown, fmt::format("lnd: HTTP status {}", status)};
    const auto has = [&](const char* words) { return reason.find(words) != std::string::npos; };
    if (has("already in") || has("already-in") || has("already known") || has("already-known") || has("already exists") || has("already confirmed")) return {Published::accepted, reason};
    return {Published::refused, reason};
  } catch (const Error& e) {
    if (e.code() != Exit::data) throw;
    return {Published::unknown, fmt::format("lnd's answer (HTTP status {}) cannot be read: {}", status, e.what())};
  }
}

}  // namespace hh::ln
