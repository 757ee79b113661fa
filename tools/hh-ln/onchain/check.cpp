#include "onchain/check.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "bitcoin/script.h"

namespace hh::ln {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error(Exit::unavailable, "the wallet's transaction is refused, and nothing was sent: " + why); }

Sat millionths(Sat amount, int64_t ppm) {
  return Sat(amount.count() / 1'000'000) * ppm + Sat(amount.count() % 1'000'000 * ppm / 1'000'000);
}

bitcoin::Transaction read(BytesView raw) {
  try {
    return bitcoin::parse_transaction(raw);
  } catch (const Error& e) {
    if (e.code() != Exit::data) throw;
    refuse(e.what());
  }
}

// Exactly the coins that were locked for it, each signed by a witness: then nobody can change the txid.
void check_inputs(const bitcoin::Transaction& tx, const std::vector<Coin>& coins, int64_t height) {
  std::vector<bitcoin::OutPoint> spends, locked;
  for (const auto& input : tx.inputs) {
    if (input.witness.empty()) refuse("an input is not signed by a witness");
    spends.push_back(input.previous);
  }
  for (const Coin& coin : coins) locked.push_back(coin.outpoint);
  std::sort(spends.begin(), spends.end());
  std::sort(locked.begin(), locked.end());
  if (spends != locked || std::adjacent_find(spends.begin(), spends.end()) != spends.end()) refuse("it does not spend the coins that were locked for it");
  if (tx.lock_time > static_cast<uint64_t>(height)) refuse("it may not enter the chain yet");
}

std::vector<uint32_t> find_ordered(const bitcoin::Transaction& tx, const std::vector<bitcoin::TxOutput>& ordered, std::vector<bool>& used) {
  std::vector<uint32_t> vouts;
  for (const auto& wanted : ordered) {
    size_t at = 0;
    while (at < tx.outputs.size() && (used[at] || tx.outputs[at] != wanted)) ++at;
    if (at == tx.outputs.size()) refuse(fmt::format("it has no output of {} sat for one of its lines", wanted.value.count()));
    used[at] = true;
    vouts.push_back(static_cast<uint32_t>(at));
  }
  return vouts;
}

std::optional<ChangeOutput> find_change(const bitcoin::Transaction& tx, const std::vector<bool>& used, bitcoin::Network network) {
  std::optional<ChangeOutput> change;
  for (size_t i = 0; i < used.size(); ++i) {
    if (used[i]) continue;
    if (change) refuse("it pays somebody who is not in the order");
    const auto address = bitcoin::address_from_script(tx.outputs[i].script, network);
    if (!address || tx.outputs[i].value < bitcoin::dust_threshold(tx.outputs[i].script)) refuse("its change is lost");
    change = ChangeOutput{static_cast<uint32_t>(i), tx.outputs[i].value, *address};
  }
  return change;
}

}  // namespace

Checked check_transaction(BytesView raw, const std::vector<bitcoin::TxOutput>& ordered, const std::vector<Coin>& coins, const FeeLimits& limits, bitcoin::Network network, int64_t height) {
  Checked out;
  out.transaction = read(raw);
  check_inputs(out.transaction, coins, height);
  std::vector<bool> used(out.transaction.outputs.size());
  out.vouts = find_ordered(out.transaction, ordered, used);
  out.change = find_change(out.transaction, used, network);
  Sat paid;
  for (const auto& output : ordered) paid += output.value;
  for (const Coin& coin : coins) out.fee += coin.value;
  for (const auto& output : out.transaction.outputs) out.fee -= output.value;
  out.vsize = static_cast<int64_t>((out.transaction.weight() + 3) / 4);
  if (out.fee.is_negative()) refuse("it spends more than its coins hold");
  if (out.fee > Sat(limits.max_sat_per_vbyte) * out.vsize)
    refuse(fmt::format("its fee of {} sat is above {} sat per virtual byte (onchain.max_sat_per_vbyte)", out.fee.count(), limits.max_sat_per_vbyte));
  if (out.fee > millionths(paid, limits.max_fee_ppm))
    refuse(fmt::format("its fee of {} sat is above {} millionths of the {} sat that it pays (onchain.max_fee_ppm)", out.fee.count(), limits.max_fee_ppm, paid.count()));
  out.txid = out.transaction.txid().to_display_hex();
  return out;
}

}  // namespace hh::ln
