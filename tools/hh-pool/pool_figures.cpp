#include "pool_figures.h"

#include "pool.h"

namespace hh::pool {

void put_figures(PoolFigures& f, Pool& pool) {
  const Statistics& s = pool.statistics;
  f.time_ms = pool.clock.monotonic_ms() + pool.steady_offset_ms;  // that of all its times
  f.total = s.pool();
  for (size_t i = 0; i < f.shares_per_1000_s.size(); ++i) f.shares_per_1000_s[i] = s.pool_share_rate(i);
  f.sessions = pool.session_count();
  f.miners = s.miner_count();
  f.workers = s.worker_count();
  f.evicted = s.evicted();
  f.turned_away = s.turned_away();
  f.guard = pool.guard.figures();
  f.late = pool.counters.late;
  f.connections = pool.counters.connections;
  f.jobs = pool.counters.jobs;
  f.blocks = pool.counters.blocks;
  const LiveJob* live = pool.newest();
  if (live == nullptr) return;
  const records::Job& job = live->job().record;
  f.job = job.job;
  f.height = job.height;
  f.transactions = job.tx_count;
  f.fees_sat = job.fees.count();
  if (job.treasury_keeps) f.treasury_sat = job.treasury_keeps->count();
  f.job_age_ms = pool.clock.unix_ms() - job.time_ms;
  f.network_difficulty = bitcoin::network_difficulty_text(live->job().block_template->target);
}

}  // namespace hh::pool
