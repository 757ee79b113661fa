// The share record: one accepted proof of work. Its canonical line is what is stored, exported and put into the Merkle tree.
//
// Bulk. Pools write canonical lines, so there are two readers. scan_share() knows only the canonical grammar: it compares the fixed
// parts with memcmp and reads the values between them, in about 100 ns and without allocation; whatever it accepts is by construction
// byte for byte what share_line() would print. Whatever it does not recognise goes to parse_share(), the strict JSON reader, which
// accepts any order, spaces and unknown fields, or says what is wrong. So speed never decides what is accepted.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "records/common.h"

namespace hh::records {

inline constexpr size_t max_extranonce = 32;  // bytes of extranonce 1 and 2 together

// The values of a share; names point into the line that was read.
struct ShareView {
  std::string_view source, job, miner, worker, address;  // address: only an alias whose fees go to its own coinbase output has one
  uint64_t seq = 0;
  int64_t time_ms = 0;  // unix milliseconds
  int64_t work = 0;     // expected hashes of the assigned target, 1 … 2^63-1
  uint32_t ntime = 0, nonce = 0, version = 0;
  std::array<uint8_t, max_extranonce> extranonce{};  // 1, then 2
  uint8_t extranonce1_size = 0, extranonce2_size = 0;
  FeeTo fee_to = FeeTo::manifest;
  bool simulated = false;
};

// nullopt: not canonical (which is no verdict: try parse_share).
std::optional<ShareView> scan_share(std::string_view line);

// The same with names of its own.
struct Share {
  std::string source, job, miner, worker, address;
  uint64_t seq = 0;
  int64_t time_ms = 0;
  int64_t work = 0;
  uint32_t ntime = 0, nonce = 0, version = 0;
  Bytes extranonce1, extranonce2;
  FeeTo fee_to = FeeTo::manifest;
  bool simulated = false;
  bool operator==(const Share&) const = default;
};
Share parse_share(const Json& record);             // throws Error(data)
Share parse_share_line(std::string_view line);     // scan_share, else json::parse and parse_share
Share to_share(const ShareView& view);
ShareView view_of(const Share& share);             // valid as long as share; REQUIRES extranonces of at most 32 bytes together

// The canonical line: the Merkle leaf's data (RFC 9162) and what export prints. Appends to out; no newline.
void put_share_line(std::string& out, const ShareView& share);
std::string share_line(const Share& share);

}  // namespace hh::records
