#include "payout/explain.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "json/lines.h"
#include "payout/manifest.h"
#include "payout/split.h"

namespace hh::payout {
namespace {

using Text = std::vector<std::string>;

std::string title(const Payout& p) {
  const std::string simulated = p.simulated ? " (simulated)" : "";
  if (p.kind == PayoutKind::withdrawal) return fmt::format("Withdrawals {} on {}{}", p.number, bitcoin::network_name(p.chain), simulated);
  if (p.kind == PayoutKind::cycle) return fmt::format("Cycle {} of the node pool on {}{}", p.number, bitcoin::network_name(p.chain), simulated);
  return fmt::format("Round {} on {}{}, block {} at height {}", p.number, bitcoin::network_name(p.chain), simulated, p.block_hash, p.block_height);
}

std::string row(std::string_view name, Msat amount, std::string_view how) {
  return fmt::format("  {:<14} {:>17} msat   {}", name, amount.count(), how);
}

// Percent with two decimals, rounded down, by integers: for orientation only.
std::string percent(bitcoin::Work part, bitcoin::Work whole) {
  const auto parts = split_largest_remainder(Msat(1'000'000), std::vector{part, bitcoin::Work(whole.hashes() - part.hashes())});
  const int64_t hundredths = parts[0].amount.count() / 100;
  return fmt::format("{}.{:02} %", hundredths / 100, hundredths % 100);
}

// Where a line stands in the order in which left-over msat are given out, from 1.
size_t rank_of(const std::vector<Part>& parts, size_t i) {
  size_t rank = 1;
  for (size_t j = 0; j < parts.size(); ++j)
    if (parts[j].remainder > parts[i].remainder || (parts[j].remainder == parts[i].remainder && j < i)) ++rank;
  return rank;
}

void put_subsidy(Text& out, const Payout& p) {
  const auto taken = [&](std::string_view name, Msat amount, int64_t ppm) {
    return row(name, -amount, fmt::format("{} x {} / 1000000, rounded down", p.subsidy.count(), ppm));
  };
  out.push_back("What the miners of the round divide:");
  out.push_back(row("subsidy", p.subsidy, "of the block"));
  out.push_back(taken("operator", p.operator_share, p.policy.operator_ppm));
  out.push_back(taken("node pool", p.node_pool, p.policy.node_pool_ppm));
  out.push_back(row("for miners", p.subsidy - p.operator_share - p.node_pool, fmt::format("divided by work, scheme {}", records::name(p.policy.scheme))));
}

void put_part(Text& out, const Payout& p, size_t i) {
  const Line& line = p.lines[i];
  const Msat pool = p.subsidy - p.operator_share - p.node_pool;
  std::vector<bitcoin::Work> weights;
  for (const Line& l : p.lines) weights.push_back(l.work);
  const auto parts = split_largest_remainder(pool, weights);
  const Part& part = parts[i];
  const Msat floor = part.amount - Msat(part.rounded_up ? 1 : 0);
  const auto given = std::count_if(parts.begin(), parts.end(), [](const Part& x) { return x.rounded_up; });

  out.push_back(fmt::format("Its part: {} of {} shares, work {} of {} ({})", line.shares, p.shares, line.work.to_text(), p.work.to_text(),
                            percent(line.work, p.work)));
  out.push_back(row("by work", floor, fmt::format("{} x {} / {}, remainder {}", pool.count(), line.work.to_text(), p.work.to_text(), part.remainder.to_text())));
  const std::string left = fmt::format("{} msat were left over by rounding down; they go one each to the largest remainders, this one is number {}", given,
                                       rank_of(parts, i));
  out.push_back(row("rounding", Msat(part.rounded_up ? 1 : 0), left));
}

void put_fees(Text& out, const Payout& p, const Line& line) {
  if (line.account != "miner:" + p.finder) {
    out.push_back(row("block fees", Msat(0), "transaction fees go to the finder of the block in full, that was another miner"));
  } else if (p.fee_to == FeeTo::coinbase) {
    out.push_back(row("block fees", Msat(0), fmt::format("found the block; its coinbase has paid the {} msat of transaction fees on chain", p.fees.count())));
  } else {
    out.push_back(row("block fees", line.fees, "found the block: all of its transaction fees"));
  }
}

std::string reason_of_pay(const Policy& policy, const Line& line) {
  const int64_t unit = policy.pay_unit.count();
  const int64_t payable = line.due().count() - line.due().count() % unit;
  switch (line.why) {
    case Why::paid:
      return fmt::format("whole units of {} msat, by Lightning to {} {}", unit, kind_name(line.destination->kind), line.destination->value);
    case Why::below_minimum:
      return fmt::format("not paid yet: {} msat in whole units of {} msat are less than the minimum of {} msat", payable, unit,
                         to_msat(policy.min_payout).count());
    case Why::no_destination:
      return fmt::format("not paid yet: {} msat could be, but the account has no destination; register one", payable);
  }
  return "";
}

void put_balance(Text& out, const Policy& policy, const Line& line) {
  out.push_back(row("carried in", line.carried_in, "balance of the account before"));
  out.push_back(row("due", line.due(), "the sum"));
  out.push_back(row("pay", line.pay, reason_of_pay(policy, line)));
  out.push_back(row("carried out", line.carried_out, "stays in the account for next time"));
}

void put_even_part(Text& out, const Payout& p, const Line& line) {
  out.push_back("Its part of the node pool:");
  out.push_back(row("node pool", p.node_pool, fmt::format("divided evenly among {} eligible nodes", p.eligible_nodes)));
  if (line.earned.is_zero())
    out.push_back(row("earned", Msat(0), "not among them, or the pool holds less than one msat for each"));
  else
    out.push_back(row("earned", line.earned, fmt::format("{} / {}, rounded down; the remainder of {} msat stays in the pool", p.node_pool.count(),
                                                         p.eligible_nodes, p.node_pool_remainder.count())));
}

void require_account(const Payout& p, std::string_view account) {
  const std::string_view prefix = p.kind == PayoutKind::round ? "miner:" : p.kind == PayoutKind::cycle ? "node:" : "yield:";
  if (account.starts_with(prefix) && account.size() > prefix.size()) return;
  throw Error(Exit::data, fmt::format("accounts of a {} are named {}NAME", kind_name(p.kind), prefix));
}

}  // namespace

std::vector<std::string> explain_account(const Payout& p, std::string_view account) {
  require_account(p, account);
  const Line* line = p.find(account);
  if (line == nullptr) {
    const std::string_view why = p.kind == PayoutKind::withdrawal ? "no withdrawal of its is in this batch" : p.kind == PayoutKind::round ? "it has no share in what was divided and no balance from before"
                                                             : "it was not eligible (or there was less than one msat for each) and has no balance from before";
    return {fmt::format("{}: {} gets nothing.", title(p), account), fmt::format("Reason: {}.", why)};
  }
  Text out{fmt::format("{}: {} is paid {} ({} msat), {} msat are carried.", title(p), account, to_text_sat(line->pay), line->pay.count(),
                       line->carried_out.count())};
  if (p.kind == PayoutKind::withdrawal) {
    out.push_back(row("balance", line->carried_in, "what it might withdraw before"));
    out.push_back(row("paid", line->pay, "as far as its order, the balance and the policy's caps go"));
    out.push_back(row("left", line->carried_out, "carried"));
    return out;
  }
  if (p.kind == PayoutKind::round) {
    put_subsidy(out, p);
    put_part(out, p, static_cast<size_t>(line - p.lines.data()));
    put_fees(out, p, *line);
  } else {
    put_even_part(out, p, *line);
  }
  put_balance(out, p.policy, *line);
  return out;
}

std::vector<std::string> explain_node(const Payout& p, const NodeFacts& node) {
  Text out{fmt::format("{}: node:{} gets nothing.", title(p), node.node)};
  for (const Ineligible reason : why_ineligible(node)) out.push_back(fmt::format("Reason: not eligible, {}.", describe(reason, node)));
  if (out.size() == 1) out.push_back("By these facts it was eligible; the payout was made with others, or holds less than one msat for each node.");
  return out;
}

std::string first_difference(const Payout& a, const Payout& b) {
  const auto differing = [](const json::Json& x, const json::Json& y, std::string_view where) -> std::string {
    for (const auto& [key, value] : x.items())
      if (!y.contains(key) || y[key] != value)
        return fmt::format("{}{} is {} here and {} in the manifest", where, key, value.dump(), y.contains(key) ? y[key].dump() : "absent");
    return "";
  };
  if (const std::string d = differing(payout_record(a), payout_record(b), ""); !d.empty()) return d;
  for (size_t i = 0; i < std::min(a.lines.size(), b.lines.size()); ++i)
    if (const std::string d = differing(line_record(a, i), line_record(b, i), fmt::format("line {}: ", i)); !d.empty()) return d;
  return "the manifest has fields that these inputs do not give";
}

}  // namespace hh::payout
