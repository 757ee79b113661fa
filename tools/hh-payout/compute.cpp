// hh-payout compute, manifest and policy.
#include "base/log.h"
#include "base/file.h"
#include "commands.h"
#include "input.h"
#include "json/lines.h"

#include <unistd.h>

namespace hh::payout {
namespace {

void report_ineligible(const std::vector<NodeFacts>& nodes) {
  for (const NodeFacts& n : nodes)
    for (const Ineligible reason : why_ineligible(n))
      log::info("node_not_eligible", {{"node", n.node}, {"reason", reason_name(reason)}, {"detail", describe(reason, n)}});
}

Payout compute_one(const records::Round& round, const Options& o, const Settings& s) {
  if (!o.nodes.empty()) throw Error(Exit::usage, "--nodes belongs to a cycle, the input is a round");
  require_chain(s, round.chain);
  return compute_round(round, policy_of(s));
}

Payout compute_one(const records::Cycle& cycle, const Options& o, const Settings& s) {
  if (o.nodes.empty()) throw Error(Exit::usage, "the input is a cycle: give --nodes FILE with a node record for each node");
  require_chain(s, cycle.chain);
  const auto nodes = read_nodes(o.nodes);
  report_ineligible(nodes);
  return compute_cycle(cycle, policy_of(s), nodes);
}

}  // namespace

int compute(const Options& o, const Settings& s) {
  if (o.nodes == standard_input && o.input == standard_input) throw Error(Exit::usage, "the cycle and --nodes cannot both be standard input");
  const Payout p = std::visit([&](const auto& input) { return compute_one(input, o, s); }, read_round_or_cycle(o.input));
  write_all(STDOUT_FILENO, to_records(p), "standard output");
  return 0;
}

int manifest(const Options& o, const Settings& s) {
  const Manifest m = read_payout(o.input).manifest;
  require_chain(s, m.payout.chain);
  json::print_line(m.bytes);
  return 0;
}

int policy(const Options&, const Settings& s) {
  json::print(to_record(policy_of(s)));
  return 0;
}

int config(const Options&, const Settings& s) {
  write_all(STDOUT_FILENO, s.to_records(), "standard output");
  return 0;
}

}  // namespace hh::payout
