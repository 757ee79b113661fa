// The commands with which an operator decides: acknowledge, hold, release, fail, revoke, reconcile. Each leaves a row in the journal's audit, with the change itself.
#include <fmt/format.h>

#include "base/error.h"
#include "commands.h"
#include "json/fields.h"
#include "json/lines.h"
#include "settle/settle.h"
#include "writing.h"

namespace hh::ln {
namespace {

void print_line(const Settings& settings, const Line& line) { json::print(payout::to_record(settlement_of(line, settings.text("backend")))); }

}  // namespace

int acknowledge_command(const Settings& settings, const std::string& hash, bool all, const std::string& reason) {
  if (hash.empty() == !all) throw Error(Exit::usage, "acknowledge needs either a payment hash or --all");
  Writing w(settings);
  int64_t done = 0;
  for (const std::string& node : w.journal.nodes_with_foreign())
    for (const Foreign& f : w.journal.unacknowledged(node))
      if (all || f.hash == hash) {
        std::vector<Line> held;
        const Deed deed{.action = "acknowledge", .manifest_id = {}, .line = {}, .hash = f.hash, .reason = reason};
        if (!w.journal.decide(deed, [&] { return w.journal.acknowledge(node, f.hash, reason) && (held = w.journal.hold_lines_like(f), true); })) continue;
        print_foreign(node, f), ++done;
        for (const Line& l : held) print_line(settings, l);
      }
  if (done == 0 && !all) throw Error(Exit::data, fmt::format("{} is no payment that waits to be acknowledged", hash));
  return 0;
}

int hold_command(const Settings& settings, const std::string& manifest_id, int64_t line, const std::string& reason) {
  Writing w(settings);
  w.journal.line(manifest_id, line);
  w.journal.decide({.action = "hold", .manifest_id = manifest_id, .line = line, .hash = {}, .reason = reason}, [&] { return w.journal.hold(manifest_id, line, reason); });
  print_line(settings, w.journal.line(manifest_id, line));
  return 0;
}

int release_command(const Settings& settings, const std::string& manifest_id, int64_t line, const std::string& reason) {
  Writing w(settings);
  w.journal.line(manifest_id, line);
  w.journal.decide({.action = "release", .manifest_id = manifest_id, .line = line, .hash = {}, .reason = reason}, [&] { return w.journal.release(manifest_id, line); });
  print_line(settings, w.journal.line(manifest_id, line));
  return 0;
}

int fail_command(const Settings& settings, const std::string& manifest_id, int64_t line, bool force, const std::string& reason) {
  if (!force) throw Error(Exit::usage, "fail allows the line to be paid again: if this payment did go through, it is then paid twice. Make sure at the node that it did not, and give --force");
  Writing w(settings);
  Line l = w.journal.line(manifest_id, line);
  if (!l.attempt || !is_open(l.attempt->state)) throw Error(Exit::data, fmt::format("line {} of manifest {} has no payment whose outcome is open", line, manifest_id));
  const Deed deed{.action = "fail", .manifest_id = manifest_id, .line = line, .hash = l.attempt->hash, .reason = reason};
  if (!w.journal.decide(deed, [&] { return w.journal.apply(*l.attempt, Event::failed, {.reason = "operator: " + reason, .preimage = {}, .fee = {}, .fee_limit = {}}); }))
    throw Error(Exit::temp_fail, "the payment's state has just changed: look again with hh-ln status");
  print_line(settings, w.journal.line(manifest_id, line));
  return 0;
}

int revoke_command(const Settings& settings, const std::string& manifest_id, const std::string& reason) {
  if (manifest_id.size() != 64 || !from_hex(manifest_id)) throw Error(Exit::usage, "the id of a manifest is 64 hex digits");
  Writing w(settings);
  const bool done = w.journal.decide({.action = "revoke", .manifest_id = manifest_id, .line = {}, .hash = {}, .reason = reason}, [&] { return w.journal.revoke(manifest_id, reason); });
  if (!done) throw Error(Exit::data, fmt::format("manifest {} is revoked already: {}", manifest_id, w.journal.term(manifest_id).revoked));
  for (const Line& l : w.journal.lines(manifest_id)) print_line(settings, l);
  return 0;
}

int reconcile_command(const Settings& settings, const std::string& reason) {
  Writing w(settings);
  const auto backend = make_backend(settings);
  const Identity identity = backend->identify();
  Reconciler reconciler(w.journal, *backend, identity);
  reconciler.require_same_node();
  w.journal.decide({.action = "reconcile", .manifest_id = {}, .line = {}, .hash = {}, .reason = reason}, [] { return true; });
  reconciler.track_open();
  const Reconciler::Found found = reconciler.reconcile(reason);
  for (const Foreign& f : found.foreign) print_foreign(identity.node, f);
  for (const Line& l : found.taken) print_line(settings, l);
  for (const Line& l : found.held) print_line(settings, l);
  json::Json r = json::make_record("reconciliation");
  if (identity.simulated) r["simulated"] = true;
  r["node"] = identity.node;
  r["listed"] = found.comparison.listed;
  r["known"] = found.comparison.known;
  r["late"] = found.comparison.late;
  r["taken"] = found.taken.size();
  r["acknowledged"] = found.foreign.size();
  r["held"] = found.held.size();
  json::print(r);
  return found.held.empty() ? 0 : 1;
}

}  // namespace hh::ln
