#include "base/error.h"
#include "json/fields.h"
#include "records/round.h"

namespace hh::records {

Cycle parse_cycle(const Json& record) {
  json::require_record(record, "cycle");
  const json::Fields f(record);
  Cycle c;
  c.simulated = simulated_field(f);
  c.chain = chain_field(f);
  require_simulated_on_dev(c.chain, c.simulated);
  c.cycle = f.integer("cycle", 0, 1'000'000);
  if (f.integer("start_ms") != c.start_ms() || f.integer("end_ms") != c.end_ms()) throw Error(Exit::data, "cycle: start_ms and end_ms are not those of its number");
  const std::string status = f.text("status", 16);
  if (status != "open" && status != "closed") throw Error(Exit::data, "cycle: field \"status\" must be open or closed");
  c.closed = status == "closed";
  c.node_pool = f.msat("node_pool_msat");
  for (const Json& item : f.array("nodes")) {
    const json::Fields n(item);
    CycleNode node{n.text("node", max_name), n.msat("carried_msat")};
    if (!is_miner_name(node.node)) throw Error(Exit::data, "cycle: field \"node\" must be printable ASCII characters without space");
    if (!c.nodes.empty() && c.nodes.back().node >= node.node) throw Error(Exit::data, "cycle: field \"nodes\" must be sorted by node, each once");
    c.nodes.push_back(std::move(node));
  }
  return c;
}

std::string cycle_line(const Cycle& c) {
  Json r = json::make_record("cycle");
  if (c.simulated) r["simulated"] = true;
  r["chain"] = bitcoin::network_name(c.chain);
  r["cycle"] = c.cycle;
  r["start_ms"] = c.start_ms();
  r["end_ms"] = c.end_ms();
  r["status"] = c.closed ? "closed" : "open";
  r["node_pool_msat"] = c.node_pool.count();
  Json nodes = Json::array();
  for (const CycleNode& n : c.nodes) nodes.push_back(Json{{"node", n.node}, {"carried_msat", n.carried.count()}});
  r["nodes"] = std::move(nodes);
  return json::to_line(r);
}

}  // namespace hh::records
