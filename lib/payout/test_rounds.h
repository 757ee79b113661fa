// Rounds, cycles and nodes for the tests of this folder.
#pragma once
#include <string>
#include <vector>

#include "base/error.h"
#include "payout/payout.h"

namespace hh::payout::test {

inline records::RoundMiner miner(const std::string& name, uint64_t shares, bitcoin::Uint128 work, int64_t carried = 0, bool has_destination = true) {
  records::RoundMiner m{name, shares, bitcoin::Work(work), Msat(carried), {}};
  if (has_destination) m.destination = Destination{DestinationKind::lnaddress, name + "@example.com"};
  return m;
}

// A closed regtest round of scheme prop, found by its first miner.
inline records::Round round_of(std::vector<records::RoundMiner> miners, int64_t subsidy_sat = 5'000'000'000, int64_t fees_sat = 0) {
  records::Round r;
  r.chain = records::Network::regtest, r.round = 7, r.status = records::RoundStatus::closed;
  r.merkle_root = std::string(64, 'a');
  for (const auto& m : miners) r.shares += m.shares, r.work += m.work;
  const std::string hash = "0000000000000000000000000000000000000000000000000000000000000001";
  r.block = records::RoundBlock{101, hash, 0x207fffff, 1'700'000'000'000, Sat(subsidy_sat), Sat(fees_sat),
                                FeeTo::manifest, miners.front().miner, 100};
  r.cuts = {{"pool-a", 1, r.shares}};
  r.miners = std::move(miners);
  return r;
}

inline NodeFacts node(const std::string& name, bool eligible = true) {
  return {name, eligible ? samples_per_cycle : 0, samples_per_cycle, 1, false, false, Destination{DestinationKind::lnaddress, name + "@example.com"}};
}

inline records::Cycle cycle_of(int64_t node_pool_msat, std::vector<records::CycleNode> nodes = {}) {
  records::Cycle c;
  c.chain = records::Network::regtest, c.cycle = 2811, c.closed = true, c.node_pool = Msat(node_pool_msat), c.nodes = std::move(nodes);
  return c;
}

// Runs body and gives the sentence of the Error it throws with that code; "" where it throws none, or another code.
template <class Body>
std::string refusal(Exit code, Body body) {
  try {
    body();
  } catch (const Error& e) {
    return e.code() == code ? e.what() : "";
  }
  return "";
}

inline bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace hh::payout::test
