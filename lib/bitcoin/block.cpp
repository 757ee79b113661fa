#include "bitcoin/block.h"

#include <algorithm>

#include "base/error.h"
#include "bitcoin/wire.h"

namespace hh::bitcoin {

namespace {

constexpr size_t min_transaction = 4 + 1 + 41 + 1 + 4;

Bytes with_count(const Block& b) {
  const auto header = b.header.serialize();
  Bytes out(header.begin(), header.end());
  put_compact_size(out, b.transactions.size());
  return out;
}

}  // namespace

std::vector<Hash256> Block::txids() const {
  std::vector<Hash256> ids;
  for (const auto& tx : transactions) ids.push_back(tx.txid());
  return ids;
}

std::vector<Hash256> Block::wtxids() const {
  std::vector<Hash256> ids;
  for (const auto& tx : transactions) ids.push_back(tx.wtxid());
  return ids;
}

uint64_t Block::weight() const {
  uint64_t sum = 4 * with_count(*this).size();
  for (const auto& tx : transactions) sum += tx.weight();
  return sum;
}

Bytes serialize(const Block& b) {
  Bytes out = with_count(b);
  for (const auto& tx : b.transactions) put_bytes(out, serialize(tx));
  return out;
}

Block parse_block(BytesView bytes) {
  Reader in(bytes);
  Block b;
  b.header = *BlockHeader::parse(in.bytes(BlockHeader::size));
  size_t count = in.count(min_transaction, "transactions");
  if (count == 0) throw Error(Exit::data, "a block without transactions");
  for (; count > 0; --count) b.transactions.push_back(read_transaction(in));
  in.expect_end("block");
  return b;
}

Sat block_subsidy(uint32_t height, uint32_t halving_interval) {
  const uint32_t halvings = height / halving_interval;
  return halvings >= 64 ? Sat(0) : Sat(int64_t{5'000'000'000} >> halvings);
}

}  // namespace hh::bitcoin
