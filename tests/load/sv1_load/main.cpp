// sv1_load: loads a Stratum V1 pool on loopback. `sv1_load --help`; scripts/bench pool uses it.
#include <sys/prctl.h>

#include "base/daemon.h"
#include "base/error.h"
#include "load.h"
#include "options.h"

int main(int argc, char** argv) {
  return hh::run_main("sv1_load", [&] {
    std::optional<int> finished;
    const hh::load::Options options = hh::load::read_options(argc, argv, finished);
    if (finished) return *finished;
    hh::install_signal_flags();
    prctl(PR_SET_TIMERSLACK, 1UL);  // submits go out when they are due, not up to 50 us later
    hh::load::Load(options).run();
    return 0;
  });
}
