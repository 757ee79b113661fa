#include "node.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/log.h"

namespace hh::devchain {

using namespace bitcoin;

namespace {

Hash256 hash_in(BytesView payload) {
  if (payload.size() != 32) throw Error(Exit::data, "a mark in blocks.dat that is no hash");
  Hash256 h;
  std::copy(payload.begin(), payload.end(), h.bytes.begin());
  return h;
}

}  // namespace

// The file tells the bits, so the chain is made when its first record, or its end, is met.
Node::Node(NodeConfig config, Clock& clock) : config_(std::move(config)), clock_(clock) {
  uint32_t bits = config_.bits;
  const auto make_chain = [&] {
    if (!Target::from_compact(bits)) throw Error(Exit::config, fmt::format("bits {:08x} are no target", bits));
    if (!chain_) chain_.emplace(bits);
  };
  store_.emplace(config_.datadir + "/blocks.dat", bits, [&](RecordKind kind, BytesView payload) {
    make_chain();
    replay(kind, payload);
  });
  make_chain();
  if (config_.bits_given && bits != config_.bits) {
    throw Error(Exit::config, fmt::format("the chain in {} has bits {:08x}, not {:08x}: leave --bits out, or choose another --datadir", config_.datadir, bits, config_.bits));
  }
  tip_since_ms_ = clock_.monotonic_ms();
}

void Node::replay(RecordKind kind, BytesView payload) {
  switch (kind) {
    case RecordKind::block: chain_->add(parse_block(payload)); break;
    case RecordKind::invalidate: chain_->invalidate(hash_in(payload)); break;
    case RecordKind::reconsider: chain_->reconsider(hash_in(payload)); break;
  }
}

uint64_t Node::size_on_disk() const {
  std::lock_guard lock(mutex_);
  return store_->size();
}

uint32_t Node::pooled() const { return pooled_count(chain_->tip().height + 1, clock_.monotonic_ms() - tip_since_ms_, config_.mempool_every_ms); }

std::string Node::long_poll_id() const { return chain_->tip().hash.to_display_hex() + std::to_string(pooled()); }

Candidate Node::candidate() const {
  std::lock_guard lock(mutex_);
  const Entry& tip = chain_->tip();
  Candidate c;
  c.prev_hash = tip.hash;
  c.height = tip.height + 1;
  c.bits = chain_->bits();
  c.min_time = median_time_past(tip) + 1;
  c.time = std::max(c.min_time, static_cast<uint32_t>(clock_.unix_seconds()));
  for (uint32_t i = 0, n = pooled(); i < n; ++i) c.transactions.push_back(pooled_transaction(c.height, i));
  c.long_poll_id = long_poll_id();
  return c;
}

bool Node::wait_for_other(const std::string& id, int64_t at_most_ms) {
  std::unique_lock lock(mutex_);
  const int64_t end = clock_.monotonic_ms() + at_most_ms;
  // A transaction arrives by the clock, without anyone to tell of it, so the wait looks up four times a second.
  while (!stopping_ && long_poll_id() == id && clock_.monotonic_ms() < end) changed_.wait_for(lock, std::chrono::milliseconds(250));
  return !stopping_;
}

void Node::stop() {
  std::lock_guard lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

// After a failed write nobody knows what the file holds, so nothing more may be promised.
void Node::append(RecordKind kind, BytesView payload) {
  if (disk_failed_) throw Error(Exit::io, "an earlier write to blocks.dat failed: start hh-devchain again");
  disk_failed_ = true;
  store_->append(kind, payload);
  disk_failed_ = false;
}

void Node::tip_may_have_changed(const Hash256& before) {
  if (chain_->tip().hash == before) return;
  tip_since_ms_ = clock_.monotonic_ms();
  changed_.notify_all();
  log::info("tip", {{"height", chain_->tip().height}, {"hash", chain_->tip().hash.to_display_hex()}, {"reorganised", !chain_->is_active(*chain_->find(before))}});
}

std::optional<std::string> Node::submit(const Block& block) {
  std::lock_guard lock(mutex_);
  const Hash256 hash = block.header.hash(), before = chain_->tip().hash;
  if (const Entry* known = chain_->find(hash)) return known->invalid ? "duplicate-invalid" : "duplicate";
  if (auto reason = refusal(block, chain_->find(block.header.prev_hash), chain_->bits(), clock_.unix_seconds(), CheckWork::yes)) return reason;
  append(RecordKind::block, serialize(block));
  const bool is_tip = chain_->add(block);
  tip_may_have_changed(before);
  // Bitcoin Core has not validated a block of a side branch, so it cannot say more.
  return is_tip ? std::nullopt : std::optional<std::string>("inconclusive");
}

std::optional<std::string> Node::propose(const Block& block) const {
  std::lock_guard lock(mutex_);
  if (const Entry* known = chain_->find(block.header.hash())) return known->invalid ? "duplicate-invalid" : "duplicate";
  if (block.header.prev_hash != chain_->tip().hash) return "inconclusive-not-best-prevblk";
  return refusal(block, &chain_->tip(), chain_->bits(), clock_.unix_seconds(), CheckWork::no);
}

bool Node::invalidate(const Hash256& hash) {
  std::lock_guard lock(mutex_);
  const Hash256 before = chain_->tip().hash;
  if (const Entry* e = chain_->find(hash); !e || !e->previous) return false;
  append(RecordKind::invalidate, hash.bytes);
  chain_->invalidate(hash);
  tip_may_have_changed(before);
  return true;
}

bool Node::reconsider(const Hash256& hash) {
  std::lock_guard lock(mutex_);
  const Hash256 before = chain_->tip().hash;
  if (!chain_->find(hash)) return false;
  append(RecordKind::reconsider, hash.bytes);
  chain_->reconsider(hash);
  tip_may_have_changed(before);
  return true;
}

}  // namespace hh::devchain
