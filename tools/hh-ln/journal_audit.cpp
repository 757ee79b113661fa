// The part of the journal that is about the node's own payment list and about sums.
#include "journal.h"

namespace hh::ln {

uint64_t Journal::cursor(const std::string& node) {
  auto row = db_.statement("SELECT last_index FROM cursors WHERE node = ?1");
  return row.first(node) ? static_cast<uint64_t>(row.int64(0)) : 0;
}

void Journal::set_cursor(const std::string& node, uint64_t last_index) {
  db_.statement("INSERT INTO cursors (node, last_index) VALUES (?1, ?2) ON CONFLICT (node) DO UPDATE SET last_index = max(last_index, excluded.last_index)").run(node, last_index);
}

void Journal::note_foreign(const std::string& node, const Foreign& p) {
  db_.statement("INSERT INTO foreign_payments (node, payment_hash, amount_msat, status, created_ms, seen_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
                "ON CONFLICT DO UPDATE SET status = excluded.status, seen_ms = excluded.seen_ms")
      .run(node, p.hash, p.amount, p.status, p.created_ms, now());
}

std::vector<Foreign> Journal::unacknowledged(const std::string& node) {
  std::vector<Foreign> out;
  auto rows = db_.statement("SELECT payment_hash, amount_msat, status, created_ms FROM foreign_payments LEFT JOIN acknowledgements USING (node, payment_hash) "
                            "WHERE node = ?1 AND reason IS NULL AND status <> 'FAILED' ORDER BY created_ms, payment_hash");
  for (bool more = rows.first(node); more; more = rows.step()) out.push_back({rows.text(0), rows.msat(1), rows.text(2), rows.int64(3)});
  return out;
}

bool Journal::acknowledge(const std::string& node, const std::string& hash, const std::string& reason) {
  return db_.statement("INSERT INTO acknowledgements (node, payment_hash, reason, time_ms) SELECT node, payment_hash, ?3, ?4 FROM foreign_payments "
                       "WHERE node = ?1 AND payment_hash = ?2 ON CONFLICT DO NOTHING")
             .run(node, hash, reason, now()) == 1;
}

std::vector<std::string> Journal::nodes_with_foreign() {
  std::vector<std::string> out;
  auto rows = db_.statement("SELECT DISTINCT node FROM foreign_payments ORDER BY node");
  while (rows.step()) out.push_back(rows.text(0));
  return out;
}

Journal::Summary Journal::summary() {
  Summary s;
  s.manifests = db_.query_int64("SELECT count(*) FROM manifests");
  s.alarms = db_.query_int64("SELECT count(*) FROM events WHERE alarm = 1");
  s.unacknowledged = db_.query_int64("SELECT count(*) FROM foreign_payments LEFT JOIN acknowledgements USING (node, payment_hash) WHERE reason IS NULL AND status <> 'FAILED'");
  s.paid = Msat(db_.query_int64("SELECT coalesce(sum(amount_msat), 0) FROM attempts WHERE state = 'PAID'"));
  s.fees = Msat(db_.query_int64("SELECT coalesce(sum(fee_msat), 0) FROM attempts WHERE state = 'PAID'"));
  s.reserved = Msat(db_.query_int64("SELECT coalesce(sum(amount_msat + fee_limit_msat), 0) FROM attempts WHERE state IN ('SENDING', 'INFLIGHT', 'UNKNOWN')"));
  return s;
}

}  // namespace hh::ln
