#include "service/keeping.h"

#include <fmt/format.h>
#include <poll.h>

#include <utility>

#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "command_channels.h"
#include "commands.h"
#include "onchain/book.h"
#include "writing.h"

namespace hh::ln {
namespace {

constexpr int64_t probe_every_ms = 30'000, follow_every_ms = 60'000;

std::optional<int64_t> wish(const Settings& s, const char* name) {
  const int64_t n = s.integer(name);
  return n < 0 ? std::nullopt : std::optional(n);
}

Standing standing_of(const Settings& s) {
  return {.base_fee_msat = wish(s, "channels.base_fee_msat"), .fee_ppm = wish(s, "channels.fee_ppm"), .cltv_delta = wish(s, "channels.cltv_delta"), .rebalance = s.boolean("channels.rebalance"),
          .rebalance_fee_ppm = s.integer("channels.rebalance_fee_ppm"), .fee_per_day = to_msat(Sat(s.integer("channels.rebalance_fee_sat_per_day"))), .most = Sat(s.integer("channels.rebalance_most_sat"))};
}

}  // namespace

Keeping::Keeping(const Settings& s, Desk& desk)
    : desk_(desk), journal_(s.required("db"), true, desk.clock(), "", journal_key(s)), every_ms_(s.integer("channels.keep_seconds") * 1000), asks_balances_(s.text("backend") == "cln"), policy_(liquidity_policy(s)), standing_(standing_of(s)) {
  if (s.text("backend") != "sim" && every_ms_ > 0) make_node_ = channel_node_maker(s);
  if (s.text("backend") == "lnd") follow_ = onchain_follower(s);
  desk_.set_channels([&](ChannelsView& v) { v.is_kept = static_cast<bool>(make_node_), v.policy = policy_; });
}

void Keeping::run() {
  while (!stop_requested()) {
    if (now() >= next_probe_ms_) probe();
    if (make_node_) look();
    if (follow_ && now() >= next_follow_ms_) follow();
    ::poll(nullptr, 0, 500);
  }
}

// True: done. What a node refuses or does not answer is said when it begins, when its reason changes, and when it is over.
bool Keeping::guarded(const char* what, const std::function<void()>& act) {
  try {
    act();
    if (problems_.erase(what) > 0) log::info("keeping_works_again", {{"what", what}});
    return true;
  } catch (const Error& e) {
    if (e.code() == Exit::io || e.code() == Exit::software) throw;
    if (std::exchange(problems_[what], e.what()) != e.what()) log::warn("keeping_problem", {{"what", what}, {"reason", e.what()}});
    return false;
  }
}

// A row is written and made durable as every step of a payment is: with the wait for whoever writes at the time.
void Keeping::probe() {
  next_probe_ms_ = now() + probe_every_ms;
  const int64_t begin = now();
  guarded("journal", [&] { remember(journal_.database(), "probed_ms", std::to_string(desk_.clock().unix_ms())); });
  desk_.counters.journal_write_ms = now() - begin;
}

// Another node behind the same address is another keeper's business.
ChannelKeeper& Keeping::keeper() {
  if (!node_) node_ = make_node_();
  const Identity is = node_->payer().identify();
  if (!keeper_ || is.node != identity_.node) {
    if (keeper_) keeper_.reset(), node_ = make_node_();
    identity_ = is;
    keeper_ = std::make_unique<ChannelKeeper>(journal_, *node_, identity_, policy_, desk_.clock(), standing_);
  }
  return *keeper_;
}

void Keeping::look() {
  const auto wish = desk_.take_wish();
  if (!wish && now() < next_look_ms_) return;
  next_look_ms_ = now() + every_ms_;
  std::vector<Channel> channels;
  const bool told = guarded("channels", [&] {
    ChannelKeeper& keeps = keeper();
    ChannelKeeper::Seen seen = keeps.tick();
    channels = seen.channels;
    desk_.set_channels([&](ChannelsView& v) { v.identity = identity_, v.seen = std::move(seen), v.time_ms = desk_.clock().unix_ms(), v.problem.clear(); });
    if (asks_balances_)
      if (const auto b = node_->payer().balances()) desk_.set_node([&](NodeView& v) { v.balances = b, v.balances_ms = desk_.clock().unix_ms(); });
    if (!wish && desk_.is_idle()) keeps.rebalance(channels);
  });
  if (!told) desk_.set_channels([&](ChannelsView& v) { v.problem = problems_["channels"]; });
  if (!wish) return;
  const auto refuse = [&](const std::string& reason) {
    log::warn("rebalance_not_begun", {{"by", wish->who.name}, {"reason", reason}});
    desk_.set_channels([&](ChannelsView& v) { v.not_done = reason; });
  };
  if (!told) return refuse(problems_["channels"]);
  try {
    grant(*wish);
  } catch (const Error& e) {
    if (e.code() == Exit::io || e.code() == Exit::software) throw;
    refuse(e.what());
  }
  next_look_ms_ = 0;  // the balances are others now
}

void Keeping::grant(const RebalanceWish& w) {
  const ChannelsView view = desk_.channels();
  const RebalancePlan plan = plan_wanted(view.seen->channels, w.from, w.to, w.amount);
  const Msat limit = millionths_of(plan.amount, w.max_fee_ppm);
  journal_.decide({.action = "rebalance", .manifest_id = {}, .line = {}, .hash = {},
                   .reason = fmt::format("{} sat from channel {} to {} for at most {} msat: {}", plan.amount.count(), plan.from.id, plan.to.id, limit.count(), w.reason), .who = w.who},
                  [] { return true; });
  const Rebalance done = Rebalancer(journal_, *node_, identity_, desk_.clock()).run(plan, limit);
  log::info("rebalanced", {{"state", done.state}, {"payment_hash", done.hash}, {"amount_msat", done.amount.count()}, {"fee_msat", done.fee.count()}, {"reason", done.reason}});
}

// Transactions are sent again and their confirmations counted as `hh-ln onchain follow` does it; lines that become PAID are printed by the settling thread.
void Keeping::follow() {
  next_follow_ms_ = now() + follow_every_ms;
  guarded("onchain", [&] {
    if (!OnchainBook(journal_, desk_.clock()).unsettled().empty()) follow_();
  });
}

}  // namespace hh::ln
