// The payout of a closed round or of a node-pool cycle: who earned what, what is carried, what is paid.
//
// A pure function of its inputs: no clock, no randomness, no floating point, no dependence on the order of miners or nodes, on time zone or
// on language. Two machines with the same round record and policy get the same manifest, byte for byte. [C044][C045][C070][C072]
//
// Round. Of the subsidy, floor(subsidy·operator_ppm/10^6) is the operator's and floor(subsidy·node_pool_ppm/10^6) the node pool's; all the
// rest is divided among the miners by work (split.h). Transaction fees belong to the finder in full: where the coinbase did not
// pay them (fee_to "manifest") the finder's line does.
// Cycle. What is in the node pool is divided evenly among the eligible nodes (eligibility.h); the remainder stays in the pool.
// Withdrawals. Lines that take from what nodes were owed before: pay is what the treasury's queue allowed (hh-ln reinvest pay), whole satoshis.
// In a round or cycle every account then has carried_in + earned + fees = pay + carried_out. pay is the largest multiple of pay_unit in the left side, if that is
// at least min_payout and there is a destination, else nothing; what is not paid is carried, never dropped.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/amount.h"
#include "bitcoin/work.h"
#include "payout/eligibility.h"
#include "payout/policy.h"
#include "records/round.h"

namespace hh::payout {

using records::FeeTo;
using records::Network;

enum class PayoutKind { round, cycle, withdrawal };
std::string_view kind_name(PayoutKind k);
enum class Why { paid, below_minimum, no_destination };
std::string_view why_name(Why w);

struct Line {
  std::string account;  // "miner:M", "node:N" or "yield:N"; lines are sorted by its bytes and numbered from 0
  uint64_t shares = 0;  // miners only
  bitcoin::Work work;   // miners only
  Msat earned;          // part of the subsidy (miners) or of the node pool (nodes)
  Msat fees;            // transaction fees; the finder's line only
  Msat carried_in;      // balance of the account when the round or cycle was closed
  Msat pay;
  Msat carried_out;
  Why why = Why::below_minimum;
  std::optional<Destination> destination;  // where pay goes; present exactly where pay > 0

  Msat due() const { return carried_in + earned + fees; }
  bool operator==(const Line&) const = default;
};

struct Payout {
  Network chain = Network::main;
  bool simulated = false;  // derived from records of a simulated part
  PayoutKind kind = PayoutKind::round;
  int64_t number = 0;      // of the round, of the cycle, or of the batch of withdrawals
  Policy policy;           // withdrawals have none
  std::vector<Line> lines;
  Msat node_pool;          // round: added to the pool. cycle: in the pool before. withdrawal: none
  // round only
  int64_t block_height = 0;
  std::string block_hash;   // display order
  std::string merkle_root;  // RFC 9162 root of the shares that are paid for, 64 hex digits
  uint64_t shares = 0;      // sum over lines
  bitcoin::Work work;       // sum over lines
  Msat subsidy;
  Msat fees;                // of the block; paid by the finder's line only where fee_to is manifest
  FeeTo fee_to = FeeTo::coinbase;
  Msat operator_share;
  std::string finder;       // miner, without "miner:"
  // cycle only
  int64_t eligible_nodes = 0;
  Msat node_pool_remainder;

  Msat earned() const;  // sums over lines
  Msat carried_in() const;
  Msat pay() const;
  Msat carried_out() const;
  const Line* find(std::string_view account) const;  // nullptr where there is none
  bool operator==(const Payout&) const = default;
};

// Throws Error(temp_fail) where the round is not closed yet, Error(data) where it is orphaned or contradicts itself, Error(config) where it
// was closed with another scheme or factor than the policy's.
Payout compute_round(const records::Round& round, const Policy& policy);
// nodes in any order; nodes of the cycle record that have a balance but no facts count as not eligible. Throws as compute_round.
Payout compute_cycle(const records::Cycle& cycle, const Policy& policy, const std::vector<NodeFacts>& nodes);

// Every rule above, checked on a finished payout as if its maker could not be trusted: order, ranges, sums, the split of each line, what is
// paid and what is carried. Throws Error(data) that names line and rule. compute_* and parse_manifest call it themselves.
void check_payout(const Payout& p);

}  // namespace hh::payout
