// A settlement: what became of one line of a manifest. Written by hh-ln settle, posted into the books by hh-ledger post.
//
// States are those of the payment state machine (hh-ln(1)). Only PAID moves money in the books, and PAID needs proof. Over Lightning that is a preimage whose
// SHA-256 is the payment hash; a record that says PAID without it is refused when it is read, whoever wrote it. On chain (rail "onchain") it is an output
// of a confirmed transaction, which whoever has a node can look up: one output pays one line, so that "TXID:VOUT" names a payment as a hash does.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/amount.h"
#include "json/strict.h"

namespace hh::payout {

enum class SettlementState { planned, resolved, sending, inflight, unknown, paid, failed_safe, held };
// "PLANNED", "RESOLVED", "SENDING", "INFLIGHT", "UNKNOWN", "PAID", "FAILED_SAFE", "HELD"
std::string_view state_name(SettlementState s);
std::optional<SettlementState> state_from_name(std::string_view name);

struct Settlement {
  bool simulated = false;    // the backend "sim", or a manifest that is simulated itself
  std::string manifest_id;   // 64 lower-case hex digits
  int64_t line = 0;          // of the manifest, from 0
  std::string account;       // "miner:…", "node:…" or "yield:…", as in that line
  SettlementState state = SettlementState::planned;
  Msat amount;               // what the payee gets: pay_msat of the line; > 0
  Msat fee;                  // routing fee, or the line's part of the transaction's fee, on top; only where PAID
  std::string payment_hash;  // 64 hex digits, or empty where there is none yet
  std::string preimage;      // 64 hex digits; only where PAID
  std::string backend;       // "lnd", "sim", …
  int64_t attempt = 0;       // 0: none yet
  int64_t time_ms = 0;       // of the last change of state
  std::string reason;        // for people; may be empty
  std::string txid;          // 64 hex digits as people write them; on chain only, and then there is neither payment_hash nor preimage
  int64_t vout = 0;          // which output of it pays the line
  std::string address;       // to which
  int64_t confirmations = 0; // of it; PAID only with at least one

  bool is_onchain() const { return !txid.empty(); }
  std::string payment() const;  // what names the payment: payment_hash, or TXID:VOUT
  bool operator==(const Settlement&) const = default;
};

// The record. Throws Error(software) where s breaks the rules of from_record.
json::Json to_record(const Settlement& s);
// Throws Error(data): a field missing or out of range, PAID without a preimage that hashes to payment_hash (on chain: without a confirmation), a
// preimage or fee without PAID, a payment on chain that is not of whole satoshis, backend "sim" without "simulated".
Settlement settlement_from_record(const json::Json& record);

// Whether text is a payment on chain: TXID:VOUT.
bool is_outpoint(std::string_view text);

// Whether the SHA-256 of preimage is hash; both 64 hex digits, false for anything else.
bool preimage_matches(std::string_view preimage, std::string_view payment_hash);

}  // namespace hh::payout
