// The miner record: what an account name stands for and where its owner wants the money.
// (Facts about nodes are payout/eligibility.h, settlements payout/settlement.h: only what pays reads them.)
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "records/common.h"
#include "records/destination.h"

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

}  // namespace hh::records
