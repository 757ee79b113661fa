// The files that dashboards made for ckpool read: FOLDER/pool/pool.status and FOLDER/users/NAME. [C081]
//
// pool.status is three JSON objects, one a line; a user's file is one object with its workers in `worker`. Hashrates are text such as "12.3T",
// shares are counted in difficulty one, times are unix seconds. Each file is replaced in one step, and nothing is ever removed: what an older pool left
// there stays. A name cannot leave the folder: whatever a file name should not hold is written as %XX, and so is a leading dot.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pool_figures.h"

namespace hh::pool {

// nullopt where the name would be longer than a file's may be.
std::optional<std::string> user_file_name(const std::string& miner);

class CkpoolExport {
 public:
  explicit CkpoolExport(std::string folder) : folder_(std::move(folder)) {}
  // Makes the folders. Throws Error(cant_create).
  void make_folders() const;
  // The users first, then the pool, whose idle and disconnected workers are counted meanwhile. Throw Error(io, cant_create).
  void user(const Figures& miner, const std::vector<Figures>& workers, int64_t now_ms);
  void pool(const PoolFigures& p);

 private:
  const std::string folder_;
  uint64_t users_ = 0, workers_ = 0, idle_ = 0, disconnected_ = 0;
  uint64_t blocks_ = 0;
  Uint128 work_at_block_ = 0;  // of the pool when it found its last block
};

std::string ckpool_user(const Figures& miner, const std::vector<Figures>& workers);

}  // namespace hh::pool
