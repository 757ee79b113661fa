#include "export.h"

#include <fmt/format.h>

#include <map>

#include "base/error.h"
#include "base/hex.h"
#include "crypto/merkle_log.h"
#include "json/fields.h"
#include "records/block.h"
#include "rounds.h"
#include "schema.h"
#include "shares.h"

namespace hh::ledger {
namespace {

class Exporter {
 public:
  Exporter(Ledger& ledger, const EmitLine& emit, bool all_jobs) : ledger_(ledger), names_(ledger.db()), emit_(emit), all_jobs_(all_jobs) {}

  // Shares and blocks of one source in the order of seq, each job before its first share; also a block right behind the last share.
  void records(int64_t source_id, uint64_t first, uint64_t last) {
    auto blocks = ledger_.db().statement("SELECT id, line FROM blocks WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
    blocks.bind_all(record_id(source_id, first), record_id(source_id, last + 1));
    bool block = blocks.step();
    ShareCursor cursor(ledger_.db(), names_, source_id, first, last);
    StoredShare share;
    while (cursor.next(share)) {
      for (; block && seq_of(blocks.int64(0)) < share.view.seq; block = blocks.step()) put(blocks.text(1));
      jobs_up_to(source_id, share.job_id);
      line_.clear();
      records::put_share_line(line_, share.view);
      line_ += '\n';
      emit_(line_);
    }
    for (; block; block = blocks.step()) put(blocks.text(1));
  }

  // Jobs that no share refers to.
  void remaining_jobs() {
    auto s = ledger_.db().statement("SELECT id FROM sources ORDER BY id");
    while (s.step()) jobs_up_to(s.int64(0), INT64_MAX);
  }

 private:
  void put(std::string line) { emit_(line += '\n'); }

  void jobs_up_to(int64_t source_id, int64_t job_id) {
    int64_t& done = jobs_done_[source_id];
    if (job_id <= done) return;
    auto s = ledger_.db().statement("SELECT id, line FROM jobs WHERE source_id = ?1 AND id > ?2 AND id <= ?3 ORDER BY id");
    s.bind_all(source_id, all_jobs_ ? done : job_id - 1, job_id);
    while (s.step()) put(s.text(1));
    done = job_id;
  }

  Ledger& ledger_;
  ShareNames names_;
  const EmitLine& emit_;
  bool all_jobs_;
  std::map<int64_t, int64_t> jobs_done_;
  std::string line_;
};

void emit_csv(Ledger& ledger, const std::vector<CutRef>& cuts, const EmitLine& emit) {
  const auto quoted = [](std::string_view text) {
    std::string out = "\"";
    for (char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
    return out + "\"";
  };
  ShareNames names(ledger.db());
  emit("source,seq,time_ms,job,miner,worker,work,fee_to\n");
  StoredShare s;
  for (const CutRef& cut : cuts) {
    ShareCursor cursor(ledger.db(), names, cut.source_id, cut.first_seq, cut.last_seq);
    while (cursor.next(s))
      emit(fmt::format("{},{},{},{},{},{},{},{}\n", quoted(s.view.source), s.view.seq, s.view.time_ms, quoted(s.view.job), quoted(s.view.miner), quoted(s.view.worker),
                       s.view.work, name(s.view.fee_to)));
  }
}

std::vector<CutRef> everything(Ledger& ledger) {
  std::vector<CutRef> cuts;
  auto s = ledger.db().statement("SELECT id, name, last_seq FROM sources ORDER BY name");
  while (s.step()) cuts.push_back({s.int64(0), s.text(1), 1, static_cast<uint64_t>(s.int64(2))});
  return cuts;
}

}  // namespace

void export_all(Ledger& ledger, const EmitLine& emit) {
  store::Transaction view(ledger.db(), store::Transaction::Kind::read);
  Exporter out(ledger, emit, true);
  // Within a round the finder's segment comes last, with the block right behind its last share.
  auto s = ledger.db().statement(
      "SELECT source_id, first_seq, last_seq, source_id = (block_id >> 40) FROM segments g JOIN rounds r ON r.id = g.round_id ORDER BY round_id, 4, source_id");
  while (s.step()) out.records(s.int64(0), static_cast<uint64_t>(s.int64(1)), static_cast<uint64_t>(s.int64(2)));
  auto open = ledger.db().statement("SELECT id, segment_first, last_seq FROM sources ORDER BY id");
  while (open.step()) out.records(open.int64(0), static_cast<uint64_t>(open.int64(1)), static_cast<uint64_t>(open.int64(2)));
  out.remaining_jobs();
}

void export_round(Ledger& ledger, uint64_t round, const EmitLine& emit) {
  store::Transaction view(ledger.db(), store::Transaction::Kind::read);
  Exporter out(ledger, emit, false);
  for (const CutRef& c : cuts_of(ledger, round)) out.records(c.source_id, c.first_seq, c.last_seq);
}

void export_csv(Ledger& ledger, std::optional<uint64_t> round, const EmitLine& emit) {
  store::Transaction view(ledger.db(), store::Transaction::Kind::read);
  emit_csv(ledger, round ? cuts_of(ledger, *round) : everything(ledger), emit);
}

json::Json prove(Ledger& ledger, uint64_t round, const std::string& source, uint64_t seq) {
  store::Transaction view(ledger.db(), store::Transaction::Kind::read);
  const records::Round r = read_round(ledger, round, {});
  if (r.status != records::RoundStatus::closed) throw Error(Exit::temp_fail, fmt::format("round {} is {}: it has no Merkle root before it is closed", round, name(r.status)));
  std::vector<crypto::Digest> leaves;
  std::optional<size_t> index;
  std::string line, proven;
  ShareNames names(ledger.db());
  for (const CutRef& cut : cuts_of(ledger, round)) {
    ShareCursor cursor(ledger.db(), names, cut.source_id, cut.first_seq, cut.last_seq);
    StoredShare s;
    while (cursor.next(s)) {
      line.clear();
      records::put_share_line(line, s.view);
      if (cut.source == source && s.view.seq == seq) index = leaves.size(), proven = line;
      leaves.push_back(crypto::leaf_hash(line));
    }
  }
  if (!index) throw Error(Exit::data, fmt::format("round {} does not count a share {} of source {}", round, seq, source));
  const auto proof = crypto::inclusion_proof(*index, leaves);
  crypto::Digest root{};
  from_hex(*r.merkle_root, root);
  json::Json record = json::make_record("verified");
  record["what"] = "inclusion";
  record["ok"] = crypto::verify_inclusion(leaves[*index], *index, leaves.size(), proof, root);
  if (!record["ok"].get<bool>()) throw Error(Exit::data, fmt::format("the shares of round {} do not have its Merkle root any more: run hh-ledger verify", round));
  record["round"] = round;
  record["merkle_root"] = *r.merkle_root;
  record["index"] = *index;
  record["size"] = leaves.size();
  record["leaf"] = proven;
  std::string hashes;
  for (const auto& h : proof) hashes += (hashes.empty() ? "" : ",") + to_hex(h);
  record["proof"] = hashes;
  return record;
}

}  // namespace hh::ledger
