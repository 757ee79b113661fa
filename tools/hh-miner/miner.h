// A Stratum V1 miner: one connection, some hashing threads, one `mined` record for each answer of the pool.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "line_socket.h"
#include "workers.h"

namespace hh::miner {

struct MinerOptions {
  PoolAddress pool;
  std::string user, password = "x";
  size_t threads = 1;
  uint64_t throttle = 0;       // hashes a second
  int64_t most_shares = 0, most_blocks = 0, most_seconds = 0;  // 0: no limit; shares and blocks count when the pool accepts them
  std::optional<bitcoin::Difficulty> suggest;
  bool version_rolling = false;
};

class Miner {
 public:
  explicit Miner(MinerOptions options);
  // Mines until a limit is reached or a signal comes. Reconnects with growing pauses. Throws Error: unavailable (the time was over without a
  // connection), no_permission (the pool refused the user), temp_fail (the time was over before the shares or blocks asked for).
  void run();

 private:
  struct Sent {
    std::string job, hash, difficulty;
    bool is_block;
  };
  void session();
  void log_in(LineSocket& socket);
  void handle(const stratum::v1::Notify& m);
  void handle(const stratum::v1::SetDifficulty& m) { difficulty_ = m.difficulty; }
  void handle(const stratum::v1::SetVersionMask& m) { mask_ = m.mask; }
  void handle(const stratum::v1::SetExtranonce& m) { extranonce_ = m; }
  void handle(const stratum::v1::Reconnect& m);
  void handle(const stratum::v1::ShowMessage& m);
  void handle(const stratum::v1::Response& m);
  void handle(const stratum::v1::Unknown&) {}
  void submit_found(LineSocket& socket);
  bool is_over() const;

  const MinerOptions options_;
  Workers workers_;
  stratum::v1::Parser parser_;
  int64_t start_ms_, next_id_ = 1, shares_ = 0, blocks_ = 0;
  bool was_connected_ = false;
  // Of the present connection:
  int64_t subscribe_id_ = 0, authorize_id_ = 0, configure_id_ = 0;
  bitcoin::Difficulty difficulty_ = bitcoin::Difficulty::whole(1);
  std::optional<uint32_t> mask_;
  std::optional<stratum::v1::SetExtranonce> extranonce_;
  std::map<int64_t, Sent> sent_;
};

}  // namespace hh::miner
