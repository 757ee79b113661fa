// Made-up transactions, so that blocks of the dev chain have fees and witnesses to commit to.
//
// They are a function of the height of the block that may hold them and of their number, so every run makes the same ones. They spend
// outputs that never existed: the dev chain checks no signatures and keeps no coins. More of them arrive as time passes.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "base/amount.h"
#include "bitcoin/transaction.h"

namespace hh::devchain {

struct PooledTransaction {
  bitcoin::Transaction tx;
  bitcoin::Hash256 txid;
  Sat fee;  // 1,000 to 20,999 sat
};

PooledTransaction pooled_transaction(uint32_t height, uint32_t number);

// How many there are for that height when its parent has been the tip for that long; every_ms 0: none arrive later.
uint32_t pooled_count(uint32_t height, int64_t elapsed_ms, int64_t every_ms);
inline constexpr uint32_t max_pooled = 30;

// The fee of a transaction that a block of that height may hold; nullopt for any other.
std::optional<Sat> fee_of(uint32_t height, const bitcoin::Hash256& txid);

}  // namespace hh::devchain
