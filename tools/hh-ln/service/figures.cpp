#include "service/figures.h"

#include <string_view>

namespace hh::ln {
namespace {

bool waits(std::string_view state) { return state != "PAID" && state != "HELD"; }

}  // namespace

QueueFigures queue_figures(store::Database& db) {
  QueueFigures out;
  auto rows = db.statement("SELECT state, lines, pay_msat FROM line_figures WHERE lines > 0");
  while (rows.step()) {
    const std::string state = rows.text(0);
    out.lines[state] = rows.int64(1);
    if (!waits(state)) continue;
    out.waiting += rows.int64(1);
    out.waiting_amount += rows.msat(2);
  }
  auto oldest = db.statement("SELECT first_seen_ms FROM manifests_waiting WHERE lines > 0 ORDER BY first_seen_ms LIMIT 1");
  if (oldest.first()) out.oldest_waiting_ms = oldest.int64(0);
  auto open = db.statement("SELECT min(created_ms) FROM attempts WHERE state IN ('SENDING', 'INFLIGHT', 'UNKNOWN')");
  if (open.first()) out.oldest_open_ms = open.optional_int64(0);
  return out;
}

SumFigures sum_figures(store::Database& db) {
  SumFigures out;
  auto rows = db.statement("SELECT name, value FROM counters");
  while (rows.step()) out.counters[rows.text(0)] = rows.int64(1);
  out.manifests = db.query_int64("SELECT count(*) FROM manifests_waiting");
  out.unacknowledged = db.query_int64("SELECT count(*) FROM foreign_payments LEFT JOIN acknowledgements USING (node, payment_hash) WHERE reason IS NULL AND status <> 'FAILED'");
  out.reserved = Msat(db.query_int64("SELECT coalesce(sum(amount_msat + fee_limit_msat), 0) FROM attempts WHERE state IN ('SENDING', 'INFLIGHT', 'UNKNOWN')"));
  auto transactions = db.statement("SELECT count(*), coalesce(sum(lines), 0), coalesce(sum(amount_sat), 0), coalesce(sum(fee_sat), 0), min(created_ms) FROM onchain_batches WHERE state IN ('RECORDED', 'BROADCAST')");
  if (transactions.first()) {
    out.transactions = transactions.int64(0), out.transaction_lines = transactions.int64(1), out.transaction_amount = transactions.sat(2);
    out.reserved += to_msat(out.transaction_amount + transactions.sat(3));
    out.oldest_transaction_ms = transactions.optional_int64(4);
  }
  return out;
}

std::vector<ManifestFigures> manifest_figures(store::Database& db, const std::string& after, const std::string& only, int64_t limit) {
  std::vector<ManifestFigures> out;
  auto rows = db.statement(R"sql(
    SELECT m.manifest_id, m.chain, m.kind, m.simulated, m.number, m.first_seen_ms, m.pay_msat,
      (SELECT count(*) FROM lines l WHERE l.manifest_id = m.manifest_id),
      (SELECT count(DISTINCT line) FROM attempts a WHERE a.manifest_id = m.manifest_id AND a.state = 'PAID') +
        (SELECT count(*) FROM onchain_claims c WHERE c.manifest_id = m.manifest_id AND c.state = 'CONFIRMED'),
      (SELECT count(*) FROM lines l WHERE l.manifest_id = m.manifest_id AND l.held_reason IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.manifest_id = l.manifest_id AND a.line = l.line AND a.state IN ('PAID', 'SENDING', 'INFLIGHT', 'UNKNOWN'))
         AND NOT EXISTS (SELECT 1 FROM onchain_claims c WHERE c.manifest_id = l.manifest_id AND c.line = l.line)),
      (SELECT coalesce(sum(amount_msat), 0) FROM attempts a WHERE a.manifest_id = m.manifest_id AND a.state = 'PAID') +
        (SELECT coalesce(sum(amount_sat), 0) * 1000 FROM onchain_claims c WHERE c.manifest_id = m.manifest_id AND c.state = 'CONFIRMED'),
      (SELECT coalesce(sum(fee_msat), 0) FROM attempts a WHERE a.manifest_id = m.manifest_id AND a.state = 'PAID') +
        (SELECT coalesce(sum(fee_msat), 0) FROM onchain_claims c WHERE c.manifest_id = m.manifest_id AND c.state = 'CONFIRMED')
    FROM manifests m
    WHERE (?2 = '' OR m.manifest_id = ?2)
      AND (?1 = '' OR (m.first_seen_ms, m.manifest_id) > (SELECT first_seen_ms, manifest_id FROM manifests WHERE manifest_id = ?1))
    ORDER BY m.first_seen_ms, m.manifest_id LIMIT ?3)sql");
  for (bool more = rows.first(after, only, limit); more; more = rows.step()) {
    ManifestFigures f;
    f.id = rows.text(0), f.chain = rows.text(1), f.kind = rows.text(2), f.simulated = rows.boolean(3), f.number = rows.int64(4), f.first_seen_ms = rows.int64(5);
    f.pay = rows.msat(6), f.lines = rows.int64(7), f.paid = rows.int64(8), f.held = rows.int64(9), f.paid_amount = rows.msat(10), f.fees = rows.msat(11);
    out.push_back(std::move(f));
  }
  return out;
}

std::vector<int64_t> line_numbers(store::Database& db, const std::string& manifest_id, int64_t from, int64_t limit) {
  std::vector<int64_t> out;
  auto rows = db.statement("SELECT line FROM lines WHERE manifest_id = ?1 AND line >= ?2 ORDER BY line LIMIT ?3");
  for (bool more = rows.first(manifest_id, from, limit); more; more = rows.step()) out.push_back(rows.int64(0));
  return out;
}

std::vector<std::string> unfinished(store::Database& db) {
  std::vector<std::string> out;
  auto rows = db.statement("SELECT w.manifest_id FROM manifests_waiting w WHERE w.lines > 0 AND EXISTS (SELECT 1 FROM lines l WHERE l.manifest_id = w.manifest_id AND l.state NOT IN ('PAID', 'HELD') "
                           "AND NOT EXISTS (SELECT 1 FROM onchain_claims c WHERE c.manifest_id = l.manifest_id AND c.line = l.line)) ORDER BY w.first_seen_ms, w.manifest_id");
  while (rows.step()) out.push_back(rows.text(0));
  return out;
}

std::vector<PaidEvent> paid_after(store::Database& db, int64_t event) {
  std::vector<PaidEvent> out;
  auto rows = db.statement("SELECT e.id, e.manifest_id, e.line, e.time_ms - a.created_ms FROM events e JOIN attempts a USING (payment_hash) WHERE e.id > ?1 AND e.to_state = 'PAID' ORDER BY e.id");
  for (bool more = rows.first(event); more; more = rows.step()) out.push_back({rows.int64(0), rows.text(1), rows.int64(2), rows.int64(3)});
  return out;
}

std::vector<ConfirmedEvent> confirmed_after(store::Database& db, int64_t event) {
  std::vector<ConfirmedEvent> out;
  auto rows = db.statement("SELECT e.id, l.manifest_id, l.line FROM onchain_events e JOIN onchain_lines l USING (batch) WHERE e.id > ?1 AND e.to_state = 'CONFIRMED' ORDER BY e.id, l.vout");
  for (bool more = rows.first(event); more; more = rows.step()) out.push_back({rows.int64(0), rows.text(1), rows.int64(2)});
  return out;
}

std::optional<std::string> remembered(store::Database& db, const std::string& key) {
  auto row = db.statement("SELECT value FROM meta WHERE key = ?1");
  if (!row.first(key)) return {};
  return row.text(0);
}

void remember(store::Database& db, const std::string& key, const std::optional<std::string>& value) {
  if (value)
    db.statement("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value").run(key, *value);
  else
    db.statement("DELETE FROM meta WHERE key = ?1").run(key);
}

}  // namespace hh::ln
