#include "crypto/merkle_log.h"

#include <algorithm>
#include <bit>

#include "base/error.h"

namespace hh::crypto {
namespace {

constexpr uint8_t leaf_prefix = 0x00;
constexpr uint8_t node_prefix = 0x01;

// RFC 9162 section 2.1.1: the left part of n > 1 leaves is the largest power of two smaller than n.
uint64_t left_part(uint64_t n) { return std::bit_floor(n - 1); }

}  // namespace

Digest leaf_hash(BytesView data) {
  Sha256 hash;
  hash.update(BytesView(&leaf_prefix, 1)).update(data);
  return hash.finish();
}

Digest node_hash(const Digest& left, const Digest& right) {
  std::array<uint8_t, 65> input;
  input[0] = node_prefix;
  std::copy(left.begin(), left.end(), input.begin() + 1);
  std::copy(right.begin(), right.end(), input.begin() + 33);
  return sha256(BytesView(input));
}

void MerkleLog::append_hash(const Digest& leaf) {
  Digest subtree = leaf;
  size_t level = 0;
  for (uint64_t carry = size_; carry & 1; carry >>= 1) subtree = node_hash(frontier_[level++], subtree);
  frontier_[level] = subtree;
  ++size_;
}

Digest MerkleLog::root() const {
  if (size_ == 0) return sha256(BytesView());
  auto level = static_cast<size_t>(std::countr_zero(size_));
  Digest root = frontier_[level];
  while (++level < frontier_.size())
    if (size_ >> level & 1) root = node_hash(frontier_[level], root);
  return root;
}

Bytes MerkleLog::save() const {
  Bytes out;
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(size_ >> shift));
  for (size_t level = frontier_.size(); level-- > 0;)
    if (size_ >> level & 1) out.insert(out.end(), frontier_[level].begin(), frontier_[level].end());
  return out;
}

std::optional<MerkleLog> MerkleLog::restore(BytesView bytes) {
  if (bytes.size() < 8) return std::nullopt;
  MerkleLog log;
  for (size_t i = 0; i < 8; ++i) log.size_ = log.size_ << 8 | bytes[i];
  bytes = bytes.subspan(8);
  if (bytes.size() != 32 * static_cast<size_t>(std::popcount(log.size_))) return std::nullopt;
  for (size_t level = log.frontier_.size(); level-- > 0;)
    if (log.size_ >> level & 1) {
      std::copy_n(bytes.begin(), 32, log.frontier_[level].begin());
      bytes = bytes.subspan(32);
    }
  return log;
}

// Walks from the root down to the leaf. At each split the half without the leaf is a sibling: its slot in the proof is the deeper the
// earlier, so slots are numbered once the depth is known. Left halves come before the leaf in leaf order, right halves after it.
InclusionProver::InclusionProver(uint64_t index, uint64_t size) : size_(size) {
  if (index >= size) throw Error(Exit::data, "leaf " + std::to_string(index) + " is not in a tree of " + std::to_string(size));
  std::vector<Range> after;
  uint64_t begin = 0, end = size;
  int depth = 0;
  for (; end - begin > 1; ++depth) {
    const uint64_t middle = begin + left_part(end - begin);
    if (index < middle) {
      after.push_back({end, depth});
      end = middle;
    } else {
      ranges_.push_back({middle, depth});
      begin = middle;
    }
  }
  ranges_.push_back({end, -1});
  ranges_.insert(ranges_.end(), after.rbegin(), after.rend());
  for (Range& range : ranges_)
    if (range.proof_slot >= 0) range.proof_slot = depth - 1 - range.proof_slot;
  proof_.resize(static_cast<size_t>(depth));
}

void InclusionProver::append_hash(const Digest& leaf) {
  if (seen_ == size_) throw Error(Exit::data, "more leaves than the tree of " + std::to_string(size_) + " has");
  building_.append_hash(leaf);
  const Range& range = ranges_[current_];
  if (++seen_ < range.end) return;
  if (range.proof_slot >= 0) proof_[static_cast<size_t>(range.proof_slot)] = building_.root();
  building_ = MerkleLog();
  ++current_;
}

std::vector<Digest> InclusionProver::proof() const {
  if (seen_ != size_) throw Error(Exit::data, "only " + std::to_string(seen_) + " of the tree's " + std::to_string(size_) + " leaves were given");
  return proof_;
}

std::vector<Digest> inclusion_proof(uint64_t index, std::span<const Digest> leaf_hashes) {
  InclusionProver prover(index, leaf_hashes.size());
  for (const Digest& leaf : leaf_hashes) prover.append_hash(leaf);
  return prover.proof();
}

bool verify_inclusion(const Digest& leaf, uint64_t index, uint64_t size, std::span<const Digest> proof, const Digest& root) {
  if (index >= size) return false;
  uint64_t node = index, last = size - 1;  // fn and sn of the RFC
  Digest hash = leaf;
  for (const Digest& sibling : proof) {
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      hash = node_hash(sibling, hash);
      while ((node & 1) == 0 && node != 0) node >>= 1, last >>= 1;
    } else {
      hash = node_hash(hash, sibling);
    }
    node >>= 1, last >>= 1;
  }
  return last == 0 && hash == root;
}

}  // namespace hh::crypto
