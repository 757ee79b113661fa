// What a node's channels can carry, what is wrong with that, and which two channels a rebalance should join. Pure functions.
//
// Outbound is what we can send: our side of active channels, in percent of what these hold; inbound is what we can receive. A treasury that pays lives from
// outbound; inbound lets its own rebalances and the routing fees in. [L016]
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "channels/node.h"

namespace hh::ln {

struct LiquidityPolicy {
  int64_t outbound_percent = 20;  // alarm below
  int64_t inbound_percent = 15;
  Sat reserve{2'000'000};         // on chain, for what a forced close costs [L015]
};

struct Liquidity {
  int64_t channels = 0, active = 0;
  Sat capacity, local, remote;    // of active channels
  Sat confirmed;                  // on chain
  std::vector<std::string> alarms;  // outbound_low, inbound_low, reserve_low, peer_offline; none where there are no channels but reserve_low
  int64_t outbound_percent() const { return percent(local); }
  int64_t inbound_percent() const { return percent(remote); }

 private:
  int64_t percent(Sat part) const { return capacity.is_zero() ? 0 : part.count() * 100 / capacity.count(); }  // 21e6 BTC in sat, times 100, fits
};
Liquidity liquidity_of(const std::vector<Channel>& channels, Sat confirmed, const LiquidityPolicy& policy);

// From the channel with the largest share of its capacity on our side to the one with the smallest, of different peers: as much as brings neither past its
// middle. nullopt: there are no two such channels, or it would be less than `least`.
struct RebalancePlan {
  Channel from, to;
  Sat amount;
};
std::optional<RebalancePlan> plan_rebalance(const std::vector<Channel>& channels, Sat least);
// What somebody asks for: from and to by number or funding output, both or neither (then as above); amount zero: as above. Throws Error(data).
RebalancePlan plan_wanted(const std::vector<Channel>& channels, const std::string& from, const std::string& to, Sat amount);
// Whether one of its channels is so far off that it is worth moving something without being asked: below the alarms' shares.
bool is_worth_it(const RebalancePlan& plan, const LiquidityPolicy& policy);
// The open channel of this number or funding output. Throws Error(data).
Channel find_open(const std::vector<Channel>& channels, const std::string& name);
Msat millionths_of(Sat amount, int64_t ppm);  // rounded down

inline constexpr Sat least_rebalance{10'000};

}  // namespace hh::ln
