// The template of an empty block, made from no more than its parent's header: work for the moment until bitcoind's own template is there.
//
// Measured with bitcoind 31 and a full block of 10,477 transactions (4.25 MB of template) on two busy cores: after a new tip the template took 143 to
// 230 ms, the header 1 ms. For that time miners would work on a block that is too late; an empty one loses its fees only.
//
// Such a block must be valid beyond doubt, so there is one only where every field is certain:
//   bits        the parent's, where the chain's rules say so: not at a change of difficulty (every 2016 blocks; regtest and dev never change it),
//               and never on testnet4, whose blocks may be easy after 20 minutes.
//   subsidy     computed by height; and the same computation must give that of the last template
//   version, coinbaseaux   those of the last template: what signals and is required changes only together with the difficulty's period
//   mintime     the parent's median time past + 1
//   time        by the node's clock, carried on from the last template: that of this machine may be wrong
// A signet whose blocks are signed is refused by parse_block_template already.
#pragma once
#include <optional>

#include "bitcoin/address.h"
#include "bitcoin/block_template.h"
#include "tips.h"

namespace hh::pool {

// last: a template of a node, whose curtime was right elapsed_ms ago. nullopt: wait for the real one.
std::optional<bitcoin::BlockTemplate> empty_block_template(bitcoin::Network chain, const Tip& parent, const bitcoin::BlockTemplate& last, int64_t elapsed_ms);

// Of the chain's parameters: 210,000, on regtest 150.
uint32_t halving_interval(bitcoin::Network chain);

}  // namespace hh::pool
