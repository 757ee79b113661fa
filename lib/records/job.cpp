#include "records/job.h"

#include <algorithm>

#include "base/error.h"
#include "json/fields.h"
#include "records/share.h"

namespace hh::records {
namespace {

std::vector<bitcoin::Hash256> parse_branch(const Json& array) {
  if (array.size() > 32) throw Error(Exit::data, "field \"merkle_branch\" has more than 32 hashes");
  std::vector<bitcoin::Hash256> branch;
  for (const Json& item : array) {
    bitcoin::Hash256 h;
    if (!item.is_string() || !from_hex(item.get_ref<const std::string&>(), h.bytes))
      throw Error(Exit::data, "field \"merkle_branch\" must hold hashes of 64 hex digits");
    branch.push_back(h);
  }
  return branch;
}

}  // namespace

Job parse_job(const Json& record) {
  json::require_record(record, "job");
  const json::Fields f(record);
  Job j;
  j.source = source_field(f);
  j.job = f.text("job", max_name);
  if (!is_source_name(j.job)) throw Error(Exit::data, "field \"job\" must be printable ASCII characters without space");
  j.time_ms = f.integer("time_ms");
  j.chain = chain_field(f);
  j.simulated = simulated_field(f);
  require_simulated_on_dev(j.chain, j.simulated);
  j.height = static_cast<uint32_t>(f.integer("height", 0, INT32_MAX));
  j.prev_hash = *bitcoin::Hash256::from_display_hex(f.hex_text("prev_hash", 32));
  j.version = hex32_field(f, "version");
  j.nbits = hex32_field(f, "nbits");
  if (!bitcoin::Target::from_compact(j.nbits)) throw Error(Exit::data, "field \"nbits\" is not a valid compact target");
  j.ntime = hex32_field(f, "ntime");
  j.subsidy = f.sat("subsidy_sat");
  j.fees = f.sat("fees_sat");
  j.treasury_keeps = treasury_keeps_field(f, j.subsidy + j.fees);
  j.coinbase_prefix = f.hex("coinbase_prefix");
  j.coinbase_suffix_treasury = f.hex("coinbase_suffix_treasury");
  j.coinbase_suffix_head = f.hex("coinbase_suffix_head");
  j.coinbase_suffix_tail = f.hex("coinbase_suffix_tail");
  j.extranonce1_size = static_cast<uint8_t>(f.integer("extranonce1_size", 0, max_extranonce));
  j.extranonce2_size = static_cast<uint8_t>(f.integer("extranonce2_size", 0, static_cast<int64_t>(max_extranonce) - j.extranonce1_size));
  j.merkle_branch = parse_branch(f.array("merkle_branch"));
  j.tx_count = static_cast<uint32_t>(f.integer("tx_count", 1, INT32_MAX));
  return j;
}

std::string job_line(const Job& j) {
  Json r = json::make_record("job");
  r["source"] = j.source;
  r["job"] = j.job;
  r["time_ms"] = j.time_ms;
  r["chain"] = bitcoin::network_name(j.chain);
  if (j.simulated) r["simulated"] = true;
  r["height"] = j.height;
  r["prev_hash"] = j.prev_hash.to_display_hex();
  r["version"] = hex32(j.version);
  r["nbits"] = hex32(j.nbits);
  r["ntime"] = hex32(j.ntime);
  r["subsidy_sat"] = j.subsidy.count();
  r["fees_sat"] = j.fees.count();
  put_treasury_keeps(r, j.treasury_keeps);
  r["coinbase_prefix"] = to_hex(j.coinbase_prefix);
  r["coinbase_suffix_treasury"] = to_hex(j.coinbase_suffix_treasury);
  r["coinbase_suffix_head"] = to_hex(j.coinbase_suffix_head);
  r["coinbase_suffix_tail"] = to_hex(j.coinbase_suffix_tail);
  r["extranonce1_size"] = j.extranonce1_size;
  r["extranonce2_size"] = j.extranonce2_size;
  Json branch = Json::array();
  for (const auto& h : j.merkle_branch) branch.push_back(to_hex(h.view()));
  r["merkle_branch"] = std::move(branch);
  r["tx_count"] = j.tx_count;
  return json::to_line(r);
}

}  // namespace hh::records
