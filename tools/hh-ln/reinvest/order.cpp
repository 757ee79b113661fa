#include "reinvest/order.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "json/canonical.h"
#include "json/fields.h"
#include "payout/eligibility.h"
#include "payout/fee_sweep.h"
#include "records/common.h"

namespace hh::ln {
namespace {

using json::Fields;
using json::Json;
using payout::million;

constexpr size_t max_name = 128;

[[noreturn]] void refuse(const std::string& why) { throw Error(Exit::data, why); }

std::string node_field(const Fields& f) {
  std::string node = f.text("node", max_name);
  if (!payout::is_node_name(node)) refuse("field \"node\" must be 1 to 128 printable ASCII characters without spaces");
  return node;
}

PolicyNode read_node(const Json& object) {
  const Fields f(object);
  PolicyNode n{node_field(f), f.integer("weight", 1, payout::max_weight), f.optional_text("key", 64).value_or("")};
  if (!n.key.empty()) n.key = crypto::VerifyKey::parse(n.key, fmt::format("key of node {}", n.node)).base64url();
  return n;
}

Order read_policy_order(const Fields& f) {
  ReinvestPolicy p{.chain = records::chain_field(f), .sequence = f.integer("sequence", 1), .reinvest_ppm = f.integer("reinvest_ppm", 0, million),
                   .least_reinvest_ppm = f.integer("least_reinvest_ppm", 0, million), .most_reinvest_ppm = f.integer("most_reinvest_ppm", 0, million),
                   .min_withdrawal = f.msat("min_withdrawal_msat"), .max_withdrawal = f.msat("max_withdrawal_msat"), .max_day = f.msat("max_day_msat"), .reserve = f.msat("reserve_msat"), .nodes = {}};
  if (p.least_reinvest_ppm > p.reinvest_ppm || p.reinvest_ppm > p.most_reinvest_ppm) refuse("reinvest_ppm must lie between least_reinvest_ppm and most_reinvest_ppm");
  if (p.min_withdrawal < Msat(1000)) refuse("min_withdrawal_msat must be at least 1000: withdrawals are of whole satoshis");
  for (const Json& node : f.array("nodes")) p.nodes.push_back(read_node(node));
  if (p.nodes.size() > payout::max_sweep_nodes) refuse(fmt::format("a policy names at most {} nodes", payout::max_sweep_nodes));
  std::sort(p.nodes.begin(), p.nodes.end(), [](const PolicyNode& a, const PolicyNode& b) { return a.node < b.node; });
  const auto twice = std::adjacent_find(p.nodes.begin(), p.nodes.end(), [](const PolicyNode& a, const PolicyNode& b) { return a.node == b.node; });
  if (twice != p.nodes.end()) refuse(fmt::format("node {} is in the policy twice", twice->node));
  return p;
}

Order read_withdrawal_order(const Fields& f) {
  WithdrawalOrder w{.chain = records::chain_field(f), .node = node_field(f), .sequence = f.integer("sequence", 1), .amount = f.msat("amount_msat"), .destination = records::parse_destination(f.object("destination"))};
  if (w.amount.is_zero() || w.amount.count() % 1000 != 0) refuse("amount_msat must be a whole number of satoshis, and more than none");
  return w;
}

Json to_json_of(const ReinvestPolicy& p) {
  Json o = json::make_record("reinvest_policy");
  o["chain"] = bitcoin::network_name(p.chain);
  o["sequence"] = p.sequence;
  o["reinvest_ppm"] = p.reinvest_ppm, o["least_reinvest_ppm"] = p.least_reinvest_ppm, o["most_reinvest_ppm"] = p.most_reinvest_ppm;
  o["min_withdrawal_msat"] = p.min_withdrawal.count(), o["max_withdrawal_msat"] = p.max_withdrawal.count(), o["max_day_msat"] = p.max_day.count();
  o["reserve_msat"] = p.reserve.count();
  o["nodes"] = Json::array();
  for (const PolicyNode& n : p.nodes) {
    Json node{{"node", n.node}, {"weight", n.weight}};
    if (!n.key.empty()) node["key"] = n.key;
    o["nodes"].push_back(node);
  }
  return o;
}

Json to_json_of(const Preference& p) {
  Json o = json::make_record("reinvest_preference");
  o["chain"] = bitcoin::network_name(p.chain);
  o["node"] = p.node, o["sequence"] = p.sequence, o["reinvest_ppm"] = p.reinvest_ppm;
  return o;
}

Json to_json_of(const WithdrawalOrder& w) {
  Json o = json::make_record("withdrawal_order");
  o["chain"] = bitcoin::network_name(w.chain);
  o["node"] = w.node, o["sequence"] = w.sequence, o["amount_msat"] = w.amount.count(), o["destination"] = records::to_json(w.destination);
  return o;
}

}  // namespace

const PolicyNode* ReinvestPolicy::find(std::string_view node) const {
  const auto at = std::find_if(nodes.begin(), nodes.end(), [&](const PolicyNode& n) { return n.node == node; });
  return at == nodes.end() ? nullptr : &*at;
}

int64_t ReinvestPolicy::applied_ppm(std::optional<int64_t> preferred) const { return std::clamp(preferred.value_or(reinvest_ppm), least_reinvest_ppm, most_reinvest_ppm); }

const char* kind_of(const Order& order) { return std::array{"policy", "preference", "withdrawal"}.at(order.index()); }

std::string node_of(const Order& order) {
  if (const auto* p = std::get_if<Preference>(&order)) return p->node;
  if (const auto* w = std::get_if<WithdrawalOrder>(&order)) return w->node;
  return "";
}

int64_t sequence_of(const Order& order) {
  return std::visit([](const auto& o) { return o.sequence; }, order);
}

bitcoin::Network chain_of(const Order& order) {
  return std::visit([](const auto& o) { return o.chain; }, order);
}

Order order_from_json(const Json& object) {
  const std::string type = json::record_type(object);
  const Fields f(object);
  if (type == "reinvest_policy") return read_policy_order(f);
  if (type == "reinvest_preference") return Preference{.chain = records::chain_field(f), .node = node_field(f), .sequence = f.integer("sequence", 1), .reinvest_ppm = f.integer("reinvest_ppm", 0, million)};
  if (type == "withdrawal_order") return read_withdrawal_order(f);
  refuse(fmt::format("a \"{}\" is neither a reinvest_policy, a reinvest_preference nor a withdrawal_order", type));
}

Json to_json(const Order& order) {
  return std::visit([](const auto& o) { return to_json_of(o); }, order);
}

Json sign_order(const Order& order, const crypto::SigningKey& key, int64_t iat, int64_t exp, std::string jti) {
  Json r = json::make_record("signed_order");
  r["kind"] = kind_of(order);
  if (const std::string node = node_of(order); !node.empty()) r["node"] = node;
  r["sequence"] = sequence_of(order);
  r["jws"] = crypto::jws::sign(json::canonical(to_json(order)), {order_typ, "", iat, exp, std::move(jti)}, key);
  return r;
}

SignedOrder read_signed_order(std::string_view line) {
  std::string jws(line);
  if (line.starts_with('{')) {
    const Json record = json::parse(line);
    json::require_record(record, "signed_order");
    jws = Fields(record).text("jws", max_order_line);
  }
  auto parsed = crypto::jws::parse(jws);
  if (const auto* refused = std::get_if<crypto::jws::Refusal>(&parsed)) refuse(refused->sentence);
  auto& p = std::get<crypto::jws::Parsed>(parsed);
  const Json object = json::parse(p.payload);
  if (json::canonical(object) != p.payload) refuse("an order must be canonical JSON (RFC 8785), byte for byte");
  Order order = order_from_json(object);
  return {std::move(order), std::move(p), std::move(jws)};
}

void require_signature(const SignedOrder& o, const crypto::KeySet& keys, int64_t now) {
  const auto verified = crypto::jws::verify(o.parsed, order_typ, keys, now);
  if (const auto* refused = std::get_if<crypto::jws::Refusal>(&verified))
    throw Error(Exit::no_permission, fmt::format("order refused ({}): {}", crypto::jws::name(refused->fault), refused->sentence));
}

}  // namespace hh::ln
