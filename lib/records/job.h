// The job record: what a pool gave miners to work on. Together with a share it is all that is needed to compute the share's hash again.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "records/common.h"

namespace hh::records {

struct Job {
  std::string source;
  std::string job;  // unique within its source for ever; hex digits
  int64_t time_ms = 0;
  Network chain = Network::main;
  bool simulated = false;
  uint32_t height = 0;
  bitcoin::Hash256 prev_hash;
  uint32_t version = 0, nbits = 0, ntime = 0;
  Sat subsidy, fees;
  std::optional<Sat> treasury_keeps;  // solo: the finder's coinbase pays it everything but this
  Bytes coinbase_prefix;           // stripped serialisation (see bitcoin/coinbase.h)
  Bytes coinbase_suffix_treasury;  // fee_to manifest
  Bytes coinbase_suffix_head;      // fee_to coinbase: head, CompactSize, script, tail
  Bytes coinbase_suffix_tail;
  uint8_t extranonce1_size = 0, extranonce2_size = 0;  // bytes
  std::vector<bitcoin::Hash256> merkle_branch;         // internal byte order, as Stratum sends them
  uint32_t tx_count = 1;                               // with the coinbase
  bool operator==(const Job&) const = default;
};
Job parse_job(const Json& record);  // throws Error(data)
std::string job_line(const Job& job);

}  // namespace hh::records
