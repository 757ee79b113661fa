// The tree of blocks and the active chain in it: the branch with the most work, the first seen of equals, without blocks marked invalid.
//
// Blocks are checked before they come here (check.h). Everything is kept in memory: a dev chain has thousands of blocks, not millions.
#pragma once
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "bitcoin/block.h"
#include "bitcoin/work.h"

namespace hh::devchain {

struct Entry {
  bitcoin::Block block;
  bitcoin::Hash256 hash;
  uint32_t height = 0;
  bitcoin::Work chain_work;
  const Entry* previous = nullptr;  // null for the genesis block
  bool marked_invalid = false;      // by invalidateblock
  bool invalid = false;             // it or an ancestor is marked
};

// The first block: the same for every chain with these bits. Nobody mined it.
bitcoin::Block genesis_block(uint32_t bits);

class Chain {
 public:
  explicit Chain(uint32_t bits);  // REQUIRES valid bits

  uint32_t bits() const { return bits_; }
  const Entry& tip() const { return *active_.back(); }
  const Entry* find(const bitcoin::Hash256& hash) const;  // null where unknown; stays where it is for the chain's life
  const Entry* at(uint32_t height) const;                 // in the active chain; null above the tip
  bool is_active(const Entry& e) const { return at(e.height) == &e; }
  int64_t confirmations(const Entry& e) const;            // 1 for the tip; -1 outside the active chain

  // REQUIRES that the parent is known and the block is not. True where it became the tip.
  bool add(bitcoin::Block block);
  // False where the hash is unknown or the genesis block's. Reconsidering also clears the marks of ancestors and descendants.
  bool invalidate(const bitcoin::Hash256& hash);
  bool reconsider(const bitcoin::Hash256& hash);

 private:
  void refresh_marks();
  void activate(const Entry* tip);

  uint32_t bits_;
  std::vector<std::unique_ptr<Entry>> entries_;  // in order of arrival: parents before children
  std::unordered_map<bitcoin::Hash256, Entry*> by_hash_;
  std::vector<const Entry*> active_;             // by height
};

// BIP113: the median of the times of a block and its ten ancestors.
uint32_t median_time_past(const Entry& e);
// Whether a is b or an ancestor of it.
bool is_ancestor(const Entry& a, const Entry& b);

}  // namespace hh::devchain
