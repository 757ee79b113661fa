// A fee sweep: what forwarding for others has earned since the one before, and how it is divided. Written by hh-ln reinvest sweep, booked by hh-ledger post.
// [L051]
//
// The rule, all in whole msat:
//   1. The earnings are divided among the nodes of the policy by their weights, by largest remainder (split.h), nodes in the order of their names' bytes.
//   2. Of its part a node may withdraw floor(part · (1,000,000 - reinvest_ppm) / 1,000,000).
//   3. All the rest is reinvested: it goes to the reserve. Without nodes that is everything.
// So earned = reserve + the sum of what may be withdrawn, always, and no rounding is ever in favour of a withdrawal.
//
// The record repeats weights and rates, so that whoever reads it works out each amount again; a reader takes no amount on trust.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/amount.h"
#include "json/strict.h"
#include "records/round.h"

namespace hh::payout {

inline constexpr int64_t million = 1'000'000;
inline constexpr int64_t max_weight = million;  // of a node
inline constexpr size_t max_sweep_nodes = 1000;

struct SweepPart {
  std::string node;          // is_node_name
  int64_t weight = 0;        // 1 … max_weight
  int64_t reinvest_ppm = 0;  // 0 … 1,000,000
  Msat part;                 // of the earnings
  Msat withdrawable;         // of the part
  bool operator==(const SweepPart&) const = default;
};

struct FeeSweep {
  bool simulated = false;
  records::Network chain = records::Network::main;
  std::string node;         // the Lightning node that forwarded
  int64_t number = 0;       // of this node's sweeps, from 1
  int64_t until_ms = 0;     // forwards that ended before are in this sweep or in an earlier one
  int64_t forwards = 0;     // how many are in this one
  Msat earned;              // > 0
  int64_t policy = 0;       // sequence number of the policy that it follows
  std::vector<SweepPart> parts;  // sorted by node
  Msat reserve;
  int64_t time_ms = 0;

  std::string id() const;   // SHA-256 of the canonical record without the id: 64 hex digits
  bool operator==(const FeeSweep&) const = default;
};

// Sets the amounts of parts and reserve, by the rule. REQUIRES earned >= 0, weights and rates in range. Sorts the parts.
void divide(FeeSweep& sweep);

// The record, with sweep_id. Throws Error(software) where the sweep breaks the rules of sweep_from_record.
json::Json to_record(const FeeSweep& s);
// Throws Error(data): a field missing or out of range, an amount that the rule does not give, or another sweep_id than its own.
FeeSweep sweep_from_record(const json::Json& record);

// Names of accounts in the books: what a node may withdraw, and what is reinvested.
std::string yield_account(const std::string& node);
inline constexpr const char* reserve_account = "reserve";

}  // namespace hh::payout
