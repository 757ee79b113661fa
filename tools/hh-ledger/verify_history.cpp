// The state of the ledger against its audit log. Some rows change by nature (a round's status, where a miner is paid), so no trigger can keep
// them; but each change left an event in a log that is a chain of hashes. Whoever changes such a row by other means and leaves the log alone is
// found here; whoever rebuilds the log as well is found by the head that was noted elsewhere (audit.cpp).
//
// A log that starts with `audit_started` belongs to a ledger that was migrated from a version without one: what was there then is excused.
#include <fmt/format.h>

#include <map>
#include <set>

#include "base/error.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "json/fields.h"
#include "miners.h"
#include "records/block.h"
#include "records/miner.h"
#include "rounds.h"
#include "verify_checks.h"

namespace hh::ledger {
namespace {

using json::Json;

[[noreturn]] void wrong(const std::string& why) { throw Error(Exit::data, why); }

struct RoundHistory {
  Json block, closed;  // details of its events; null: none
  std::string status;
};

// What the log says, the last word on each thing.
struct History {
  Json ledger, started;
  std::map<int64_t, RoundHistory> rounds;
  std::map<int64_t, Json> cycles;
  std::map<std::string, Json> miners;
  std::set<std::string> manifests, payments;

  int64_t excused(const char* what) const { return started.is_null() ? 0 : started.value(what, int64_t{0}); }
};

std::string payment_key(const std::string& manifest_id, int64_t line, const std::string& payment_hash) { return fmt::format("{} {} {}", manifest_id, line, payment_hash); }

void take(History& h, const std::string& what, const Json& d) {
  const auto round = [&]() -> RoundHistory& { return h.rounds[d.at("round").get<int64_t>()]; };
  if (what == "ledger") h.ledger = d;
  if (what == "audit_started") h.started = d;
  if (what == "block") round().block = d, round().status = "confirming";
  if (what == "block_status") round().status = d.at("to").get<std::string>();
  if (what == "round_closed") round().closed = d, round().status = "closed";
  if (what == "cycle_closed") h.cycles[d.at("cycle").get<int64_t>()] = d;
  if (what == "miner_set") h.miners[d.at("miner").get<std::string>()] = d;
  if (what == "manifest_posted") h.manifests.insert(d.at("manifest_id").get<std::string>());
  if (what == "settlement_posted") h.payments.insert(payment_key(d.at("manifest_id").get<std::string>(), d.at("line").get<int64_t>(), d.at("payment_hash").get<std::string>()));
}

History read_history(Ledger& ledger) {
  History h;
  auto s = ledger.db().statement("SELECT id, what, detail FROM audit ORDER BY id");
  while (s.step()) {
    try {
      take(h, s.text(1), json::parse(s.text_view(2)));
    } catch (const Json::exception&) {
      wrong(fmt::format("audit event {} ({}) lacks what such an event has", s.int64(0), s.text(1)));
    }
  }
  return h;
}

// Events of older versions lack some of these.
bool differs(const Json& event, const char* field, const Json& now) { return event.contains(field) && event.at(field) != now; }

void check_chain(Ledger& ledger, const History& h) {
  const auto chain = ledger.chain();
  if (!chain) return;
  if (h.ledger.is_null() && h.started.is_null()) wrong("the audit log does not reach back to the first job: its beginning was removed");
  if (h.ledger.is_null()) return;
  if (differs(h.ledger, "chain", bitcoin::network_name(chain->network)) || differs(h.ledger, "simulated", chain->simulated)) wrong("the ledger's chain was changed");
}

void check_round(Ledger& ledger, int64_t round, const std::string& status, const records::Block& block, const RoundHistory& was) {
  const auto changed = [&](const char* what) { wrong(fmt::format("round {}: its {} is not what the audit log says", round, what)); };
  if (!was.block.is_null() && (differs(was.block, "hash", block.hash.to_display_hex()) || differs(was.block, "height", block.height) || differs(was.block, "miner", block.miner)))
    changed("block");
  if (!was.block.is_null() && (differs(was.block, "subsidy_sat", block.subsidy.count()) || differs(was.block, "fees_sat", block.fees.count()))) changed("block's money");
  if (!was.status.empty() && was.status != status) changed("status");
  if (was.closed.is_null()) return;
  const records::Round now = read_round(ledger, static_cast<uint64_t>(round), {});
  if (differs(was.closed, "merkle_root", now.merkle_root.value_or("")) || differs(was.closed, "record_sha256", to_hex(crypto::sha256(records::round_line(now))))) changed("frozen record");
}

void check_rounds(Ledger& ledger, const History& h) {
  auto s = ledger.db().statement("SELECT r.id, r.status, b.line FROM rounds r JOIN blocks b ON b.id = r.block_id ORDER BY r.id");
  while (s.step()) {
    const auto at = h.rounds.find(s.int64(0));
    if ((at == h.rounds.end() || at->second.block.is_null()) && s.int64(0) > h.excused("rounds")) wrong(fmt::format("round {}: the audit log does not tell of its block", s.int64(0)));
    if (at != h.rounds.end()) check_round(ledger, s.int64(0), s.text(1), records::parse_block(json::parse(s.text_view(2))), at->second);
  }
}

void check_cycles(Ledger& ledger, const History& h) {
  auto s = ledger.db().statement("SELECT id FROM cycles");
  while (s.step()) {
    const auto at = h.cycles.find(s.int64(0));
    if (at == h.cycles.end() && s.int64(0) > h.excused("cycles")) wrong(fmt::format("cycle {}: the audit log does not tell of its closing", s.int64(0)));
    if (at != h.cycles.end() && differs(at->second, "record_sha256", to_hex(crypto::sha256(records::cycle_line(read_cycle(ledger, s.int64(0)))))))
      wrong(fmt::format("cycle {}: its frozen record is not what the audit log says", s.int64(0)));
  }
}

// Where a miner is paid is what a thief would change.
void check_miners(Ledger& ledger, const History& h) {
  for (const auto& m : list_miners(ledger)) {
    const auto at = h.miners.find(m.miner);
    const bool is_set = m.address || m.destination;
    if (at == h.miners.end() ? is_set && h.started.is_null() : at->second != json::parse(records::miner_line(m)))
      wrong(fmt::format("miner {}: its address or destination was not set by hh-ledger", m.miner));
  }
}

void check_postings(Ledger& ledger, const History& h) {
  auto p = ledger.db().statement("SELECT id, manifest_id FROM payouts");
  while (p.step())
    if (p.int64(0) > h.excused("payouts") && !h.manifests.contains(p.text(1))) wrong(fmt::format("the audit log does not tell of manifest {}", p.text(1)));
  auto s = ledger.db().statement("SELECT manifest_id, line, payment_hash, s.posting_id FROM settlements s JOIN payouts p ON p.id = payout_id");
  while (s.step())
    if (s.int64(3) > h.excused("postings") && !h.payments.contains(payment_key(s.text(0), s.int64(1), s.text(2)))) wrong(fmt::format("the audit log does not tell of payment {}", s.text(2)));
}

}  // namespace

void check_history(Ledger& ledger, const VerifyOptions&, Json& found) {
  const History h = read_history(ledger);
  check_chain(ledger, h);
  check_rounds(ledger, h);
  check_cycles(ledger, h);
  check_miners(ledger, h);
  check_postings(ledger, h);
  found["reaches_back"] = h.started.is_null();
}

}  // namespace hh::ledger
