#include "reinvest/withdraw.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "payout/manifest.h"

namespace hh::ln {
namespace {

constexpr int64_t day_ms = 86'400'000, msat_per_sat = 1000;

Msat whole_sat(Msat m) { return m - Msat(m.count() % msat_per_sat); }

}  // namespace

struct Withdrawals::Line {
  int64_t order = 0;
  std::string node;
  Msat carried, amount;
};

std::vector<Withdrawal> Withdrawals::all() {
  std::vector<Withdrawal> out;
  std::vector<int64_t> ids;
  {
    auto rows = db_.statement("SELECT order_id, node, sequence, amount_msat, ordered_msat, paid_msat FROM withdrawal_states ORDER BY order_id");
    while (rows.step()) {
      ids.push_back(rows.int64(0));
      out.push_back({rows.text(1), rows.int64(2), rows.msat(3), rows.msat(4), rows.msat(5), {}});
    }
  }
  for (size_t i = 0; i < out.size(); ++i) {
    auto rows = db_.statement("SELECT manifest_id FROM live_withdrawals WHERE order_id = ?1 ORDER BY batch");
    for (bool more = rows.first(ids[i]); more; more = rows.step()) out[i].manifests.push_back(rows.text(0));
  }
  return out;
}

std::optional<int64_t> Withdrawals::pending() {
  auto row = db_.statement("SELECT batch FROM live_withdrawals l WHERE NOT EXISTS (SELECT 1 FROM manifests m WHERE m.manifest_id = l.manifest_id) ORDER BY batch LIMIT 1");
  if (!row.first()) return {};
  return row.int64(0);
}

// What the journal's lines still have to get.
Msat Withdrawals::owed() {
  return Msat(db_.query_int64("SELECT coalesce(sum(pay_msat), 0) FROM lines l WHERE NOT EXISTS (SELECT 1 FROM attempts a WHERE a.manifest_id = l.manifest_id AND a.line = l.line AND a.state = 'PAID') "
                                  "AND NOT EXISTS (SELECT 1 FROM onchain_claims c WHERE c.manifest_id = l.manifest_id AND c.line = l.line)"));
}

// What is in the channels on our side, less what is owed, less the reserve: what the policy says, or all that was ever reinvested where that is more.
Msat Withdrawals::spendable(Msat local, Msat owed, const Identity& identity, const ReinvestPolicy& policy) {
  auto swept = db_.statement("SELECT coalesce(sum(reserve_msat), 0) FROM fee_sweeps WHERE node = ?1");
  swept.first(identity.node);
  const Msat left = local - owed - std::max(policy.reserve, swept.msat(0));
  return std::max(left, Msat(0));
}

std::vector<Withdrawals::Line> Withdrawals::choose(const ReinvestPolicy& policy, Msat spendable) {
  std::vector<Line> out;
  auto today = db_.statement("SELECT coalesce(sum(amount_msat), 0) FROM live_withdrawals WHERE day = ?1");
  today.first(clock_.unix_ms() / day_ms);
  Msat day_left = policy.max_day - today.msat(0);
  today.reset();
  const auto yields = book_.yields();
  std::map<std::string, bool> served;
  auto rows = db_.statement("SELECT order_id, node, amount_msat - ordered_msat, at_once FROM withdrawal_states WHERE ordered_msat < amount_msat ORDER BY order_id");
  while (rows.step()) {
    const std::string node = rows.text(1);
    if (std::exchange(served[node], true)) continue;  // its next order waits for this one
    const auto owed = yields.find(node);
    const Msat rest = rows.msat(2), has = owed == yields.end() ? Msat(0) : owed->second;
    const Msat amount = whole_sat(std::max(Msat(0), std::min({rest, has, policy.max_withdrawal, day_left, spendable})));
    if (amount.is_zero() || (amount < rest && (rows.boolean(3) || amount < policy.min_withdrawal))) continue;
    out.push_back({rows.int64(0), node, has, amount});
    day_left -= amount, spendable -= amount;
  }
  // A manifest's lines are sorted by account.
  std::sort(out.begin(), out.end(), [](const Line& a, const Line& b) { return a.node < b.node; });
  return out;
}

std::vector<Withdrawals::Line> Withdrawals::lines_of(int64_t batch) {
  std::vector<Line> out;
  auto rows = db_.statement("SELECT order_id, node, carried_msat, amount_msat FROM withdrawal_lines WHERE batch = ?1 ORDER BY line");
  for (bool more = rows.first(batch); more; more = rows.step()) out.push_back({rows.int64(0), rows.text(1), rows.msat(2), rows.msat(3)});
  return out;
}

records::Destination Withdrawals::destination_of(int64_t order) {
  auto row = db_.statement("SELECT jws FROM reinvest_orders WHERE id = ?1");
  row.first(order);
  const SignedOrder s = read_signed_order(journal_.vault().open("reinvest_orders.jws", std::to_string(order), row.text(0)));
  return std::get<WithdrawalOrder>(s.order).destination;
}

payout::Payout Withdrawals::payout_of(int64_t batch, bitcoin::Network chain, bool simulated, const std::vector<Line>& lines) {
  payout::Payout p;
  p.chain = chain, p.simulated = simulated, p.kind = payout::PayoutKind::withdrawal, p.number = batch;
  for (const Line& l : lines)
    p.lines.push_back({.account = payout::yield_account(l.node), .shares = 0, .work = {}, .earned = {}, .fees = {}, .carried_in = l.carried, .pay = l.amount, .carried_out = l.carried - l.amount, .why = payout::Why::paid,
                       .destination = destination_of(l.order)});
  check_payout(p);
  return p;
}

std::optional<payout::Payout> Withdrawals::next_batch(Backend& wallet) {
  const ReinvestPolicy policy = book_.require_policy();
  if (const auto batch = pending()) {
    auto row = db_.statement("SELECT simulated, manifest_id FROM withdrawal_batches WHERE number = ?1");
    row.first(*batch);
    const bool simulated = row.boolean(0);
    const std::string id = row.text(1);
    row.reset();
    payout::Payout p = payout_of(*batch, policy.chain, simulated, lines_of(*batch));
    if (payout::manifest_id(payout::manifest_bytes(p)) != id) throw Error(Exit::software, fmt::format("batch {} of withdrawals does not give its manifest {} again", *batch, id));
    return p;
  }
  const Identity identity = wallet.identify();
  if (identity.chain != bitcoin::network_name(policy.chain)) throw Error(Exit::data, fmt::format("the policy is for chain {}, and the wallet is on {}", bitcoin::network_name(policy.chain), identity.chain));
  const Msat before = owed();
  const auto has = wallet.balances();
  if (!has) throw Error(Exit::config, fmt::format("backend {} cannot say what is in the wallet, so nothing can be withdrawn", wallet.name()));
  Journal::Work work(journal_);
  if (owed() != before) throw Error(Exit::temp_fail, "a payment was made meanwhile, and what the wallet has is not known for sure: run again");
  const Msat free = spendable(has->local, before, identity, policy);
  const auto lines = choose(policy, free);
  if (lines.empty()) return {};
  const int64_t batch = db_.query_int64("SELECT count(*) + 1 FROM withdrawal_batches"), now = clock_.unix_ms();
  payout::Payout p = payout_of(batch, policy.chain, identity.simulated, lines);
  db_.statement("INSERT INTO withdrawal_batches (number, manifest_id, chain, simulated, policy, spendable_msat, created_ms, day) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
      .run(batch, payout::manifest_id(payout::manifest_bytes(p)), bitcoin::network_name(p.chain), p.simulated, policy.sequence, free, now, now / day_ms);
  for (size_t i = 0; i < lines.size(); ++i)
    db_.statement("INSERT INTO withdrawal_lines (batch, line, order_id, node, carried_msat, amount_msat) VALUES (?1, ?2, ?3, ?4, ?5, ?6)").run(batch, i, lines[i].order, lines[i].node, lines[i].carried, lines[i].amount);
  work.commit();
  return p;
}

}  // namespace hh::ln
