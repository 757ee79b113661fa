// The part of the journal that is about invoices: what was asked for, what came, what became of it. [C046][C076]
#include <fmt/format.h>

#include "crypto/digest.h"
#include "journal/journal.h"
#include "json/strict.h"

namespace hh::ln {

// One row for each reason, however often it comes. Reasons are sealed, each time differently, so it is looked for and not left to the primary key.
void Journal::note_refused(const Line& line, const std::string& bolt11, const std::string& reason) {
  Work work(*this);
  const std::string id = fmt::format("{}/{}", line.manifest_id, line.line), why = json::clean_text(reason, max_reason);
  const auto sealed = vault_.seal("refused_invoices.bolt11", id, bolt11.empty() ? std::nullopt : std::optional(bolt11));
  std::optional<int64_t> known;
  {
    auto rows = db_.statement("SELECT rowid, reason FROM refused_invoices WHERE manifest_id = ?1 AND line = ?2");
    for (bool more = rows.first(line.manifest_id, line.line); more && !known; more = rows.step())
      if (vault_.open("refused_invoices.reason", id, rows.text(1)) == why) known = rows.int64(0);
  }
  if (known)
    db_.statement("UPDATE refused_invoices SET times = times + 1, last_ms = ?2, bolt11 = coalesce(?3, bolt11) WHERE rowid = ?1").run(*known, now(), sealed);
  else
    db_.statement("INSERT INTO refused_invoices (manifest_id, line, reason, bolt11, times, first_ms, last_ms) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5)")
        .run(line.manifest_id, line.line, vault_.seal("refused_invoices.reason", id, why), sealed, now());
  work.commit();
}

void Journal::replace_invoice(const Line& line, const std::string& bolt11, const std::string& reason) {
  Work work(*this);
  db_.statement("INSERT INTO replacements (manifest_id, line, bolt11, reason, time_ms, invoice_hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
      .run(line.manifest_id, line.line, vault_.seal("replacements.bolt11", fmt::format("{}/{}", line.manifest_id, line.line), bolt11), json::clean_text(reason, max_reason), now(),
           to_hex(crypto::sha256(bolt11)));
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
    e.accepted = rows.boolean(7), e.hash = rows.text(13);
    const std::string id = e.accepted ? e.hash : fmt::format("{}/{}", e.manifest_id, e.line);
    e.bolt11 = vault_.open(e.accepted ? "invoices.bolt11" : "refused_invoices.bolt11", id, rows.optional_text(8)).value_or("");
    e.reason = e.accepted ? rows.text(9) : vault_.open("refused_invoices.reason", id, rows.text(9));
    e.times = rows.int64(10), e.first_ms = rows.int64(11), e.last_ms = rows.int64(12);
    e.payee = e.accepted ? vault_.open("invoices.payee", id, rows.text(14)) : "", e.attempt = rows.int64(15), e.state = state_from_text(rows.text_view(16)), e.expires_at = rows.optional_int64(17);
    all.push_back(std::move(e));
  }
  rows.reset();
  for (const InvoiceEntry& e : all) each(e);
}

}  // namespace hh::ln
