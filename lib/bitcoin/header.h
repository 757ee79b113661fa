// The 80-byte block header.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "bitcoin/hash.h"
#include "bitcoin/target.h"

namespace hh::bitcoin {

struct BlockHeader {
  uint32_t version = 0;  // signed on the network; kept unsigned because its bits are rolled (BIP320, BIP323)
  Hash256 prev_hash;
  Hash256 merkle_root;
  uint32_t time = 0;  // unix seconds
  uint32_t bits = 0;  // compact target
  uint32_t nonce = 0;

  static constexpr size_t size = 80;
  bool operator==(const BlockHeader&) const = default;
  std::array<uint8_t, size> serialize() const;
  static std::optional<BlockHeader> parse(BytesView bytes);  // nullopt unless exactly 80 bytes
  Hash256 hash() const;
};

// The hash is at most the target that the header itself states in its bits; false where those are invalid.
bool has_valid_work(const BlockHeader& h);

}  // namespace hh::bitcoin
