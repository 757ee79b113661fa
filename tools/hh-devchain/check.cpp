#include "check.h"

#include <algorithm>

#include "bitcoin/merkle.h"
#include "bitcoin/script.h"
#include "mempool.h"

namespace hh::devchain {

using namespace bitcoin;
using Reason = std::optional<std::string>;

namespace {

constexpr int64_t max_future_seconds = 2 * 60 * 60;

// What a block says about itself (CheckBlock of Bitcoin Core's validation.cpp).
Reason check_alone(const Block& b) {
  bool mutated = false;
  if (merkle_root(b.txids(), &mutated) != b.header.merkle_root) return "bad-txnmrklroot";
  if (mutated) return "bad-txns-duplicate";
  if (!b.transactions[0].is_coinbase()) return "bad-cb-missing";
  if (std::any_of(b.transactions.begin() + 1, b.transactions.end(), [](const Transaction& tx) { return tx.is_coinbase(); })) return "bad-cb-multiple";
  if (const size_t n = b.transactions[0].inputs[0].script.size(); n < 2 || n > 100) return "bad-cb-length";
  return std::nullopt;
}

// BIP141. The last output that looks like a commitment counts.
Reason check_witness(const Block& b) {
  const Transaction& coinbase = b.transactions[0];
  Hash256 stated, candidate;
  bool found = false;
  for (const auto& out : coinbase.outputs)
    if (read_witness_commitment(out.script, candidate)) stated = candidate, found = true;
  if (!found) {
    const bool any = std::any_of(b.transactions.begin(), b.transactions.end(), [](const Transaction& tx) { return tx.has_witness(); });
    return any ? Reason("unexpected-witness") : std::nullopt;
  }
  const auto& witness = coinbase.inputs[0].witness;
  if (witness.size() != 1 || witness[0].size() != 32) return "bad-witness-nonce-size";
  Hash256 reserved;
  std::copy(witness[0].begin(), witness[0].end(), reserved.bytes.begin());
  auto wtxids = b.wtxids();
  wtxids.erase(wtxids.begin());
  return witness_commitment(std::move(wtxids), reserved) == stated ? std::nullopt : Reason("bad-witness-merkle-match");
}

// IsFinalTx: a lock time below 500,000,000 is a height, above it a time, which BIP113 compares with the median time past.
bool is_final(const Transaction& tx, uint32_t height, uint32_t median_time) {
  if (tx.lock_time == 0 || tx.lock_time < (tx.lock_time < 500'000'000 ? height : median_time)) return true;
  return std::all_of(tx.inputs.begin(), tx.inputs.end(), [](const TxInput& in) { return in.sequence == 0xffffffff; });
}

// What a block says about its place (ContextualCheckBlockHeader, ContextualCheckBlock).
Reason check_place(const Block& b, const Entry& previous, uint32_t chain_bits, int64_t now) {
  const uint32_t height = previous.height + 1, median_time = median_time_past(previous);
  if (b.header.bits != chain_bits) return "bad-diffbits";
  if (b.header.time <= median_time) return "time-too-old";
  if (b.header.time > now + max_future_seconds) return "time-too-new";
  for (const auto& tx : b.transactions)
    if (!is_final(tx, height, median_time)) return "bad-txns-nonfinal";
  const Bytes expected = height_push(height);
  const Bytes& script = b.transactions[0].inputs[0].script;
  if (script.size() < expected.size() || !std::equal(expected.begin(), expected.end(), script.begin())) return "bad-cb-height";
  if (auto reason = check_witness(b)) return reason;
  if (b.weight() > max_block_weight) return "bad-blk-weight";
  return std::nullopt;
}

// What it pays (ConnectBlock).
Reason check_value(const Block& b, uint32_t height) {
  Sat allowed = block_subsidy(height), claimed;
  for (size_t i = 1; i < b.transactions.size(); ++i) {
    const auto fee = fee_of(height, b.transactions[i].txid());
    if (!fee) return "bad-txns-inputs-missingorspent";
    allowed += *fee;
  }
  for (const auto& out : b.transactions[0].outputs) claimed += out.value;
  return claimed > allowed ? Reason("bad-cb-amount") : std::nullopt;
}

}  // namespace

Reason refusal(const Block& b, const Entry* previous, uint32_t chain_bits, int64_t now, CheckWork check_work) {
  if (check_work == CheckWork::yes && !has_valid_work(b.header)) return "high-hash";
  if (auto reason = check_alone(b)) return reason;
  if (!previous) return "prev-blk-not-found";
  if (previous->invalid) return "bad-prevblk";
  if (auto reason = check_place(b, *previous, chain_bits, now)) return reason;
  return check_value(b, previous->height + 1);
}

}  // namespace hh::devchain
