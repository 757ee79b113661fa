#include "channels/keeper.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"

namespace hh::ln {
namespace {

constexpr int64_t first_pause_ms = 60'000, longest_pause_ms = 3'600'000;

}  // namespace

Liquidity ChannelKeeper::tick() {
  rebalancer_.follow_open();
  const std::vector<Channel> channels = node_.channels();
  const Liquidity l = liquidity_of(channels, node_.confirmed_balance(), policy_);
  say_alarms(l);
  reconnect(channels);
  return l;
}

void ChannelKeeper::say_alarms(const Liquidity& l) {
  const std::set<std::string> now(l.alarms.begin(), l.alarms.end());
  for (const std::string& alarm : now)
    if (!alarms_.contains(alarm))
      log::error("liquidity_alarm", {{"alarm", alarm}, {"outbound_percent", l.outbound_percent()}, {"inbound_percent", l.inbound_percent()}, {"onchain_confirmed_sat", l.confirmed.count()},
                                     {"active", l.active}, {"channels", l.channels}});
  for (const std::string& alarm : alarms_)
    if (!now.contains(alarm)) log::info("liquidity_alarm_over", {{"alarm", alarm}});
  alarms_ = now;
}

void ChannelKeeper::reconnect(const std::vector<Channel>& channels) {
  std::set<std::string> wanted;
  for (const Channel& c : channels)
    if (c.state == "inactive") wanted.insert(c.peer);
  std::erase_if(absent_, [&](const auto& entry) { return !wanted.contains(entry.first); });
  if (wanted.empty()) return;
  for (const std::string& peer : node_.connected_peers()) wanted.erase(peer);  // connected, and its channel is about to be active
  for (const std::string& peer : wanted) {
    Absent& a = absent_[peer];
    if (clock_.monotonic_ms() < a.next_ms) continue;
    a.next_ms = clock_.monotonic_ms() + std::min(longest_pause_ms, first_pause_ms << std::min<int64_t>(a.tries, 10));
    ++a.tries;
    try {
      const auto host = node_.address_of(peer);
      if (!host) continue;
      node_.connect({peer, *host});
      log::info("peer_connected", {{"peer", peer}, {"address", *host}});
    } catch (const Error& e) {
      log::warn("peer_unreachable", {{"peer", peer}, {"tries", a.tries}, {"reason", e.what()}});
    }
  }
}

}  // namespace hh::ln
