// The settlement record: what became of one line of a manifest. hh-ln writes it, hh-ledger post reads it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "records/common.h"

namespace hh::records {

struct Settlement {
  bool simulated = false;
  std::string manifest_id;  // 64 hex digits
  uint32_t line = 0;        // from 0
  std::string account;      // "miner:M" or "node:N"
  std::string state;        // PAID FAILED_SAFE HELD UNKNOWN INFLIGHT SENDING RESOLVED PLANNED
  Msat amount;
  Msat fee;                                 // routing fee; PAID only
  std::optional<std::string> payment_hash;  // 64 hex digits
  std::optional<std::string> preimage;      // 64 hex digits; PAID only, where it must be there and hash to payment_hash
  std::string backend;                      // "lnd", "cln", "sim"
  int64_t attempt = 0;
  int64_t time_ms = 0;
  std::optional<std::string> reason;
  bool is_paid() const { return state == "PAID"; }
};
// Throws Error(data); a PAID record without the preimage of its payment hash is refused here, so that no reader can forget to look.
Settlement parse_settlement(const Json& record);
std::string settlement_line(const Settlement& settlement);

}  // namespace hh::records
