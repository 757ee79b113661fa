// What a line must be to be taken: its own form (batch.cpp), the next seq of its source, of a job that the ledger has, on the ledger's
// chain; a block besides must follow the share that won and be that share's hash. Checks come before the first change of an item, so that
// an item is applied or not, and the items before it stay valid.
#include "recorder.h"

#include <fmt/format.h>

#include <utility>

#include "audit.h"
#include "base/error.h"
#include "base/log.h"
#include "json/fields.h"
#include "schema.h"
#include "shares.h"

namespace hh::ledger {
namespace {

constexpr size_t rows_at_once = 32;      // of one INSERT: fewer steps into SQLite and out again
constexpr size_t cache_limit = 200'000;  // names are chosen by strangers: no cache grows for ever

// A gap is not passed over by skip_bad: it is not this line that is bad, others are missing.
struct GapError : Error {
  explicit GapError(const std::string& sentence) : Error(Exit::data, sentence) {}
};

std::string insert_sql(size_t rows) {
  std::string sql = "INSERT INTO shares(id, time_ms, job_id, worker_id, work, proof) VALUES ";
  for (size_t i = 0; i < rows; ++i) sql += i == 0 ? "(?, ?, ?, ?, ?, ?)" : ", (?, ?, ?, ?, ?, ?)";
  return sql;
}

[[noreturn]] void refuse(const std::string& why) { throw Error(Exit::data, why); }

// Their finder was paid by the coinbase, so a round of such a block would be paid twice. Refused with the first job already, not with the block months later.
template <typename Record>
void refuse_solo(const Record& r) {
  if (r.treasury_keeps) refuse(fmt::format("source {}: it pays blocks to their finders (subsidy_to miner): there is nothing to divide, and no ledger to keep", r.source));
}

}  // namespace

Recorder::Recorder(Ledger& ledger, RecorderOptions options) : ledger_(ledger), options_(std::move(options)) {}

void Recorder::begin() {
  change_.emplace(ledger_);
  const int64_t version = ledger_.db().query_int64("PRAGMA data_version");
  if (version != data_version_) refresh();
  data_version_ = version;
  insert_.emplace(ledger_.db().statement(insert_sql(1)));
  insert_many_.emplace(ledger_.db().statement(insert_sql(rows_at_once)));
}

// Another process has changed the ledger (or we have just started): what we remember of its moving parts is read again.
void Recorder::refresh() {
  chain_ = ledger_.chain();
  auto s = ledger_.db().statement("SELECT id, name, last_seq, segment_first, segment_log FROM sources");
  while (s.step()) {
    auto& kept = sources_[s.text(1)];
    if (!kept) kept = std::make_unique<Source>();
    kept->id = s.int64(0);
    kept->name = s.text(1);
    kept->last_seq = kept->durable_seq = static_cast<uint64_t>(s.int64(2));
    kept->segment_first = static_cast<uint64_t>(s.int64(3));
    const auto log = crypto::MerkleLog::restore(s.blob_view(4));
    if (!log) refuse(fmt::format("the Merkle log of source {} is damaged: run hh-ledger verify", kept->name));
    kept->log = *log;
  }
}

void Recorder::commit() {
  if (!change_) return;
  insert_rows();
  if (place_) save_place(*place_);
  save_sources();
  insert_.reset();
  insert_many_.reset();
  change_->commit();
  change_.reset();
  durable_ = tally_;
  for (auto& [name, s] : sources_) s->durable_seq = s->last_seq;
}

void Recorder::apply(const Batch& batch) {
  place_ = batch.chunk.place;
  const uint64_t start = place_ ? place_->offset : 0;
  for (const Item& item : batch.items) {
    try {
      apply_item(batch, item);
    } catch (const GapError& e) {
      if (place_) place_->offset = start + item.at;
      throw e.in(fmt::format("{}, line {}", options_.input, batch.chunk.first_line + item.line));
    } catch (const Error& e) {
      if (!change_) throw;
      if (e.code() == Exit::data && options_.skip_bad) {
        ++tally_.bad;
        log::warn("bad_line", {{"input", options_.input}, {"line", batch.chunk.first_line + item.line}, {"message", e.what()}});
        continue;
      }
      if (place_) place_->offset = start + item.at;
      throw e.in(fmt::format("{}, line {}", options_.input, batch.chunk.first_line + item.line));
    }
  }
  if (place_) place_->offset = start + batch.chunk.text.size();
}

void Recorder::apply_item(const Batch& batch, const Item& item) {
  if (item.kind == Item::Kind::share) return apply_share(batch, item);
  last_was_share_ = false;
  switch (item.kind) {
    case Item::Kind::share: break;
    case Item::Kind::job: return apply_job(batch.jobs[item.index]);
    case Item::Kind::block: return apply_block(batch.blocks[item.index]);
    case Item::Kind::bad: refuse(batch.bad[item.index]);
  }
}

void Recorder::apply_share(const Batch& batch, const Item& item) {
  const records::ShareView& share = item.share;
  const bool as_before = std::exchange(last_was_share_, false) && item.as_before;  // then the texts, which the other thread has in its cache, are not needed
  Source& from = as_before ? *last_source_ : source(share.source);
  if (share.seq <= from.last_seq) {
    if (!is_duplicate_share(from, share)) refuse(fmt::format("source {}: seq {} is in the ledger with other contents", from.name, share.seq));
    ++tally_.duplicates;
    return;
  }
  const JobRef job = as_before ? from.last_job_ref : job_of(from, share.job);
  if (share.extranonce1_size != job.extranonce1_size || share.extranonce2_size != job.extranonce2_size)
    refuse(fmt::format("extranonces of {} and {} bytes; job {} says {} and {}", share.extranonce1_size, share.extranonce2_size, share.job,
                       job.extranonce1_size, job.extranonce2_size));
  if (share.simulated != chain_->simulated) refuse("simulated and real records cannot be in one ledger");
  expect_next(from, share.seq);
  Row& row = rows_.emplace_back(Row{record_id(from.id, share.seq), share.time_ms, job.id, worker_of(batch, item), share.work, {}, 0});
  row.proof_size = put_proof(share, row.proof);
  if (rows_.size() == rows_at_once) insert_rows();
  from.last_seq = share.seq;
  from.log.append_hash(item.leaf);
  from.changed = true;
  ++tally_.shares;
  last_was_share_ = true;
}

// Whoever reads shares within the change calls this first. A row that cannot be inserted is one that another program has put in the way; then
// nothing of this change may stay, since the shares behind it are not there.
void Recorder::insert_rows() {
  const bool at_once = rows_.size() == rows_at_once;
  try {
    int at = 0;
    for (const Row& row : rows_) {
      store::Statement& s = at_once ? *insert_many_ : *insert_;
      for (const int64_t n : {row.id, row.time_ms, row.job, row.worker, row.work}) s.bind(++at, n);
      s.bind_static(++at, BytesView(row.proof, row.proof_size));
      if (!at_once) s.run(), at = 0;
    }
    if (at_once) insert_many_->run();
  } catch (const store::ConstraintError& e) {
    insert_.reset();
    insert_many_.reset();
    change_.reset();
    refuse(fmt::format("the ledger was changed by another program: {}: run hh-ledger verify", e.what()));
  }
  rows_.clear();
}

void Recorder::apply_job(const records::Job& job) {
  refuse_solo(job);
  const std::string line = records::job_line(job);
  Source& from = source(job.source);
  auto known = ledger_.db().statement("SELECT line FROM jobs WHERE source_id = ?1 AND job = ?2");
  if (from.id != 0 && known.first(from.id, job.job)) {
    if (known.text_view(0) != line) refuse(fmt::format("source {}: job {} is in the ledger with other contents", from.name, job.job));
    ++tally_.duplicates;
    return;
  }
  require_chain(job.chain, job.simulated);
  Source& to = from.id == 0 ? add_source(job.source) : from;
  ledger_.db().statement("INSERT INTO jobs(source_id, job, line) VALUES (?1, ?2, ?3)").run(to.id, job.job, line);
  ++tally_.jobs;
}

void Recorder::apply_block(const records::Block& block) {
  refuse_solo(block);
  Source& from = source(block.source);
  if (block.seq <= from.last_seq) {
    if (!is_duplicate_block(from, block)) refuse(fmt::format("source {}: seq {} is in the ledger with other contents", from.name, block.seq));
    ++tally_.duplicates;
    return;
  }
  if (from.id == 0) refuse(fmt::format("source {}: a block before any share", block.source));
  if (from.last_seq != block.share_seq)  // no block without the share that won it, whatever the options say
    throw GapError(fmt::format("source {}: seq {}, expected {}: the lines before this block are missing", from.name, block.seq, from.last_seq + 1));
  insert_rows();
  require_block(ledger_.db(), from.id, block);
  auto same = ledger_.db().statement("SELECT id FROM blocks WHERE hash = ?1");
  if (same.first(block.hash.to_display_hex())) refuse(fmt::format("block {} is in the ledger under another seq", block.hash.to_display_hex()));
  end_round(block, from);
  ++tally_.blocks;
}

// The open round gets its block; every source's shares since the last block become its segment of that round.
void Recorder::end_round(const records::Block& block, Source& finder) {
  auto& db = ledger_.db();
  const int64_t round = db.query_int64("SELECT id FROM rounds WHERE status = 'open'");
  const int64_t id = record_id(finder.id, block.seq);
  db.statement("INSERT INTO blocks(id, hash, height, line) VALUES (?1, ?2, ?3, ?4)").run(id, block.hash.to_display_hex(), block.height, records::block_line(block));
  for (auto& [name, source] : sources_) {
    if (source->id == 0) continue;
    const bool found_it = source.get() == &finder;
    insert_segment(round, *source, found_it ? block.share_seq : source->last_seq, found_it ? block.seq + 1 : source->last_seq + 1);
  }
  finder.last_seq = block.seq;
  db.statement("UPDATE rounds SET status = 'confirming', block_id = ?2 WHERE id = ?1").run(round, id);
  db.statement("INSERT INTO rounds(id, status) VALUES (?1, 'open')").run(round + 1);
  audit(ledger_, "block", {{"round", round}, {"height", block.height}, {"hash", block.hash.to_display_hex()}, {"source", block.source}, {"miner", block.miner},
                           {"subsidy_sat", block.subsidy.count()}, {"fees_sat", block.fees.count()}});
}

void Recorder::insert_segment(int64_t round, Source& source, uint64_t last_seq, uint64_t next_first) {
  ledger_.db()
      .statement("INSERT INTO segments(round_id, source_id, first_seq, last_seq, shares, root) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
      .run(round, source.id, source.segment_first, last_seq, source.log.size(), to_hex(source.log.root()));
  source.segment_first = next_first;
  source.log = crypto::MerkleLog();
  source.changed = true;
}

bool Recorder::is_duplicate_share(const Source& from, const records::ShareView& share) {
  insert_rows();
  ShareNames names(ledger_.db());
  StoredShare stored;
  if (!ShareCursor(ledger_.db(), names, from.id, share.seq, share.seq).next(stored)) return false;
  std::string here, there;
  records::put_share_line(here, stored.view);
  records::put_share_line(there, share);
  return here == there;
}

bool Recorder::is_duplicate_block(const Source& from, const records::Block& block) {
  auto s = ledger_.db().statement("SELECT line FROM blocks WHERE id = ?1");
  return s.first(record_id(from.id, block.seq)) && s.text_view(0) == records::block_line(block);
}

void Recorder::expect_next(Source& from, uint64_t seq) {
  const uint64_t expected = from.last_seq + 1;
  if (seq == expected) return;
  if (!options_.allow_gaps)
    throw GapError(fmt::format("source {}: seq {}, expected {}: lines are missing (feed them first, or go on without them: --allow-gaps)", from.name, seq, expected));
  tally_.missing += seq - expected;
  log::warn("gap", {{"source", from.name}, {"first_seq", expected}, {"last_seq", seq - 1}});
  audit(ledger_, "gap", {{"source", from.name}, {"first_seq", expected}, {"last_seq", seq - 1}});
}

void Recorder::require_chain(bitcoin::Network chain, bool simulated) {
  if (!chain_) {
    ledger_.db().statement("INSERT INTO ledger(one, chain, simulated) VALUES (1, ?1, ?2)").run(bitcoin::network_name(chain), simulated);
    audit(ledger_, "ledger", {{"chain", bitcoin::network_name(chain)}, {"simulated", simulated}});
    chain_ = Ledger::Chain{chain, simulated};
  }
  if (chain_->network != chain) refuse(fmt::format("a job of chain {}, but this is the ledger of {}", bitcoin::network_name(chain), bitcoin::network_name(chain_->network)));
  if (chain_->simulated != simulated) refuse("simulated and real records cannot be in one ledger");
}

// A source that the ledger does not know has id 0: it is added with its first job, so that a bad line leaves no trace.
Recorder::Source& Recorder::source(std::string_view name) {
  if (last_source_ != nullptr && last_source_->name == name) return *last_source_;
  auto at = sources_.find(name);
  if (at == sources_.end()) {
    at = sources_.emplace(std::string(name), std::make_unique<Source>()).first;
    at->second->name = name;
  }
  last_source_ = at->second.get();
  return *last_source_;
}

Recorder::Source& Recorder::add_source(std::string_view name) {
  Source& s = source(name);
  ledger_.db().statement("INSERT INTO sources(name, last_seq, segment_first, segment_log) VALUES (?1, 0, 1, ?2)").run(name, s.log.save());
  s.id = ledger_.db().last_insert_rowid();
  audit(ledger_, "source", {{"source", std::string(name)}});
  return s;
}

Recorder::JobRef Recorder::job_of(Source& from, std::string_view job) {
  if (from.last_job == job && from.last_job_ref.id != 0) return from.last_job_ref;
  auto at = from.jobs.find(std::string(job));
  if (at == from.jobs.end()) {
    auto s = ledger_.db().statement("SELECT id, line FROM jobs WHERE source_id = ?1 AND job = ?2");
    if (!s.first(from.id, job)) refuse(fmt::format("source {}: unknown job {}: its job record must come before its shares", from.name, job));
    const records::Job found = records::parse_job(json::parse(s.text_view(1)));
    if (from.jobs.size() >= cache_limit) from.jobs.clear();
    at = from.jobs.emplace(std::string(job), JobRef{s.int64(0), found.extranonce1_size, found.extranonce2_size}).first;
  }
  from.last_job = job;
  from.last_job_ref = at->second;
  return at->second;
}

int64_t Recorder::worker_of(const Batch& batch, const Item& item) {
  if (numbering_ != batch.numbering) workers_.clear(), numbering_ = batch.numbering;
  if (item.worker >= workers_.size()) workers_.resize(item.worker + 1);
  int64_t& id = workers_[item.worker];
  if (id == 0) id = find_worker(item.share);
  return id;
}

int64_t Recorder::find_worker(const records::ShareView& share) {
  auto& db = ledger_.db();
  const int64_t miner = miner_of(share.miner);
  auto s = db.statement("SELECT id FROM workers WHERE miner_id = ?1 AND worker = ?2 AND fee_to = ?3 AND address = ?4 AND simulated = ?5");
  if (s.first(miner, share.worker, static_cast<int64_t>(share.fee_to), share.address, share.simulated)) return s.int64(0);
  db.statement("INSERT INTO workers(miner_id, worker, fee_to, address, simulated) VALUES (?1, ?2, ?3, ?4, ?5)")
      .run(miner, share.worker, static_cast<int64_t>(share.fee_to), share.address, share.simulated);
  return db.last_insert_rowid();
}

int64_t Recorder::miner_of(std::string_view name) {
  auto& db = ledger_.db();
  auto s = db.statement("SELECT id FROM miners WHERE name = ?1");
  if (s.first(name)) return s.int64(0);
  db.statement("INSERT INTO miners(name) VALUES (?1)").run(name);
  return db.last_insert_rowid();
}

void Recorder::save_sources() {
  for (auto& [name, s] : sources_) {
    if (!s->changed) continue;
    ledger_.db()
        .statement("UPDATE sources SET last_seq = ?2, segment_first = ?3, segment_log = ?4 WHERE id = ?1")
        .run(s->id, s->last_seq, s->segment_first, s->log.save());
    s->changed = false;
  }
}

void Recorder::save_place(const Place& place) {
  if (options_.follow.empty()) return;
  ledger_.db()
      .statement("INSERT OR REPLACE INTO follow(path, device, inode, offset, head) VALUES (?1, ?2, ?3, ?4, ?5)")
      .run(options_.follow, static_cast<int64_t>(place.device), static_cast<int64_t>(place.inode), place.offset, place.head);
}

std::map<std::string, uint64_t> Recorder::last_seqs() const {
  std::map<std::string, uint64_t> out;
  for (const auto& [name, s] : sources_)
    if (s->durable_seq != 0) out[name] = s->durable_seq;
  return out;
}

}  // namespace hh::ledger
