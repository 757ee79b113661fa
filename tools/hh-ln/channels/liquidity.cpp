#include "channels/liquidity.h"

#include <fmt/format.h>

#include <algorithm>

namespace hh::ln {
namespace {

// Of our share, in thousandths: what differs by less needs no rebalance.
int64_t share(const Channel& c) { return c.local.count() * 1000 / c.capacity.count(); }  // REQUIRES capacity > 0

bool has_less(const Channel& a, const Channel& b) { return share(a) < share(b); }

Sat half(Sat s) { return Sat(s.count() / 2); }

}  // namespace

Liquidity liquidity_of(const std::vector<Channel>& channels, Sat confirmed, const LiquidityPolicy& policy) {
  Liquidity out;
  bool offline = false;
  for (const Channel& c : channels) {
    if (!c.is_open()) continue;
    ++out.channels;
    offline |= !c.is_active();
    if (!c.is_active()) continue;
    ++out.active;
    out.capacity += c.capacity, out.local += c.local, out.remote += c.remote;
  }
  out.confirmed = confirmed;
  if (out.channels > 0 && out.local.count() * 100 < out.capacity.count() * policy.outbound_percent) out.alarms.emplace_back("outbound_low");
  if (out.channels > 0 && out.remote.count() * 100 < out.capacity.count() * policy.inbound_percent) out.alarms.emplace_back("inbound_low");
  if (out.channels > 0 && out.active == 0) out.alarms = {"outbound_low", "inbound_low"};
  if (confirmed < policy.reserve) out.alarms.emplace_back("reserve_low");
  if (offline) out.alarms.emplace_back("peer_offline");
  return out;
}

std::optional<RebalancePlan> plan_rebalance(const std::vector<Channel>& channels, Sat least) {
  std::vector<Channel> active;
  std::copy_if(channels.begin(), channels.end(), std::back_inserter(active), [](const Channel& c) { return c.is_active() && c.capacity > Sat(0); });
  if (active.size() < 2) return {};
  const Channel from = *std::max_element(active.begin(), active.end(), has_less);
  std::erase_if(active, [&](const Channel& c) { return c.peer == from.peer; });
  if (active.empty()) return {};
  const Channel to = *std::min_element(active.begin(), active.end(), has_less);
  const Sat amount = std::min({from.local - half(from.capacity), half(to.capacity) - to.local, to.remote});
  if (amount < least) return {};
  return RebalancePlan{from, to, amount};
}

RebalancePlan plan_wanted(const std::vector<Channel>& channels, const std::string& from, const std::string& to, Sat amount) {
  if (from.empty() != to.empty()) throw Error(Exit::data, "rebalance needs both channels, from and to, or neither");
  auto plan = from.empty() ? plan_rebalance(channels, least_rebalance) : RebalancePlan{find_open(channels, from), find_open(channels, to), Sat(0)};
  if (!plan) throw Error(Exit::data, "there is nothing to rebalance: no two active channels of different peers of which one has much more on our side than the other");
  if (plan->from.peer == plan->to.peer) throw Error(Exit::data, "both channels are with the same peer: a payment cannot go out and in through it");
  if (amount > Sat(0)) plan->amount = amount;
  if (plan->amount.is_zero()) throw Error(Exit::data, "rebalance between channels of your choice needs an amount");
  if (plan->amount > plan->from.local || plan->amount > plan->to.remote) throw Error(Exit::data, "the channels cannot carry that amount");
  return *plan;
}

bool is_worth_it(const RebalancePlan& plan, const LiquidityPolicy& policy) {
  return plan.to.local.count() * 100 < plan.to.capacity.count() * policy.outbound_percent || plan.from.remote.count() * 100 < plan.from.capacity.count() * policy.inbound_percent;
}

Channel find_open(const std::vector<Channel>& channels, const std::string& name) {
  for (const Channel& c : channels)
    if ((c.id == name || c.point == name) && c.is_open()) return c;
  throw Error(Exit::data, fmt::format("{} is no open channel of this node: `hh-ln channels` lists them", name));
}

Msat millionths_of(Sat amount, int64_t ppm) { return Msat(amount.count() / 1000 * ppm + amount.count() % 1000 * ppm / 1000); }  // sat · ppm / 1000 = msat, without overflow

}  // namespace hh::ln
