// A round in plain English.
//
// A round is open while the pool works on its block; there is always exactly one open round. When a source finds a block, the open round
// gets that block and is confirming, and the next round is open. At that moment each source's shares since the last block are noted as the
// round's segment of that source: for the finder up to the winning share, for others up to the last share that the ledger had.
//
// `watch` asks bitcoind about the block and moves the round between three states, in any direction, as the chain does:
//   confirming   the block is in the chain, or bitcoind has not seen it yet, and it is not buried deep enough
//   mature       it has as many confirmations as policy asks for (100: then its coinbase can be spent)
//   orphaned     another block is in the chain at its height. The block pays nothing; the work was real and is not lost: the
//                round's shares count in the next round that is not orphaned (several orphaned rounds in a row go there together).
// Which shares a round counts is thus not stored but derived from the states: its own segments and those of the orphaned rounds right before
// it. When a reorg brings an orphaned block back, its round has its shares again and the next round has fewer.
//
// `close` freezes a mature round: cuts, Merkle root, work per miner, what each account carries, where each wants its money. From then on
// triggers keep the row as it is, and reading it gives the same bytes for ever. Rounds close in order: every round before must be orphaned, or
// closed with its manifest posted, since what an account carries into this round depends on it. Closing freezes the orphans before it too:
// `watch` no longer changes their state. A closed round's block that leaves the chain (a reorg of a hundred blocks) cannot be undone here: it
// raises an alarm and people decide.
//
// With scheme pplns the state machine is the same; only the shares that count are others (basis.h).
#include "rounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "audit.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/log.h"
#include "basis.h"
#include "books.h"
#include "records/block.h"

namespace hh::ledger {
namespace {

using records::Round;
using records::RoundStatus;

struct RoundRow {
  RoundStatus status = RoundStatus::open;
  std::optional<records::Block> block;
  int64_t confirmations = 0;
};

RoundRow load_row(Ledger& ledger, uint64_t round) {
  auto s = ledger.db().statement("SELECT status, confirmations, line FROM rounds r LEFT JOIN blocks b ON b.id = r.block_id WHERE r.id = ?1");
  if (!s.first(round)) throw Error(Exit::data, fmt::format("there is no round {}", round));
  RoundRow row;
  row.status = *records::round_status_from_name(s.text(0));
  row.confirmations = s.int64(1);
  if (!s.is_null(2)) row.block = records::parse_block(json::parse(s.text_view(2)));
  return row;
}

Round header_of(Ledger& ledger, uint64_t round, const RoundRow& row) {
  const auto chain = ledger.require_chain();
  Round r;
  r.chain = chain.network, r.simulated = chain.simulated;
  r.round = round, r.status = row.status;
  if (row.block) {
    const records::Block& b = *row.block;
    r.block = records::RoundBlock{b.height, b.hash.to_display_hex(), b.nbits, b.time_ms, b.subsidy, b.fees, b.fee_to, b.miner, row.confirmations};
  }
  return r;
}

std::optional<records::Destination> destination_of(const store::Statement& s, int kind, int value) {
  if (s.is_null(kind)) return std::nullopt;
  return records::known_destination(s.text(kind), s.text(value));
}

void put_cuts(Round& r, const std::vector<CutRef>& cuts) {
  for (const CutRef& c : cuts) r.cuts.push_back({c.source, c.first_seq, c.last_seq});
}

Round read_closed(Ledger& ledger, Round r, bool with_miners) {
  auto s = ledger.db().statement("SELECT shares, work, merkle_root, scheme, pplns_factor, window_work, cut_share_work FROM rounds WHERE id = ?1");
  if (!s.first(r.round)) throw Error(Exit::software, "a round that is gone");
  r.shares = static_cast<uint64_t>(s.int64(0));
  r.work = *records::Work::from_text(s.text(1));
  r.merkle_root = s.text(2);
  r.scheme = *records::scheme_from_name(s.text(3));
  if (r.scheme == records::Scheme::pplns) r.pplns = records::PplnsWindow{s.int64(4), *records::Work::from_text(s.text(5)), *records::Work::from_text(s.text(6))};
  put_cuts(r, cuts_of(ledger, r.round));
  if (!with_miners) return r;
  auto m = ledger.db().statement(
      "SELECT name, shares, work, carried_msat, rm.destination_kind, rm.destination_value FROM round_miners rm JOIN miners ON id = miner_id WHERE round_id = ?1 ORDER BY name");
  m.bind_all(r.round);
  while (m.step())
    r.miners.push_back({m.text(0), static_cast<uint64_t>(m.int64(1)), *records::Work::from_text(m.text(2)), m.msat(3), destination_of(m, 4, 5)});
  return r;
}

Basis basis_of(Ledger& ledger, const Round& r, const RoundRules& rules, Root root) {
  if (rules.scheme == records::Scheme::prop || !r.block) return prop_basis(ledger, derived_cuts(ledger, r.round), root);
  return pplns_basis(ledger, window_ends(ledger, r.round), rules.pplns_factor, r.block->nbits, root);
}

void put_basis(Round& r, const Basis& basis, const RoundRules& rules) {
  r.shares = basis.shares, r.work = basis.work;
  r.scheme = rules.scheme, r.pplns = basis.window;
  put_cuts(r, basis.cuts);
}

// Miners of the basis, and those who are owed something from before.
void put_miners(Ledger& ledger, Round& r, const Basis& basis) {
  std::map<std::string, records::RoundMiner> by_name;
  for (const auto& [id, m] : basis.miners) by_name[m.name] = {m.name, m.shares, m.work, Msat(), {}};
  for (const auto& [name, amount] : carried(ledger, "miner:")) {
    auto& m = by_name[name];
    m.miner = name, m.carried = amount;
  }
  auto s = ledger.db().statement("SELECT destination_kind, destination_value FROM miners WHERE name = ?1");
  for (auto& [name, m] : by_name) {
    if (s.first(name)) m.destination = destination_of(s, 0, 1);
    s.reset();
    r.miners.push_back(std::move(m));
  }
}

// Says why the round cannot be closed now; returns where it can.
void require_closable(Ledger& ledger, uint64_t round, const RoundRow& row) {
  if (row.status == RoundStatus::orphaned) throw Error(Exit::data, fmt::format("round {} is orphaned: its shares count in the round that follows", round));
  if (row.status == RoundStatus::open) throw Error(Exit::temp_fail, fmt::format("round {} is open: its block has not been found", round));
  auto s = ledger.db().statement(
      "SELECT r.id, r.status, p.id FROM rounds r LEFT JOIN payouts p ON p.round_id = r.id WHERE r.id < ?1 AND r.status <> 'orphaned' AND p.id IS NULL ORDER BY r.id LIMIT 1");
  if (s.first(round))
    throw Error(Exit::temp_fail, s.text(1) == "closed" ? fmt::format("round {} is in the way: it is closed, but its manifest has not been posted", s.int64(0))
                                                       : fmt::format("round {} is in the way: it is {}", s.int64(0), s.text(1)));
  if (row.status != RoundStatus::mature)
    throw Error(Exit::temp_fail, fmt::format("round {} is {} with {} confirmations (hh-ledger watch asks bitcoind)", round, name(row.status), row.confirmations));
}

void freeze(Ledger& ledger, const Round& r, const Basis& basis) {
  auto& db = ledger.db();
  for (const CutRef& c : basis.cuts)
    db.statement("INSERT INTO round_cuts(round_id, source_id, first_seq, last_seq) VALUES (?1, ?2, ?3, ?4)").run(r.round, c.source_id, c.first_seq, c.last_seq);
  auto miner_id = db.statement("SELECT id FROM miners WHERE name = ?1");
  auto insert = db.statement("INSERT INTO round_miners(round_id, miner_id, shares, work, carried_msat, destination_kind, destination_value) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  for (const auto& m : r.miners) {
    if (!miner_id.first(m.miner)) throw Error(Exit::data, fmt::format("account miner:{} belongs to no miner of this ledger", m.miner));
    const auto kind = m.destination ? std::optional(records::kind_name(m.destination->kind)) : std::nullopt;
    const auto value = m.destination ? std::optional(m.destination->value) : std::nullopt;
    insert.run(r.round, miner_id.int64(0), m.shares, m.work.to_text(), m.carried, kind, value);
    miner_id.reset();
  }
  const auto factor = r.pplns ? std::optional(r.pplns->factor) : std::nullopt;
  const auto window = r.pplns ? std::optional(r.pplns->window_work.to_text()) : std::nullopt;
  const auto cut = r.pplns ? std::optional(r.pplns->cut_share_work.to_text()) : std::nullopt;
  db.statement("UPDATE rounds SET status = 'closed', shares = ?2, work = ?3, merkle_root = ?4, scheme = ?5, pplns_factor = ?6, window_work = ?7, cut_share_work = ?8, closed_ms = ?9 WHERE id = ?1")
      .run(r.round, r.shares, r.work.to_text(), *r.merkle_root, name(r.scheme), factor, window, cut, ledger.clock().unix_ms());
  audit(ledger, "round_closed", {{"round", r.round}, {"merkle_root", *r.merkle_root}, {"shares", r.shares}, {"work", r.work.to_text()},
                                  {"record_sha256", to_hex(crypto::sha256(records::round_line(r)))}});
}

// The first of the orphaned rounds right before this one, or the round itself.
uint64_t first_of_run(Ledger& ledger, uint64_t round) {
  auto s = ledger.db().statement("SELECT coalesce(max(id), 0) + 1 FROM rounds WHERE id < ?1 AND status <> 'orphaned'");
  s.first(round);
  return static_cast<uint64_t>(s.int64(0));
}

void add_segments(Ledger& ledger, uint64_t first, uint64_t last, std::map<std::string, CutRef>& cuts) {
  auto s = ledger.db().statement(
      "SELECT source_id, name, first_seq, g.last_seq FROM segments g JOIN sources ON id = source_id WHERE round_id BETWEEN ?1 AND ?2 AND g.last_seq >= first_seq ORDER BY round_id");
  s.bind_all(first, last);
  while (s.step()) {
    auto [at, is_new] = cuts.try_emplace(s.text(1), CutRef{s.int64(0), s.text(1), static_cast<uint64_t>(s.int64(2)), 0});
    at->second.last_seq = static_cast<uint64_t>(s.int64(3));
  }
}

void add_open_segments(Ledger& ledger, std::map<std::string, CutRef>& cuts) {
  auto s = ledger.db().statement("SELECT id, name, segment_first, last_seq FROM sources WHERE last_seq >= segment_first");
  while (s.step()) {
    auto [at, is_new] = cuts.try_emplace(s.text(1), CutRef{s.int64(0), s.text(1), static_cast<uint64_t>(s.int64(2)), 0});
    at->second.last_seq = static_cast<uint64_t>(s.int64(3));
  }
}

}  // namespace

std::vector<CutRef> derived_cuts(Ledger& ledger, uint64_t round) {
  const RoundRow row = load_row(ledger, round);
  std::map<std::string, CutRef> cuts;
  if (row.status == RoundStatus::orphaned) return {};
  add_segments(ledger, first_of_run(ledger, round), round, cuts);
  if (row.status == RoundStatus::open) add_open_segments(ledger, cuts);
  std::vector<CutRef> out;
  for (auto& [name, cut] : cuts) out.push_back(std::move(cut));
  return out;
}

std::vector<CutRef> window_ends(Ledger& ledger, uint64_t round) {
  if (load_row(ledger, round).status == RoundStatus::orphaned) return {};
  auto s = ledger.db().statement("SELECT source_id, name, g.last_seq FROM segments g JOIN sources ON id = source_id WHERE round_id = ?1 AND g.last_seq > 0 ORDER BY name");
  s.bind_all(round);
  std::vector<CutRef> ends;
  while (s.step()) ends.push_back({s.int64(0), s.text(1), 1, static_cast<uint64_t>(s.int64(2))});
  return ends;
}

bool same_cuts(const std::vector<CutRef>& a, const std::vector<CutRef>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const CutRef& x, const CutRef& y) {
    return x.source_id == y.source_id && x.first_seq == y.first_seq && x.last_seq == y.last_seq;
  });
}

void warn_of_alarm(Ledger& ledger, uint64_t round) {
  auto s = ledger.db().statement("SELECT time_ms FROM alarms WHERE round_id = ?1");
  if (s.first(round))
    log::error("closed_round_reorganised", {{"round", round}, {"seen", to_iso8601(s.int64(0))}, {"message", "the block of this closed round left the chain: its reward is gone; do not pay it without a decision"}});
}

std::vector<CutRef> cuts_of(Ledger& ledger, uint64_t round) {
  if (load_row(ledger, round).status != RoundStatus::closed) return derived_cuts(ledger, round);
  std::vector<CutRef> out;
  auto s = ledger.db().statement("SELECT source_id, name, first_seq, c.last_seq FROM round_cuts c JOIN sources ON id = source_id WHERE round_id = ?1 ORDER BY name");
  s.bind_all(round);
  while (s.step()) out.push_back({s.int64(0), s.text(1), static_cast<uint64_t>(s.int64(2)), static_cast<uint64_t>(s.int64(3))});
  return out;
}

std::vector<uint64_t> round_ids(Ledger& ledger) {
  std::vector<uint64_t> ids;
  auto s = ledger.db().statement("SELECT id FROM rounds ORDER BY id");
  while (s.step()) ids.push_back(static_cast<uint64_t>(s.int64(0)));
  return ids;
}

Round read_round(Ledger& ledger, uint64_t round, const RoundRules& rules, bool with_miners) {
  const RoundRow row = load_row(ledger, round);
  Round r = header_of(ledger, round, row);
  if (row.status == RoundStatus::closed) return read_closed(ledger, std::move(r), with_miners);
  const Basis basis = basis_of(ledger, r, rules, Root::leave_out);
  put_basis(r, basis, rules);
  if (with_miners && row.status != RoundStatus::orphaned) put_miners(ledger, r, basis);
  return r;
}

std::optional<uint64_t> next_to_close(Ledger& ledger) {
  auto s = ledger.db().statement("SELECT id FROM rounds WHERE status IN ('confirming', 'mature') ORDER BY id LIMIT 1");
  if (!s.step()) return std::nullopt;
  return static_cast<uint64_t>(s.int64(0));
}

// The long part, walking through the shares, is done on a snapshot without keeping `append` waiting: shares and segments do not change.
Round close_round(Ledger& ledger, uint64_t round, const RoundRules& rules) {
  Basis basis;
  {
    store::Transaction view(ledger.db(), store::Transaction::Kind::read);
    const RoundRow row = load_row(ledger, round);
    if (row.status == RoundStatus::closed) return read_round(ledger, round, rules);
    require_closable(ledger, round, row);
    for (uint64_t r = first_of_run(ledger, round); r <= round; ++r) verify_segments(ledger, r);
    basis = basis_of(ledger, header_of(ledger, round, row), rules, Root::compute);
  }
  Change change(ledger);
  const RoundRow row = load_row(ledger, round);
  if (row.status == RoundStatus::closed) return read_round(ledger, round, rules);
  require_closable(ledger, round, row);
  if (rules.scheme == records::Scheme::prop && !same_cuts(basis.cuts, derived_cuts(ledger, round)))
    throw Error(Exit::temp_fail, fmt::format("round {} changed while it was being closed (a block was orphaned or came back): try again", round));
  Round r = header_of(ledger, round, row);
  put_basis(r, basis, rules);
  r.merkle_root = to_hex(basis.root);
  r.status = RoundStatus::closed;
  put_miners(ledger, r, basis);
  freeze(ledger, r, basis);
  change.commit();
  return r;
}

}  // namespace hh::ledger
