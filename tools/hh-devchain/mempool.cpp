#include "mempool.h"

#include <algorithm>

#include "bitcoin/script.h"
#include "bitcoin/wire.h"

namespace hh::devchain {

using namespace bitcoin;

namespace {

// An endless supply of bytes for one transaction.
Hash256 seed(uint32_t height, uint32_t number, uint32_t part) {
  Bytes in{'h', 'h', '-', 'd', 'e', 'v', 'c', 'h', 'a', 'i', 'n'};
  for (uint32_t n : {height, number, part}) put_u32(in, n);
  return sha256(in);
}

Bytes two_seeds(uint32_t height, uint32_t number) {
  const Hash256 a = seed(height, number, 2), b = seed(height, number, 3);
  Bytes bytes(a.bytes.begin(), a.bytes.end());
  put_bytes(bytes, b.bytes);
  return bytes;
}

}  // namespace

PooledTransaction pooled_transaction(uint32_t height, uint32_t number) {
  const Hash256 numbers = seed(height, number, 1);
  PooledTransaction p;
  TxInput in{{seed(height, number, 0), 0}, {}, 0xfffffffd, {}};
  // Every third one is a legacy transaction, the others look like a key spend of taproot.
  if (number % 3 == 2)
    put_push(in.script, two_seeds(height, number));
  else
    in.witness = {two_seeds(height, number)};
  p.tx.inputs.push_back(in);
  p.tx.outputs.push_back({Sat(10'000 + numbers.bytes[0]), witness_script(0, BytesView(numbers.bytes).first(20))});
  p.txid = p.tx.txid();
  p.fee = Sat(1'000 + (numbers.bytes[30] * 256 + numbers.bytes[31]) % 20'000);
  return p;
}

uint32_t pooled_count(uint32_t height, int64_t elapsed_ms, int64_t every_ms) {
  const int64_t first = 3 + height % 5, later = every_ms > 0 ? std::max<int64_t>(elapsed_ms, 0) / every_ms : 0;
  return static_cast<uint32_t>(std::min<int64_t>(first + later, max_pooled));
}

std::optional<Sat> fee_of(uint32_t height, const Hash256& txid) {
  for (uint32_t i = 0; i < max_pooled; ++i)
    if (const PooledTransaction p = pooled_transaction(height, i); p.txid == txid) return p.fee;
  return std::nullopt;
}

}  // namespace hh::devchain
