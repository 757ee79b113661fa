// Looks after a node's channels: one call of tick() a minute (or as often as wanted) reads them, raises alarms, connects again to peers that are gone, follows
// rebalances whose outcome is open, and counts what forwards have earned. What it is told to do by itself (Standing) it does as the commands do, with the
// same rows in the journal: it sets the policy of channels, and moves balance where one of them has run dry or full.
//
// A peer that cannot be reached is tried again after a minute, then two, four … up to an hour. lnd connects again to peers of its channels by itself, but
// gives up on addresses that have changed; here the address comes from the graph each time.
//
// A policy is set once on each channel, and again when the wanted one changes: what an operator gives a channel afterwards stays.
//
// A rebalance costs at most its share (fee_ppm), all of a day together at most fee_per_day, and ties up at most `most`. After one that failed the next is tried
// after ten minutes, then twenty … up to six hours.
#pragma once
#include <functional>
#include <map>
#include <set>

#include "base/clock.h"
#include "channels/liquidity.h"
#include "channels/rebalance.h"

namespace hh::ln {

struct Standing {
  std::optional<int64_t> base_fee_msat, fee_ppm, cltv_delta;  // policy of every channel; none: left as it is
  bool rebalance = false;
  int64_t rebalance_fee_ppm = 500;
  Msat fee_per_day{1'000'000};
  Sat most{1'000'000};
};

class ChannelKeeper {
 public:
  struct Seen {
    std::vector<Channel> channels;
    std::vector<std::optional<Policy>> policies;  // of each; none: not open, or the node does not tell
    Liquidity liquidity;
  };
  ChannelKeeper(Journal& journal, ChannelNode& node, Identity identity, LiquidityPolicy policy, Clock& clock, Standing standing = {})
      : journal_(journal), node_(node), identity_(std::move(identity)), rebalancer_(journal, node, identity_, clock), policy_(policy), standing_(standing), clock_(clock) {}
  // Throws Error(unavailable) or Error(config) where the node does not tell of its channels. An alarm is logged when it begins and when it ends, and so is what
  // the node refuses to tell or to do.
  Seen tick();
  // Moves balance where that is worth it and allowed. Apart from tick(), because it takes as long as a payment: the caller knows when nobody waits for one.
  void rebalance(const std::vector<Channel>& channels);

 private:
  void say_alarms(const Liquidity& l);
  void reconnect(const std::vector<Channel>& channels);
  void count_earned();
  std::vector<std::optional<Policy>> policies(const std::vector<Channel>& channels);
  void apply_policy(const Channel& channel, Policy& now);
  void trying(const char* what, const std::function<void()>& act);
  struct Absent {
    int64_t tries = 0, next_ms = 0;
  };
  Journal& journal_;
  ChannelNode& node_;
  Identity identity_;
  Rebalancer rebalancer_;
  LiquidityPolicy policy_;
  Standing standing_;
  Clock& clock_;
  std::set<std::string> alarms_;
  std::map<std::string, Absent> absent_;         // by peer
  std::map<std::string, std::string> problems_;  // what did not work last, and why
  int64_t next_rebalance_ms_ = 0, failures_ = 0;
};

}  // namespace hh::ln
