#include "bitcoin/merkle.h"

#include <algorithm>
#include <array>

namespace hh::bitcoin {

namespace {

Hash256 parent(const Hash256& left, const Hash256& right) { return Sha256().update(left.bytes).update(right.bytes).finish_double(); }

// Replaces a row by the one above it.
void climb(std::vector<Hash256>& row) {
  if (row.size() % 2) row.push_back(row.back());
  for (size_t i = 0; i < row.size() / 2; ++i) row[i] = parent(row[2 * i], row[2 * i + 1]);
  row.resize(row.size() / 2);
}

bool has_equal_siblings(const std::vector<Hash256>& row) {
  for (size_t i = 0; i + 1 < row.size(); i += 2)
    if (row[i] == row[i + 1]) return true;
  return false;
}

constexpr std::array<uint8_t, 6> commitment_start{0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed};

}  // namespace

Hash256 merkle_root(std::vector<Hash256> leaves, bool* mutated) {
  bool equal = false;
  while (leaves.size() > 1) {
    equal = equal || has_equal_siblings(leaves);
    climb(leaves);
  }
  if (mutated) *mutated = equal;
  return leaves.empty() ? Hash256{} : leaves[0];
}

// The coinbase is always leftmost, so its sibling in each row is the second node. The first stands for nodes not known yet.
std::vector<Hash256> coinbase_branch(std::span<const Hash256> others) {
  std::vector<Hash256> row(1), branch;
  row.insert(row.end(), others.begin(), others.end());
  while (row.size() > 1) {
    branch.push_back(row[1]);
    climb(row);
  }
  return branch;
}

Hash256 root_from_branch(const Hash256& coinbase_txid, std::span<const Hash256> branch) {
  Hash256 node = coinbase_txid;
  for (const auto& sibling : branch) node = parent(node, sibling);
  return node;
}

Hash256 witness_commitment(std::vector<Hash256> others_wtxid, const Hash256& reserved_value) {
  others_wtxid.insert(others_wtxid.begin(), Hash256{});
  return parent(merkle_root(std::move(others_wtxid)), reserved_value);
}

Bytes witness_commitment_script(const Hash256& commitment) {
  Bytes script(commitment_start.size() + commitment.bytes.size());
  std::copy(commitment.bytes.begin(), commitment.bytes.end(), std::copy(commitment_start.begin(), commitment_start.end(), script.begin()));
  return script;
}

bool read_witness_commitment(BytesView script, Hash256& commitment) {
  const size_t start = commitment_start.size();
  if (script.size() < start + 32 || !std::equal(commitment_start.begin(), commitment_start.end(), script.begin())) return false;
  std::copy_n(script.begin() + static_cast<ptrdiff_t>(start), 32, commitment.bytes.begin());
  return true;
}

}  // namespace hh::bitcoin
