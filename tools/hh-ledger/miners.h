// `hh-ledger miner`: what an account name stands for and where its owner is paid.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ledger.h"
#include "records/miner.h"

namespace hh::ledger {

struct MinerChange {
  std::string miner;
  std::optional<std::string> address;      // "" removes it
  std::optional<std::string> kind, value;  // of the destination; value "" removes it
  std::string chain;                       // needed for an address before the ledger has its first job
};

// Throws Error(data) where a name, address or destination is not valid. Rounds that are closed keep the destination they have.
records::Miner set_miner(Ledger& ledger, const MinerChange& change);
std::vector<records::Miner> list_miners(Ledger& ledger);                    // by name
records::Miner show_miner(Ledger& ledger, const std::string& name);         // throws Error(data) where it is not known

}  // namespace hh::ledger
