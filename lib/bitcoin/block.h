// Whole blocks: header and transactions.
#pragma once
#include <vector>

#include "bitcoin/header.h"
#include "bitcoin/transaction.h"

namespace hh::bitcoin {

struct Block {
  BlockHeader header;
  std::vector<Transaction> transactions;

  std::vector<Hash256> txids() const;
  std::vector<Hash256> wtxids() const;
  uint64_t weight() const;
};

Bytes serialize(const Block& b);
Block parse_block(BytesView bytes);  // throws Error(data); refuses trailing bytes and a block without transactions

// Consensus limit (BIP141).
inline constexpr uint64_t max_block_weight = 4'000'000;

// Subsidy of consensus with halvings every `interval` blocks (GetBlockSubsidy: 210,000 on main, testnet4 and signet, 150 on regtest).
Sat block_subsidy(uint32_t height, uint32_t halving_interval = 210'000);

}  // namespace hh::bitcoin
