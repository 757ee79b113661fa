// What the pool's loop hands to those who show how it is: a copy, made at once, formatted elsewhere.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "guard.h"
#include "listeners.h"
#include "statistics.h"
#include "store.h"

namespace hh::pool {

struct PoolFigures {
  struct Door {
    Listener listener;  // its address with the port that it got
    uint64_t sessions = 0;
  };
  std::string source, chain;
  std::vector<Door> doors;  // as they were set
  bool simulated = false;
  bool solo = false;                         // coinbase.mode
  std::optional<int64_t> treasury_sat;       // solo: what the treasury keeps of the newest job's block
  int64_t started_ms = 0, time_ms = 0;  // unix
  Figures total;                        // rates, shares, refusals of the pool
  std::array<Uint128, rate_seconds.size()> shares_per_1000_s{};
  uint64_t sessions = 0, miners = 0, workers = 0;
  uint64_t late = 0, connections = 0, jobs = 0, blocks = 0, evicted = 0, turned_away = 0;
  GuardFigures guard;
  std::array<uint64_t, 3> submissions{};  // of blocks: accepted, rejected, unknown
  // The newest job; "" where there is none.
  std::string job;
  uint32_t height = 0;
  uint64_t transactions = 0;
  int64_t fees_sat = 0, job_age_ms = -1;
  std::string network_difficulty = "0";
  int64_t most_template_age_ms = 0;  // template.max_age_seconds
  int64_t template_age_ms = -1;  // since a node last confirmed or renewed the template; -1: there was none yet
  uint64_t nodes = 0, nodes_up = 0, empty_jobs = 0;
  std::optional<int64_t> sv2_certificate_s;  // until it ends, where a listener speaks Stratum V2
  std::string spool, store_failed;  // path and reason; "" for none
  StoreFigures store;
  uint64_t spool_bytes = 0, last_seq = 0;
};

class Pool;
// What the pool itself knows: rates, counters, the newest job.
void put_figures(PoolFigures& f, Pool& pool);

}  // namespace hh::pool
