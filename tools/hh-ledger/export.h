// `hh-ledger export` and `prove`: the shares as lines again, and the proof that one of them is in a round.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "json/strict.h"
#include "ledger.h"

namespace hh::ledger {

using EmitLine = std::function<void(std::string_view line)>;  // with its newline

// Everything, in an order that gives a fresh ledger the same rounds: round by round the other sources' shares, then the finder's, then the block.
void export_all(Ledger& ledger, const EmitLine& emit);
// The shares within the round's cuts, the blocks among and right behind them, and the jobs of these.
void export_round(Ledger& ledger, uint64_t round, const EmitLine& emit);
// Shares of the round, or of all, as comma separated values with a header line.
void export_csv(Ledger& ledger, std::optional<uint64_t> round, const EmitLine& emit);

// RFC 9162 inclusion proof of one share in a closed round, checked before it is returned: a `verified` record with merkle_root, index, size, leaf
// and proof (hashes in hex, from the leaf upwards, separated by commas). Throws Error(data) where the share is not in the round.
json::Json prove(Ledger& ledger, uint64_t round, const std::string& source, uint64_t seq);

}  // namespace hh::ledger
