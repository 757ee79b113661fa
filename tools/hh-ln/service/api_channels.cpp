// The routes about channels. What they tell is what the channel keeper has seen last, so that nobody who looks makes the node work; a policy is set at once,
// and a rebalance is left to the keeper's thread, since it takes as long as a payment.
#include <fmt/format.h>

#include "base/log.h"
#include "channels/rebalance.h"
#include "json/fields.h"
#include "service/api.h"

namespace hh::ln {
namespace {

using http::ApiRequest;
using http::ApiResponse;
using http::Call;
using http::HttpError;
using json::Json;

Json policy_json(const Policy& p) { return {{"base_fee_msat", p.base_fee_msat}, {"fee_ppm", p.fee_ppm}, {"cltv_delta", p.cltv_delta}}; }

Json channel_json(const Channel& c, const std::optional<Policy>& policy) {
  Json r = Json::object();
  if (!c.id.empty()) r["channel"] = c.id;
  r["channel_point"] = c.point;
  r["peer"] = c.peer;
  r["state"] = c.state;
  r["private"] = c.is_private;
  r["capacity_sat"] = c.capacity.count();
  r["local_sat"] = c.local.count();
  r["remote_sat"] = c.remote.count();
  if (policy) r["policy"] = policy_json(*policy);
  return r;
}

Json channels_json(const ChannelsView& view) {
  Json r = json::make_record("channels");
  if (!view.problem.empty()) r["problem"] = json::clean_text(view.problem, max_reason);
  if (!view.not_done.empty()) r["not_done"] = json::clean_text(view.not_done, max_reason);
  r["channels"] = Json::array();
  if (!view.seen) return r;
  r["node"] = view.identity.node;
  r["time_ms"] = view.time_ms;
  for (size_t i = 0; i < view.seen->channels.size(); ++i) r["channels"].push_back(channel_json(view.seen->channels[i], i < view.seen->policies.size() ? view.seen->policies[i] : std::nullopt));
  const Liquidity& l = view.seen->liquidity;
  r["outbound_percent"] = l.outbound_percent();
  r["inbound_percent"] = l.inbound_percent();
  r["onchain_confirmed_sat"] = l.confirmed.count();
  r["reserve_sat"] = view.policy.reserve.count();
  r["alarms"] = l.alarms;
  return r;
}

int64_t number(const Json& body, const char* name, int64_t least, int64_t most, int64_t absent) { return body.contains(name) ? json::Fields(body).integer(name, least, most) : absent; }
std::string name_of(const Json& body, const char* name) { return body.contains(name) ? json::Fields(body).text(name, 100) : ""; }

// Of these that were seen last: what is wrong with them is a conflict with how things are, not with how the request is written.
template <class F>
auto judged(F f) try {
  return f();
} catch (const Error& e) {
  if (e.code() != Exit::data) throw;
  throw HttpError(409, e.what());
}

template <class F>
auto asking_the_node(F f) try {
  return f();
} catch (const Error& e) {
  if (e.code() == Exit::io || e.code() == Exit::software) throw;
  throw HttpError(e.code() == Exit::config ? 409 : 503, e.what());
}

}  // namespace

void Api::add_channels() {
  router_.on("GET", "/v1/channels", [this](const Call& c) {
    require(c.request, Right::read);
    return answer_with(channels_json(desk_.channels()));
  });
  router_.on("GET", "/v1/rebalances", [this](const Call& c) {
    require(c.request, Right::read);
    const auto limit = c.query.contains("limit") ? http::parse_number(c.query.at("limit"), 500) : 100;
    if (!limit || *limit < 1) throw HttpError(400, "limit is a number from 1 to 500");
    Json r = json::make_record("rebalances");
    r["rebalances"] = Json::array();
    for (const Rebalance& b : desk_.with_journal([&](Journal& journal) { return journal.newest_rebalances(*limit); })) r["rebalances"].push_back(record_of(b, false));
    return answer_with(r);
  }, {"limit"});
  change("rebalance", Right::channels, {"from", "to", "sat", "max_fee_ppm", "reason"}, [this](const json::Fields&, const Json& body, const ApiRequest& request) {
    RebalanceWish wish{.from = name_of(body, "from"), .to = name_of(body, "to"), .amount = Sat(number(body, "sat", 1, max_money.count(), 0)),
                       .max_fee_ppm = number(body, "max_fee_ppm", 0, 1'000'000, channels_.rebalance_fee_ppm), .reason = reason_of(body), .who = {}};
    const ChannelsView view = desk_.channels();
    const RebalancePlan plan = judged([&] { return plan_wanted(view.seen ? view.seen->channels : std::vector<Channel>(), wish.from, wish.to, wish.amount); });
    const Token token = require_code(request, Right::channels);
    wish.who = operator_of(token);
    const Rebalance planned{.hash = {}, .node = view.identity.node, .out_channel = plan.from.id, .in_channel = plan.to.id, .amount = to_msat(plan.amount), .fee_limit = millionths_of(plan.amount, wish.max_fee_ppm),
                            .state = "PLANNED", .created_ms = desk_.clock().unix_ms(), .changed_ms = desk_.clock().unix_ms()};
    if (!desk_.want(std::move(wish))) throw HttpError(409, "another rebalance waits to begin: one at a time");
    note_done("rebalance", token, body);
    return answer_with(record_of(planned, false), 202);
  });
  change("policy", Right::channels, {"channel", "base_fee_msat", "fee_ppm", "cltv_delta", "reason"}, [this](const json::Fields& f, const Json& body, const ApiRequest& request) {
    const std::string channel = f.text("channel", 100), reason = reason_of(body);
    const int64_t base = number(body, "base_fee_msat", 0, 10'000'000, -1), ppm = number(body, "fee_ppm", 0, 1'000'000, -1), delta = number(body, "cltv_delta", 18, 2016, -1);
    if (base < 0 && ppm < 0 && delta < 0) throw Error(Exit::data, "at least one of base_fee_msat, fee_ppm and cltv_delta is needed");
    const ChannelsView view = desk_.channels();
    std::vector<Channel> chosen = view.seen ? view.seen->channels : std::vector<Channel>();
    if (channel != "all") chosen = judged([&] { return std::vector{find_open(chosen, channel)}; });
    std::erase_if(chosen, [](const Channel& c) { return !c.is_open(); });
    if (chosen.empty() || !channels_.make_node) throw HttpError(409, "the node has no open channel");
    const Token token = require_code(request, Right::channels);
    Json r = json::make_record("policies");
    r["policies"] = Json::array();
    asking_the_node([&] {
      const auto node = channels_.make_node();
      for (const Channel& c : chosen) {
        const Policy old = node->policy(c), wanted{base < 0 ? old.base_fee_msat : base, ppm < 0 ? old.fee_ppm : ppm, delta < 0 ? old.cltv_delta : delta};
        const std::string what = fmt::format("channel {}: {} msat + {} ppm, CLTV delta {}", c.point, wanted.base_fee_msat, wanted.fee_ppm, wanted.cltv_delta);
        if (!(wanted == old)) {
          const Deed deed{.action = "policy", .manifest_id = {}, .line = {}, .hash = {}, .reason = what + ": " + reason, .who = operator_of(token)};
          desk_.with_journal([&](Journal& journal) { return journal.decide(deed, [] { return true; }); });
          node->set_policy(c, wanted);
        }
        r["policies"].push_back({{"channel", c.id}, {"channel_point", c.point}, {"policy", policy_json(wanted)}, {"old", policy_json(old)}});
      }
      return 0;
    });
    note_done("policy", token, body);
    return answer_with(r);
  });
}

}  // namespace hh::ln
