#include "shares.h"

#include <fmt/format.h>

#include <cstring>

#include "base/error.h"
#include "records/job.h"
#include "records/share_proof.h"
#include "schema.h"

namespace hh::ledger {
namespace {

void put_u32(uint8_t* out, uint32_t n) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<uint8_t>(n >> (24 - 8 * i));
}

uint32_t get_u32(const uint8_t* in) { return static_cast<uint32_t>(in[0]) << 24 | static_cast<uint32_t>(in[1]) << 16 | static_cast<uint32_t>(in[2]) << 8 | in[3]; }

void take_proof(BytesView proof, const ShareNames::Job& job, int64_t id, records::ShareView& out) {
  const size_t extranonces = size_t{job.extranonce1_size} + job.extranonce2_size;
  if (proof.size() != extranonces + 12)
    throw Error(Exit::data, fmt::format("share {} of source {} has a proof of {} bytes, its job asks for {}: the ledger was changed by another program",
                                        seq_of(id), source_of(id), proof.size(), extranonces + 12));
  std::memcpy(out.extranonce.data(), proof.data(), extranonces);
  out.extranonce1_size = job.extranonce1_size;
  out.extranonce2_size = job.extranonce2_size;
  out.ntime = get_u32(proof.data() + extranonces);
  out.nonce = get_u32(proof.data() + extranonces + 4);
  out.version = get_u32(proof.data() + extranonces + 8);
}

}  // namespace

size_t put_proof(const records::ShareView& share, uint8_t (&out)[max_proof]) {
  const size_t extranonces = size_t{share.extranonce1_size} + share.extranonce2_size;
  std::memcpy(out, share.extranonce.data(), extranonces);
  put_u32(out + extranonces, share.ntime);
  put_u32(out + extranonces + 4, share.nonce);
  put_u32(out + extranonces + 8, share.version);
  return extranonces + 12;
}

const ShareNames::Job& ShareNames::job(int64_t id) {
  if (const auto known = jobs_.find(id); known != jobs_.end()) return known->second;
  auto s = db_.statement("SELECT line FROM jobs WHERE id = ?1");
  if (!s.first(id)) throw Error(Exit::data, fmt::format("a share refers to job number {}, which the ledger does not have", id));
  const records::Job job = records::parse_job(json::parse(s.text_view(0)));
  return jobs_.emplace(id, Job{job.job, job.extranonce1_size, job.extranonce2_size}).first->second;
}

const ShareNames::Worker& ShareNames::worker(int64_t id) {
  if (const auto known = workers_.find(id); known != workers_.end()) return known->second;
  auto s = db_.statement("SELECT miner_id, name, worker, w.address, fee_to, simulated FROM workers w JOIN miners m ON m.id = miner_id WHERE w.id = ?1");
  if (!s.first(id)) throw Error(Exit::data, fmt::format("a share refers to worker number {}, which the ledger does not have", id));
  Worker w{s.int64(0), s.text(1), s.text(2), s.text(3), static_cast<records::FeeTo>(s.int64(4)), s.boolean(5)};
  return workers_.emplace(id, std::move(w)).first->second;
}

const std::string& ShareNames::source(int64_t id) {
  if (const auto known = sources_.find(id); known != sources_.end()) return known->second;
  auto s = db_.statement("SELECT name FROM sources WHERE id = ?1");
  if (!s.first(id)) throw Error(Exit::data, fmt::format("the ledger has no source number {}", id));
  return sources_.emplace(id, s.text(0)).first->second;
}

ShareCursor::ShareCursor(store::Database& db, ShareNames& names, int64_t source_id, uint64_t first_seq, uint64_t last_seq, Direction direction)
    : names_(names),
      statement_(db.statement(direction == Direction::forward
                                  ? "SELECT id, time_ms, job_id, worker_id, work, proof FROM shares WHERE id BETWEEN ?1 AND ?2 ORDER BY id"
                                  : "SELECT id, time_ms, job_id, worker_id, work, proof FROM shares WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC")),
      source_(names.source(source_id)) {
  statement_.bind_all(record_id(source_id, first_seq), record_id(source_id, last_seq));
}

bool ShareCursor::next(StoredShare& out) {
  if (!statement_.step()) return false;
  const int64_t id = statement_.int64(0), job_id = statement_.int64(2), worker_id = statement_.int64(3);
  if (job_id != job_id_) job_ = &names_.job(job_id), job_id_ = job_id;
  if (worker_id != worker_id_) worker_ = &names_.worker(worker_id), worker_id_ = worker_id;
  out.job_id = job_id;
  out.miner_id = worker_->miner_id;
  records::ShareView& v = out.view;
  v.source = source_, v.job = job_->name, v.miner = worker_->miner, v.worker = worker_->worker, v.address = worker_->address;
  v.fee_to = worker_->fee_to, v.simulated = worker_->simulated;
  v.seq = seq_of(id);
  v.time_ms = statement_.int64(1);
  v.work = statement_.int64(4);
  take_proof(statement_.blob_view(5), *job_, id, v);
  return true;
}

void require_block(store::Database& db, int64_t source_id, const records::Block& block) {
  const auto refuse = [](const std::string& why) { throw Error(Exit::data, why); };
  auto job = db.statement("SELECT line FROM jobs WHERE source_id = ?1 AND job = ?2");
  if (!job.first(source_id, block.job)) refuse(fmt::format("source {}: unknown job {}", block.source, block.job));
  ShareNames names(db);
  StoredShare winner;
  if (!ShareCursor(db, names, source_id, block.share_seq, block.share_seq).next(winner)) refuse("the record before the block is no share");
  if (winner.view.job != block.job) refuse("the share before the block is of another job");
  const std::string fault = records::block_fault(block, records::parse_job(json::parse(job.text_view(0))), winner.view);
  if (!fault.empty()) refuse("block " + block.hash.to_display_hex() + ": " + fault);
}

}  // namespace hh::ledger
