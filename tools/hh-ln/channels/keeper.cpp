#include "channels/keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "service/figures.h"

namespace hh::ln {
namespace {

constexpr int64_t first_pause_ms = 60'000, longest_pause_ms = 3'600'000;
constexpr int64_t first_rest_ms = 600'000, longest_rest_ms = 6 * 3'600'000;
constexpr int64_t day_ms = 86'400'000;
constexpr int64_t ns_per_second = 1'000'000'000;

// In the journal's audit these are the service's own deeds.
Operator itself() { return {operator_of_process().uid, "hh-ln serve"}; }

std::string text_of(const Policy& p) { return fmt::format("{} msat + {} ppm, CLTV delta {}", p.base_fee_msat, p.fee_ppm, p.cltv_delta); }

}  // namespace

ChannelKeeper::Seen ChannelKeeper::tick() {
  rebalancer_.follow_open();
  Seen seen;
  seen.channels = node_.channels();
  seen.liquidity = liquidity_of(seen.channels, node_.confirmed_balance(), policy_);
  say_alarms(seen.liquidity);
  trying("reconnect", [&] { reconnect(seen.channels); });
  trying("fees_earned", [&] { count_earned(); });
  seen.policies = policies(seen.channels);
  return seen;
}

// What one of these needs may be missing (a right of the macaroon) while the others work. Said when it begins, when its reason changes, and when it is over.
void ChannelKeeper::trying(const char* what, const std::function<void()>& act) {
  try {
    act();
    if (problems_.erase(what) > 0) log::info("channels_work_again", {{"what", what}});
  } catch (const Error& e) {
    if (e.code() == Exit::io || e.code() == Exit::software) throw;
    if (std::exchange(problems_[what], e.what()) != e.what()) log::warn("channels_problem", {{"what", what}, {"reason", e.what()}});
  }
}

// Each forward once: the journal says up to which they are counted, and takes them in the order of time. The node is asked by the second.
void ChannelKeeper::count_earned() {
  if (!node_.lists_forwards()) return;
  const int64_t since = journal_.earned_until(identity_.node) / ns_per_second;
  for (int64_t after = 0;;) {
    const ForwardPage page = node_.forwards(since, after);
    std::vector<std::pair<int64_t, Msat>> earned;
    for (const Forward& f : page.forwards) earned.emplace_back(f.timestamp_ns, f.fee);
    journal_.note_earned(identity_.node, journal_.earned_until(identity_.node), earned);
    if (page.forwards.empty() || page.last_index <= after) break;
    after = page.last_index;
  }
}

std::vector<std::optional<Policy>> ChannelKeeper::policies(const std::vector<Channel>& channels) {
  std::vector<std::optional<Policy>> out(channels.size());
  bool told = true;
  for (size_t i = 0; i < channels.size() && told; ++i) {
    if (!channels[i].is_open()) continue;
    try {
      out[i] = node_.policy(channels[i]);
    } catch (const Error& e) {
      if (e.code() == Exit::io || e.code() == Exit::software) throw;
      if (e.code() != Exit::config) continue;  // a young channel that is not in the graph yet
      told = false;
      trying("policies", [&] { throw Error(e.code(), e.what()); });
      continue;
    }
    trying("policy", [&] { apply_policy(channels[i], *out[i]); });
  }
  return out;
}

void ChannelKeeper::apply_policy(const Channel& c, Policy& now) {
  const Standing& s = standing_;
  if (!s.base_fee_msat && !s.fee_ppm && !s.cltv_delta) return;
  const auto part = [](const std::optional<int64_t>& n) { return n ? std::to_string(*n) : "-"; };
  const std::string wish = fmt::format("{} {} {}", part(s.base_fee_msat), part(s.fee_ppm), part(s.cltv_delta)), key = "policy of " + c.point;
  if (remembered(journal_.database(), key) == wish) return;
  const Policy wanted{s.base_fee_msat.value_or(now.base_fee_msat), s.fee_ppm.value_or(now.fee_ppm), s.cltv_delta.value_or(now.cltv_delta)};
  if (!(wanted == now)) {
    journal_.decide({.action = "policy", .manifest_id = {}, .line = {}, .hash = {}, .reason = fmt::format("channel {}: {}: as the settings have it", c.point, text_of(wanted)), .who = itself()}, [] { return true; });
    node_.set_policy(c, wanted);
    log::info("policy_set", {{"channel_point", c.point}, {"base_fee_msat", wanted.base_fee_msat}, {"fee_ppm", wanted.fee_ppm}, {"cltv_delta", wanted.cltv_delta}});
    now = wanted;
  }
  remember(journal_.database(), key, wish);
}

void ChannelKeeper::rebalance(const std::vector<Channel>& channels) {
  if (!standing_.rebalance || clock_.monotonic_ms() < next_rebalance_ms_) return;
  auto plan = plan_rebalance(channels, least_rebalance);
  if (!plan || !is_worth_it(*plan, policy_) || !journal_.rebalances(true).empty()) return;
  plan->amount = std::min(plan->amount, standing_.most);
  trying("rebalance", [&] {
    const Msat spent = journal_.rebalance_fees_since(clock_.unix_ms() - day_ms), limit = std::min(millionths_of(plan->amount, standing_.rebalance_fee_ppm), standing_.fee_per_day - spent);
    if (limit <= Msat(0) && standing_.rebalance_fee_ppm > 0)
      throw Error(Exit::temp_fail, fmt::format("the fees of a day are spent: {} of {} msat (channels.rebalance_fee_sat_per_day)", spent.count(), standing_.fee_per_day.count()));
    journal_.decide({.action = "rebalance", .manifest_id = {}, .line = {}, .hash = {},
                     .reason = fmt::format("{} sat from channel {} to {} for at most {} msat: as the settings have it", plan->amount.count(), plan->from.id, plan->to.id, limit.count()), .who = itself()},
                    [] { return true; });
    next_rebalance_ms_ = clock_.monotonic_ms() + std::min(longest_rest_ms, first_rest_ms << std::min<int64_t>(failures_++, 10));
    const Rebalance done = rebalancer_.run(*plan, limit);
    if (done.state == "PAID") next_rebalance_ms_ = failures_ = 0;
    log::info("rebalanced", {{"state", done.state}, {"payment_hash", done.hash}, {"amount_msat", done.amount.count()}, {"fee_msat", done.fee.count()}, {"reason", done.reason}});
  });
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
