// The daemon: puts the parts together, runs the loop, and ends in good order.
#pragma once
#include "base/config.h"
#include "options.h"

namespace hh::pool {

// Runs until SIGTERM, SIGINT or a failure of the store. settings: loaded; loaded again on SIGHUP. Returns the exit status.
int serve(const Options& options, Settings& settings);

// hh-pool check: one `verified` record for each thing that is in order; throws Error for the first that is not.
int check(const Options& options);

}  // namespace hh::pool
