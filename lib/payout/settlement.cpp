#include "payout/settlement.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "crypto/digest.h"
#include "json/fields.h"

namespace hh::payout {
namespace {

constexpr std::array<std::string_view, 8> states{"PLANNED", "RESOLVED", "SENDING", "INFLIGHT", "UNKNOWN", "PAID", "FAILED_SAFE", "HELD"};
constexpr size_t max_account = 160, max_reason = 1024, max_address = 100;
constexpr int64_t max_vout = 0xffffffff;

bool is_digest(std::string_view s) {
  return s.size() == 64 && std::all_of(s.begin(), s.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_account(std::string_view s) { return (s.starts_with("miner:") || s.starts_with("node:") || s.starts_with("yield:")) && s.size() <= max_account; }

std::string wrong_onchain(const Settlement& s) {
  if (!is_digest(s.txid)) return "txid must be 64 lower-case hex digits";
  if (!s.payment_hash.empty() || !s.preimage.empty()) return "a payment on chain has neither payment_hash nor preimage";
  if (s.vout < 0 || s.vout > max_vout || s.confirmations < 0) return "vout and confirmations must not be negative";
  if (s.address.empty()) return "a payment on chain needs its address";
  if (!sub_sat_remainder(s.amount).is_zero()) return "a payment on chain is of whole satoshis";
  if (s.state == SettlementState::paid && s.confirmations < 1) return "state PAID on chain without a confirmation: no proof of payment";
  return "";
}

// The rules that hold between fields. Empty: all hold.
std::string wrong(const Settlement& s) {
  const bool paid = s.state == SettlementState::paid;
  if (!is_digest(s.manifest_id)) return "manifest_id must be 64 lower-case hex digits";
  if (!is_account(s.account)) return "account must start with miner:, node: or yield:";
  if (s.line < 0 || s.attempt < 0 || s.time_ms < 0) return "line, attempt and time_ms must not be negative";
  if (s.amount <= Msat(0) || s.fee.is_negative()) return "amount_msat must be positive and fee_msat not negative";
  if (s.backend.empty()) return "backend is empty";
  if (s.backend == "sim" && !s.simulated) return "backend \"sim\" without \"simulated\":true";
  if (!s.payment_hash.empty() && !is_digest(s.payment_hash)) return "payment_hash must be 64 lower-case hex digits";
  if (s.is_onchain() && !paid && !s.fee.is_zero()) return "fee_msat belongs to state PAID only";
  if (s.is_onchain()) return wrong_onchain(s);
  if (!s.address.empty() || s.vout != 0 || s.confirmations != 0) return "address, vout and confirmations belong to a payment on chain";
  if (!paid && (!s.preimage.empty() || !s.fee.is_zero())) return "preimage and fee_msat belong to state PAID only";
  if (paid && !preimage_matches(s.preimage, s.payment_hash)) return "state PAID without a preimage whose SHA-256 is payment_hash: no proof of payment";
  return "";
}

}  // namespace

std::string_view state_name(SettlementState s) { return states.at(static_cast<size_t>(s)); }

std::optional<SettlementState> state_from_name(std::string_view name) {
  const auto it = std::find(states.begin(), states.end(), name);
  if (it == states.end()) return std::nullopt;
  return static_cast<SettlementState>(it - states.begin());
}

std::string Settlement::payment() const { return is_onchain() ? fmt::format("{}:{}", txid, vout) : payment_hash; }

bool is_outpoint(std::string_view text) {
  if (text.size() < 66 || text.size() > 75 || !is_digest(text.substr(0, 64)) || text[64] != ':') return false;
  const std::string_view vout = text.substr(65);
  return std::all_of(vout.begin(), vout.end(), [](char c) { return c >= '0' && c <= '9'; }) && (vout.size() == 1 || vout[0] != '0');
}

bool preimage_matches(std::string_view preimage, std::string_view payment_hash) {
  if (!is_digest(preimage) || !is_digest(payment_hash)) return false;
  std::array<uint8_t, 32> bytes{};
  return from_hex(preimage, bytes) && to_hex(crypto::sha256(BytesView(bytes))) == payment_hash;
}

json::Json to_record(const Settlement& s) {
  if (const std::string w = wrong(s); !w.empty()) throw Error(Exit::software, "settlement: " + w);
  json::Json out = json::make_record("settlement");
  if (s.simulated) out["simulated"] = true;
  out["manifest_id"] = s.manifest_id;
  out["line"] = s.line;
  out["account"] = s.account;
  out["state"] = state_name(s.state);
  out["amount_msat"] = s.amount.count();
  if (s.state == SettlementState::paid) out["fee_msat"] = s.fee.count();
  if (!s.payment_hash.empty()) out["payment_hash"] = s.payment_hash;
  if (!s.preimage.empty()) out["preimage"] = s.preimage;
  if (s.is_onchain()) {
    out["rail"] = "onchain";
    out["txid"] = s.txid;
    out["vout"] = s.vout;
    out["address"] = s.address;
    out["confirmations"] = s.confirmations;
  }
  out["backend"] = s.backend;
  out["attempt"] = s.attempt;
  out["time_ms"] = s.time_ms;
  if (!s.reason.empty()) out["reason"] = s.reason;
  return out;
}

namespace {

// Absent: Lightning.
bool is_onchain(const json::Fields& f) {
  const auto rail = f.optional_text("rail", 32);
  if (rail && *rail != "onchain" && *rail != "lightning") throw Error(Exit::data, "field \"rail\" must be lightning or onchain");
  return rail == "onchain";
}

}  // namespace

Settlement settlement_from_record(const json::Json& record) {
  json::require_record(record, "settlement");
  const json::Fields f(record);
  const auto state = state_from_name(f.text("state", 32));
  if (!state) throw Error(Exit::data, fmt::format("field \"state\" must be one of {}", fmt::join(states, ", ")));
  Settlement s;
  s.simulated = f.optional_boolean("simulated");
  s.manifest_id = f.hex_text("manifest_id", 32);
  s.line = f.integer("line");
  s.account = f.text("account", max_account);
  s.state = *state;
  s.amount = f.msat("amount_msat");
  if (s.state == SettlementState::paid || f.has("fee_msat")) s.fee = f.msat("fee_msat");
  if (f.has("payment_hash")) s.payment_hash = f.hex_text("payment_hash", 32);
  if (f.has("preimage")) s.preimage = f.hex_text("preimage", 32);
  if (is_onchain(f)) {
    s.txid = f.hex_text("txid", 32);
    s.vout = f.integer("vout", 0, max_vout);
    s.address = f.text("address", max_address);
    s.confirmations = f.integer("confirmations");
  }
  s.backend = f.text("backend", 32);
  s.attempt = f.integer("attempt");
  s.time_ms = f.integer("time_ms");
  s.reason = f.optional_text("reason", max_reason).value_or("");
  if (const std::string w = wrong(s); !w.empty()) throw Error(Exit::data, w);
  return s;
}

}  // namespace hh::payout
