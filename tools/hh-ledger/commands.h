// The subcommands of hh-ledger(1). Each opens the ledger with the access it needs, calls the files beside this one and prints; errors are thrown
// (base/error.h), the result is the exit status.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/config.h"
#include "rounds.h"

namespace hh::ledger {

RoundRules rules_of(const Settings& s);  // throws Error(config)

// Values of options that belong to single subcommands; what several share is in Settings.
struct Options {
  std::string follow;                                  // append
  bool once = false;                                   // append, watch
  bool skip_bad = false, allow_gaps = false, progress = false;  // append
  std::optional<uint64_t> round;                       // round, close, export, prove
  std::optional<int64_t> cycle;                        // cycle, close
  std::string input = "-";                             // post
  bool json = false;                                   // where a terminal gets a table
  bool csv = false;                                    // export
  std::string miner, kind, chain;                      // miner
  std::optional<std::string> address, destination;     // miner set
  bool shares = false;                                 // verify
  std::string source;                                  // prove
  uint64_t seq = 0;                                    // prove
  std::string path;                                    // backup
  std::optional<int> to;                               // migrate
  bool status = false;                                 // migrate
};

int append_command(const Options& o, const Settings& s);
int rounds_command(const Options& o, const Settings& s);
int round_command(const Options& o, const Settings& s);
int close_command(const Options& o, const Settings& s);
int cycle_command(const Options& o, const Settings& s);
int post_command(const Options& o, const Settings& s);
int balances_command(const Options& o, const Settings& s);
int miner_set_command(const Options& o, const Settings& s);
int miner_show_command(const Options& o, const Settings& s);
int watch_command(const Options& o, const Settings& s);
int verify_command(const Options& o, const Settings& s);
int export_command(const Options& o, const Settings& s);
int prove_command(const Options& o, const Settings& s);
int backup_command(const Options& o, const Settings& s);
int migrate_command(const Options& o, const Settings& s);
int config_command(const Options& o, const Settings& s);

}  // namespace hh::ledger
