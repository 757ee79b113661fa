// Records about those who are paid: miners (who they are, where they want their money) and nodes (facts for their reward).
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "records/common.h"

namespace hh::records {

// {"type":"miner"}: what `hh-ledger miner` sets and shows and what hh-pool reads with --miners.
struct Miner {
  std::string miner;  // alias or address: the account's name
  std::optional<std::string> address;  // of an alias: where its coinbase fee output goes
  std::optional<Destination> destination;
  bool operator==(const Miner&) const = default;
};
Miner parse_miner(const Json& record);
std::string miner_line(const Miner& miner);

// {"type":"node"}: facts for eligibility. Seven days of five-second samples are 120,960; missing ones count as down.
struct Node {
  static constexpr int64_t samples_per_cycle = 120'960;
  std::string node;
  int64_t samples_up = 0, samples_total = 0;
  int64_t treasury_channels = 0;
  bool template_provider_is_local = false;
  bool bitcoind_synced = false;
  std::optional<Destination> destination;
};
Node parse_node(const Json& record);
std::string node_line(const Node& node);
// At least 95 % of a cycle's samples up, a channel to the treasury, and a synced bitcoind where templates are made locally.
bool is_eligible(const Node& node);

}  // namespace hh::records
