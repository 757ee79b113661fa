#include "bitcoin/coinbase.h"

#include "base/error.h"
#include "bitcoin/script.h"
#include "bitcoin/transaction.h"
#include "bitcoin/wire.h"
#include "bitcoin/work.h"

namespace hh::bitcoin {

namespace {

constexpr size_t max_script_sig = 100;  // consensus: CheckTransaction, "bad-cb-length"

void check(const CoinbaseInputs& in) {
  if (!is_money(in.subsidy) || !is_money(in.fees) || !is_money(in.subsidy + in.fees)) throw Error(Exit::data, "the coinbase's subsidy or fees are not between 0 and 21e6 BTC");
  if (in.extranonce_size < 2 || in.extranonce_size > 32) throw Error(Exit::data, "the extranonce has " + std::to_string(in.extranonce_size) + " bytes: 2 to 32 are allowed");
  if (in.treasury_script.empty()) throw Error(Exit::data, "the treasury has no script to pay to");
  if (in.pool_tag.size() > 75 || in.aux.size() > 75) throw Error(Exit::data, "the pool tag and the template's coinbaseaux may have 75 bytes each");
  if (in.treasury_keeps && (*in.treasury_keeps < Sat(0) || *in.treasury_keeps > in.subsidy + in.fees)) throw Error(Exit::data, "the treasury would keep more than the block's reward");
  if (in.height == 0) throw Error(Exit::data, "the genesis block's coinbase is not ours to build");
}

// Everything of the input's script before the extranonce, including the length byte of its push.
Bytes script_start(const CoinbaseInputs& in) {
  Bytes script = height_push(in.height);
  if (!in.aux.empty()) put_push(script, in.aux);
  if (!in.pool_tag.empty()) put_push(script, as_bytes(in.pool_tag));
  script.push_back(static_cast<uint8_t>(in.extranonce_size));
  if (const size_t total = script.size() + in.extranonce_size; total > max_script_sig) {
    throw Error(Exit::data, "the coinbase's script would have " + std::to_string(total) + " bytes, of which 100 are allowed: shorten the pool tag");
  }
  return script;
}

Bytes build_prefix(const CoinbaseInputs& in) {
  const Bytes script = script_start(in);
  Bytes out;
  put_u32(out, 2);
  put_compact_size(out, 1);
  put_bytes(out, Hash256{}.bytes);
  put_u32(out, 0xffffffff);
  put_compact_size(out, script.size() + in.extranonce_size);
  put_bytes(out, script);
  return out;
}

void put_output(Bytes& out, Sat value, BytesView script) {
  put_u64(out, static_cast<uint64_t>(value.count()));
  put_var_bytes(out, script);
}

// Sequence, number of outputs and the treasury's output, if it has one.
Bytes suffix_start(const CoinbaseInputs& in, std::optional<Sat> treasury_value, size_t other_outputs) {
  Bytes out;
  put_u32(out, 0xfffffffe);
  put_compact_size(out, (treasury_value ? 1 : 0) + other_outputs + (in.witness_commitment_script.empty() ? 0 : 1));
  if (treasury_value) put_output(out, *treasury_value, in.treasury_script);
  return out;
}

Bytes finder_head(const CoinbaseInputs& in, Sat to_finder) {
  const bool nothing_kept = in.treasury_keeps && *in.treasury_keeps == Sat(0);
  Bytes out = suffix_start(in, nothing_kept ? std::nullopt : std::optional(in.treasury_keeps.value_or(in.subsidy)), 1);
  put_u64(out, static_cast<uint64_t>(to_finder.count()));
  return out;
}

// Commitment and lock time.
Bytes suffix_end(const CoinbaseInputs& in) {
  Bytes out;
  if (!in.witness_commitment_script.empty()) put_output(out, Sat(0), in.witness_commitment_script);
  put_u32(out, in.height - 1);
  return out;
}

}  // namespace

Sat solo_fee(Sat reward, int64_t fee_ppm, BytesView treasury_script) {
  const Sat fee(static_cast<int64_t>(static_cast<Uint128>(reward.count()) * static_cast<Uint128>(fee_ppm) / 1'000'000));
  return fee < dust_threshold(treasury_script) ? Sat(0) : fee;
}

CoinbaseParts build_coinbase(const CoinbaseInputs& in) {
  check(in);
  CoinbaseParts parts;
  parts.prefix = build_prefix(in);
  parts.extranonce_size = in.extranonce_size;
  parts.to_finder = in.treasury_keeps ? in.subsidy + in.fees - *in.treasury_keeps : in.fees;
  parts.finder_head = finder_head(in, parts.to_finder);
  parts.finder_tail = suffix_end(in);
  parts.treasury_suffix = suffix_start(in, in.subsidy + in.fees, 0);
  put_bytes(parts.treasury_suffix, parts.finder_tail);
  return parts;
}

bool can_pay_finder(const CoinbaseParts& parts, BytesView script) {
  return !script.empty() && !is_unspendable(script) && parts.to_finder >= dust_threshold(script);
}

Bytes finder_suffix(const CoinbaseParts& parts, BytesView finder_script) {
  if (!can_pay_finder(parts, finder_script)) throw Error(Exit::software, "a coinbase with a fee output that would be dust or unspendable");
  Bytes out = parts.finder_head;
  put_var_bytes(out, finder_script);
  put_bytes(out, parts.finder_tail);
  return out;
}

Bytes suffix_for(const CoinbaseParts& parts, BytesView finder_script) {
  return can_pay_finder(parts, finder_script) ? finder_suffix(parts, finder_script) : parts.treasury_suffix;
}

void update_with_suffix(Sha256& hash, const CoinbaseParts& parts, BytesView finder_script) {
  if (!can_pay_finder(parts, finder_script)) {
    hash.update(parts.treasury_suffix);
    return;
  }
  Bytes size;
  put_compact_size(size, finder_script.size());
  hash.update(parts.finder_head).update(size).update(finder_script).update(parts.finder_tail);
}

Bytes join_coinbase(BytesView prefix, BytesView extranonce, BytesView suffix) {
  Bytes out;
  out.reserve(prefix.size() + extranonce.size() + suffix.size());
  put_bytes(out, prefix);
  put_bytes(out, extranonce);
  put_bytes(out, suffix);
  return out;
}

Hash256 coinbase_txid(BytesView prefix, BytesView extranonce, BytesView suffix) {
  return Sha256().update(prefix).update(extranonce).update(suffix).finish_double();
}

Bytes with_witness(BytesView stripped) {
  Transaction tx;
  try {
    tx = parse_transaction(stripped);
  } catch (const Error& e) {
    throw e.in("coinbase");
  }
  if (!tx.is_coinbase()) throw Error(Exit::data, "coinbase: its input is not the null outpoint");
  if (tx.has_witness()) throw Error(Exit::data, "coinbase: it already has a witness");
  tx.inputs[0].witness = {Bytes(32, 0)};
  return serialize(tx);
}

}  // namespace hh::bitcoin
