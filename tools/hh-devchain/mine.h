// Finds a block by CPU, for `generate`: one thread, a few million hashes a second.
#pragma once
#include <functional>
#include <optional>

#include "bitcoin/block.h"
#include "node.h"

namespace hh::devchain {

// A whole block on the candidate that pays everything to script; nullopt where give_up (asked every few milliseconds) says so. first_extranonce:
// another one gives another block, also where the first was invalidated within the same second.
std::optional<bitcoin::Block> mine(const Candidate& candidate, BytesView script, uint64_t first_extranonce, const std::function<bool()>& give_up);

}  // namespace hh::devchain
