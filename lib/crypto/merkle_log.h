// A Merkle tree over a growing list: one 32-byte root that commits to every share of a round, in order.
//
// The problem. A manifest pays for millions of shares. It must say which, in a few bytes, such that (1) nobody can change, drop, add or
// reorder a share afterwards without changing the root, (2) a miner can check that one share of its own was counted without
// downloading the rest, and (3) the ledger can keep the root up to date while shares stream in, without holding them.
//
// The choice is the tree of Certificate Transparency, RFC 9162 section 2.1 (the same as RFC 6962). Bitcoin's own Merkle tree was not
// taken: it repeats the last node of an odd row, so that two different lists can have one root (CVE-2012-2459), and it does not
// tell leaves from inner nodes, so that an inner node can be passed off as a leaf. Here
//   leaf  = SHA-256(0x00 || data)          node = SHA-256(0x01 || left || right)          empty = SHA-256("")
// and a list of n leaves splits at the largest power of two below n: no leaf is repeated, and every n has one shape.
//
// The builder. After n leaves the finished perfect subtrees are those of the set bits of n, the largest leftmost (n = 13 = 8+4+1
// has three). Their roots are the frontier. A new leaf is a subtree of size 1; while the lowest subtree has the same size, both join
// to one of twice the size, as a carry does in binary counting. The root folds the frontier from right to left. So n leaves cost n
// leaf and fewer than n node hashes, memory is at most 64 hashes, and the frontier (8 + 32 * popcount(n) bytes) is all that
// must be stored to go on after a restart.
//
// Proofs. The inclusion proof of leaf i is the root of the sibling at each level on the way from the leaf to the top: about log2(n)
// hashes. Each sibling covers a contiguous range of leaves, so one pass over the leaf hashes, with one frontier per range,
// makes the proof in O(log n) memory.
//
// Speed: 7 SHA-256 blocks per 300-byte leaf, two of them its node's. OpenSSL's EVP calls cost more than such short hashes, so the low-level
// SHA256 functions are used (see digest.cpp). Measured: 1.7 million such leaves per second of one 2.8 GHz core with SHA-NI, on a
// machine busy with other work, where hashing alone did 0.97 GB/s: four fifths of what the processor can.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/digest.h"

namespace hh::crypto {

Digest leaf_hash(BytesView data);
inline Digest leaf_hash(std::string_view data) { return leaf_hash(as_bytes(data)); }
Digest node_hash(const Digest& left, const Digest& right);

class MerkleLog {
 public:
  void append(BytesView leaf_data) { append_hash(leaf_hash(leaf_data)); }
  void append(std::string_view leaf_data) { append_hash(leaf_hash(leaf_data)); }
  void append_hash(const Digest& leaf);
  uint64_t size() const { return size_; }
  Digest root() const;

  // Size (8 bytes, big-endian) and the frontier, largest subtree first, 32 bytes each.
  Bytes save() const;
  // nullopt where bytes has not the length that its size asks for.
  static std::optional<MerkleLog> restore(BytesView bytes);

 private:
  uint64_t size_ = 0;
  std::array<Digest, 64> frontier_;  // frontier_[k] is in use where bit k of size_ is set: the root of 2^k leaves
};

// Makes the inclusion proof of leaf `index` in a tree of `size` leaves from one pass over the leaf hashes, in order.
class InclusionProver {
 public:
  InclusionProver(uint64_t index, uint64_t size);  // throws Error(data) unless index < size
  void append_hash(const Digest& leaf);            // throws Error(data) after `size` leaves
  // Siblings from the leaf's level up to the root's. Throws Error(data) before all `size` leaves are in.
  std::vector<Digest> proof() const;

 private:
  struct Range {
    uint64_t end;       // first leaf after it
    int proof_slot;     // position in the proof, or -1 for the leaf itself
  };
  uint64_t size_;
  uint64_t seen_ = 0;
  size_t current_ = 0;
  std::vector<Range> ranges_;  // in the order of the leaves
  MerkleLog building_;
  std::vector<Digest> proof_;
};

std::vector<Digest> inclusion_proof(uint64_t index, std::span<const Digest> leaf_hashes);

// RFC 9162 section 2.1.3.2.
bool verify_inclusion(const Digest& leaf, uint64_t index, uint64_t size, std::span<const Digest> proof, const Digest& root);

}  // namespace hh::crypto
