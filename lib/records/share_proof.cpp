#include "records/share_proof.h"

#include <fmt/format.h>

#include "bitcoin/coinbase.h"
#include "bitcoin/merkle.h"
#include "bitcoin/wire.h"

namespace hh::records {
namespace {

using bitcoin::Target;
using bitcoin::Uint256;

std::string identity_fault(const Job& job, const ShareView& share) {
  if (share.source != job.source || share.job != job.job) return "it belongs to another job";
  if (share.extranonce1_size != job.extranonce1_size)
    return fmt::format("extranonce1 has {} bytes, the job says {}", share.extranonce1_size, job.extranonce1_size);
  if (share.extranonce2_size != job.extranonce2_size)
    return fmt::format("extranonce2 has {} bytes, the job says {}", share.extranonce2_size, job.extranonce2_size);
  return {};
}

// The end of the coinbase as this share's miner hashed it; empty with a fault set where it has no address to pay to.
Bytes suffix_of(const Job& job, const ShareView& share, std::string& fault) {
  if (share.fee_to == FeeTo::manifest) return job.coinbase_suffix_treasury;
  const auto address = share.address.empty() ? share.miner : share.address;
  const auto found = bitcoin::script_from_address(address, job.chain);
  if (!found) {
    fault = fmt::format("its fees go to a coinbase output, but {} {}", address, found.reason);
    return {};
  }
  Bytes suffix = job.coinbase_suffix_head;
  bitcoin::put_var_bytes(suffix, found.script);
  bitcoin::put_bytes(suffix, job.coinbase_suffix_tail);
  return suffix;
}

}  // namespace

Target target_of_work(int64_t work) {
  // floor(2^256 / w) - 1 without 257 bits: 2^256 = (2^256 - 1 - (w - 1)) + w, so it is floor((2^256 - w) / w).
  const auto w = static_cast<uint64_t>(work);
  return {(Uint256::max() - Uint256(w - 1)) / Uint256(w)};
}

ShareProof verify_share(const Job& job, const ShareView& share) {
  ShareProof p;
  p.fault = identity_fault(job, share);
  if (!p.fault.empty()) return p;
  const Bytes suffix = suffix_of(job, share, p.fault);
  if (!p.fault.empty()) return p;
  const BytesView extranonce(share.extranonce.data(), size_t{share.extranonce1_size} + share.extranonce2_size);
  p.coinbase_txid = bitcoin::coinbase_txid(job.coinbase_prefix, extranonce, suffix);
  p.header.version = share.version;
  p.header.prev_hash = job.prev_hash;
  p.header.merkle_root = bitcoin::root_from_branch(p.coinbase_txid, job.merkle_branch);
  p.header.time = share.ntime;
  p.header.bits = job.nbits;
  p.header.nonce = share.nonce;
  p.hash = p.header.hash();
  p.is_block = bitcoin::has_valid_work(p.header);
  if (!target_of_work(share.work).met_by(p.hash)) p.fault = fmt::format("its hash {} misses the target of its work {}", p.hash.to_display_hex(), share.work);
  return p;
}

std::string block_fault(const Block& block, const Job& job, const ShareView& share) {
  if (block.chain != job.chain) return "its chain is not that of its job";
  if (block.height != job.height || block.prev_hash != job.prev_hash || block.nbits != job.nbits) return "its height, prev_hash or nbits is not that of its job";
  if (block.subsidy != job.subsidy || block.fees != job.fees) return "its subsidy_sat or fees_sat is not that of its job";
  if (block.miner != share.miner || block.worker != share.worker || block.fee_to != share.fee_to) return "its miner, worker or fee_to is not that of its share";
  if (block.treasury_keeps != (share.fee_to == FeeTo::coinbase ? job.treasury_keeps : std::nullopt)) return "its subsidy_to or treasury_sat is not that of its job";
  const ShareProof p = verify_share(job, share);
  if (!p) return "its share is no proof of work: " + p.fault;
  if (p.hash != block.hash) return fmt::format("its share hashes to {}", p.hash.to_display_hex());
  if (p.coinbase_txid != block.coinbase_txid) return fmt::format("its share's coinbase is {}", p.coinbase_txid.to_display_hex());
  if (!p.is_block) return "its hash does not meet nbits";
  return {};
}

}  // namespace hh::records
