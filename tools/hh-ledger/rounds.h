// Rounds: which shares belong to which block, and when a round may be paid. rounds.cpp opens with the rules.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "crypto/digest.h"
#include "ledger.h"
#include "records/round.h"

namespace hh::ledger {

struct RoundRules {
  records::Scheme scheme = records::Scheme::prop;
  int64_t pplns_factor = 2;
};

// A cut by the source's number.
struct CutRef {
  int64_t source_id = 0;
  std::string source;
  uint64_t first_seq = 1, last_seq = 0;
  bool empty() const { return last_seq < first_seq; }
};

// As it stands now; closed rounds from their frozen rows, always the same bytes. with_miners false leaves out what needs a walk through the
// shares or the books, except the sums. Throws Error(data) where there is no such round.
records::Round read_round(Ledger& ledger, uint64_t round, const RoundRules& rules, bool with_miners = true);
std::vector<uint64_t> round_ids(Ledger& ledger);

// The lowest round that is neither closed nor orphaned nor open. nullopt: none.
std::optional<uint64_t> next_to_close(Ledger& ledger);
// Freezes it. A round that is closed already is returned as it is. Throws Error(temp_fail) where it cannot be closed yet, saying what is
// in the way, Error(data) where it never can be (orphaned) or where its shares are not those that arrived.
records::Round close_round(Ledger& ledger, uint64_t round, const RoundRules& rules);

// The cuts that a round has by the rules of its status, sources by name; of a closed round the frozen ones. Empty cuts are left out.
std::vector<CutRef> cuts_of(Ledger& ledger, uint64_t round);
// Of scheme prop, whatever the round's own scheme: its segments and those of the orphaned rounds right before it.
std::vector<CutRef> derived_cuts(Ledger& ledger, uint64_t round);
// Where a pplns window of the round ends in each source, also in those that had no share in this round: cuts from seq 1.
std::vector<CutRef> window_ends(Ledger& ledger, uint64_t round);

bool same_cuts(const std::vector<CutRef>& a, const std::vector<CutRef>& b);

// Logs an error where `watch` has seen the closed round's block leave the chain: whoever pays it pays out of nothing.
void warn_of_alarm(Ledger& ledger, uint64_t round);

// Cycles of the node pool. [C045]
records::Cycle read_cycle(Ledger& ledger, int64_t cycle);
records::Cycle close_cycle(Ledger& ledger, int64_t cycle);

}  // namespace hh::ledger
