// The part of the journal that is about the node's own payment list and about sums.
#include <fmt/format.h>

#include "base/error.h"
#include "crypto/digest.h"
#include "journal/journal.h"
#include "json/strict.h"

namespace hh::ln {
namespace {

// A manifest is valid for days, and may be signed again; a payment for one of its lines is not older than this.
constexpr int64_t recent_ms = 30 * int64_t{86'400'000};

constexpr int64_t keysends_ahead = 20;  // attempts of one line that a journal can have lost

std::string like_reason(const std::string& hash) {
  return fmt::format("the node made payment {} over exactly this amount, which the journal does not know: release the line if that was for something else", hash);
}

}  // namespace

void Journal::hold_if_paid_elsewhere(const std::string& manifest_id, int64_t line, Msat pay) {
  auto row = db_.statement("SELECT payment_hash FROM foreign_payments WHERE amount_msat = ?1 AND status <> 'FAILED' AND created_ms >= ?2 ORDER BY created_ms LIMIT 1");
  if (row.first(pay, now() - recent_ms)) hold(manifest_id, line, like_reason(row.text(0)));
}

std::vector<Line> Journal::hold_lines_like(const Foreign& p) {
  Work work(*this);
  std::vector<std::pair<std::string, int64_t>> found;
  {
    auto rows = db_.statement("SELECT l.manifest_id, l.line FROM lines l JOIN manifests m USING (manifest_id) WHERE l.pay_msat = ?1 AND m.first_seen_ms <= ?2 "
                              "AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.manifest_id = l.manifest_id AND a.line = l.line AND a.state = 'PAID') "
                              "AND NOT EXISTS (SELECT 1 FROM onchain_claims c WHERE c.manifest_id = l.manifest_id AND c.line = l.line) ORDER BY l.manifest_id, l.line");
    for (bool more = rows.first(p.amount, p.created_ms + recent_ms); more; more = rows.step()) found.emplace_back(rows.text(0), rows.int64(1));
  }
  std::vector<Line> out;
  for (const auto& [manifest_id, number] : found)
    if (hold_also(manifest_id, number, p.hash, like_reason(p.hash))) out.push_back(line(manifest_id, number));
  work.commit();
  return out;
}

std::optional<std::string> Journal::witness(const Attempt& a) {
  const Lock lock(mutex_);
  auto row = db_.statement("SELECT payment_hash FROM attempts WHERE node = ?1 AND state = 'PAID' AND id <> ?2 ORDER BY id > ?2, abs(id - ?2) LIMIT 1");
  if (row.first(a.node, a.id)) return row.text(0);
  auto foreign = db_.statement("SELECT payment_hash FROM foreign_payments WHERE node = ?1 AND status = 'SUCCEEDED' ORDER BY created_ms DESC LIMIT 1");
  if (foreign.first(a.node)) return foreign.text(0);
  return {};
}

std::map<std::string, Journal::Unsent> Journal::unsent_hashes() {
  std::map<std::string, Unsent> out;
  for (const Line& l : all_lines()) {
    if (l.attempt && l.attempt->state != State::resolved && l.attempt->state != State::failed_safe) continue;
    if (l.destination.kind == payout::DestinationKind::bolt11) try {
        const auto invoice = lightning::decode_bolt11(l.replacement.empty() ? l.destination.value : l.replacement);
        out[to_hex(invoice.payment_hash)] = {l.manifest_id, l.line, {invoice.text, invoice.payment_hash, invoice.payee, invoice.expires_at()}};
      } catch (const Error& e) {
        if (e.code() != Exit::data) throw;  // no invoice: nothing can have been paid with it
      }
    const auto node = l.destination.kind == payout::DestinationKind::node ? lightning::parse_node_key(l.destination.value) : std::nullopt;
    const int64_t next = l.attempt ? l.attempt->number + 1 : 1;
    for (int64_t number = next; node && number < next + keysends_ahead; ++number) {
      const PaymentHash hash = crypto::sha256(BytesView(keysend_preimage(l.manifest_id, l.line, number)));
      out[to_hex(hash)] = {l.manifest_id, l.line, {"", hash, *node, {}}};
    }
  }
  return out;
}

void Journal::note_comparison(const std::string& node, const Comparison& c) {
  const Lock lock(mutex_);
  const char* result = c.stale > 0 ? "stale" : c.foreign > 0 ? "foreign" : "agrees";
  db_.statement("INSERT INTO reconciliations (time_ms, node, kind, listed, known, foreign_payments, late, stale, result) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")
      .run(now(), node, c.kind, c.listed, c.known, c.foreign, c.late, c.stale, result);
}

bool Journal::has_transaction(const std::string& txid) {
  const Lock lock(mutex_);
  return db_.statement("SELECT 1 FROM onchain_batches WHERE txid = ?1").first(txid);
}

bool Journal::is_stale(const std::string& node) {
  const Lock lock(mutex_);
  return db_.statement("SELECT 1 FROM reconciliations WHERE node = ?1 AND stale > 0 AND id > (SELECT coalesce(max(id), 0) FROM reconciliations WHERE node = ?1 AND kind = 'reconcile')")
      .first(node);
}

uint64_t Journal::cursor(const std::string& node) {
  const Lock lock(mutex_);
  auto row = db_.statement("SELECT last_index FROM cursors WHERE node = ?1");
  return row.first(node) ? static_cast<uint64_t>(row.int64(0)) : 0;
}

void Journal::set_cursor(const std::string& node, uint64_t last_index) {
  const Lock lock(mutex_);
  db_.statement("INSERT INTO cursors (node, last_index) VALUES (?1, ?2) ON CONFLICT (node) DO UPDATE SET last_index = max(last_index, excluded.last_index)").run(node, last_index);
}

void Journal::note_foreign(const std::string& node, const Foreign& p) {
  const Lock lock(mutex_);
  db_.statement("INSERT INTO foreign_payments (node, payment_hash, amount_msat, status, created_ms, seen_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
                "ON CONFLICT DO UPDATE SET status = excluded.status, amount_msat = excluded.amount_msat, seen_ms = excluded.seen_ms WHERE excluded.status <> 'FAILED'")
      .run(node, p.hash, p.amount, p.status, p.created_ms, now());
}

void Journal::note_foreign_failed(const std::string& node, const std::string& hash) {
  const Lock lock(mutex_);
  db_.statement("UPDATE foreign_payments SET status = 'FAILED', seen_ms = ?3 WHERE node = ?1 AND payment_hash = ?2").run(node, hash, now());
}

std::vector<Foreign> Journal::unacknowledged(const std::string& node) {
  const Lock lock(mutex_);
  std::vector<Foreign> out;
  auto rows = db_.statement("SELECT payment_hash, amount_msat, status, created_ms FROM foreign_payments LEFT JOIN acknowledgements USING (node, payment_hash) "
                            "WHERE node = ?1 AND reason IS NULL AND status <> 'FAILED' ORDER BY created_ms, payment_hash");
  for (bool more = rows.first(node); more; more = rows.step()) out.push_back({rows.text(0), rows.msat(1), rows.text(2), rows.int64(3)});
  return out;
}

bool Journal::acknowledge(const std::string& node, const std::string& hash, const std::string& reason) {
  const Lock lock(mutex_);
  return db_.statement("INSERT INTO acknowledgements (node, payment_hash, reason, time_ms) SELECT node, payment_hash, ?3, ?4 FROM foreign_payments "
                       "WHERE node = ?1 AND payment_hash = ?2 ON CONFLICT DO NOTHING")
             .run(node, hash, json::clean_text(reason, max_reason), now()) == 1;
}

std::vector<std::string> Journal::nodes_with_foreign() {
  const Lock lock(mutex_);
  std::vector<std::string> out;
  auto rows = db_.statement("SELECT DISTINCT node FROM foreign_payments ORDER BY node");
  while (rows.step()) out.push_back(rows.text(0));
  return out;
}

bool Journal::is_paid_twice(const std::string& manifest_id, int64_t line) {
  const Lock lock(mutex_);
  auto row = db_.statement("SELECT (SELECT count(*) FROM attempts WHERE manifest_id = ?1 AND line = ?2 AND state = 'PAID') + "
                           "(SELECT count(*) FROM onchain_claims WHERE manifest_id = ?1 AND line = ?2)");
  return row.first(manifest_id, line) && row.int64(0) > 1;
}

Journal::Summary Journal::summary() {
  const Lock lock(mutex_);
  Summary s;
  s.manifests = db_.query_int64("SELECT count(*) FROM manifests");
  s.alarms = db_.query_int64("SELECT (SELECT count(*) FROM events WHERE alarm = 1) + (SELECT count(*) FROM onchain_events WHERE alarm = 1)");
  s.unacknowledged = db_.query_int64("SELECT count(*) FROM foreign_payments LEFT JOIN acknowledgements USING (node, payment_hash) WHERE reason IS NULL AND status <> 'FAILED'");
  s.paid_twice = db_.query_int64("SELECT count(*) FROM (SELECT 1 FROM (SELECT manifest_id, line FROM attempts WHERE state = 'PAID' UNION ALL SELECT manifest_id, line FROM onchain_claims) "
                                 "GROUP BY manifest_id, line HAVING count(*) > 1)");
  s.paid = Msat(db_.query_int64("SELECT (SELECT coalesce(sum(amount_msat), 0) FROM attempts WHERE state = 'PAID') + (SELECT coalesce(sum(amount_sat), 0) * 1000 FROM onchain_claims WHERE state = 'CONFIRMED')"));
  s.fees = Msat(db_.query_int64("SELECT (SELECT coalesce(sum(fee_msat), 0) FROM attempts WHERE state = 'PAID') + (SELECT coalesce(sum(fee_msat), 0) FROM onchain_claims WHERE state = 'CONFIRMED')"));
  s.reserved = Msat(db_.query_int64("SELECT (SELECT coalesce(sum(amount_msat + fee_limit_msat), 0) FROM attempts WHERE state IN ('SENDING', 'INFLIGHT', 'UNKNOWN')) + "
                                     "(SELECT coalesce(sum(amount_sat * 1000 + fee_msat), 0) FROM onchain_claims WHERE state <> 'CONFIRMED')"));
  return s;
}

}  // namespace hh::ln
