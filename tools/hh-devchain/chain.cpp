#include "chain.h"

#include <algorithm>

#include "base/error.h"
#include "bitcoin/merkle.h"
#include "bitcoin/script.h"

namespace hh::devchain {

using namespace bitcoin;

Block genesis_block(uint32_t bits) {
  Transaction coinbase;
  coinbase.inputs.resize(1);
  coinbase.inputs[0].script = height_push(0);
  put_push(coinbase.inputs[0].script, as_bytes("Hyper Hash dev chain: simulated"));
  coinbase.outputs.push_back({block_subsidy(0), {0x6a}});  // nobody's
  Block b{{1, {}, coinbase.txid(), 1'700'000'000, bits, 0}, {coinbase}};
  return b;
}

Chain::Chain(uint32_t bits) : bits_(bits) {
  auto genesis = std::make_unique<Entry>();
  genesis->block = genesis_block(bits);
  genesis->hash = genesis->block.header.hash();
  genesis->chain_work = work_of(*Target::from_compact(bits));
  by_hash_[genesis->hash] = genesis.get();
  active_.push_back(genesis.get());
  entries_.push_back(std::move(genesis));
}

const Entry* Chain::find(const Hash256& hash) const {
  const auto it = by_hash_.find(hash);
  return it == by_hash_.end() ? nullptr : it->second;
}

const Entry* Chain::at(uint32_t height) const { return height < active_.size() ? active_[height] : nullptr; }

int64_t Chain::confirmations(const Entry& e) const { return is_active(e) ? int64_t{tip().height} - e.height + 1 : -1; }

bool Chain::add(Block block) {
  const Entry* previous = find(block.header.prev_hash);
  auto e = std::make_unique<Entry>();
  e->hash = block.header.hash();
  if (!previous || find(e->hash)) throw Error(Exit::software, "a block was added without its parent, or twice");
  e->height = previous->height + 1;
  e->chain_work = previous->chain_work + work_of(*Target::from_compact(bits_));
  e->previous = previous;
  e->invalid = previous->invalid;
  e->block = std::move(block);
  const Entry* added = by_hash_[e->hash] = e.get();
  entries_.push_back(std::move(e));
  if (added->invalid || added->chain_work <= tip().chain_work) return false;
  activate(added);
  return true;
}

bool Chain::invalidate(const Hash256& hash) {
  const auto it = by_hash_.find(hash);
  if (it == by_hash_.end() || !it->second->previous) return false;
  it->second->marked_invalid = true;
  refresh_marks();
  return true;
}

bool Chain::reconsider(const Hash256& hash) {
  const auto it = by_hash_.find(hash);
  if (it == by_hash_.end()) return false;
  for (auto& e : entries_)
    if (is_ancestor(*e, *it->second) || is_ancestor(*it->second, *e)) e->marked_invalid = false;
  refresh_marks();
  return true;
}

void Chain::refresh_marks() {
  const Entry* best = entries_[0].get();
  for (auto& e : entries_) {
    e->invalid = e->marked_invalid || (e->previous && e->previous->invalid);
    if (!e->invalid && e->chain_work > best->chain_work) best = e.get();
  }
  // Among equals a chain stays where it is.
  if (tip().invalid || best->chain_work > tip().chain_work) activate(best);
}

void Chain::activate(const Entry* tip) {
  active_.resize(tip->height + 1);
  for (const Entry* e = tip; e && active_[e->height] != e; e = e->previous) active_[e->height] = e;
}

uint32_t median_time_past(const Entry& e) {
  std::vector<uint32_t> times;
  for (const Entry* at = &e; at && times.size() < 11; at = at->previous) times.push_back(at->block.header.time);
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

bool is_ancestor(const Entry& a, const Entry& b) {
  const Entry* at = &b;
  while (at && at->height > a.height) at = at->previous;
  return at == &a;
}

}  // namespace hh::devchain
