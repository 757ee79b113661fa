#include "records/miner.h"

#include "base/error.h"
#include "json/fields.h"

namespace hh::records {

Miner parse_miner(const Json& record) {
  json::require_record(record, "miner");
  const json::Fields f(record);
  Miner m;
  m.miner = miner_field(f);
  m.address = f.optional_text("address", max_name);
  if (m.address && !is_miner_name(*m.address)) throw Error(Exit::data, "field \"address\" must be an address");
  if (f.has("destination")) m.destination = parse_destination(f.object("destination"));
  return m;
}

std::string miner_line(const Miner& m) {
  Json r = json::make_record("miner");
  r["miner"] = m.miner;
  if (m.address) r["address"] = *m.address;
  if (m.destination) r["destination"] = to_json(*m.destination);
  return json::to_line(r);
}

}  // namespace hh::records
