// The hashing threads: share one piece of work, hand back what they find.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bitcoin/difficulty.h"
#include "bitcoin/header.h"
#include "stratum/v1.h"

namespace hh::miner {

// A job as the pool gave it, with what it applies to.
struct Work {
  std::string job;
  bitcoin::Hash256 prev_hash;
  Bytes coinbase1, coinbase2, extranonce1;
  size_t extranonce2_size = 8;
  std::vector<bitcoin::Hash256> branch;
  uint32_t version = 0, bits = 0, ntime = 0;
  uint32_t version_mask = 0;  // bits to roll; 0: none
  bool rolling = false;       // version rolling was negotiated: shares state their version bits
  bitcoin::Difficulty difficulty = bitcoin::Difficulty::whole(1);
};

struct Found {
  std::shared_ptr<const Work> work;
  Bytes extranonce2;
  uint32_t nonce = 0, version = 0;
  bitcoin::Hash256 hash;
  bool is_block = false;
};

class Workers {
 public:
  // throttle: hashes a second of all threads together; 0: as fast as they can.
  Workers(size_t threads, uint64_t throttle);
  ~Workers();
  void set(std::shared_ptr<const Work> work);  // null: rest
  std::deque<Found> take();                    // what was found since
  uint64_t hashes() const { return hashes_; }

 private:
  struct Unit {
    std::shared_ptr<const Work> work;
    uint64_t generation = 0, index = 0;
  };
  void run();
  Unit next_unit();
  void scan(const Unit& unit);
  void rest(uint64_t hashes_done);

  const size_t threads_;
  const uint64_t throttle_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const Work> work_;
  std::deque<Found> found_;
  uint64_t next_index_ = 0;
  std::atomic<uint64_t> generation_{0}, hashes_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> pool_;
};

// The header for the index-th piece of a work: extranonce2 counts up, and where bits may be rolled, sixteen versions come before each step.
struct Piece {
  bitcoin::BlockHeader header;
  Bytes extranonce2;
};
Piece piece_of(const Work& work, uint64_t index);

}  // namespace hh::miner
