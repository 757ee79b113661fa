// A share's hash, computed again from its job: the check that makes every weight in a round verifiable by anyone.
//
//   coinbase = coinbase_prefix ‖ extranonce1 ‖ extranonce2 ‖ suffix        suffix: see Job
//   header   = version, prev_hash, root of (txid of coinbase, merkle_branch), ntime, nbits, nonce
//
// A share of work w must have a hash h with floor(2^256 / (h + 1)) >= w, that is h <= floor(2^256 / w) - 1.
#pragma once
#include <cstdint>
#include <string>

#include "bitcoin/header.h"
#include "records/block.h"
#include "records/job.h"
#include "records/share.h"

namespace hh::records {

// The largest target whose work is at least `work`. REQUIRES work >= 1.
bitcoin::Target target_of_work(int64_t work);

struct ShareProof {
  bitcoin::Hash256 coinbase_txid;
  bitcoin::BlockHeader header;
  bitcoin::Hash256 hash;
  bool is_block = false;  // also meets the job's nbits
  std::string fault;      // empty: the share is what it says; else why it is not, e.g. "its hash misses the target of its work"
  explicit operator bool() const { return fault.empty(); }
};
// Never throws for a bad share: says so in fault. Also a fault: a share of another job or source, extranonces of other sizes than the
// job's, a miner name that is no address of the job's chain although its fees go to a coinbase output.
ShareProof verify_share(const Job& job, const ShareView& share);
inline ShareProof verify_share(const Job& job, const Share& share) { return verify_share(job, view_of(share)); }

// Empty, or why the block record contradicts its job and its winning share.
std::string block_fault(const Block& block, const Job& job, const ShareView& share);

}  // namespace hh::records
