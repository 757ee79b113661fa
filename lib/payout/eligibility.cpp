#include "payout/eligibility.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "json/fields.h"
#include "json/lines.h"

namespace hh::payout {
namespace {

constexpr int64_t most_samples = int64_t{1} << 40;

// Missing samples count as down; more than a cycle has (a clock that was set) do not help either.
int64_t counted_samples(const NodeFacts& n) { return std::max(n.samples_total, samples_per_cycle); }
int64_t samples_needed(int64_t total) { return (total * required_uptime_percent + 99) / 100; }

std::string read_name(const json::Fields& f) {
  std::string name = f.text("node", 128);
  if (!is_node_name(name)) throw Error(Exit::data, "field \"node\" must be 1 to 128 printable ASCII characters without spaces");
  return name;
}

bool read_template_provider(const json::Fields& f) {
  const std::string where = f.text("template_provider", 16);
  if (where != "local" && where != "remote") throw Error(Exit::data, "field \"template_provider\" must be \"local\" or \"remote\"");
  return where == "local";
}

}  // namespace

bool is_node_name(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

std::string_view reason_name(Ineligible reason) {
  constexpr std::array<std::string_view, 3> names{"uptime", "no_treasury_channel", "bitcoind_not_synced"};
  return names.at(static_cast<size_t>(reason));
}

std::vector<Ineligible> why_ineligible(const NodeFacts& n) {
  std::vector<Ineligible> reasons;
  if (n.samples_up < samples_needed(counted_samples(n))) reasons.push_back(Ineligible::uptime);
  if (n.treasury_channels < 1) reasons.push_back(Ineligible::no_treasury_channel);
  if (n.local_template_provider && !n.bitcoind_synced) reasons.push_back(Ineligible::bitcoind_not_synced);
  return reasons;
}

std::string describe(Ineligible reason, const NodeFacts& n) {
  switch (reason) {
    case Ineligible::uptime:
      return fmt::format("up for {} of {} samples, {} are needed ({} %)", n.samples_up, counted_samples(n), samples_needed(counted_samples(n)),
                         required_uptime_percent);
    case Ineligible::no_treasury_channel:
      return "no open channel to the treasury";
    case Ineligible::bitcoind_not_synced:
      return "its template provider is local and its bitcoind is not synced";
  }
  throw Error(Exit::software, "an unknown reason of ineligibility");
}

NodeFacts node_from_record(const json::Json& record) {
  json::require_record(record, "node");
  const json::Fields f(record);
  NodeFacts n;
  n.node = read_name(f);
  n.samples_total = f.integer("samples_total", 0, most_samples);
  n.samples_up = f.integer("samples_up", 0, n.samples_total);
  n.treasury_channels = f.integer("treasury_channels");
  n.local_template_provider = read_template_provider(f);
  n.bitcoind_synced = f.boolean("bitcoind_synced");
  if (f.has("destination")) n.destination = records::parse_destination(f.object("destination"));
  return n;
}

json::Json to_record(const NodeFacts& n) {
  json::Json out = json::make_record("node");
  out["node"] = n.node;
  out["samples_up"] = n.samples_up;
  out["samples_total"] = n.samples_total;
  out["treasury_channels"] = n.treasury_channels;
  out["template_provider"] = n.local_template_provider ? "local" : "remote";
  out["bitcoind_synced"] = n.bitcoind_synced;
  if (n.destination) out["destination"] = to_json(*n.destination);
  return out;
}

std::vector<NodeFacts> read_nodes(const std::string& path) {
  std::vector<NodeFacts> nodes;
  json::for_each_record(path, [&](const json::Json& record, const std::string& type) {
    if (type == "node") nodes.push_back(node_from_record(record));
  });
  std::sort(nodes.begin(), nodes.end(), [](const NodeFacts& a, const NodeFacts& b) { return a.node < b.node; });
  const auto twice = std::adjacent_find(nodes.begin(), nodes.end(), [](const NodeFacts& a, const NodeFacts& b) { return a.node == b.node; });
  if (twice != nodes.end()) throw Error(Exit::data, fmt::format("{}: node \"{}\" is listed twice", path, twice->node));
  return nodes;
}

}  // namespace hh::payout
