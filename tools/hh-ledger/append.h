// `hh-ledger append`: lines in, shares durable. One thread reads, parses and hashes; another writes and commits.
#pragma once
#include <string>

#include "ledger.h"

namespace hh::ledger {

struct AppendOptions {
  std::string follow;  // path of a spool; empty: standard input
  bool once = false;   // of a spool: stop at its end
  bool skip_bad = false;
  bool allow_gaps = false;
  bool report_commits = false;  // print an `appended` record after each commit
  int commit_ms = 50;           // how long a line may wait for others before it is committed
};

// Runs until the input ends or the program is asked to stop. Prints the `appended` record of what is durable, also when it then throws.
void append(Ledger& ledger, const AppendOptions& options);

}  // namespace hh::ledger
