// The part of the journal that is about invoices: what was asked for, what came, what became of it. [C046][C076]
#include "journal/journal.h"
#include "json/strict.h"

namespace hh::ln {

void Journal::note_refused(const Line& line, const std::string& bolt11, const std::string& reason) {
  const Lock lock(mutex_);
  db_.statement("INSERT INTO refused_invoices (manifest_id, line, reason, bolt11, times, first_ms, last_ms) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5) "
                "ON CONFLICT DO UPDATE SET times = times + 1, last_ms = excluded.last_ms, bolt11 = coalesce(excluded.bolt11, bolt11)")
      .run(line.manifest_id, line.line, json::clean_text(reason, max_reason), bolt11.empty() ? std::nullopt : std::optional(bolt11), now());
}

void Journal::replace_invoice(const Line& line, const std::string& bolt11, const std::string& reason) {
  Work work(*this);
  db_.statement("INSERT INTO replacements (manifest_id, line, bolt11, reason, time_ms) VALUES (?1, ?2, ?3, ?4, ?5)").run(line.manifest_id, line.line, bolt11, json::clean_text(reason, max_reason), now());
  release(line.manifest_id, line.line);
  work.commit();
}

void Journal::each_invoice(const std::string& manifest_id, const std::function<void(const InvoiceEntry&)>& each) {
  std::vector<InvoiceEntry> all;
  const Lock lock(mutex_);
  auto rows = db_.statement(
      "SELECT l.manifest_id, l.line, l.account, m.simulated OR x.backend = 'sim', l.pay_msat, x.* FROM ("
      "SELECT manifest_id, line, 1 AS accepted, bolt11, reason, 1 AS times, fetched_ms AS first_ms, changed_ms AS last_ms, payment_hash, payee, attempt, state, expires_at, backend "
      "FROM attempts JOIN invoices USING (payment_hash) "
      "UNION ALL SELECT manifest_id, line, 0, bolt11, reason, times, first_ms, last_ms, '', '', 0, '', NULL, '' FROM refused_invoices) x "
      "JOIN lines l USING (manifest_id, line) JOIN manifests m USING (manifest_id) WHERE ?1 = '' OR l.manifest_id = ?1 "
      "ORDER BY m.first_seen_ms, l.manifest_id, l.line, x.first_ms, x.attempt, x.reason");
  for (bool more = rows.first(manifest_id); more; more = rows.step()) {
    InvoiceEntry e;
    e.manifest_id = rows.text(0), e.line = rows.int64(1), e.account = rows.text(2), e.simulated = rows.boolean(3), e.amount = rows.msat(4);
    // 5 and 6 are manifest_id and line again
    e.accepted = rows.boolean(7), e.bolt11 = rows.optional_text(8).value_or(""), e.reason = rows.text(9);
    e.times = rows.int64(10), e.first_ms = rows.int64(11), e.last_ms = rows.int64(12);
    e.hash = rows.text(13), e.payee = rows.text(14), e.attempt = rows.int64(15), e.state = state_from_text(rows.text_view(16)), e.expires_at = rows.optional_int64(17);
    all.push_back(std::move(e));
  }
  rows.reset();
  for (const InvoiceEntry& e : all) each(e);
}

}  // namespace hh::ln
