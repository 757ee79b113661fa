// The policy: what is taken from a block's subsidy, how the rest is divided, and from which amount on a miner is paid. hh-policy(5)
//
// The policy is part of every manifest, so that whoever holds one can work out each amount again.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/amount.h"
#include "json/strict.h"
#include "records/round.h"

namespace hh::payout {

using records::Scheme;

struct Policy {
  Scheme scheme = Scheme::prop;
  int64_t operator_ppm = 5000;   // parts per million of the subsidy, rounded down
  int64_t node_pool_ppm = 5000;  // the same; both together at most 1,000,000
  Sat min_payout{1000};          // 1 … 100,000,000; what is less is carried
  Msat pay_unit{1000};           // 1 … 100,000,000,000: only whole units are paid, the rest is carried (1000: whole satoshis)
  int64_t pplns_factor = 2;      // 1 … 100; read only where scheme is pplns

  bool operator==(const Policy&) const = default;
};

// Throws Error(config) naming file and line: not TOML, an unknown key (with the nearest known one), a wrong type, out of range.
Policy parse_policy(std::string_view toml, const std::string& name);
// The same for a file; Error(no_input) where it cannot be read.
Policy load_policy(const std::string& path);

// The `policy` object of payouts and manifests; pplns_factor only for pplns. from_json throws Error(data).
json::Json to_json(const Policy& p);
Policy policy_from_json(const json::Json& object);
// {"type":"policy","v":1,…}: the policy as `hh-payout policy` prints it.
json::Json to_record(const Policy& p);

}  // namespace hh::payout
