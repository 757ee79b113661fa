#include "empty_block.h"

#include <algorithm>

#include "bitcoin/block.h"
#include "bitcoin/merkle.h"

namespace hh::pool {

using bitcoin::Network;

namespace {

constexpr uint32_t difficulty_period = 2016;
constexpr uint32_t easiest_regtest_bits = 0x207fffff;

bool bits_stay(Network chain, const Tip& parent, const bitcoin::BlockTemplate& last) {
  switch (chain) {
    case Network::main:
    case Network::signet:
      // That the last template agrees, too, guards against a header of another period's branch.
      return (parent.height + 1) % difficulty_period != 0 && parent.bits == last.bits;
    case Network::regtest:
      return parent.bits == easiest_regtest_bits && last.bits == easiest_regtest_bits;
    case Network::dev:
      return parent.bits == last.bits;
    case Network::testnet4:
      return false;
  }
  return false;
}

}  // namespace

uint32_t halving_interval(Network chain) { return chain == Network::regtest ? 150 : 210'000; }

std::optional<bitcoin::BlockTemplate> empty_block_template(Network chain, const Tip& parent, const bitcoin::BlockTemplate& last, int64_t elapsed_ms) {
  const auto target = bitcoin::Target::from_compact(parent.bits);
  if (!target || !bits_stay(chain, parent, last)) return std::nullopt;
  const uint32_t interval = halving_interval(chain);
  if (bitcoin::block_subsidy(last.height, interval) != last.subsidy) return std::nullopt;

  bitcoin::BlockTemplate t;
  t.height = parent.height + 1;
  t.prev_hash = parent.hash;
  t.version = last.version;
  t.mintime = parent.median_time + 1;
  t.curtime = std::max(t.mintime, last.curtime + static_cast<uint32_t>(std::max<int64_t>(elapsed_ms, 0) / 1000));
  t.bits = parent.bits;
  t.target = *target;
  t.subsidy = bitcoin::block_subsidy(t.height, interval);
  t.coinbase_aux = last.coinbase_aux;
  t.witness_commitment_script = bitcoin::witness_commitment_script(bitcoin::witness_commitment({}));
  t.rules = last.rules;
  return t;
}

}  // namespace hh::pool
