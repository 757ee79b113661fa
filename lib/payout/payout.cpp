#include "payout/payout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/error.h"
#include "payout/split.h"

namespace hh::payout {
namespace {

using records::RoundStatus;

Msat sum(const std::vector<Line>& lines, Msat Line::*field) {
  Msat total;
  for (const Line& line : lines) total += line.*field;
  return total;
}

// Decides pay, carried_out and why. line.destination comes in as what the account has and goes out as where it is paid.
void settle(Line& line, const Policy& policy) {
  const Msat due = line.due();
  const Msat payable(due.count() - due.count() % policy.pay_unit.count());
  line.why = payable < to_msat(policy.min_payout) ? Why::below_minimum : line.destination ? Why::paid : Why::no_destination;
  if (line.why == Why::paid)
    line.pay = payable;
  else
    line.destination.reset();
  line.carried_out = due - line.pay;
}

void sort_by_account(std::vector<Line>& lines) {
  std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) { return a.account < b.account; });
}

void require_payable_status(const records::Round& r) {
  if (r.status == RoundStatus::closed) return;
  if (r.status == RoundStatus::orphaned)
    throw Error(Exit::data, fmt::format("round {} is orphaned: its block is not part of the chain, so it pays nothing; its shares count in the next round", r.round));
  throw Error(Exit::temp_fail, fmt::format("round {} is {}, not closed: nothing is paid before its block is mature and `hh-ledger close` has frozen it",
                                           r.round, records::name(r.status)));
}

void require_same_scheme(const records::Round& r, const Policy& policy) {
  if (r.scheme != policy.scheme)
    throw Error(Exit::config, fmt::format("round {} was closed with scheme {}, the policy says {}: use the policy that the round was closed with", r.round,
                                          records::name(r.scheme), records::name(policy.scheme)));
  if (r.scheme != records::Scheme::pplns) return;
  if (!r.pplns) throw Error(Exit::data, fmt::format("round {} has scheme pplns but no window", r.round));
  if (r.pplns->factor != policy.pplns_factor)
    throw Error(Exit::config, fmt::format("round {} was closed with pplns factor {}, the policy says {}: use the policy that the round was closed with",
                                          r.round, r.pplns->factor, policy.pplns_factor));
}

// Facts of the round, without money.
Payout start_of(const records::Round& r, const Policy& policy) {
  if (!r.block || !r.merkle_root) throw Error(Exit::data, fmt::format("round {} is closed but has no block or no merkle_root", r.round));
  Payout p;
  p.chain = r.chain;
  p.simulated = r.simulated;
  p.number = static_cast<int64_t>(r.round);
  p.policy = policy;
  p.block_height = r.block->height;
  p.block_hash = r.block->hash;
  p.merkle_root = *r.merkle_root;
  p.fee_to = r.block->fee_to;
  p.finder = r.block->miner;
  p.subsidy = to_msat(r.block->subsidy);
  p.fees = to_msat(r.block->fees);
  return p;
}

std::vector<Line> miner_lines(const records::Round& r) {
  std::vector<Line> lines;
  for (const records::RoundMiner& m : r.miners) {
    Line line;
    line.account = "miner:" + m.miner;
    line.shares = m.shares;
    line.work = m.work;
    line.carried_in = m.carried;
    line.destination = m.destination;
    lines.push_back(std::move(line));
  }
  sort_by_account(lines);
  return lines;
}

void divide_subsidy(Payout& p) {
  p.operator_share = part_per_million(p.subsidy, p.policy.operator_ppm);
  p.node_pool = part_per_million(p.subsidy, p.policy.node_pool_ppm);
  std::vector<bitcoin::Work> weights;
  for (const Line& line : p.lines) {
    weights.push_back(line.work);
    p.work += line.work;
    p.shares += line.shares;
  }
  if (p.work == bitcoin::Work()) throw Error(Exit::data, fmt::format("round {} has no work of any miner: there is nobody to pay", p.number));
  const auto parts = split_largest_remainder(p.subsidy - p.operator_share - p.node_pool, weights);
  for (size_t i = 0; i < parts.size(); ++i) p.lines[i].earned = parts[i].amount;
}

void give_fees_to_finder(Payout& p) {
  if (p.fee_to == FeeTo::coinbase) return;
  const auto it = std::find_if(p.lines.begin(), p.lines.end(), [&](const Line& line) { return line.account == "miner:" + p.finder; });
  if (it == p.lines.end()) throw Error(Exit::data, fmt::format("round {}: its finder \"{}\" is not among its miners", p.number, p.finder));
  it->fees = p.fees;
}

void require_named_once(const std::vector<NodeFacts>& nodes) {
  std::set<std::string_view> names;
  for (const NodeFacts& n : nodes)
    if (!names.insert(n.node).second) throw Error(Exit::data, fmt::format("node \"{}\" is listed twice", n.node));
}

// Every node to which something is due, by name. REQUIRES that no node is named twice.
std::vector<Line> node_lines(const records::Cycle& c, const std::vector<NodeFacts>& nodes, Msat each) {
  std::map<std::string, Line> by_account;
  for (const NodeFacts& n : nodes) {
    Line& line = by_account["node:" + n.node];
    if (is_eligible(n)) line.earned = each;
    line.destination = n.destination;
  }
  for (const records::CycleNode& n : c.nodes) by_account["node:" + n.node].carried_in = n.carried;
  std::vector<Line> lines;
  for (auto& [account, line] : by_account) {
    if (line.due().is_zero()) continue;
    line.account = account;
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

std::string_view kind_name(PayoutKind k) {
  switch (k) {
    case PayoutKind::round: return "round";
    case PayoutKind::cycle: return "cycle";
    case PayoutKind::withdrawal: return "withdrawal";
  }
  return "";
}

std::string_view why_name(Why w) {
  constexpr std::array<std::string_view, 3> names{"paid", "below_minimum", "no_destination"};
  return names.at(static_cast<size_t>(w));
}

Msat Payout::earned() const { return sum(lines, &Line::earned); }
Msat Payout::carried_in() const { return sum(lines, &Line::carried_in); }
Msat Payout::pay() const { return sum(lines, &Line::pay); }
Msat Payout::carried_out() const { return sum(lines, &Line::carried_out); }

const Line* Payout::find(std::string_view account) const {
  const auto it = std::lower_bound(lines.begin(), lines.end(), account, [](const Line& line, std::string_view a) { return line.account < a; });
  return it != lines.end() && it->account == account ? &*it : nullptr;
}

Payout compute_round(const records::Round& round, const Policy& policy) {
  require_payable_status(round);
  require_same_scheme(round, policy);
  Payout p = start_of(round, policy);
  p.lines = miner_lines(round);
  divide_subsidy(p);
  give_fees_to_finder(p);
  for (Line& line : p.lines) settle(line, policy);
  check_payout(p);
  return p;
}

Payout compute_cycle(const records::Cycle& cycle, const Policy& policy, const std::vector<NodeFacts>& nodes) {
  if (!cycle.closed) throw Error(Exit::temp_fail, fmt::format("cycle {} is open: run `hh-ledger close --cycle {}` when it has ended", cycle.cycle, cycle.cycle));
  require_named_once(nodes);
  Payout p;
  p.chain = cycle.chain;
  p.simulated = cycle.simulated;
  p.kind = PayoutKind::cycle;
  p.number = cycle.cycle;
  p.policy = policy;
  p.node_pool = cycle.node_pool;
  p.eligible_nodes = std::count_if(nodes.begin(), nodes.end(), is_eligible);
  const EvenSplit split = split_evenly(p.node_pool, p.eligible_nodes);
  p.lines = node_lines(cycle, nodes, split.each);
  p.node_pool_remainder = p.node_pool - p.earned();
  for (Line& line : p.lines) settle(line, policy);
  check_payout(p);
  return p;
}

}  // namespace hh::payout
