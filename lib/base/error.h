// The one error type that reaches a user, and the exit codes it carries.
//
// A function that cannot do its work throws Error with a sentence that says what failed, on what, and what to do; main() prints it as one
// line and exits with its code (see run_main). Hot paths that expect failure (share checks) return values instead.
// Exit codes are those of sysexits(3); each program's man page lists the ones it uses.
#pragma once
#include <functional>
#include <stdexcept>
#include <string>

namespace hh {

enum class Exit : int {
  ok = 0,
  usage = 64,        // wrong command line
  data = 65,         // input is malformed or contradicts itself
  no_input = 66,     // an input file is missing or unreadable
  unavailable = 69,  // a service (bitcoind, lnd) cannot be reached
  software = 70,     // a defect of ours: an invariant did not hold
  cant_create = 73,  // an output file cannot be created
  io = 74,           // reading or writing failed: disk full, read-only, fsync failed
  temp_fail = 75,    // not now: try again later (not mature yet, database busy)
  no_permission = 77,
  config = 78,       // configuration or secret wrong or missing
};

class Error : public std::runtime_error {
 public:
  Error(Exit code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}
  Exit code() const { return code_; }
  // The same error with "context: " before its sentence.
  Error in(const std::string& context) const { return Error(code_, context + ": " + what()); }

 private:
  Exit code_;
};

// Runs body and turns whatever it throws into one line "tool: sentence" on stderr and an exit status. A broken pipe on stdout is Exit::io.
int run_main(const char* tool, const std::function<int()>& body);

}  // namespace hh
