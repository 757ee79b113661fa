#include "payout/fee_sweep.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "crypto/digest.h"
#include "json/canonical.h"
#include "json/fields.h"
#include "payout/eligibility.h"
#include "payout/split.h"
#include "records/common.h"

namespace hh::payout {
namespace {

using json::Json;

constexpr size_t max_node = 128;

std::string wrong(const FeeSweep& s) {
  if (s.node.empty() || s.node.size() > max_node) return "node must be 1 to 128 bytes";
  if (s.number < 1 || s.policy < 1 || s.forwards < 1) return "number, policy and forwards are counted from 1";
  if (s.earned <= Msat(0) || !is_money(s.earned) || s.earned.count() > json::max_integer) return "earned_msat must be positive, and no more than a record can say";
  if (s.until_ms < 0 || s.time_ms < 0) return "until_ms and time_ms must not be negative";
  if (s.parts.size() > max_sweep_nodes) return "there are too many nodes";
  for (size_t i = 0; i < s.parts.size(); ++i) {
    const SweepPart& p = s.parts[i];
    if (!is_node_name(p.node)) return "a node without a valid name";
    if (p.weight < 1 || p.weight > max_weight || p.reinvest_ppm < 0 || p.reinvest_ppm > million) return fmt::format("weight or reinvest_ppm of {} is out of range", p.node);
    if (i > 0 && s.parts[i - 1].node >= p.node) return "parts must be sorted by the bytes of their nodes' names, each once";
  }
  FeeSweep derived = s;
  divide(derived);
  for (size_t i = 0; i < s.parts.size(); ++i)
    if (s.parts[i] != derived.parts[i])
      return fmt::format("{} has {} msat of which it may withdraw {}; the rule gives {} and {}", s.parts[i].node, s.parts[i].part.count(), s.parts[i].withdrawable.count(), derived.parts[i].part.count(), derived.parts[i].withdrawable.count());
  if (s.reserve != derived.reserve) return fmt::format("reserve_msat is {}, the rule gives {}", s.reserve.count(), derived.reserve.count());
  return "";
}

Json without_id(const FeeSweep& s) {
  Json r = json::make_record("fee_sweep");
  if (s.simulated) r["simulated"] = true;
  r["chain"] = bitcoin::network_name(s.chain);
  r["node"] = s.node;
  r["number"] = s.number;
  r["until_ms"] = s.until_ms;
  r["forwards"] = s.forwards;
  r["earned_msat"] = s.earned.count();
  r["reserve_msat"] = s.reserve.count();
  r["policy"] = s.policy;
  r["parts"] = Json::array();
  for (const SweepPart& p : s.parts)
    r["parts"].push_back({{"node", p.node}, {"weight", p.weight}, {"part_msat", p.part.count()}, {"reinvest_ppm", p.reinvest_ppm}, {"withdrawable_msat", p.withdrawable.count()}});
  r["time_ms"] = s.time_ms;
  return r;
}

}  // namespace

std::string yield_account(const std::string& node) { return "yield:" + node; }

std::string FeeSweep::id() const { return to_hex(crypto::sha256(json::canonical(without_id(*this)))); }

void divide(FeeSweep& s) {
  std::sort(s.parts.begin(), s.parts.end(), [](const SweepPart& a, const SweepPart& b) { return a.node < b.node; });
  std::vector<bitcoin::Work> weights;
  for (const SweepPart& p : s.parts) weights.emplace_back(static_cast<uint64_t>(p.weight));
  s.reserve = s.earned;
  if (s.parts.empty()) return;
  const auto split = split_largest_remainder(s.earned, weights);
  for (size_t i = 0; i < s.parts.size(); ++i) {
    s.parts[i].part = split[i].amount;
    s.parts[i].withdrawable = part_per_million(split[i].amount, million - s.parts[i].reinvest_ppm);
    s.reserve -= s.parts[i].withdrawable;
  }
}

json::Json to_record(const FeeSweep& s) {
  if (const std::string w = wrong(s); !w.empty()) throw Error(Exit::software, "fee_sweep: " + w);
  Json r = without_id(s);
  r["sweep_id"] = s.id();
  return r;
}

FeeSweep sweep_from_record(const json::Json& record) {
  json::require_record(record, "fee_sweep");
  const json::Fields f(record);
  FeeSweep s{.simulated = records::simulated_field(f), .chain = records::chain_field(f), .node = f.text("node", max_node), .number = f.integer("number", 1), .until_ms = f.integer("until_ms"),
             .forwards = f.integer("forwards", 1), .earned = f.msat("earned_msat"), .policy = f.integer("policy", 1), .parts = {}, .reserve = f.msat("reserve_msat"), .time_ms = f.integer("time_ms")};
  for (const Json& part : f.array("parts")) {
    const json::Fields p(part);
    s.parts.push_back({p.text("node", max_node), p.integer("weight", 1, max_weight), p.integer("reinvest_ppm", 0, million), p.msat("part_msat"), p.msat("withdrawable_msat")});
  }
  records::require_simulated_on_dev(s.chain, s.simulated);
  if (const std::string w = wrong(s); !w.empty()) throw Error(Exit::data, w);
  if (const std::string id = f.hex_text("sweep_id", 32); id != s.id()) throw Error(Exit::data, fmt::format("sweep_id is {}, its own is {}: the record was changed", id, s.id()));
  return s;
}

}  // namespace hh::payout
