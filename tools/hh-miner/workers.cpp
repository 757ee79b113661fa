#include "workers.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "bitcoin/merkle.h"
#include "hasher.h"

namespace hh::miner {
namespace {

constexpr uint64_t chunk = 1 << 14;  // nonces between looks at the clock and at new work: some milliseconds
constexpr uint64_t versions = 16;

// The low bits of n, laid into the set bits of mask from below.
uint32_t deposit(uint32_t mask, uint64_t n) {
  uint32_t out = 0;
  for (uint32_t bit = 1; bit != 0; bit <<= 1) {
    if ((mask & bit) == 0) continue;
    if (n & 1) out |= bit;
    n >>= 1;
  }
  return out;
}

}  // namespace

Piece piece_of(const Work& work, uint64_t index) {
  Piece p;
  const uint64_t step = work.version_mask == 0 ? 1 : versions;
  uint64_t counter = index / step;
  p.extranonce2.resize(work.extranonce2_size);
  for (size_t i = p.extranonce2.size(); i-- > 0; counter >>= 8) p.extranonce2[i] = static_cast<uint8_t>(counter);

  bitcoin::Sha256 coinbase;
  coinbase.update(work.coinbase1).update(work.extranonce1).update(p.extranonce2).update(work.coinbase2);
  p.header.version = (work.version & ~work.version_mask) | deposit(work.version_mask, index % step);
  p.header.prev_hash = work.prev_hash;
  p.header.merkle_root = bitcoin::root_from_branch(coinbase.finish_double(), work.branch);
  p.header.time = work.ntime;
  p.header.bits = work.bits;
  return p;
}

Workers::Workers(size_t threads, uint64_t throttle) : threads_(std::max<size_t>(threads, 1)), throttle_(throttle) {
  for (size_t i = 0; i < threads_; ++i) pool_.emplace_back([this] { run(); });
}

Workers::~Workers() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    ++generation_;
  }
  changed_.notify_all();
  for (std::thread& t : pool_) t.join();
}

void Workers::set(std::shared_ptr<const Work> work) {
  {
    std::lock_guard lock(mutex_);
    work_ = std::move(work);
    next_index_ = 0;
    ++generation_;
  }
  changed_.notify_all();
}

std::deque<Found> Workers::take() {
  std::lock_guard lock(mutex_);
  return std::exchange(found_, {});
}

Workers::Unit Workers::next_unit() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stop_ || work_ != nullptr; });
  return {work_, generation_, next_index_++};
}

void Workers::run() {
  while (!stop_) {
    const Unit unit = next_unit();
    if (unit.work && !stop_) scan(unit);
  }
}

void Workers::rest(uint64_t hashes_done) {
  if (throttle_ == 0) return;
  const auto time = std::chrono::microseconds(hashes_done * 1'000'000 * threads_ / throttle_);
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [&] { return stop_.load(); });
}

void Workers::scan(const Unit& unit) {
  const Work& work = *unit.work;
  Piece piece = piece_of(work, unit.index);
  const Hasher hasher(piece.header);
  const auto network = bitcoin::Target::from_compact(work.bits);
  const bitcoin::Target target = bitcoin::target_of(work.difficulty);
  const uint64_t size = throttle_ == 0 ? chunk : std::clamp<uint64_t>(throttle_ / threads_ / 20, 1, chunk);
  for (uint64_t nonce = 0; nonce < uint64_t{1} << 32 && generation_ == unit.generation;) {
    const auto hit = hasher.scan(static_cast<uint32_t>(nonce), size, target);
    const uint64_t next = hit ? uint64_t{*hit} + 1 : std::min(nonce + size, uint64_t{1} << 32);
    hashes_ += next - nonce;
    if (hit) {
      piece.header.nonce = *hit;
      Found f{unit.work, piece.extranonce2, *hit, piece.header.version, piece.header.hash(), false};
      f.is_block = network && network->met_by(f.hash);
      std::lock_guard lock(mutex_);
      if (generation_ == unit.generation && found_.size() < 10'000) found_.push_back(std::move(f));
    }
    rest(next - nonce);
    nonce = next;
  }
}

}  // namespace hh::miner
