#include "records/block.h"

#include "base/error.h"
#include "json/fields.h"

namespace hh::records {
namespace {
bitcoin::Hash256 hash_field(const json::Fields& f, const char* field) { return *bitcoin::Hash256::from_display_hex(f.hex_text(field, 32)); }
}  // namespace

Block parse_block(const Json& record) {
  json::require_record(record, "block");
  const json::Fields f(record);
  Block b;
  b.source = source_field(f);
  b.seq = seq_field(f, "seq");
  b.time_ms = f.integer("time_ms");
  b.simulated = simulated_field(f);
  b.chain = chain_field(f);
  require_simulated_on_dev(b.chain, b.simulated);
  b.job = f.text("job", max_name);
  b.share_seq = seq_field(f, "share_seq");
  if (b.share_seq + 1 != b.seq) throw Error(Exit::data, "field \"share_seq\" must be seq - 1: the share that won comes right before its block");
  b.height = static_cast<uint32_t>(f.integer("height", 0, INT32_MAX));
  b.hash = hash_field(f, "hash");
  b.prev_hash = hash_field(f, "prev_hash");
  b.nbits = hex32_field(f, "nbits");
  b.miner = miner_field(f);
  b.worker = worker_field(f);
  b.subsidy = f.sat("subsidy_sat");
  b.fees = f.sat("fees_sat");
  b.fee_to = fee_to_field(f);
  b.treasury_keeps = treasury_keeps_field(f, b.subsidy + b.fees);
  if (b.treasury_keeps && b.fee_to != FeeTo::coinbase) throw Error(Exit::data, "field \"fee_to\" must be coinbase where the coinbase pays the subsidy to the miner");
  b.coinbase_txid = hash_field(f, "coinbase_txid");
  return b;
}

std::string block_line(const Block& b) {
  Json r = json::make_record("block");
  r["source"] = b.source;
  r["seq"] = b.seq;
  r["time_ms"] = b.time_ms;
  if (b.simulated) r["simulated"] = true;
  r["chain"] = bitcoin::network_name(b.chain);
  r["job"] = b.job;
  r["share_seq"] = b.share_seq;
  r["height"] = b.height;
  r["hash"] = b.hash.to_display_hex();
  r["prev_hash"] = b.prev_hash.to_display_hex();
  r["nbits"] = hex32(b.nbits);
  r["miner"] = b.miner;
  r["worker"] = b.worker;
  r["subsidy_sat"] = b.subsidy.count();
  r["fees_sat"] = b.fees.count();
  r["fee_to"] = name(b.fee_to);
  put_treasury_keeps(r, b.treasury_keeps);
  r["coinbase_txid"] = b.coinbase_txid.to_display_hex();
  return json::to_line(r);
}

Submission parse_submission(const Json& record) {
  json::require_record(record, "submission");
  const json::Fields f(record);
  Submission s;
  s.source = source_field(f);
  s.simulated = simulated_field(f);
  s.hash = hash_field(f, "hash");
  s.height = static_cast<uint32_t>(f.integer("height", 0, INT32_MAX));
  s.result = f.text("result", 16);
  if (s.result != "accepted" && s.result != "rejected" && s.result != "unknown")
    throw Error(Exit::data, "field \"result\" must be accepted, rejected or unknown");
  s.reason = f.text("reason");
  s.node = f.text("node");
  s.time_ms = f.integer("time_ms");
  return s;
}

std::string submission_line(const Submission& s) {
  Json r = json::make_record("submission");
  r["source"] = s.source;
  if (s.simulated) r["simulated"] = true;
  r["hash"] = s.hash.to_display_hex();
  r["height"] = s.height;
  r["result"] = s.result;
  r["reason"] = s.reason;
  r["node"] = s.node;
  r["time_ms"] = s.time_ms;
  return json::to_line(r);
}

}  // namespace hh::records
