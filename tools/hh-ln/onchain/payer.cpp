#include "onchain/payer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"

namespace hh::ln {
namespace {

constexpr int64_t blocks_of_a_day = 144;
constexpr int64_t blocks_looked_back = 30 * blocks_of_a_day;  // a manifest is valid for days; a payment for one of its lines is not older than this

// Of one input and change: more coins cost more, which the check of the built transaction sees.
Sat estimated_fee(size_t lines, int64_t sat_per_vbyte) { return Sat(sat_per_vbyte) * static_cast<int64_t>(110 + 43 * lines); }

void alarm(const OnchainBatch& b, const std::string& what) { log::error("payment_alarm", {{"what", what}, {"txid", b.txid}, {"amount_sat", b.amount.count()}, {"lines", b.lines.size()}}); }

bool shares_a_coin(const OnchainBatch& b, const WalletTransaction& t) {
  return t.txid != b.txid &&
         std::any_of(t.inputs.begin(), t.inputs.end(), [&](const auto& input) { return std::find(b.inputs.begin(), b.inputs.end(), input) != b.inputs.end(); });
}

// The coins of a transaction that does not come to be.
class Locked {
 public:
  Locked(Wallet& wallet, std::vector<Coin>& coins) : wallet_(wallet), coins_(coins) {}
  ~Locked() {
    if (!kept_ && !coins_.empty()) wallet_.release(coins_);
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  void keep() { kept_ = true; }

 private:
  Wallet& wallet_;
  std::vector<Coin>& coins_;
  bool kept_ = false;
};

}  // namespace

OnchainPayer::OnchainPayer(Journal& journal, Backend& backend, Identity identity, Wallet& wallet, OnchainPolicy policy, Clock& clock)
    : identity_(identity), backend_(backend.name()), wallet_(wallet), policy_(policy), book_(journal, clock),
      candidates_(journal, backend, std::move(identity), policy_, clock) {
  for (const OnchainBatch& b : book_.unsettled())
    if (b.node != identity_.node)
      throw Error(Exit::config, fmt::format("transaction {} was made by node {}, but this is node {}: follow it with that node first", b.txid, b.node, identity_.node));
}

int64_t OnchainPayer::rate() {
  const int64_t rate = policy_.sat_per_vbyte > 0 ? policy_.sat_per_vbyte : wallet_.fee_rate(policy_.target_blocks);
  if (rate > policy_.limits.max_sat_per_vbyte)
    throw Error(Exit::temp_fail, fmt::format("the network asks for {} sat per virtual byte, and onchain.max_sat_per_vbyte is {}: nothing was sent", rate, policy_.limits.max_sat_per_vbyte));
  return rate;
}

OnchainPayer::Plan OnchainPayer::plan(const std::string& manifest_id) {
  Plan p;
  p.candidates = candidates_.of(manifest_id);
  const auto made = wallet_.transactions(std::max<int64_t>(wallet_.height() - blocks_looked_back, 0));
  p.balance = wallet_.confirmed();
  p.sat_per_vbyte = rate();
  for (Candidate& c : p.candidates) {
    if (c.reason.empty()) candidates_.require_unpaid(c, made);
    if (c.reason.empty()) candidates_.require_dead(c);
    if (!c.reason.empty()) continue;
    const Sat fee = estimated_fee(p.lines + 1, p.sat_per_vbyte);
    if (p.lines == policy_.max_lines) {
      c.reason = "the transaction is full: it is in the next one";
    } else if (p.amount + c.output.value + fee + policy_.reserve > p.balance) {
      c.reason = fmt::format("the wallet has {} sat confirmed and keeps {} (onchain.reserve_sat)", p.balance.count(), policy_.reserve.count());
      if (p.reason.empty()) p.reason = c.reason;
    } else {
      ++p.lines, p.amount += c.output.value, p.fee = fee;
    }
  }
  const auto unsettled = book_.unsettled();
  const auto unsent = std::find_if(unsettled.begin(), unsettled.end(), [](const OnchainBatch& b) { return b.state == BatchState::recorded; });
  if (unsent != unsettled.end()) p.reason = fmt::format("transaction {} is recorded, and the node has not taken it: {}", unsent->txid, unsent->reason);
  if (p.lines > 0 && unsent == unsettled.end()) p.reason.clear();
  return p;
}

// Nothing that throws here has sent anything.
Checked OnchainPayer::build(const std::vector<Target>& targets, int64_t sat_per_vbyte, Sat balance, int64_t height, std::vector<Coin>& coins) {
  std::vector<bitcoin::TxOutput> outputs;
  Sat amount;
  for (const Target& t : targets) outputs.push_back(t.output), amount += t.output.value;
  Funded funded = wallet_.fund(outputs, sat_per_vbyte);
  coins = funded.coins;
  const auto network = bitcoin::network_from_name(identity_.chain);
  Checked checked = check_transaction(wallet_.finalize(funded.psbt), outputs, coins, policy_.limits, network.value(), height);
  if (checked.change && !wallet_.owns(checked.change->address)) throw Error(Exit::unavailable, "the wallet's transaction is refused, and nothing was sent: its change goes to an address that is not the wallet's");
  if (balance - amount - checked.fee < policy_.reserve)
    throw Error(Exit::temp_fail, fmt::format("the wallet would be left with less than {} sat (onchain.reserve_sat): nothing was sent", policy_.reserve.count()));
  return checked;
}

std::optional<OnchainBatch> OnchainPayer::pay(const std::string& manifest_id) {
  book_.require_not_paused();
  const Plan p = plan(manifest_id);
  if (!p.reason.empty()) throw Error(Exit::temp_fail, p.reason);
  std::vector<Target> targets;
  for (const Candidate& c : p.candidates)
    if (c.reason.empty()) targets.push_back({c.line, c.address, c.output});
  if (targets.empty()) return {};
  const int64_t height = wallet_.height();
  std::vector<Coin> coins;
  Locked locked(wallet_, coins);
  const Checked checked = build(targets, p.sat_per_vbyte, p.balance, height, coins);
  OnchainBatch batch = book_.record(checked, targets, coins, backend_, identity_.node, identity_.chain, height);
  locked.keep();
  log::info("onchain_recorded", {{"txid", batch.txid}, {"lines", batch.lines.size()}, {"amount_sat", batch.amount.count()}, {"fee_sat", batch.fee.count()}});
  publish(batch);
  return batch;
}

// Sends the recorded transaction, the first time or again. That it is going out is durable before it does.
void OnchainPayer::publish(OnchainBatch& batch) {
  for (const OnchainLine& l : batch.lines)
    if (batch.state == BatchState::recorded && book_.is_paid_over_lightning(l)) {
      alarm(batch, fmt::format("line {} of manifest {} was paid over Lightning after all: the transaction is not sent", l.line, l.manifest_id));
      return book_.move(batch, batch.state, batch.confirmations, fmt::format("line {} of manifest {} was paid over Lightning after all", l.line, l.manifest_id));
    }
  book_.note_sending(batch);
  const PublishAnswer answer = wallet_.publish(batch.raw, wallet_label);
  if (answer.published == Published::accepted) return book_.move(batch, BatchState::broadcast, batch.confirmations, "");
  log::warn("onchain_not_accepted", {{"txid", batch.txid}, {"reason", answer.reason}});
  book_.move(batch, batch.state, batch.confirmations, answer.reason);
}

// False: it came to nothing.
bool OnchainPayer::follow_one(OnchainBatch& batch, const std::vector<WalletTransaction>& made) {
  const auto own = std::find_if(made.begin(), made.end(), [&](const WalletTransaction& t) { return t.txid == batch.txid; });
  const int64_t confirmations = own == made.end() ? 0 : std::max<int64_t>(own->confirmations, 0);
  if (confirmations > 0) {
    book_.move(batch, confirmations >= policy_.confirmations ? BatchState::confirmed : BatchState::broadcast, confirmations, "");
    return true;
  }
  const auto rival = std::find_if(made.begin(), made.end(), [&](const WalletTransaction& t) { return t.confirmations > 0 && shares_a_coin(batch, t); });
  if (rival != made.end() && rival->confirmations >= policy_.confirmations) {
    book_.give_up(batch, *rival);
    alarm(batch, batch.reason);
    return false;
  }
  if (rival != made.end()) {
    book_.move(batch, batch.state, 0, fmt::format("transaction {} spends its coins and has {} confirmations of {}", rival->txid, rival->confirmations, policy_.confirmations));
    return true;
  }
  if (batch.confirmations > 0) book_.move(batch, batch.state, 0, "it is no longer in the chain");
  publish(batch);
  return true;
}

bool OnchainPayer::follow() {
  auto batches = book_.unsettled();
  if (batches.empty()) return true;
  // A rival can only be younger than the batch, but for a reorganisation.
  const auto made = wallet_.transactions(std::max<int64_t>(batches.front().height - blocks_of_a_day, 0));
  bool all = true;
  for (OnchainBatch& b : batches) all &= follow_one(b, made);
  return all;
}

std::string OnchainPayer::bump(const std::string& txid, int64_t sat_per_vbyte, Sat budget) {
  const auto batch = book_.batch(txid);
  if (!batch) throw Error(Exit::data, fmt::format("the journal has no transaction {}", txid));
  if (batch->state != BatchState::broadcast || batch->confirmations > 0) throw Error(Exit::data, fmt::format("transaction {} is {}: only one that waits in the mempool can be hastened", txid, state_text(batch->state)));
  if (!batch->change_vout) throw Error(Exit::data, fmt::format("transaction {} has no change that a child could spend", txid));
  if (sat_per_vbyte > policy_.limits.max_sat_per_vbyte) throw Error(Exit::data, fmt::format("{} sat per virtual byte are above onchain.max_sat_per_vbyte", sat_per_vbyte));
  constexpr int64_t child_vsize = 150;
  const Sat most = budget.is_zero() ? Sat(sat_per_vbyte) * (batch->vsize + child_vsize) : budget;
  if (most > batch->change) throw Error(Exit::data, fmt::format("its change of {} sat is less than the {} sat that the child may pay", batch->change.count(), most.count()));
  book_.note_bump(*batch, sat_per_vbyte, most);
  return wallet_.bump({*bitcoin::Hash256::from_display_hex(txid), *batch->change_vout}, sat_per_vbyte, most);
}

}  // namespace hh::ln
