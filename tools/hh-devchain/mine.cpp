#include "mine.h"

#include <algorithm>

#include "bitcoin/coinbase.h"
#include "bitcoin/merkle.h"

namespace hh::devchain {

using namespace bitcoin;

namespace {

Transaction build_coinbase_for(const Candidate& c, BytesView script, uint64_t extranonce) {
  std::vector<Hash256> wtxids;
  Sat fees;
  for (const auto& p : c.transactions) wtxids.push_back(p.tx.wtxid()), fees += p.fee;
  CoinbaseInputs in;
  in.height = c.height;
  in.pool_tag = "/hh-devchain/";
  in.extranonce_size = sizeof extranonce;
  in.subsidy = block_subsidy(c.height);
  in.fees = fees;
  in.treasury_script.assign(script.begin(), script.end());
  in.witness_commitment_script = witness_commitment_script(witness_commitment(std::move(wtxids)));
  const auto parts = build_coinbase(in);
  Bytes nonce;
  for (size_t i = 0; i < sizeof extranonce; ++i) nonce.push_back(static_cast<uint8_t>(extranonce >> (8 * i)));
  return parse_transaction(with_witness(join_coinbase(parts.prefix, nonce, parts.treasury_suffix)));
}

// Tries every nonce; false where none does or give_up says so. The first 64 of the header's 80 bytes are hashed once.
bool find_nonce(BlockHeader& header, const std::function<bool()>& give_up) {
  const Target target = *Target::from_compact(header.bits);
  auto bytes = header.serialize();
  Sha256 start;
  start.update(BytesView(bytes).first(64));
  for (uint64_t nonce = 0; nonce <= UINT32_MAX; ++nonce) {
    if (nonce % 65536 == 0 && give_up()) return false;
    for (size_t i = 0; i < 4; ++i) bytes[76 + i] = static_cast<uint8_t>(nonce >> (8 * i));
    Sha256 hash = start;
    if (!target.met_by(hash.update(BytesView(bytes).subspan(64)).finish_double())) continue;
    header.nonce = static_cast<uint32_t>(nonce);
    return true;
  }
  return false;
}

}  // namespace

std::optional<Block> mine(const Candidate& c, BytesView script, uint64_t first_extranonce, const std::function<bool()>& give_up) {
  for (uint64_t extranonce = first_extranonce; !give_up(); ++extranonce) {
    Block b{{0x20000000, c.prev_hash, {}, c.time, c.bits, 0}, {build_coinbase_for(c, script, extranonce)}};
    for (const auto& p : c.transactions) b.transactions.push_back(p.tx);
    b.header.merkle_root = merkle_root(b.txids());
    if (find_nonce(b.header, give_up)) return b;
  }
  return std::nullopt;
}

}  // namespace hh::devchain
