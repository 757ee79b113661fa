#include "reinvest/book.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "json/canonical.h"
#include "json/fields.h"

namespace hh::ln {
namespace {

constexpr int64_t ns_per_second = 1'000'000'000, ns_per_ms = 1'000'000;
// How far back a node's list is read again. What ends now may be written a quarter of a minute later, and under an earlier nanosecond than what is there.
constexpr int64_t overlap_seconds = 3600;

// Those of the treasurer, and of the node that the order is about, as the policy names it.
crypto::KeySet keys_for(const Order& order, crypto::KeySet keys, const std::optional<ReinvestPolicy>& policy) {
  const PolicyNode* node = policy ? policy->find(node_of(order)) : nullptr;
  if (node && !node->key.empty()) keys.add(crypto::VerifyKey::parse(node->key, "key of node " + node->node));
  return keys;
}

}  // namespace

ReinvestBook::ReinvestBook(Journal& journal, const Clock& clock) : journal_(journal), db_(journal.database()), clock_(clock) {}

bool ReinvestBook::accept(const SignedOrder& s, const crypto::KeySet& treasurers, const std::string& chain) {
  const Order& o = s.order;
  const std::string kind = kind_of(o), node = node_of(o), what = node.empty() ? kind : fmt::format("{} of {}", kind, node);
  Journal::Work work(journal_);
  const auto now_in_force = policy();
  require_signature(s, keys_for(o, treasurers, now_in_force), clock_.unix_seconds());
  const auto is = bitcoin::network_name(chain_of(o));
  const std::string wanted = now_in_force ? std::string(bitcoin::network_name(now_in_force->chain)) : chain;
  if (!wanted.empty() && is != wanted) throw Error(Exit::data, fmt::format("order refused: it is for chain {}, not {}", is, wanted));
  {
    auto there = db_.statement("SELECT id, jws FROM reinvest_orders WHERE kind = ?1 AND node = ?2 AND sequence = ?3");
    if (there.first(kind, node, sequence_of(o))) {
      const SignedOrder kept = read_signed_order(journal_.vault().open("reinvest_orders.jws", std::to_string(there.int64(0)), there.text(1)));
      if (kept.parsed.payload == s.parsed.payload) return false;
      throw Error(Exit::data, fmt::format("order refused: {} {} is there already, and says something else", what, sequence_of(o)));
    }
  }
  if (kind != "policy" && !now_in_force) throw Error(Exit::data, "order refused: there is no policy yet");
  auto last = db_.statement("SELECT count(*) FROM reinvest_orders WHERE kind = ?1 AND node = ?2");
  last.first(kind, node);
  const int64_t next = last.int64(0) + 1;
  last.reset();
  if (sequence_of(o) != next) throw Error(Exit::data, fmt::format("order refused: it is {} {}, and {} comes next", what, sequence_of(o), next));
  const Operator who = operator_of_process();
  const int64_t id = db_.query_int64("SELECT coalesce(max(id), 0) + 1 FROM reinvest_orders");
  db_.statement("INSERT INTO reinvest_orders (id, kind, node, sequence, kid, signed_at, accepted_ms, accepted_by, jws) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")
      .run(id, kind, node, sequence_of(o), s.parsed.header.kid, s.parsed.header.iat, clock_.unix_ms(), who.name, journal_.vault().seal("reinvest_orders.jws", std::to_string(id), s.jws));
  insert(s, id);
  journal_.decide({.action = "reinvest", .manifest_id = {}, .line = {}, .hash = {}, .reason = fmt::format("{} {}, signed by {}", what, sequence_of(o), s.parsed.header.kid), .who = who}, [] { return true; });
  work.commit();
  return true;
}

void ReinvestBook::insert(const SignedOrder& s, int64_t id) {
  if (const auto* p = std::get_if<ReinvestPolicy>(&s.order)) {
    db_.statement("INSERT INTO reinvest_policies (sequence, order_id, chain, reinvest_ppm, least_reinvest_ppm, most_reinvest_ppm, min_withdrawal_msat, max_withdrawal_msat, max_day_msat, reserve_msat) "
                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")
        .run(p->sequence, id, bitcoin::network_name(p->chain), p->reinvest_ppm, p->least_reinvest_ppm, p->most_reinvest_ppm, p->min_withdrawal, p->max_withdrawal, p->max_day, p->reserve);
    for (const PolicyNode& n : p->nodes) db_.statement("INSERT INTO reinvest_nodes (policy, node, weight, key) VALUES (?1, ?2, ?3, ?4)").run(p->sequence, n.node, n.weight, n.key);
  } else if (const auto* w = std::get_if<Preference>(&s.order)) {
    db_.statement("INSERT INTO reinvest_preferences (order_id, node, sequence, reinvest_ppm) VALUES (?1, ?2, ?3, ?4)").run(id, w->node, w->sequence, w->reinvest_ppm);
  } else {
    const auto& order = std::get<WithdrawalOrder>(s.order);
    db_.statement("INSERT INTO withdrawals (order_id, node, sequence, amount_msat, at_once) VALUES (?1, ?2, ?3, ?4, ?5)")
        .run(id, order.node, order.sequence, order.amount, order.destination.kind == records::DestinationKind::bolt11);
  }
}

void ReinvestBook::each_order(const crypto::KeySet* treasurers, const std::function<void(const KeptOrder&)>& each) {
  std::vector<KeptOrder> all;
  {
    auto rows = db_.statement("SELECT id, jws, accepted_ms, accepted_by FROM reinvest_orders ORDER BY id");
    while (rows.step()) all.push_back({read_signed_order(journal_.vault().open("reinvest_orders.jws", std::to_string(rows.int64(0)), rows.text(1))), rows.int64(2), rows.text(3)});
  }
  std::optional<ReinvestPolicy> then;
  for (const KeptOrder& kept : all) {
    const SignedOrder& s = kept.signed_order;
    if (treasurers) require_signature(s, keys_for(s.order, *treasurers, then), s.parsed.header.iat);
    if (const auto* p = std::get_if<ReinvestPolicy>(&s.order)) then = *p;
    each(kept);
  }
}

std::optional<ReinvestPolicy> ReinvestBook::policy() {
  ReinvestPolicy p;
  {
    auto row = db_.statement("SELECT sequence, chain, reinvest_ppm, least_reinvest_ppm, most_reinvest_ppm, min_withdrawal_msat, max_withdrawal_msat, max_day_msat, reserve_msat FROM reinvest_policies "
                             "ORDER BY sequence DESC LIMIT 1");
    if (!row.first()) return {};
    const auto chain = bitcoin::network_from_name(row.text(1));
    if (!chain) throw Error(Exit::data, "the journal has a policy for an unknown chain");
    p = {.chain = *chain, .sequence = row.int64(0), .reinvest_ppm = row.int64(2), .least_reinvest_ppm = row.int64(3), .most_reinvest_ppm = row.int64(4), .min_withdrawal = row.msat(5), .max_withdrawal = row.msat(6),
         .max_day = row.msat(7), .reserve = row.msat(8), .nodes = {}};
  }
  auto rows = db_.statement("SELECT node, weight, key FROM reinvest_nodes WHERE policy = ?1 ORDER BY node");
  for (bool more = rows.first(p.sequence); more; more = rows.step()) p.nodes.push_back({rows.text(0), rows.int64(1), rows.text(2)});
  return p;
}

ReinvestPolicy ReinvestBook::require_policy() {
  auto p = policy();
  if (!p) throw Error(Exit::config, "there is no policy for what forwarding earns: sign one and give it to `hh-ln reinvest accept`");
  return *p;
}

std::optional<int64_t> ReinvestBook::preference(const std::string& node) {
  auto row = db_.statement("SELECT reinvest_ppm FROM reinvest_preferences WHERE node = ?1 ORDER BY sequence DESC LIMIT 1");
  if (!row.first(node)) return {};
  return row.int64(0);
}

int64_t ReinvestBook::since(const std::string& node) {
  auto row = db_.statement("SELECT coalesce(max(timestamp_ns), 0) FROM forwards WHERE node = ?1");
  row.first(node);
  return std::max<int64_t>(0, row.int64(0) / ns_per_second - overlap_seconds);
}

std::vector<int64_t> ReinvestBook::take_in(const std::string& node, int64_t since, const std::vector<Forward>& listed) {
  Journal::Work work(journal_);
  const int64_t since_ns = since * ns_per_second;
  int64_t from_ns = since_ns;  // a node may list more than it was asked for
  for (const Forward& f : listed) from_ns = std::min(from_ns, f.timestamp_ns);
  std::map<int64_t, Forward> known;
  {
    auto rows = db_.statement("SELECT timestamp_ns, chan_in, chan_out, htlc_in, htlc_out, in_msat, out_msat, fee_msat FROM forwards WHERE node = ?1 AND timestamp_ns >= ?2");
    for (bool more = rows.first(node, from_ns); more; more = rows.step())
      known[rows.int64(0)] = {rows.int64(0), rows.text(1), rows.text(2), static_cast<uint64_t>(rows.int64(3)), static_cast<uint64_t>(rows.int64(4)), rows.msat(5), rows.msat(6), rows.msat(7)};
  }
  std::set<int64_t> there;
  for (const Forward& f : listed) {
    there.insert(f.timestamp_ns);
    const auto at = known.find(f.timestamp_ns);
    if (at == known.end()) {
      known[f.timestamp_ns] = f;
      db_.statement("INSERT INTO forwards (node, timestamp_ns, chan_in, chan_out, htlc_in, htlc_out, in_msat, out_msat, fee_msat, seen_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")
          .run(node, f.timestamp_ns, f.chan_in, f.chan_out, f.htlc_in, f.htlc_out, f.in, f.out, f.fee, clock_.unix_ms());
    } else if (at->second != f) {
      throw Error(Exit::data, fmt::format("the node lists the forward of {} ns with a fee of {} msat, and listed it with {} before: is this the node that the journal knows?", f.timestamp_ns, f.fee.count(), at->second.fee.count()));
    }
  }
  std::vector<int64_t> missing;
  for (const auto& [timestamp, forward] : known)
    if (timestamp >= since_ns && !there.contains(timestamp) &&
        db_.statement("INSERT INTO missing_forwards (node, timestamp_ns, noticed_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING").run(node, timestamp, clock_.unix_ms()) == 1)
      missing.push_back(timestamp);
  work.commit();
  return missing;
}

std::optional<payout::FeeSweep> ReinvestBook::sweep(const Identity& identity, int64_t until_ms) { return sweep_at(identity, until_ms, clock_.unix_ms()); }

bool ReinvestBook::make_again(const Identity& identity, const payout::FeeSweep& made) {
  const auto fail = [&](const std::string& why) { throw Error(Exit::data, fmt::format("sweep {} of node {} cannot be made again: {}", made.number, made.node, why)); };
  if (made.node != identity.node) fail("the wallet is another node");
  Journal::Work work(journal_);
  auto there = db_.statement("SELECT record FROM fee_sweeps WHERE node = ?1 AND number = ?2");
  if (there.first(made.node, made.number)) {
    if (payout::sweep_from_record(json::parse(there.text_view(0))) != made) fail("the journal has it with other amounts");
    return false;
  }
  const auto again = sweep_at(identity, made.until_ms, made.time_ms);
  if (!again) fail("the node lists no forwards for it");
  if (*again != made) fail(fmt::format("it would be sweep {} by policy {}, of {} forwards that earned {} msat; first accept the orders that were in force, and give all sweeps in their order", again->number, again->policy, again->forwards, again->earned.count()));
  work.commit();
  return true;
}

std::optional<payout::FeeSweep> ReinvestBook::sweep_at(const Identity& identity, int64_t until_ms, int64_t time_ms) {
  Journal::Work work(journal_);
  payout::FeeSweep s;
  {
    auto row = db_.statement("SELECT count(*), coalesce(sum(fee_msat), 0) FROM forwards WHERE node = ?1 AND sweep IS NULL AND timestamp_ns < ?2");
    row.first(identity.node, until_ms * ns_per_ms);
    s.forwards = row.int64(0), s.earned = row.msat(1);
  }
  if (s.earned.is_zero()) return {};
  const ReinvestPolicy p = require_policy();
  if (identity.chain != bitcoin::network_name(p.chain)) throw Error(Exit::data, fmt::format("the policy is for chain {}, and the node is on {}", bitcoin::network_name(p.chain), identity.chain));
  s.simulated = identity.simulated, s.chain = p.chain, s.node = identity.node, s.until_ms = until_ms, s.policy = p.sequence, s.time_ms = time_ms;
  for (const PolicyNode& n : p.nodes) s.parts.push_back({n.node, n.weight, p.applied_ppm(preference(n.node)), {}, {}});
  divide(s);
  {
    auto count = db_.statement("SELECT count(*) FROM fee_sweeps WHERE node = ?1");
    count.first(s.node);
    s.number = count.int64(0) + 1;
  }
  db_.statement("INSERT INTO fee_sweeps (node, number, policy, forwards, earned_msat, reserve_msat, record) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
      .run(s.node, s.number, s.policy, s.forwards, s.earned, s.reserve, json::to_line(payout::to_record(s)));
  const int64_t id = db_.last_insert_rowid();
  for (const payout::SweepPart& part : s.parts)
    db_.statement("INSERT INTO fee_parts (sweep, node, part_msat, reinvest_ppm, withdrawable_msat) VALUES (?1, ?2, ?3, ?4, ?5)").run(id, part.node, part.part, part.reinvest_ppm, part.withdrawable);
  db_.statement("UPDATE forwards SET sweep = ?3 WHERE node = ?1 AND sweep IS NULL AND timestamp_ns < ?2").run(s.node, until_ms * ns_per_ms, id);
  db_.statement("INSERT INTO fee_sweep_seals (sweep) VALUES (?1)").run(id);
  work.commit();
  return s;
}

void ReinvestBook::each_sweep(const std::function<void(const json::Json&)>& each) {
  std::vector<std::string> all;
  {
    auto rows = db_.statement("SELECT record FROM fee_sweeps ORDER BY id");
    while (rows.step()) all.push_back(rows.text(0));
  }
  for (const std::string& record : all) each(json::parse(record));
}

ReinvestBook::Totals ReinvestBook::totals() {
  return {.earned = Msat(db_.query_int64("SELECT coalesce(sum(earned_msat), 0) FROM fee_sweeps")), .reserve = Msat(db_.query_int64("SELECT coalesce(sum(reserve_msat), 0) FROM fee_sweeps")),
          .unswept = Msat(db_.query_int64("SELECT coalesce(sum(fee_msat), 0) FROM forwards WHERE sweep IS NULL")), .sweeps = db_.query_int64("SELECT count(*) FROM fee_sweeps"),
          .missing = db_.query_int64("SELECT count(*) FROM missing_forwards")};
}

std::map<std::string, Msat> ReinvestBook::yields() {
  std::map<std::string, Msat> out;
  auto rows = db_.statement("SELECT node, msat FROM yields");
  while (rows.step()) out.emplace(rows.text(0), rows.msat(1));
  return out;
}

}  // namespace hh::ln
