// The commands that look into the journal or that an operator decides with: status, audit, acknowledge, hold, release, fail, migrate. Those about invoices
// are in command_invoices.cpp.
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

void print_foreign(const std::string& node, const Foreign& f) {
  json::Json r = json::make_record("foreign_payment");
  r["node"] = node;
  r["payment_hash"] = f.hash;
  r["amount_msat"] = f.amount.count();
  r["status"] = f.status;
  r["time_ms"] = f.created_ms;
  json::print(r);
}

// Differences between what the journal has as PAID through this node and what the node lists.
struct Comparison {
  int64_t compared = 0, missing = 0, different = 0;
  Msat paid, fees;
};

Comparison compare_paid(Journal& journal, Backend& backend, const Identity& identity) {
  std::map<std::string, Listed> listed;
  backend.list(0, [&](const Listed& p) { listed[p.hash] = p; });
  Comparison out;
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

}  // namespace

int status_command(const Settings& settings, const std::string& manifest_id, bool json_output) {
  Journal journal(settings.required("db"), false);
  const auto lines = manifest_id.empty() ? journal.all_lines() : journal.lines(manifest_id);
  if (!manifest_id.empty() && lines.empty()) throw Error(Exit::data, fmt::format("the journal has no manifest {} with a line that pays something", manifest_id));
  if (json_output)
    for (const Line& l : lines) json::print(payout::to_record(settlement_of(l, settings.text("backend"))));
  else
    print_table(lines), print_summary(journal);
  return 0;
}

int audit_command(const Settings& settings) {
  Writing w(settings);
  const auto backend = make_backend(settings);
  const Identity identity = backend->identify();
  Reconciler reconciler(w.journal, *backend, identity);
  reconciler.require_same_node();
  reconciler.track_open();
  reconciler.compare_list(true);
  const auto foreign = w.journal.unacknowledged(identity.node);
  for (const Foreign& f : foreign) print_foreign(identity.node, f);
  const Comparison c = compare_paid(w.journal, *backend, identity);
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

int acknowledge_command(const Settings& settings, const std::string& hash, bool all, const std::string& reason) {
  if (hash.empty() == !all) throw Error(Exit::usage, "acknowledge needs either a payment hash or --all");
  Writing w(settings);
  int64_t done = 0;
  for (const std::string& node : w.journal.nodes_with_foreign())
    for (const Foreign& f : w.journal.unacknowledged(node))
      if ((all || f.hash == hash) && w.journal.acknowledge(node, f.hash, reason)) {
        print_foreign(node, f), ++done;
        for (const Line& l : w.journal.hold_lines_like(f)) json::print(payout::to_record(settlement_of(l, settings.text("backend"))));
      }
  if (done == 0 && !all) throw Error(Exit::data, fmt::format("{} is no payment that waits to be acknowledged", hash));
  return 0;
}

int hold_command(const Settings& settings, const std::string& manifest_id, int64_t line, const std::string& reason) {
  Writing w(settings);
  w.journal.line(manifest_id, line);
  w.journal.hold(manifest_id, line, reason);
  json::print(payout::to_record(settlement_of(w.journal.line(manifest_id, line), settings.text("backend"))));
  return 0;
}

int release_command(const Settings& settings, const std::string& manifest_id, int64_t line) {
  Writing w(settings);
  w.journal.line(manifest_id, line);
  w.journal.release(manifest_id, line);
  json::print(payout::to_record(settlement_of(w.journal.line(manifest_id, line), settings.text("backend"))));
  return 0;
}

int fail_command(const Settings& settings, const std::string& manifest_id, int64_t line, bool force, const std::string& reason) {
  if (!force) throw Error(Exit::usage, "fail allows the line to be paid again: if this payment did go through, it is then paid twice. Make sure at the node that it did not, and give --force");
  Writing w(settings);
  Line l = w.journal.line(manifest_id, line);
  if (!l.attempt || !is_open(l.attempt->state)) throw Error(Exit::data, fmt::format("line {} of manifest {} has no payment whose outcome is open", line, manifest_id));
  if (!w.journal.apply(*l.attempt, Event::failed, {.reason = "operator: " + reason, .preimage = {}, .fee = {}, .fee_limit = {}}))
    throw Error(Exit::temp_fail, "the payment's state has just changed: look again with hh-ln status");
  json::print(payout::to_record(settlement_of(w.journal.line(manifest_id, line), settings.text("backend"))));
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
