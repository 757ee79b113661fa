// Shares on their way into and out of their compact rows (schema.cpp).
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "records/block.h"
#include "records/share.h"
#include "store/sqlite.h"

namespace hh::ledger {

// extranonce1, extranonce2, ntime, nonce, version: what `proof` holds.
inline constexpr size_t max_proof = records::max_extranonce + 12;
size_t put_proof(const records::ShareView& share, uint8_t (&out)[max_proof]);

struct StoredShare {
  records::ShareView view;  // names live in the ShareNames
  int64_t job_id = 0;
  int64_t miner_id = 0;
};

// The names behind the numbers in share rows, read when first met. Addresses of what it returns stay valid as long as it lives.
class ShareNames {
 public:
  explicit ShareNames(store::Database& db) : db_(db) {}
  struct Job {
    std::string name;
    uint8_t extranonce1_size, extranonce2_size;
  };
  struct Worker {
    int64_t miner_id;
    std::string miner, worker, address;
    records::FeeTo fee_to;
    bool simulated;
  };
  const Job& job(int64_t id);        // throws Error(data) where there is none
  const Worker& worker(int64_t id);  // the same
  const std::string& source(int64_t id);

 private:
  store::Database& db_;
  std::unordered_map<int64_t, Job> jobs_;
  std::unordered_map<int64_t, Worker> workers_;
  std::unordered_map<int64_t, std::string> sources_;
};

// The shares of one source from first_seq to last_seq, forwards or backwards.
class ShareCursor {
 public:
  enum class Direction { forward, backward };
  ShareCursor(store::Database& db, ShareNames& names, int64_t source_id, uint64_t first_seq, uint64_t last_seq, Direction direction = Direction::forward);
  bool next(StoredShare& out);  // out.view is valid as long as the ShareNames

 private:
  ShareNames& names_;
  store::Statement statement_;
  std::string_view source_;
  int64_t job_id_ = -1, worker_id_ = -1;  // of the last row: neighbours often share them
  const ShareNames::Job* job_ = nullptr;
  const ShareNames::Worker* worker_ = nullptr;
};

// Throws Error(data) unless the block is what the share right before it and its job say: hash, coinbase, height, finder and money.
void require_block(store::Database& db, int64_t source_id, const records::Block& block);

}  // namespace hh::ledger
