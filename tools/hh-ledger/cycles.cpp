// Cycles of the node pool: seven days each, counted from the epoch. An open one is what the pool holds now; closing freezes that amount and
// what nodes carry. They close in order, and only when the manifest of the last closed one has been posted: until then the pool still
// holds what that manifest gives away. Cycles in which nothing was closed are simply passed over; the pool keeps what is in it.
#include <fmt/format.h>

#include "audit.h"
#include "base/error.h"
#include "base/hex.h"
#include "books.h"
#include "crypto/digest.h"
#include "rounds.h"

namespace hh::ledger {
namespace {

records::Cycle current(Ledger& ledger, int64_t cycle) {
  const auto chain = ledger.require_chain();
  records::Cycle c;
  c.chain = chain.network, c.simulated = chain.simulated, c.cycle = cycle;
  c.node_pool = -balance(ledger, "node_pool");
  for (const auto& [node, amount] : carried(ledger, "node:")) c.nodes.push_back({node, amount});
  return c;
}

std::optional<records::Cycle> frozen(Ledger& ledger, int64_t cycle) {
  auto s = ledger.db().statement("SELECT node_pool_msat FROM cycles WHERE id = ?1");
  if (!s.first(cycle)) return std::nullopt;
  const auto chain = ledger.require_chain();
  records::Cycle c;
  c.chain = chain.network, c.simulated = chain.simulated, c.cycle = cycle, c.closed = true;
  c.node_pool = s.msat(0);
  auto n = ledger.db().statement("SELECT name, carried_msat FROM cycle_nodes JOIN nodes ON id = node_id WHERE cycle_id = ?1 ORDER BY name");
  n.bind_all(cycle);
  while (n.step()) c.nodes.push_back({n.text(0), n.msat(1)});
  return c;
}

void require_closable(Ledger& ledger, const records::Cycle& c) {
  if (ledger.clock().unix_ms() < c.end_ms()) throw Error(Exit::temp_fail, fmt::format("cycle {} ends at {}: not yet", c.cycle, to_iso8601(c.end_ms())));
  auto s = ledger.db().statement("SELECT c.id, p.id FROM cycles c LEFT JOIN payouts p ON p.cycle_id = c.id ORDER BY c.id DESC LIMIT 1");
  if (!s.step()) return;
  if (s.int64(0) > c.cycle) throw Error(Exit::data, fmt::format("cycle {} is over and passed: cycle {} is closed", c.cycle, s.int64(0)));
  if (s.is_null(1)) throw Error(Exit::temp_fail, fmt::format("cycle {} is in the way: it is closed, but its manifest has not been posted", s.int64(0)));
}

int64_t node_id(Ledger& ledger, const std::string& name) {
  auto s = ledger.db().statement("SELECT id FROM nodes WHERE name = ?1");
  if (s.first(name)) return s.int64(0);
  ledger.db().statement("INSERT INTO nodes(name) VALUES (?1)").run(name);
  return ledger.db().last_insert_rowid();
}

}  // namespace

records::Cycle read_cycle(Ledger& ledger, int64_t cycle) {
  if (auto c = frozen(ledger, cycle)) return *c;
  return current(ledger, cycle);
}

records::Cycle close_cycle(Ledger& ledger, int64_t cycle) {
  Change change(ledger);
  if (auto c = frozen(ledger, cycle)) return *c;
  records::Cycle c = current(ledger, cycle);
  require_closable(ledger, c);
  c.closed = true;
  auto& db = ledger.db();
  db.statement("INSERT INTO cycles(id, node_pool_msat, closed_ms) VALUES (?1, ?2, ?3)").run(cycle, c.node_pool, ledger.clock().unix_ms());
  for (const auto& n : c.nodes)
    db.statement("INSERT INTO cycle_nodes(cycle_id, node_id, carried_msat) VALUES (?1, ?2, ?3)").run(cycle, node_id(ledger, n.node), n.carried);
  audit(ledger, "cycle_closed", {{"cycle", cycle}, {"node_pool_msat", c.node_pool.count()}, {"record_sha256", to_hex(crypto::sha256(records::cycle_line(c)))}});
  change.commit();
  return c;
}

}  // namespace hh::ledger
