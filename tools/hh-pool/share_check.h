// Judges a submitted share: every rule in one place, in the order in which a miner should learn of them. [C125][X022]
//
// A share counts when its header's hash meets the target that was assigned with its job. Nothing that the miner says is believed: the
// coinbase, the merkle root and the header are built from our job and the miner's few fields, and hashed.
#pragma once
#include <array>
#include <optional>

#include "bitcoin/header.h"
#include "job.h"
#include "refusal.h"

namespace hh::pool {

// What a session was given for a job.
struct Assignment {
  bitcoin::Difficulty difficulty{1};
  bitcoin::Target target;  // of the difficulty; the block's own target where that is easier still
  int64_t work = 0;        // of target
  bool operator==(const Assignment&) const = default;
};
Assignment assign(bitcoin::Difficulty d, const Job& job);

// What a miner says of a share, on either protocol.
struct SubmittedShare {
  std::array<uint8_t, extranonce2_size> extranonce2{};
  uint32_t ntime = 0, nonce = 0;
  std::optional<uint32_t> version_bits;  // the rolled bits, or the whole version
  // Whole hex digits of Stratum V1. Returns why they are none, else nullopt.
  std::optional<Refusal> set_extranonce2_hex(std::string_view hex);
};

struct CheckedShare {
  std::optional<Refusal> refusal;
  // Where there is none:
  bitcoin::BlockHeader header;
  bitcoin::Hash256 hash, coinbase_txid;
  std::array<uint8_t, extranonce2_size> extranonce2{};
  bool is_block = false;
};

// script: the miner's, empty where it has no address. version_mask: the bits that this session may roll; nullopt where it did not negotiate version rolling. A share that passes is
// remembered in the job, so that it passes once.
CheckedShare check_share(LiveJob& live, BytesView script, const Assignment& assigned, BytesView extranonce1,
                         std::optional<uint32_t> version_mask, const SubmittedShare& submit);

}  // namespace hh::pool
