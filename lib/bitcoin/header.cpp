#include "bitcoin/header.h"

#include <algorithm>

#include "bitcoin/wire.h"

namespace hh::bitcoin {

namespace {

void store_u32(uint8_t* to, uint32_t n) {
  for (int i = 0; i < 4; ++i) to[i] = static_cast<uint8_t>(n >> (8 * i));
}

}  // namespace

std::array<uint8_t, BlockHeader::size> BlockHeader::serialize() const {
  std::array<uint8_t, size> b;
  store_u32(&b[0], version);
  std::copy(prev_hash.bytes.begin(), prev_hash.bytes.end(), &b[4]);
  std::copy(merkle_root.bytes.begin(), merkle_root.bytes.end(), &b[36]);
  store_u32(&b[68], time);
  store_u32(&b[72], bits);
  store_u32(&b[76], nonce);
  return b;
}

std::optional<BlockHeader> BlockHeader::parse(BytesView bytes) {
  if (bytes.size() != size) return std::nullopt;
  Reader in(bytes);
  BlockHeader h;
  h.version = in.u32();
  h.prev_hash = in.hash();
  h.merkle_root = in.hash();
  h.time = in.u32();
  h.bits = in.u32();
  h.nonce = in.u32();
  return h;
}

Hash256 BlockHeader::hash() const { return sha256d(serialize()); }

bool has_valid_work(const BlockHeader& h) {
  const auto target = Target::from_compact(h.bits);
  return target && target->met_by(h.hash());
}

}  // namespace hh::bitcoin
