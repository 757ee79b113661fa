// The block record (a share that is a block, printed right after that share) and the submission record (what submitblock answered).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bitcoin/hash.h"
#include "records/common.h"

namespace hh::records {

struct Block {
  std::string source;
  uint64_t seq = 0;  // of the same counter as the shares
  int64_t time_ms = 0;
  bool simulated = false;
  Network chain = Network::main;
  std::string job;
  uint64_t share_seq = 0;  // seq - 1: the share that won
  uint32_t height = 0;
  bitcoin::Hash256 hash, prev_hash;
  uint32_t nbits = 0;
  std::string miner, worker;
  Sat subsidy;
  Sat fees;  // all fees; the treasury receives the subsidy (fee_to coinbase) or subsidy and fees (manifest)
  FeeTo fee_to = FeeTo::manifest;
  std::optional<Sat> treasury_keeps;  // solo: the coinbase pays the finder everything but this. Nobody else is owed anything of such a block
  bitcoin::Hash256 coinbase_txid;
  bool operator==(const Block&) const = default;
};
Block parse_block(const Json& record);  // throws Error(data)
std::string block_line(const Block& block);

struct Submission {
  std::string source;
  bool simulated = false;
  bitcoin::Hash256 hash;
  uint32_t height = 0;
  std::string result;  // "accepted", "rejected" or "unknown"
  std::string reason;  // bitcoind's word for it; "" where accepted
  std::string node;    // URL without credentials
  int64_t time_ms = 0;
};
Submission parse_submission(const Json& record);
std::string submission_line(const Submission& submission);

}  // namespace hh::records
