#include "verify.h"

#include <fmt/format.h>

#include <map>

#include "audit.h"
#include "base/error.h"
#include "base/hex.h"
#include "basis.h"
#include "crypto/merkle_log.h"
#include "json/fields.h"
#include "records/block.h"
#include "records/share_proof.h"
#include "rounds.h"
#include "schema.h"
#include "shares.h"
#include "verify_checks.h"

namespace hh::ledger {
namespace {

using json::Json;

// A check adds what it found to the record, or throws Error with what is wrong.
using Check = std::function<void(Ledger&, const VerifyOptions&, Json&)>;

[[noreturn]] void wrong(const std::string& why) { throw Error(Exit::data, why); }

void check_file(Ledger& ledger, const VerifyOptions&, Json&) { ledger.db().check_integrity(); }

std::map<std::string, std::string> schema_of(store::Database& db) {
  std::map<std::string, std::string> all;
  auto s = db.statement("SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'");
  while (s.step()) all.emplace(s.text(0), s.text(1));
  return all;
}

// The tables and triggers are those of this program: compared with a database that it makes anew.
void check_schema(Ledger& ledger, const VerifyOptions&, Json& found) {
  store::Database fresh(":memory:", {.mode = store::Mode::create, .application_id = application_id});
  store::Migrator(fresh, migrations()).up();
  const auto expected = schema_of(fresh), actual = schema_of(ledger.db());
  for (const auto& [name, sql] : expected)
    if (const auto at = actual.find(name); at == actual.end() || at->second != sql) wrong(fmt::format("{} is missing or was changed", name));
  for (const auto& [name, sql] : actual)
    if (!expected.contains(name)) wrong(fmt::format("{} does not belong here", name));
  found["objects"] = actual.size();
}

int64_t gaps_noted(Ledger& ledger, const std::string& source) {
  int64_t missing = 0;
  auto s = ledger.db().statement("SELECT detail FROM audit WHERE what = 'gap'");
  while (s.step()) {
    const Json detail = json::parse(s.text_view(0));
    if (detail.at("source") == source) missing += detail.at("last_seq").get<int64_t>() - detail.at("first_seq").get<int64_t>() + 1;
  }
  return missing;
}

void check_sequence(Ledger& ledger, const VerifyOptions&, Json& found) {
  auto& db = ledger.db();
  if (db.query_int64("SELECT count(*) FROM shares WHERE job_id NOT IN (SELECT id FROM jobs) OR worker_id NOT IN (SELECT id FROM workers)") != 0)
    wrong("a share refers to a job or worker that is not there");
  auto s = db.statement("SELECT id, name, last_seq FROM sources");
  auto count = db.statement("SELECT (SELECT count(*) FROM shares WHERE id BETWEEN ?1 AND ?2) + (SELECT count(*) FROM blocks WHERE id BETWEEN ?1 AND ?2)");
  int64_t records = 0;
  while (s.step()) {
    count.first(record_id(s.int64(0), 0), record_id(s.int64(0) + 1, 0) - 1);
    const int64_t there = count.int64(0), missing = gaps_noted(ledger, s.text(1));
    count.reset();
    if (there + missing != s.int64(2)) wrong(fmt::format("source {}: last seq is {}, but there are {} records (and {} known to be missing)", s.text(1), s.int64(2), there, missing));
    records += there;
  }
  if (db.query_int64("SELECT (SELECT count(*) FROM shares) + (SELECT count(*) FROM blocks)") != records) wrong("there are shares or blocks of a source that is not there");
  found["records"] = records;
}

void check_open_segments(Ledger& ledger) {
  ShareNames names(ledger.db());
  auto s = ledger.db().statement("SELECT id, name, segment_first, last_seq, segment_log FROM sources");
  std::string line;
  while (s.step()) {
    crypto::MerkleLog tree;
    ShareCursor cursor(ledger.db(), names, s.int64(0), static_cast<uint64_t>(s.int64(2)), static_cast<uint64_t>(s.int64(3)));
    for (StoredShare share; cursor.next(share); tree.append(line)) {
      line.clear();
      records::put_share_line(line, share.view);
    }
    const auto log = crypto::MerkleLog::restore(s.blob_view(4));
    if (!log || log->root() != tree.root()) wrong(fmt::format("source {}: the shares since the last block are not those that arrived", s.text(1)));
  }
}

void check_segments(Ledger& ledger, const VerifyOptions&, Json& found) {
  int64_t n = 0;
  for (uint64_t round : round_ids(ledger)) verify_segments(ledger, round), ++n;
  check_open_segments(ledger);
  found["rounds"] = n;
}

bool same_window(const std::optional<records::PplnsWindow>& a, const std::optional<records::PplnsWindow>& b) {
  return a.has_value() == b.has_value() && (!a || (a->factor == b->factor && a->window_work == b->window_work && a->cut_share_work == b->cut_share_work));
}

void check_closed_round(Ledger& ledger, uint64_t round) {
  const records::Round r = read_round(ledger, round, {});
  if (r.status != records::RoundStatus::closed) return;
  const bool prop = r.scheme == records::Scheme::prop;
  const Basis b = prop ? prop_basis(ledger, derived_cuts(ledger, round), Root::compute)
                       : pplns_basis(ledger, window_ends(ledger, round), r.pplns->factor, r.block->nbits, Root::compute);
  if (to_hex(b.root) != *r.merkle_root) wrong(fmt::format("round {}: the Merkle root of its shares is {}, not {}", round, to_hex(b.root), *r.merkle_root));
  if (b.shares != r.shares || b.work != r.work || !same_window(b.window, r.pplns)) wrong(fmt::format("round {}: its shares and work do not add up to what was frozen", round));
  if (!same_cuts(b.cuts, cuts_of(ledger, round))) wrong(fmt::format("round {}: its cuts are not what was frozen", round));
  std::map<std::string, const Basis::Miner*> by_name;
  for (const auto& [id, m] : b.miners) by_name[m.name] = &m;
  for (const auto& m : r.miners) {
    const auto at = by_name.find(m.miner);
    const uint64_t shares = at == by_name.end() ? 0 : at->second->shares;
    const records::Work work = at == by_name.end() ? records::Work() : at->second->work;
    if (m.shares != shares || m.work != work) wrong(fmt::format("round {}: shares or work of {} are not what was frozen", round, m.miner));
    by_name.erase(m.miner);
  }
  if (!by_name.empty()) wrong(fmt::format("round {}: {} had shares and is missing in what was frozen", round, by_name.begin()->first));
}

void check_rounds(Ledger& ledger, const VerifyOptions&, Json& found) {
  int64_t n = 0;
  for (uint64_t round : round_ids(ledger)) check_closed_round(ledger, round), ++n;
  found["rounds"] = n;
}

void check_shares(Ledger& ledger, const VerifyOptions&, Json& found) {
  ShareNames names(ledger.db());
  std::map<int64_t, records::Job> jobs;
  auto line_of = ledger.db().statement("SELECT line FROM jobs WHERE id = ?1");
  auto s = ledger.db().statement("SELECT id, last_seq FROM sources");
  int64_t n = 0;
  while (s.step()) {
    ShareCursor cursor(ledger.db(), names, s.int64(0), 1, static_cast<uint64_t>(s.int64(1)));
    for (StoredShare share; cursor.next(share); ++n) {
      auto at = jobs.find(share.job_id);
      if (at == jobs.end()) {
        if (jobs.size() > 10'000) jobs.clear();
        line_of.first(share.job_id);
        at = jobs.emplace(share.job_id, records::parse_job(json::parse(line_of.text_view(0)))).first;
        line_of.reset();
      }
      const auto proof = records::verify_share(at->second, share.view);
      if (!proof) wrong(fmt::format("source {}, seq {}: {}", share.view.source, share.view.seq, proof.fault));
    }
  }
  found["shares"] = n;
}

// As if it came in now, and as its columns say.
void check_block(Ledger& ledger, const store::Statement& row) {
  const int64_t id = row.int64(0);
  const records::Block block = records::parse_block(json::parse(row.text_view(3)));
  const auto fail = [&](const char* why) { wrong(fmt::format("block {}: {}", row.text(1), why)); };
  if (records::block_line(block) != row.text_view(3)) fail("its record is not in canonical form");
  if (block.hash.to_display_hex() != row.text_view(1) || block.height != row.int64(2) || block.seq != seq_of(id) || ShareNames(ledger.db()).source(source_of(id)) != block.source)
    fail("its record is not what its columns say");
  if (block.chain != ledger.require_chain().network) fail("it is of another chain");
  if (row.int64(4) != 1) fail("it does not belong to one round");
  require_block(ledger.db(), source_of(id), block);
}

void check_blocks(Ledger& ledger, const VerifyOptions&, Json& found) {
  auto s = ledger.db().statement("SELECT id, hash, height, line, (SELECT count(*) FROM rounds WHERE block_id = b.id) FROM blocks b ORDER BY id");
  int64_t n = 0;
  for (; s.step(); ++n) check_block(ledger, s);
  found["blocks"] = n;
}

void check_audit(Ledger& ledger, const VerifyOptions&, Json& found) {
  found["events"] = verify_audit(ledger);
  found["head"] = audit_head(ledger);
}

}  // namespace

bool verify(Ledger& ledger, const VerifyOptions& options, const std::function<void(const Json&)>& print) {
  const std::pair<const char*, Check> checks[] = {{"file", check_file},         {"schema", check_schema},       {"sequence", check_sequence},
                                                  {"segments", check_segments}, {"blocks", check_blocks},       {"rounds", check_rounds},
                                                  {"shares", check_shares},     {"books", check_books},         {"manifests", check_manifests},
                                                  {"history", check_history},   {"audit", check_audit}};
  store::Transaction view(ledger.db(), store::Transaction::Kind::read);
  bool all = true;
  for (const auto& [name, check] : checks) {
    if (std::string_view(name) == "shares" && !options.shares) continue;
    Json record = json::make_record("verified");
    record["what"] = name;
    record["ok"] = true;
    try {
      check(ledger, options, record);
    } catch (const Error& e) {
      if (e.code() != Exit::data && e.code() != Exit::no_permission) throw;
      record["ok"] = false;
      record["why"] = e.what();
      all = false;
    }
    print(record);
  }
  return all;
}

}  // namespace hh::ledger
