// The pool's page for Prometheus, and its verdict on its own health. [C080][C081]
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "metrics/exposition.h"
#include "metrics/histogram.h"
#include "pool_figures.h"

namespace hh::pool {

// What is wrong, in words; empty: nothing. p: nullopt where the event loop does not answer.
std::vector<std::string> what_ails(const std::optional<PoolFigures>& p, int64_t most_template_age_ms);

// All metrics. Labels take few values, none of which a miner chooses. Without figures only what the process knows by itself.
std::string metrics_page(const std::optional<PoolFigures>& p, const metrics::DurationHistogram& loop_latency, bool healthy);

}  // namespace hh::pool
