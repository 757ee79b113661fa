// The basis of a round: the shares it pays for, walked through once, with their sums per miner and their Merkle root.
#pragma once
#include <map>
#include <vector>

#include "rounds.h"

namespace hh::ledger {

struct Basis {
  struct Miner {
    std::string name;
    uint64_t shares = 0;
    records::Work work;
  };
  std::vector<CutRef> cuts;
  std::map<int64_t, Miner> miners;  // by the miner's number
  uint64_t shares = 0;
  records::Work work;
  crypto::Digest root{};
  std::optional<records::PplnsWindow> window;
};

enum class Root { leave_out, compute };  // most of the time goes into the root: readers of rounds that are not closed do without

// Scheme prop: every share of the cuts counts.
Basis prop_basis(Ledger& ledger, std::vector<CutRef> cuts, Root root);

// Scheme pplns: from these ends (rounds.h) backwards, the sources merged by (time_ms, source name, seq), whole shares until
// factor × the work of nbits is reached; of the oldest one only the part that fills the window counts.
Basis pplns_basis(Ledger& ledger, const std::vector<CutRef>& ends, int64_t factor, uint32_t nbits, Root root);

// Compares the roots of the round's segments with its shares as they are now. Throws Error(data) naming source and round where they differ.
void verify_segments(Ledger& ledger, uint64_t round);

}  // namespace hh::ledger
