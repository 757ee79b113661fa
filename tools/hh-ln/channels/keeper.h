// Looks after a node's channels: one call of tick() a minute (or as often as wanted) reads them, raises alarms, connects again to peers that are gone, and
// follows rebalances whose outcome is open. It changes no channel.
//
// A peer that cannot be reached is tried again after a minute, then two, four … up to an hour. lnd connects again to peers of its channels by itself, but
// gives up on addresses that have changed; here the address comes from the graph each time.
#pragma once
#include <functional>
#include <map>
#include <set>

#include "base/clock.h"
#include "channels/liquidity.h"
#include "channels/rebalance.h"

namespace hh::ln {

class ChannelKeeper {
 public:
  ChannelKeeper(Journal& journal, ChannelNode& node, Identity identity, LiquidityPolicy policy, Clock& clock)
      : node_(node), rebalancer_(journal, node, std::move(identity), clock), policy_(policy), clock_(clock) {}
  // Throws Error(unavailable) or Error(config) where the node does not tell. An alarm is logged when it begins and when it ends.
  Liquidity tick();

 private:
  void say_alarms(const Liquidity& l);
  void reconnect(const std::vector<Channel>& channels);
  struct Absent {
    int64_t tries = 0, next_ms = 0;
  };
  ChannelNode& node_;
  Rebalancer rebalancer_;
  LiquidityPolicy policy_;
  Clock& clock_;
  std::set<std::string> alarms_;
  std::map<std::string, Absent> absent_;  // by peer
};

}  // namespace hh::ln
