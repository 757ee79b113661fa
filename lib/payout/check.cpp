// check_payout: a payout's rules, applied to one that somebody else made.
//
// Nearly all of a payout follows from a few facts in it (subsidy, fees, policy, each miner's work, each account's carried_in and destination). So the
// check derives the rest again and compares, and an amount that is off by one msat has nowhere to hide, however consistent its maker
// made it with the rest. What cannot be derived: the facts themselves (they come from the ledger; `hh-payout replay` checks the work), and
// whether an account that is not paid for want of a destination has one.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "bitcoin/hash.h"
#include "json/fields.h"
#include "payout/payout.h"
#include "payout/split.h"

namespace hh::payout {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error(Exit::data, why); }
[[noreturn]] void refuse(size_t line, const std::string& why) { refuse(fmt::format("line {}: {}", line, why)); }

void require_equal(std::string_view what, Msat stated, Msat derived) {
  if (stated != derived) refuse(fmt::format("{} is {} msat, the rules give {}", what, stated.count(), derived.count()));
}

// JSON integers stay below 2^53.
void require_printable(std::string_view what, Msat m) {
  if (m.is_negative() || m.count() > json::max_integer) refuse(fmt::format("{} is {} msat, out of range", what, m.count()));
}

bool is_digest(const std::string& text) {
  std::array<uint8_t, 32> bytes{};
  return from_hex(text, bytes) && to_hex(bytes) == text;
}

void check_head(const Payout& p) {
  records::require_simulated_on_dev(p.chain, p.simulated);
  if (p.number < 0 || p.number > json::max_integer) refuse("the number of the round or cycle is out of range");
  for (const auto& [what, amount] : {std::pair{"earned_msat", p.earned()}, {"carried_in_msat", p.carried_in()}, {"pay_msat", p.pay()},
                                     {"carried_out_msat", p.carried_out()}, {"subsidy_msat", p.subsidy}, {"fees_msat", p.fees},
                                     {"operator_msat", p.operator_share}, {"node_pool_msat", p.node_pool}})
    require_printable(what, amount);
}

std::string_view prefix_of(PayoutKind kind) { return kind == PayoutKind::round ? "miner:" : kind == PayoutKind::cycle ? "node:" : "yield:"; }

bool is_name(PayoutKind kind, std::string_view name) { return kind == PayoutKind::round ? records::is_miner_name(name) : is_node_name(name); }

void check_order(const Payout& p) {
  const std::string_view prefix = prefix_of(p.kind);
  for (size_t i = 0; i < p.lines.size(); ++i) {
    const std::string& account = p.lines[i].account;
    const std::string_view name = std::string_view(account).substr(std::min(prefix.size(), account.size()));
    if (!account.starts_with(prefix)) refuse(i, fmt::format("its account must start with {}", prefix));
    if (!is_name(p.kind, name)) refuse(i, "its account has no valid name");
    if (i > 0 && p.lines[i - 1].account >= account) refuse(i, "lines must be sorted by the bytes of their accounts, each account once");
  }
}

// What one account is owed and what it gets, from carried_in, earned and fees.
void check_balance(const Policy& policy, size_t i, const Line& line) {
  for (const Msat m : {line.earned, line.fees, line.carried_in, line.pay, line.carried_out})
    if (m.is_negative() || m.count() > json::max_integer) refuse(i, fmt::format("an amount of {} msat is out of range", m.count()));
  if (line.due() != line.pay + line.carried_out)
    refuse(i, fmt::format("carried_in + earned + fees = {} msat, but pay + carried_out = {}", line.due().count(), (line.pay + line.carried_out).count()));
  const Msat payable(line.due().count() - line.due().count() % policy.pay_unit.count());
  const bool enough = payable >= to_msat(policy.min_payout);
  if (enough == (line.why == Why::below_minimum))
    refuse(i, fmt::format("{} msat are payable and the minimum is {} sat, but why is \"{}\"", payable.count(), policy.min_payout.count(), why_name(line.why)));
  const Msat pay = line.why == Why::paid ? payable : Msat(0);
  if (line.pay != pay) refuse(i, fmt::format("pay is {} msat, the rules give {}", line.pay.count(), pay.count()));
  if (line.destination.has_value() != (line.why == Why::paid)) refuse(i, "a destination belongs exactly where something is paid");
  if (!line.destination) return;
  const std::string wrong = records::what_is_wrong(line.destination->kind, line.destination->value);
  if (!wrong.empty()) refuse(i, fmt::format("its destination ({}) {}", kind_name(line.destination->kind), wrong));
}

void check_split(const Payout& p) {
  std::vector<bitcoin::Work> weights;
  bitcoin::Work work;
  uint64_t shares = 0;
  for (const Line& line : p.lines) {
    weights.push_back(line.work);
    work += line.work;
    if (__builtin_add_overflow(shares, line.shares, &shares)) refuse("the sum of shares is out of range");
  }
  if (work == bitcoin::Work()) refuse("there is no work: nobody to pay");
  if (p.work != work) refuse(fmt::format("work is {}, the lines add up to {}", p.work.to_text(), work.to_text()));
  if (p.shares != shares) refuse(fmt::format("shares is {}, the lines add up to {}", p.shares, shares));
  const auto parts = split_largest_remainder(p.subsidy - p.operator_share - p.node_pool, weights);
  for (size_t i = 0; i < parts.size(); ++i)
    if (p.lines[i].earned != parts[i].amount)
      refuse(i, fmt::format("earned is {} msat, its part by work is {}", p.lines[i].earned.count(), parts[i].amount.count()));
}

void check_fees(const Payout& p) {
  bool has_finder = false;
  for (size_t i = 0; i < p.lines.size(); ++i) {
    const bool finder = p.lines[i].account == "miner:" + p.finder;
    has_finder |= finder;
    const Msat fees = finder && p.fee_to == FeeTo::manifest ? p.fees : Msat(0);
    if (p.lines[i].fees != fees) refuse(i, fmt::format("fees are {} msat, the rules give {}", p.lines[i].fees.count(), fees.count()));
  }
  if (p.fee_to == FeeTo::manifest && !has_finder) refuse("the finder has no line, so the transaction fees go to nobody");
}

void check_round(const Payout& p) {
  if (p.number < 1) refuse("rounds are numbered from 1");
  if (!is_digest(p.block_hash) || !is_digest(p.merkle_root)) refuse("the block's hash and the merkle_root must be 64 lower-case hex digits");
  if (p.block_height < 0 || p.block_height > INT32_MAX) refuse("the block's height is out of range");
  if (!records::is_miner_name(p.finder)) refuse("the finder has no valid name");
  if (p.subsidy > to_msat(max_money) || p.subsidy.count() % 1000 != 0 || p.fees.count() % 1000 != 0) refuse("subsidy and fees must be whole satoshis");
  require_equal("operator_msat", p.operator_share, part_per_million(p.subsidy, p.policy.operator_ppm));
  require_equal("node_pool_msat", p.node_pool, part_per_million(p.subsidy, p.policy.node_pool_ppm));
  require_equal("operator + node_pool + earned", p.operator_share + p.node_pool + p.earned(), p.subsidy);
  check_split(p);
  check_fees(p);
}

void check_cycle(const Payout& p) {
  if (p.eligible_nodes < 0 || p.eligible_nodes > json::max_integer) refuse("eligible_nodes is out of range");
  const EvenSplit split = split_evenly(p.node_pool, p.eligible_nodes);
  require_equal("earned + node_pool_remainder", p.earned() + p.node_pool_remainder, p.node_pool);
  require_equal("node_pool_remainder_msat", p.node_pool_remainder, split.remainder);
  for (size_t i = 0; i < p.lines.size(); ++i) {
    const Line& line = p.lines[i];
    if (!line.earned.is_zero() && line.earned != split.each)
      refuse(i, fmt::format("earned is {} msat, an even part is {}", line.earned.count(), split.each.count()));
    if (!line.fees.is_zero() || line.shares != 0 || line.work != bitcoin::Work()) refuse(i, "a node has no shares and no transaction fees");
  }
}

// A line takes part or all of what its account was owed, in whole satoshis. What it may take is for the treasury's queue to say.
void check_withdrawal(const Payout& p) {
  if (p.number < 1) refuse("batches of withdrawals are numbered from 1");
  if (p.lines.empty()) refuse("there is nothing to withdraw");
  for (size_t i = 0; i < p.lines.size(); ++i) {
    const Line& line = p.lines[i];
    if (!line.earned.is_zero() || !line.fees.is_zero() || line.shares != 0 || line.work != bitcoin::Work()) refuse(i, "a withdrawal earns nothing");
    require_printable("carried_in_msat", line.carried_in);
    if (line.pay <= Msat(0) || line.pay > line.carried_in) refuse(i, fmt::format("{} msat are withdrawn of {} that are there", line.pay.count(), line.carried_in.count()));
    if (line.pay.count() % 1000 != 0) refuse(i, "withdrawals are of whole satoshis");
    if (line.carried_out != line.carried_in - line.pay) refuse(i, "carried_out is not what is left");
    if (line.why != Why::paid || !line.destination) refuse(i, "a withdrawal is paid, and to a destination");
    const std::string wrong = records::what_is_wrong(line.destination->kind, line.destination->value);
    if (!wrong.empty()) refuse(i, fmt::format("its destination ({}) {}", kind_name(line.destination->kind), wrong));
  }
}

}  // namespace

void check_payout(const Payout& p) {
  check_head(p);
  check_order(p);
  if (p.kind == PayoutKind::withdrawal) return check_withdrawal(p);
  for (size_t i = 0; i < p.lines.size(); ++i) check_balance(p.policy, i, p.lines[i]);
  p.kind == PayoutKind::round ? check_round(p) : check_cycle(p);
}

}  // namespace hh::payout
