// The commands that look into the journal: status, held, batches, decisions, audit, migrate. Those with which an operator decides are in command_decide.cpp,
// those about invoices in command_invoices.cpp.
#include <fmt/format.h>

#include <map>

#include "base/error.h"
#include "commands.h"
#include "json/fields.h"
#include "json/lines.h"
#include "journal/schema.h"
#include "settle/settle.h"
#include "store/writer_lock.h"
#include "writing.h"

namespace hh::ln {
namespace {

void print_table(const std::vector<Line>& lines) {
  std::string out;
  if (!lines.empty()) out = fmt::format("{:<14} {:>4}  {:<11} {:>16}  {:<24} {}\n", "MANIFEST", "LINE", "STATE", "MSAT", "ACCOUNT", "REASON");
  for (const Line& l : lines) {
    const payout::Settlement s = settlement_of(l, "");
    out += fmt::format("{:<14} {:>4}  {:<11} {:>16}  {:<24} {}\n", s.manifest_id.substr(0, 12) + "…", s.line, payout::state_name(s.state), s.amount.count(), s.account, s.reason);
  }
  if (!out.empty()) json::print_line(std::string_view(out).substr(0, out.size() - 1));
}

void print_summary(Journal& journal) {
  const Journal::Summary s = journal.summary();
  json::print_line(fmt::format("{} manifest{}; paid {} msat and {} msat of fees; reserved {} msat; {} alarm{}; {} unknown payment{}", s.manifests, s.manifests == 1 ? "" : "s", s.paid.count(),
                               s.fees.count(), s.reserved.count(), s.alarms, s.alarms == 1 ? "" : "s", s.unacknowledged, s.unacknowledged == 1 ? "" : "s"));
}

// Differences between what the journal has as PAID through this node and what the node lists.
struct PaidThere {
  int64_t compared = 0, missing = 0, different = 0;
  Msat paid, fees;
};

PaidThere compare_paid(Journal& journal, Backend& backend, const Identity& identity) {
  std::map<std::string, Listed> listed;
  backend.list(0, [&](const Listed& p) { listed[p.hash] = p; });
  PaidThere out;
  auto rows = journal.database().statement("SELECT payment_hash, amount_msat, fee_msat FROM attempts WHERE state = 'PAID' AND node = ?1 ORDER BY id");
  for (bool more = rows.first(identity.node); more; more = rows.step()) {
    ++out.compared;
    out.paid += rows.msat(1), out.fees += rows.msat(2);
    const auto found = listed.find(rows.text(0));
    if (found == listed.end())
      ++out.missing;
    else if (found->second.status != "SUCCEEDED" || found->second.amount != rows.msat(1) || found->second.fee != rows.msat(2))
      ++out.different;
  }
  return out;
}

void print_batch(const Batch& b) {
  json::Json r = json::make_record("batch");
  if (b.simulated) r["simulated"] = true;
  r["manifest_id"] = b.manifest_id;
  r["batch"] = b.number;
  r["state"] = b.closed_ms ? "closed" : "open";
  r["lines"] = json::Json::array();
  for (const BatchLine& l : b.lines) r["lines"].push_back(l.line);
  r["amount_msat"] = b.amount.count();
  r["fee_reserved_msat"] = b.fee_reserved.count();
  if (b.fee_ceiling) r["fee_ceiling_msat"] = b.fee_ceiling->count();
  r["opened_ms"] = b.opened_ms;
  if (b.closed_ms) r["closed_ms"] = *b.closed_ms, r["paid"] = b.paid, r["failed"] = b.failed, r["held"] = b.held;
  json::print(r);
}

void print_decision(const Deed& d) {
  json::Json r = json::make_record("decision");
  r["action"] = d.action;
  if (!d.manifest_id.empty()) r["manifest_id"] = d.manifest_id;
  if (d.line) r["line"] = *d.line;
  if (!d.hash.empty()) r["payment_hash"] = d.hash;
  r["uid"] = d.who.uid;
  r["name"] = d.who.name;
  r["reason"] = d.reason;
  r["time_ms"] = d.time_ms;
  json::print(r);
}

std::vector<Line> lines_of(Journal& journal, const std::string& manifest_id) {
  auto lines = manifest_id.empty() ? journal.all_lines() : journal.lines(manifest_id);
  if (!manifest_id.empty() && lines.empty()) throw Error(Exit::data, fmt::format("the journal has no manifest {} with a line that pays something", manifest_id));
  return lines;
}

void print_lines(const Settings& settings, const std::vector<Line>& lines, bool json_output) {
  if (!json_output) return print_table(lines);
  for (const Line& l : lines) json::print(payout::to_record(settlement_of(l, settings.text("backend"))));
}

}  // namespace

void print_foreign(const std::string& node, const Foreign& f) {
  json::Json r = json::make_record("foreign_payment");
  r["node"] = node;
  r["payment_hash"] = f.hash;
  r["amount_msat"] = f.amount.count();
  r["status"] = f.status;
  r["time_ms"] = f.created_ms;
  json::print(r);
}

int status_command(const Settings& settings, const std::string& manifest_id, bool json_output) {
  Journal journal(settings.required("db"), false, journal_key(settings));
  print_lines(settings, lines_of(journal, manifest_id), json_output);
  if (!json_output) print_summary(journal);
  return 0;
}

int held_command(const Settings& settings, const std::string& manifest_id, bool json_output) {
  Journal journal(settings.required("db"), false, journal_key(settings));
  auto lines = lines_of(journal, manifest_id);
  std::erase_if(lines, [](const Line& l) { return line_state(l) != payout::SettlementState::held; });
  print_lines(settings, lines, json_output);
  return 0;
}

int batches_command(const Settings& settings, const std::string& manifest_id) {
  Journal journal(settings.required("db"), false, journal_key(settings));
  if (!manifest_id.empty()) lines_of(journal, manifest_id);
  for (const Batch& b : journal.batches(manifest_id)) print_batch(b);
  return 0;
}

int decisions_command(const Settings& settings, const std::string& manifest_id) {
  Journal journal(settings.required("db"), false, journal_key(settings));
  for (const Deed& d : journal.decisions(manifest_id)) print_decision(d);
  return 0;
}

int audit_command(const Settings& settings) {
  Writing w(settings);
  const auto backend = make_backend(settings);
  const Identity identity = backend->identify();
  Reconciler reconciler(w.journal, *backend, identity);
  reconciler.require_same_node();
  reconciler.track_open();
  reconciler.compare_list(true, "audit");
  const auto foreign = w.journal.unacknowledged(identity.node);
  for (const Foreign& f : foreign) print_foreign(identity.node, f);
  const PaidThere c = compare_paid(w.journal, *backend, identity);
  const Journal::Summary summary = w.journal.summary();
  const bool ok = foreign.empty() && c.different == 0 && summary.paid_twice == 0;
  json::Json r = json::make_record("payment_audit");
  if (identity.simulated) r["simulated"] = true;
  r["ok"] = ok;
  r["node"] = identity.node;
  r["paid"] = c.compared;
  r["paid_msat"] = c.paid.count();
  r["fees_msat"] = c.fees.count();
  r["open"] = w.journal.open_attempts().size();
  r["forgotten_by_node"] = c.missing;
  r["different"] = c.different;
  r["foreign"] = foreign.size();
  r["paid_twice"] = summary.paid_twice;
  r["alarms"] = summary.alarms;
  json::print(r);
  return ok ? 0 : 1;
}

int rotate_key_command(const Settings& settings, const std::string& to) {
  const std::string& db = settings.required("db");
  Journal::require_file(db);
  const store::WriterLock lock(db, settings.integer("lock_wait_seconds") * 1000);
  const bool was_sealed = Journal::is_sealed(db);
  const std::string reference = to.empty() ? settings.required("journal_key") : to;
  const crypto::AesGcm::Key key = journal_key_from(load_secret(reference, to.empty() ? "journal_key" : "--to"));
  Journal journal(db, true, was_sealed ? journal_key(settings) : JournalKey());
  journal.rotate(key, {.action = "rotate-key", .manifest_id = {}, .line = {}, .hash = {}, .reason = was_sealed ? "sealed anew" : "sealed for the first time"});
  json::Json r = json::make_record("sealed");
  r["database"] = db;
  r["before"] = was_sealed ? "sealed" : "clear";
  json::print(r);
  try {
    journal.compact();
  } catch (const Error& e) {
    throw Error(e.code(), fmt::format("the journal is sealed under the new key, but not compacted: what was there before may still be in parts of the file that are free; run rotate-key again: {}", e.what()));
  }
  return 0;
}

int migrate_command(const Settings& settings) {
  const std::string& path = settings.required("db");
  const store::WriterLock lock(path, settings.integer("lock_wait_seconds") * 1000);
  store::Database db(path, {.mode = store::Mode::read_write, .application_id = journal_application_id, .on_fatal = {}, .vfs = {}});
  store::Migrator migrator(db, journal_migrations());
  const int from = migrator.current();
  migrator.migrate_on_start();
  json::Json r = json::make_record("migration");
  r["from"] = from;
  r["to"] = migrator.current();
  r["database"] = path;
  json::print(r);
  return 0;
}

}  // namespace hh::ln
