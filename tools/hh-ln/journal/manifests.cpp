// The part of the journal that is about manifests: which are taken, until when they are paid, and which are revoked.
//
// The reward of a block belongs to one manifest. Where that one is wrong it is revoked, and a successor is taken only if nothing of the first was ever
// sent, for whatever line: a payment that may have gone out cannot be told from one that a successor's line would make again, since amounts, accounts and
// numbers of lines may all differ. What a revoked manifest leaves unpaid stays in its accounts' balances, and a later round carries it on.
#include <fmt/format.h>

#include "base/error.h"
#include "journal/journal.h"
#include "json/strict.h"

namespace hh::ln {
namespace {

// What a manifest pays out: the reward of one block, what one cycle had in its pool, or a batch of withdrawals. Numbers alone do not name it: two ledgers both have a round 1.
// Batches of withdrawals are counted by this journal.
std::string pot_of(const payout::Payout& p) {
  if (p.kind == payout::PayoutKind::withdrawal) return fmt::format("withdrawals {}", p.number);
  return p.kind == payout::PayoutKind::round ? "block " + p.block_hash : fmt::format("cycle {} of {} msat", p.number, p.node_pool.count());
}

}  // namespace

// For manifests that version 1 of the journal has recorded. Where two of them are for one block already, the first keeps it.
void Journal::name_pots() {
  std::vector<std::pair<std::string, std::string>> nameless;
  {
    auto rows = db_.statement("SELECT manifest_id, jws FROM manifests WHERE pot IS NULL ORDER BY first_seen_ms, manifest_id");
    while (rows.step()) nameless.emplace_back(rows.text(0), vault_.open("manifests.jws", rows.text(0), rows.text(1)));
  }
  for (const auto& [id, jws] : nameless) try {
      db_.statement("UPDATE manifests SET pot = ?2 WHERE manifest_id = ?1").run(id, pot_of(payout::payload_of(payout::read_signed_manifest(jws)).payout));
    } catch (const Error& e) {
      if (e.code() != Exit::data) throw;  // unreadable by this version: it stays nameless
    }
}

void Journal::require_only_manifest(const payout::VerifiedManifest& m) {
  const Lock lock(mutex_);
  const std::string pot = pot_of(m.manifest.payout), &id = m.manifest.id;
  const bool is_known = db_.statement("SELECT 1 FROM manifests WHERE manifest_id = ?1").first(id);
  const std::string revoked = term(id).revoked;
  if (!is_known && !revoked.empty()) throw Error(Exit::data, fmt::format("manifest refused: {} is revoked: {}", id, revoked));
  if (m.manifest.payout.kind == payout::PayoutKind::withdrawal && !db_.statement("SELECT 1 FROM withdrawal_batches WHERE manifest_id = ?1").first(id))
    throw Error(Exit::data, fmt::format("manifest refused: {} withdraws what forwarding earned, and this journal has made no such batch: `hh-ln reinvest pay` makes them", id));
  if (is_known && !revoked.empty()) return;  // what is under way is followed to its end
  auto other = db_.statement("SELECT manifest_id FROM manifests_in_force WHERE chain = ?1 AND pot = ?2 AND manifest_id <> ?3");
  if (other.first(bitcoin::network_name(m.manifest.payout.chain), pot, id))
    throw Error(Exit::data, fmt::format("manifest refused: {} pays {}, and so does manifest {}, which the journal has already: it would be paid out twice", id, pot, other.text(0)));
}

void Journal::add(const payout::VerifiedManifest& m) {
  Work work(*this);
  require_only_manifest(m);
  if (db_.statement("SELECT 1 FROM manifests WHERE manifest_id = ?1").first(m.manifest.id))
    require_terms(m);
  else
    insert(m, pot_of(m.manifest.payout));
  // Signed again, it is the same manifest with more time.
  if (m.header.exp > 0) db_.statement("UPDATE manifests SET expires_at = ?2 WHERE manifest_id = ?1 AND (expires_at IS NULL OR expires_at < ?2)").run(m.manifest.id, m.header.exp);
  work.commit();
}

void Journal::insert(const payout::VerifiedManifest& m, const std::string& pot) {
  const payout::Payout& p = m.manifest.payout;
  db_.statement("INSERT INTO manifests (manifest_id, chain, simulated, kind, number, pay_msat, jws, first_seen_ms, pot) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")
      .run(m.manifest.id, bitcoin::network_name(p.chain), p.simulated, payout::kind_name(p.kind), p.number, p.pay(),
           vault_.seal("manifests.jws", m.manifest.id, m.signed_form.jws), now(), pot);
  for (size_t i = 0; i < p.lines.size(); ++i) {
    const payout::Line& l = p.lines[i];
    if (l.pay.is_zero()) continue;
    db_.statement("INSERT INTO lines (manifest_id, line, account, pay_msat, destination_kind, destination_value, changed_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        .run(m.manifest.id, i, l.account, l.pay, payout::kind_name(l.destination->kind),
             vault_.seal("lines.destination_value", fmt::format("{}/{}", m.manifest.id, i), l.destination->value), now());
    hold_if_paid_elsewhere(m.manifest.id, static_cast<int64_t>(i), l.pay);
  }
}

void Journal::require_terms(const payout::VerifiedManifest& m) {
  const auto known = lines(m.manifest.id);
  size_t at = 0;
  for (size_t i = 0; i < m.manifest.payout.lines.size(); ++i) {
    const payout::Line& l = m.manifest.payout.lines[i];
    if (l.pay.is_zero()) continue;
    if (at == known.size()) break;
    const Line& k = known[at++];
    if (k.line != static_cast<int64_t>(i) || k.account != l.account || k.pay != l.pay || k.destination != *l.destination)
      throw Error(Exit::data, fmt::format("the journal knows manifest {} with other terms in line {}", m.manifest.id, i));
  }
  const auto paying = std::count_if(m.manifest.payout.lines.begin(), m.manifest.payout.lines.end(), [](const payout::Line& l) { return !l.pay.is_zero(); });
  if (std::cmp_not_equal(known.size(), paying)) throw Error(Exit::data, fmt::format("the journal knows manifest {} with other lines", m.manifest.id));
}

Term Journal::term(const std::string& manifest_id) {
  const Lock lock(mutex_);
  Term t;
  auto row = db_.statement("SELECT first_seen_ms, expires_at FROM manifests WHERE manifest_id = ?1");
  if (row.first(manifest_id)) t.first_seen_ms = row.int64(0), t.expires_at = row.optional_int64(1);
  auto revoked = db_.statement("SELECT reason FROM revocations WHERE manifest_id = ?1");
  if (revoked.first(manifest_id)) t.revoked = revoked.text(0);
  return t;
}

bool Journal::revoke(const std::string& manifest_id, const std::string& reason) {
  Work work(*this);
  const std::string why = json::clean_text(reason, max_reason);
  if (db_.statement("INSERT INTO revocations (manifest_id, reason, time_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING").run(manifest_id, why, now()) == 0) return false;
  for (const Line& l : lines(manifest_id))
    if (!l.onchain && !(l.attempt && l.attempt->state == State::paid)) hold_anew(manifest_id, l.line, "the manifest is revoked: " + why);
  work.commit();
  return true;
}

std::string Journal::jws(const std::string& manifest_id) {
  const Lock lock(mutex_);
  auto row = db_.statement("SELECT jws FROM manifests WHERE manifest_id = ?1");
  if (!row.first(manifest_id)) throw Error(Exit::data, fmt::format("the journal has no manifest {}", manifest_id));
  return vault_.open("manifests.jws", manifest_id, row.text(0));
}

}  // namespace hh::ln
