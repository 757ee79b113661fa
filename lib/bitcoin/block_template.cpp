#include "bitcoin/block_template.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "bitcoin/merkle.h"
#include "bitcoin/transaction.h"
#include "bitcoin/wire.h"
#include "json/fields.h"
#include "json/strict.h"

namespace hh::bitcoin {

namespace {

using json::Fields;
using json::Json;

uint32_t u32_field(const Fields& f, const char* name) { return static_cast<uint32_t>(f.integer(name, 0, UINT32_MAX)); }

Hash256 hash_field(const Fields& f, const char* name) { return *Hash256::from_display_hex(f.hex_text(name, 32)); }

uint32_t bits_field(const Fields& f) {
  std::array<uint8_t, 4> b;
  from_hex(f.hex_text("bits", b.size()), b);
  return static_cast<uint32_t>(b[0]) << 24 | static_cast<uint32_t>(b[1]) << 16 | static_cast<uint32_t>(b[2]) << 8 | b[3];
}

// The values of coinbaseaux, which go into the coinbase's script; their names mean nothing.
Bytes aux_field(const Fields& f) {
  Bytes out;
  if (!f.has("coinbaseaux")) return out;
  const Json& aux = f.object("coinbaseaux");
  for (auto it = aux.begin(); it != aux.end(); ++it) put_bytes(out, Fields(aux).hex(it.key().c_str()));
  return out;
}

TemplateTransaction read_template_transaction(const Json& value) {
  const Fields f(value);
  TemplateTransaction t{hash_field(f, "txid"), hash_field(f, "hash"), f.sat("fee"), f.text("data", size_t{8} << 20)};
  const auto data = from_hex(t.data_hex);
  if (!data) throw Error(Exit::data, "field \"data\" is not hexadecimal");
  const Transaction tx = parse_transaction(*data);
  if (tx.txid() != t.txid || sha256d(*data) != t.wtxid) throw Error(Exit::data, "\"txid\" or \"hash\" is not that of \"data\"");
  return t;
}

std::vector<TemplateTransaction> transactions_field(const Fields& f) {
  std::vector<TemplateTransaction> out;
  for (const Json& value : f.array("transactions")) {
    try {
      out.push_back(read_template_transaction(value));
    } catch (const Error& e) {
      throw e.in("transaction " + std::to_string(out.size() + 1));
    }
  }
  return out;
}

// A rule with "!" changes what a valid block is: who does not know it must not build one (BIP9, "getblocktemplate changes").
void check_rules(const Fields& f, const std::vector<std::string>& rules) {
  constexpr std::array<std::string_view, 3> known{"!segwit", "!csv", "!taproot"};
  for (const auto& rule : rules) {
    if (rule.empty() || rule[0] != '!' || std::find(known.begin(), known.end(), rule) != known.end()) continue;
    if (rule != "!signet") throw Error(Exit::data, "it requires the rule \"" + rule.substr(1) + "\", which this version does not know");
    // BIP325: the challenge OP_TRUE is met by no signature at all.
    if (f.text("signet_challenge") != "51") throw Error(Exit::data, "this signet's blocks must be signed (its signet_challenge is not 51), which is not supported");
  }
}

void check_witness_commitment(const BlockTemplate& t) {
  std::vector<Hash256> wtxids;
  bool any_witness = false;
  for (const auto& tx : t.transactions) {
    wtxids.push_back(tx.wtxid);
    any_witness = any_witness || tx.wtxid != tx.txid;
  }
  if (t.witness_commitment_script.empty()) {
    if (any_witness) throw Error(Exit::data, "transactions have witnesses, but default_witness_commitment is missing: ask with rules [\"segwit\"]");
    return;
  }
  Hash256 stated;
  if (!read_witness_commitment(t.witness_commitment_script, stated) || stated != witness_commitment(std::move(wtxids))) {
    throw Error(Exit::data, "default_witness_commitment is not that of its transactions");
  }
}

void check_target(const BlockTemplate& t, const Fields& f) {
  const auto from_bits = Target::from_compact(t.bits);
  if (!from_bits) throw Error(Exit::data, "field \"bits\" is no valid target");
  if (f.has("target") && Uint256::from_hex(f.hex_text("target", 32)) != from_bits->value) throw Error(Exit::data, "\"target\" and \"bits\" contradict each other");
}

// Subsidy and fees from coinbasevalue, which is their sum.
void split_reward(BlockTemplate& t, Sat coinbase_value) {
  for (const auto& tx : t.transactions) t.fees += tx.fee;
  t.subsidy = coinbase_value - t.fees;
  if (t.subsidy.is_negative()) {
    throw Error(Exit::data, "its transactions' fees (" + std::to_string(t.fees.count()) + " sat) exceed its coinbasevalue (" + std::to_string(coinbase_value.count()) + " sat)");
  }
}

BlockTemplate read_template(const Json& result) {
  const Fields f(result);
  BlockTemplate t;
  t.height = static_cast<uint32_t>(f.integer("height", 1, INT32_MAX));
  t.prev_hash = hash_field(f, "previousblockhash");
  t.version = static_cast<uint32_t>(f.integer("version", INT32_MIN, UINT32_MAX));
  t.curtime = u32_field(f, "curtime");
  t.mintime = f.has("mintime") ? u32_field(f, "mintime") : 0;
  t.bits = bits_field(f);
  check_target(t, f);
  t.target = *Target::from_compact(t.bits);
  t.coinbase_aux = aux_field(f);
  if (f.has("default_witness_commitment")) t.witness_commitment_script = f.hex("default_witness_commitment");
  t.longpollid = f.optional_text("longpollid").value_or("");
  if (f.has("rules"))
    for (const Json& rule : f.array("rules")) t.rules.push_back(rule.is_string() ? rule.get<std::string>() : "");
  check_rules(f, t.rules);
  t.transactions = transactions_field(f);
  split_reward(t, f.sat("coinbasevalue"));
  check_witness_commitment(t);
  return t;
}

}  // namespace

std::vector<Hash256> BlockTemplate::merkle_branch() const {
  std::vector<Hash256> txids;
  for (const auto& tx : transactions) txids.push_back(tx.txid);
  return coinbase_branch(txids);
}

BlockTemplate parse_block_template(const Json& result) {
  try {
    return read_template(result);
  } catch (const Error& e) {
    throw e.in("block template");
  }
}


BlockTemplate parse_block_template(const std::string& json_text) { return parse_block_template(json::parse(json_text)); }

std::string block_hex(const BlockHeader& header, BytesView coinbase_with_witness, const std::vector<TemplateTransaction>& transactions) {
  const auto head = header.serialize();
  Bytes start(head.begin(), head.end());
  put_compact_size(start, 1 + transactions.size());
  put_bytes(start, coinbase_with_witness);
  std::string out = to_hex(start);
  for (const auto& tx : transactions) out += tx.data_hex;
  return out;
}

}  // namespace hh::bitcoin
