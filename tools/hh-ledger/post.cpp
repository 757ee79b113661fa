// What is checked before money is booked.
//
// A manifest: the signature, by a key that the operator trusts; every amount against the manifest's own policy (payout/manifest.h); and then
// against this ledger. A round's payout is a pure function of the round record and the policy, so it is computed again here and must come out
// the same: no signer can book what our round does not give. A cycle's depends on facts about nodes that the ledger does not have; of it
// the pool and what nodes carry must be as frozen. A manifest that has expired is still booked: expiry forbids paying, and what was paid in
// time must not be missing from the books because the network was down for a day. Its signature is therefore checked as of when it was made.
//
// A fee sweep: what a Lightning node has earned by forwarding, and how it is divided. Its record says by which weights and rates, and each amount is worked out
// again (payout/fee_sweep.h). That the fees were earned is the word of the treasury that wrote it; (node, number) is booked once for ever.
//
// A settlement: proof of payment (payout/settlement.h), a line of a posted manifest, its account and exact amount. It is booked once for
// ever: (manifest, line) is the key, and so is the payment itself: one payment hash, or one output of a transaction, pays one line
// (its name, TXID:VOUT, stands where else the payment hash stands, with an empty preimage). A second proof for the same line would mean that it was paid twice, and is an error that says so.
#include "post.h"

#include <fmt/format.h>

#include "audit.h"
#include "base/error.h"
#include "books.h"
#include "crypto/jws.h"
#include "json/fields.h"
#include "json/canonical.h"
#include "payout/fee_sweep.h"
#include "payout/manifest.h"
#include "payout/settlement.h"
#include "rounds.h"

namespace hh::ledger {
namespace {

using json::Json;
using payout::Payout;
using payout::PayoutKind;

Json posted_record(const char* kind, const std::string& manifest_id, std::optional<int64_t> line, const char* result) {
  Json r = json::make_record("posted");
  r["kind"] = kind;
  r["manifest_id"] = manifest_id;
  if (line) r["line"] = *line;
  r["result"] = result;
  return r;
}

payout::VerifiedManifest verify_as_signed(std::string_view line, const crypto::KeySet& keys) {
  const auto form = payout::read_signed_manifest(line);
  const auto parsed = crypto::jws::parse(form.jws);
  const auto* jws = std::get_if<crypto::jws::Parsed>(&parsed);
  return payout::verify_signed_or_throw(line, keys, jws != nullptr ? jws->header.iat : 0);
}

void check_round(Ledger& ledger, const Payout& p) {
  const records::Round round = read_round(ledger, static_cast<uint64_t>(p.number), {});
  if (round.status != records::RoundStatus::closed)
    throw Error(Exit::temp_fail, fmt::format("the manifest is of round {}, which is {}, not closed", p.number, name(round.status)));
  if (payout::compute_round(round, p.policy) != p)
    throw Error(Exit::data, fmt::format("the manifest is not what round {} of this ledger gives under its policy", p.number));
}

void check_cycle(Ledger& ledger, const Payout& p) {
  const records::Cycle cycle = read_cycle(ledger, p.number);
  const auto fail = [&](const std::string& why) { throw Error(Exit::data, fmt::format("the manifest of cycle {} does not fit this ledger: {}", p.number, why)); };
  if (!cycle.closed) throw Error(Exit::temp_fail, fmt::format("the manifest is of cycle {}, which is open, not closed", p.number));
  if (p.chain != cycle.chain || p.simulated != cycle.simulated) fail("its chain is another");
  if (p.node_pool != cycle.node_pool) fail(fmt::format("node_pool_msat is {}, here {}", p.node_pool.count(), cycle.node_pool.count()));
  std::map<std::string, Msat> carried_in;
  for (const auto& n : cycle.nodes) carried_in["node:" + n.node] = n.carried;
  for (const auto& line : p.lines) {
    if (line.carried_in != carried_in[line.account]) fail(fmt::format("carried_in_msat of {} is {}, here {}", line.account, line.carried_in.count(), carried_in[line.account].count()));
    carried_in.erase(line.account);
  }
  for (const auto& [account, amount] : carried_in)
    if (!amount.is_zero()) fail(fmt::format("{} carries {} msat here and has no line", account, amount.count()));
}

void check_withdrawal(Ledger& ledger, const Payout& p) {
  const auto chain = ledger.require_chain();
  if (p.chain != chain.network || (p.simulated && chain.network == bitcoin::Network::main)) throw Error(Exit::data, "the manifest of withdrawals does not fit this ledger: its chain is another");
}

// The database refuses it too; this says of whom and what to do.
void require_owed(Ledger& ledger, const Payout& p) {
  const auto owed = carried(ledger, "yield:");
  for (const auto& line : p.lines) {
    const auto at = owed.find(line.account.substr(std::string_view("yield:").size()));
    const Msat has = at == owed.end() ? Msat(0) : at->second;
    if (line.pay > has)
      throw Error(Exit::data, fmt::format("the manifest withdraws {} msat from {}, which is owed {} here: post the sweeps of routing fees first (hh-ln reinvest sweep --all)", line.pay.count(), line.account, has.count()));
  }
}

void insert_payout(Ledger& ledger, const payout::VerifiedManifest& v, int64_t posting) {
  auto& db = ledger.db();
  const Payout& p = v.manifest.payout;
  const auto round = p.kind == PayoutKind::round ? std::optional(p.number) : std::nullopt;
  const auto cycle = p.kind == PayoutKind::cycle ? std::optional(p.number) : std::nullopt;
  const auto withdrawal = p.kind == PayoutKind::withdrawal ? std::optional(p.number) : std::nullopt;
  db.statement("INSERT INTO payouts(manifest_id, round_id, cycle_id, withdrawal, jws, posting_id, posted_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
      .run(v.manifest.id, round, cycle, withdrawal, v.signed_form.jws, posting == 0 ? std::nullopt : std::optional(posting), ledger.clock().unix_ms());
  const int64_t payout = db.last_insert_rowid();
  for (size_t i = 0; i < p.lines.size(); ++i)
    db.statement("INSERT INTO payout_lines(payout_id, line, account_id, pay_msat) VALUES (?1, ?2, ?3, ?4)").run(payout, i, account_id(ledger, p.lines[i].account), p.lines[i].pay);
  Json detail{{"manifest_id", v.manifest.id}, {"kid", v.header.kid}, {"jti", v.header.jti}, {"iat", v.header.iat}, {"pay_msat", p.pay().count()}};
  detail[std::string(payout::kind_name(p.kind))] = p.number;
  audit(ledger, "manifest_posted", detail);
}

Json post_manifest(Ledger& ledger, const crypto::KeySet& keys, std::string_view line) {
  const auto v = verify_as_signed(line, keys);
  const Payout& p = v.manifest.payout;
  Change change(ledger);
  auto there = ledger.db().statement("SELECT manifest_id FROM payouts WHERE manifest_id = ?1 OR (?2 = 'round' AND round_id = ?3) OR (?2 = 'cycle' AND cycle_id = ?3)");
  if (there.first(v.manifest.id, payout::kind_name(p.kind), p.number)) {
    if (there.text(0) == v.manifest.id) return posted_record("manifest", v.manifest.id, {}, "already");
    throw Error(Exit::data, fmt::format("{} {} has been posted with another manifest, {}", payout::kind_name(p.kind), p.number, there.text(0)));
  }
  require_from_ledger(ledger, p);
  if (p.kind == PayoutKind::withdrawal) require_owed(ledger, p);
  const int64_t posting = p.kind == PayoutKind::withdrawal ? 0 : add_posting(ledger, std::string(payout::kind_name(p.kind)), entries_of(p));
  insert_payout(ledger, v, posting);
  change.commit();
  return posted_record("manifest", v.manifest.id, {}, "posted");
}

// The posted line that a settlement is about: its payout's number, after checking account and amount.
int64_t find_line(Ledger& ledger, const payout::Settlement& s) {
  auto q = ledger.db().statement(
      "SELECT p.id, name, pay_msat FROM payouts p JOIN payout_lines l ON payout_id = p.id JOIN accounts a ON a.id = account_id WHERE manifest_id = ?1 AND line = ?2");
  if (!q.first(s.manifest_id, s.line)) throw Error(Exit::data, fmt::format("line {} of manifest {} has not been posted here: post the signed manifest first", s.line, s.manifest_id));
  if (q.text(1) != s.account) throw Error(Exit::data, fmt::format("line {} of manifest {} is of {}, not of {}", s.line, s.manifest_id, q.text(1), s.account));
  if (q.msat(2) != s.amount)
    throw Error(Exit::data, fmt::format("line {} of manifest {} is of {} msat, not of {}", s.line, s.manifest_id, q.int64(2), s.amount.count()));
  return q.int64(0);
}

// True: this very payment is in the books.
bool is_posted(Ledger& ledger, int64_t payout, const payout::Settlement& s) {
  auto q = ledger.db().statement("SELECT payment_hash, amount_msat, fee_msat FROM settlements WHERE payout_id = ?1 AND line = ?2");
  if (!q.first(payout, s.line)) return false;
  if (q.text(0) != s.payment())
    throw Error(Exit::data, fmt::format("line {} of manifest {} was paid with payment {}, and now {} claims to have paid it too: find out at once whether it was paid twice", s.line,
                                        s.manifest_id, q.text(0), s.payment()));
  if (q.msat(2) != s.fee) throw Error(Exit::data, fmt::format("payment {} is in the books with a fee of {} msat, not {}", s.payment(), q.int64(2), s.fee.count()));
  return true;
}

Json post_settlement(Ledger& ledger, const Json& record) {
  const auto s = payout::settlement_from_record(record);
  if (s.state != payout::SettlementState::paid) return posted_record("settlement", s.manifest_id, s.line, "ignored");
  if (s.simulated && ledger.require_chain().network == bitcoin::Network::main) throw Error(Exit::data, "a simulated payment cannot be booked in a ledger of chain main");
  Change change(ledger);
  const int64_t payout = find_line(ledger, s);
  if (is_posted(ledger, payout, s)) return posted_record("settlement", s.manifest_id, s.line, "already");
  const int64_t posting = add_posting(ledger, "settlement", entries_of_payment(s.account, s.amount, s.fee));
  ledger.db()
      .statement("INSERT INTO settlements(payout_id, line, amount_msat, fee_msat, payment_hash, preimage, backend, posting_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
      .run(payout, s.line, s.amount, s.fee, s.payment(), s.preimage, s.backend, posting);
  audit(ledger, "settlement_posted", {{"manifest_id", s.manifest_id}, {"line", s.line}, {"account", s.account}, {"amount_msat", s.amount.count()}, {"payment_hash", s.payment()}});
  change.commit();
  return posted_record("settlement", s.manifest_id, s.line, "posted");
}

Json post_sweep(Ledger& ledger, const Json& record) {
  const payout::FeeSweep s = payout::sweep_from_record(record);
  const auto chain = ledger.require_chain();
  if (s.chain != chain.network || (s.simulated && chain.network == bitcoin::Network::main))
    throw Error(Exit::data, fmt::format("a sweep of chain {}{} cannot be booked in a ledger of chain {}", bitcoin::network_name(s.chain), s.simulated ? ", simulated," : "", bitcoin::network_name(chain.network)));
  Json r = json::make_record("posted");
  r["kind"] = "sweep";
  r["sweep_id"] = s.id();
  Change change(ledger);
  auto there = ledger.db().statement("SELECT sweep_id FROM fee_sweeps WHERE node = ?1 AND number = ?2");
  if (there.first(s.node, s.number)) {
    if (there.text(0) != s.id()) throw Error(Exit::data, fmt::format("sweep {} of node {} has been posted with other amounts, as {}", s.number, s.node, there.text(0)));
    r["result"] = "already";
    return r;
  }
  const int64_t posting = add_posting(ledger, "sweep", entries_of(s));
  ledger.db().statement("INSERT INTO fee_sweeps(node, number, sweep_id, record, posting_id) VALUES (?1, ?2, ?3, ?4, ?5)").run(s.node, s.number, s.id(), json::canonical(to_record(s)), posting);
  audit(ledger, "sweep_posted", {{"node", s.node}, {"number", s.number}, {"sweep_id", s.id()}, {"earned_msat", s.earned.count()}, {"reserve_msat", s.reserve.count()}});
  change.commit();
  r["result"] = "posted";
  return r;
}

}  // namespace

Entries entries_of(const payout::FeeSweep& s) {
  Entries entries{{"treasury", s.earned}, {payout::reserve_account, -s.reserve}};
  for (const auto& p : s.parts) entries.emplace_back(payout::yield_account(p.node), -p.withdrawable);
  return entries;
}

Entries entries_of(const Payout& p) {
  Entries entries;
  if (p.kind == PayoutKind::round) {
    entries = {{"treasury", p.fee_to == payout::FeeTo::manifest ? p.subsidy + p.fees : p.subsidy}, {"operator", -p.operator_share}, {"node_pool", -p.node_pool}};
    for (const auto& line : p.lines) entries.emplace_back(line.account, -(line.earned + line.fees));
  } else if (p.kind == PayoutKind::cycle) {
    entries = {{"node_pool", p.earned()}};
    for (const auto& line : p.lines) entries.emplace_back(line.account, -line.earned);
  }
  return entries;
}

Entries entries_of_payment(const std::string& account, Msat amount, Msat fee) {
  return {{account, amount}, {"network_fees", fee}, {"treasury", -(amount + fee)}};
}

void require_from_ledger(Ledger& ledger, const Payout& p) {
  switch (p.kind) {
    case PayoutKind::round: return check_round(ledger, p);
    case PayoutKind::cycle: return check_cycle(ledger, p);
    case PayoutKind::withdrawal: return check_withdrawal(ledger, p);
  }
}

json::Json post_line(Ledger& ledger, const crypto::KeySet& keys, std::string_view line) {
  if (!line.starts_with('{')) return post_manifest(ledger, keys, line);
  const Json record = json::parse(line);
  const std::string type = json::record_type(record);
  if (type == "signed_manifest") return post_manifest(ledger, keys, line);
  if (type == "settlement") return post_settlement(ledger, record);
  if (type == "fee_sweep") return post_sweep(ledger, record);
  if (type == "settlement_plan") throw Error(Exit::data, "this is the plan of a dry run: nothing was paid, so there is nothing to post");
  throw Error(Exit::data, fmt::format("a record of type \"{}\" is neither a signed manifest, a settlement nor a fee sweep", type));
}

}  // namespace hh::ledger
