#include "service/figures.h"

#include <algorithm>

namespace hh::ln {
namespace {

// As line_state() of settle.h says it, for all lines at once; a test compares the two.
constexpr const char* states = R"sql(
  SELECT l.manifest_id, l.line, l.pay_msat, m.first_seen_ms, CASE
    WHEN p.state = 'PAID' THEN 'PAID'
    WHEN a.state IN ('SENDING', 'INFLIGHT', 'UNKNOWN') THEN a.state
    WHEN c.state = 'CONFIRMED' THEN 'PAID'
    WHEN c.state = 'BROADCAST' THEN 'INFLIGHT'
    WHEN c.state IS NOT NULL THEN 'SENDING'
    WHEN l.held_reason IS NOT NULL THEN 'HELD'
    ELSE coalesce(a.state, 'PLANNED') END AS state, c.state AS on_chain
  FROM lines l JOIN manifests m USING (manifest_id)
  LEFT JOIN attempts a ON a.manifest_id = l.manifest_id AND a.line = l.line
    AND a.attempt = (SELECT max(attempt) FROM attempts WHERE manifest_id = l.manifest_id AND line = l.line)
  LEFT JOIN attempts p ON p.id = (SELECT id FROM attempts WHERE manifest_id = l.manifest_id AND line = l.line AND state = 'PAID' LIMIT 1)
  LEFT JOIN onchain_claims c ON c.manifest_id = l.manifest_id AND c.line = l.line
)sql";

}  // namespace

QueueFigures queue_figures(store::Database& db) {
  QueueFigures out;
  auto rows = db.statement(std::string("SELECT state, count(*), sum(pay_msat), min(first_seen_ms) FROM (") + states + ") GROUP BY state");
  while (rows.step()) {
    const std::string state = rows.text(0);
    out.lines[state] = rows.int64(1);
    if (state == "PAID" || state == "HELD") continue;
    out.waiting += rows.int64(1);
    out.waiting_amount += rows.msat(2);
    out.oldest_waiting_ms = std::min(out.oldest_waiting_ms.value_or(rows.int64(3)), rows.int64(3));
  }
  auto open = db.statement("SELECT min(created_ms) FROM attempts WHERE state IN ('SENDING', 'INFLIGHT', 'UNKNOWN')");
  if (open.first()) out.oldest_open_ms = open.optional_int64(0);
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

int64_t events_into(store::Database& db, const std::string& state) {
  auto row = db.statement("SELECT count(*) FROM events WHERE to_state = ?1");
  return row.first(state) ? row.int64(0) : 0;
}

int64_t refusals(store::Database& db) { return db.query_int64("SELECT coalesce(sum(times), 0) FROM refused_invoices"); }

std::vector<int64_t> line_numbers(store::Database& db, const std::string& manifest_id, int64_t from, int64_t limit) {
  std::vector<int64_t> out;
  auto rows = db.statement("SELECT line FROM lines WHERE manifest_id = ?1 AND line >= ?2 ORDER BY line LIMIT ?3");
  for (bool more = rows.first(manifest_id, from, limit); more; more = rows.step()) out.push_back(rows.int64(0));
  return out;
}

std::vector<std::string> unfinished(store::Database& db) {
  std::vector<std::string> out;
  auto rows = db.statement(std::string("SELECT m.manifest_id FROM (") + states +
                           ") s JOIN manifests m USING (manifest_id) WHERE s.state NOT IN ('PAID', 'HELD') AND s.on_chain IS NULL GROUP BY m.manifest_id ORDER BY m.first_seen_ms, m.manifest_id");
  while (rows.step()) out.push_back(rows.text(0));
  return out;
}

std::vector<PaidEvent> paid_after(store::Database& db, int64_t event) {
  std::vector<PaidEvent> out;
  auto rows = db.statement("SELECT e.id, e.manifest_id, e.line, e.time_ms - a.created_ms FROM events e JOIN attempts a USING (payment_hash) WHERE e.id > ?1 AND e.to_state = 'PAID' ORDER BY e.id");
  for (bool more = rows.first(event); more; more = rows.step()) out.push_back({rows.int64(0), rows.text(1), rows.int64(2), rows.int64(3)});
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
