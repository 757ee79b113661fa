#include "share_check.h"

#include "bitcoin/merkle.h"

namespace hh::pool {
namespace {

CheckedShare refuse(Refused reason, const char* text) {
  CheckedShare c;
  c.refusal = {reason, text};
  return c;
}

// BIP310: the bits outside the mask are the job's own; nullopt where the miner touched them. Some firmware (bmminer) sends the whole version
// instead of its rolled bits, and some always sends a sixth parameter: both are told apart, as a whole version has the job's bits outside the mask
// and rolled bits have none there.
std::optional<uint32_t> rolled_version(uint32_t version, std::optional<uint32_t> mask, std::optional<uint32_t> bits) {
  if (!bits || (!mask && *bits == 0)) return version;
  const uint32_t own = ~mask.value_or(0);
  if ((*bits & own) == 0) return (version & own) | *bits;
  if ((*bits & own) == (version & own)) return *bits;
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> SubmittedShare::set_extranonce2_hex(std::string_view hex) {
  if (hex.size() != 2 * extranonce2_size) return Refusal{Refused::malformed, "extranonce2 has the wrong size"};
  if (!from_hex(hex, extranonce2)) return Refusal{Refused::malformed, "extranonce2 is not hex"};
  return std::nullopt;
}

Assignment assign(bitcoin::Difficulty d, const Job& job) {
  Assignment a;
  a.difficulty = std::min(d, job.most_difficulty);
  a.target = std::max(bitcoin::target_of(a.difficulty), job.block_template->target);
  a.work = bitcoin::work_of(a.target).to_int64().value_or(INT64_MAX);
  return a;
}

CheckedShare check_share(LiveJob& live, BytesView script, const Assignment& assigned, BytesView extranonce1,
                         std::optional<uint32_t> version_mask, const SubmittedShare& submit) {
  const Job& job = live.job();
  CheckedShare c;
  c.extranonce2 = submit.extranonce2;
  if (submit.ntime < job.least_time) return refuse(Refused::malformed, "ntime is too old");
  if (submit.ntime > job.most_time) return refuse(Refused::malformed, "ntime is too new");
  const auto version = rolled_version(job.record.version, version_mask, submit.version_bits);
  if (!version) return refuse(Refused::malformed, version_mask ? "version bits outside the mask" : "version rolling was not negotiated");

  c.coinbase_txid = live.coinbase_txid(extranonce1, c.extranonce2, script);
  c.header.version = *version;
  c.header.prev_hash = job.record.prev_hash;
  c.header.merkle_root = bitcoin::root_from_branch(c.coinbase_txid, job.record.merkle_branch);
  c.header.time = submit.ntime;
  c.header.bits = job.record.nbits;
  c.header.nonce = submit.nonce;
  c.hash = c.header.hash();
  if (!assigned.target.met_by(c.hash)) return refuse(Refused::low_difficulty, "Low difficulty share");
  if (!live.first_time_seen(c.hash)) return refuse(Refused::duplicate, "Duplicate share");
  c.is_block = job.block_template->target.met_by(c.hash);
  return c;
}

}  // namespace hh::pool
