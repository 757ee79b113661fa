// Why an account gets what it gets: every step from the subsidy to its msat, with the numbers, in words that a miner can check with a calculator.
//
// The text is derived from the payout alone and states each division with its remainder, so it is right to the msat by construction: the
// same functions (split.h) make the numbers here and in the payout.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "payout/payout.h"

namespace hh::payout {

// Lines of text. An account that has no line is explained too (it had no share and no balance). REQUIRES check_payout(p).
// Throws Error(data) where account is neither miner:NAME nor node:NAME, or of the other kind than the payout's.
std::vector<std::string> explain_account(const Payout& p, std::string_view account);
// A node that has no line in a cycle: why it is not eligible.
std::vector<std::string> explain_node(const Payout& p, const NodeFacts& node);

// The first field in which two payouts of one round differ, with both values: "merkle_root is …, not …".
std::string first_difference(const Payout& a, const Payout& b);

}  // namespace hh::payout
