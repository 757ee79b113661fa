// The round and cycle records: what hh-ledger freezes and hh-payout divides.
//
// Cuts say which shares a round pays for, and its Merkle root commits to exactly these (leaves: sources by name, then seq). With scheme
// prop they are the shares since the block before; orphaned blocks before it extend them. With pplns they are the window, which may reach
// into rounds that were paid before. `shares` and `work` are the sums over `miners`; an orphaned round has none.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "records/common.h"
#include "records/destination.h"

namespace hh::records {

enum class RoundStatus { open, confirming, mature, closed, orphaned };
std::string_view name(RoundStatus s);
std::optional<RoundStatus> round_status_from_name(std::string_view text);
enum class Scheme { prop, pplns };
std::string_view name(Scheme s);
std::optional<Scheme> scheme_from_name(std::string_view text);

struct RoundBlock {
  uint32_t height = 0;
  std::string hash;    // display order
  uint32_t nbits = 0;
  int64_t time_ms = 0;
  Sat subsidy, fees;
  FeeTo fee_to = FeeTo::manifest;
  std::string miner;   // the finder
  int64_t confirmations = 0;  // as last seen; of a closed round: at close
};

struct RoundMiner {
  std::string miner;
  uint64_t shares = 0;
  Work work;
  // What the account is owed from before and no posted manifest has ordered to pay yet; of a closed round: at close.
  Msat carried;
  std::optional<Destination> destination;
};

struct PplnsWindow {
  int64_t factor = 0;
  Work window_work;     // factor × work of the block's target; the shares may be fewer
  Work cut_share_work;  // how much of the oldest share's work counts
};

struct Round {
  Network chain = Network::main;
  bool simulated = false;
  uint64_t round = 0;  // from 1
  RoundStatus status = RoundStatus::open;
  uint64_t shares = 0;
  Work work;
  std::optional<std::string> merkle_root;  // 64 hex digits; closed only
  std::vector<Cut> cuts;                   // by source name (bytes)
  std::optional<RoundBlock> block;         // absent while open
  Scheme scheme = Scheme::prop;
  std::optional<PplnsWindow> pplns;
  std::vector<RoundMiner> miners;          // by name (bytes)
};
// Strict, and consistent with itself: sorted, no name twice, sums, a root where closed, a block unless open.
Round parse_round(const Json& record);
// with_miners false: the form of `hh-ledger rounds`.
std::string round_line(const Round& round, bool with_miners = true);

// Cycle n is [n × 7 days, (n + 1) × 7 days) since 1970-01-01 UTC.
inline constexpr int64_t cycle_ms = int64_t{7} * 24 * 3600 * 1000;
struct CycleNode {
  std::string node;
  Msat carried;
};
struct Cycle {
  Network chain = Network::main;
  bool simulated = false;
  int64_t cycle = 0;
  bool closed = false;
  Msat node_pool;  // what can be divided
  std::vector<CycleNode> nodes;  // by name (bytes)
  int64_t start_ms() const { return cycle * cycle_ms; }
  int64_t end_ms() const { return (cycle + 1) * cycle_ms; }
};
Cycle parse_cycle(const Json& record);
std::string cycle_line(const Cycle& cycle);

}  // namespace hh::records
