// Whether a block may join the dev chain: Bitcoin's consensus rules without scripts and coins, with the reasons that Bitcoin Core gives.
//
// Left out: signatures, spent outputs and locks of coins (the made-up transactions spend nothing real), sigop limits, and difficulty
// adjustment (the chain's bits are constant). A coinbase without its witness is refused; Bitcoin Core's submitblock would complete it.
#pragma once
#include <optional>
#include <string>

#include "chain.h"

namespace hh::devchain {

enum class CheckWork { yes, no };  // no: a proposal (BIP23)

// The reason why not ("high-hash", "bad-txnmrklroot" …), or nullopt. previous: the block's parent, or null where it is unknown.
// now: unix seconds.
std::optional<std::string> refusal(const bitcoin::Block& block, const Entry* previous, uint32_t chain_bits, int64_t now, CheckWork check_work);

}  // namespace hh::devchain
