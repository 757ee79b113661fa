// The answer of getblocktemplate (BIP22, BIP23, BIP145) as a value that has been checked against itself, and blocks made from it.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/amount.h"
#include "bitcoin/hash.h"
#include "bitcoin/header.h"
#include "bitcoin/target.h"

namespace hh::bitcoin {

struct TemplateTransaction {
  Hash256 txid;
  Hash256 wtxid;  // field `hash` of BIP145
  Sat fee;
  std::string data_hex;  // as it goes into the block
};

struct BlockTemplate {
  uint32_t height = 0;
  Hash256 prev_hash;
  uint32_t version = 0;
  uint32_t curtime = 0;  // unix seconds
  uint32_t mintime = 0;  // the least time a block may carry
  uint32_t bits = 0;
  Target target;
  Sat subsidy;  // coinbasevalue less the fees
  Sat fees;     // sum of the transactions' fees
  Bytes coinbase_aux;
  Bytes witness_commitment_script;  // default_witness_commitment; empty where the template has none
  std::vector<TemplateTransaction> transactions;  // without the coinbase, in block order
  std::string longpollid;
  std::vector<std::string> rules;  // "segwit", "!signet" …

  std::vector<Hash256> merkle_branch() const;  // see coinbase_branch
};

// Throws Error(data) naming the field that is missing or of the wrong kind, or the contradiction: target and bits, a negative fee, fees
// above coinbasevalue, a txid that is not the hash of its data, a rule it requires ("!…") that we do not know, a witness commitment that the
// transactions do not have. Unknown fields are ignored.
BlockTemplate parse_block_template(const nlohmann::ordered_json& result);  // json::Json
BlockTemplate parse_block_template(const std::string& json_text);

// The block in hex as submitblock takes it. coinbase_with_witness: see with_witness().
std::string block_hex(const BlockHeader& header, BytesView coinbase_with_witness, const std::vector<TemplateTransaction>& transactions);

}  // namespace hh::bitcoin
