// The subcommands of hh-payout(1). Each reads its input, calls lib/payout and prints; errors are thrown (base/error.h), the result is the exit status.
#pragma once
#include <string>

#include "base/config.h"

namespace hh::payout {

inline const char* const standard_input = "-";

// Values of options that belong to one subcommand; settings shared by several (policy, chain, key) are in Settings.
struct Options {
  std::string input = standard_input;
  std::string nodes;                             // compute, explain
  std::string iat, exp, jti;                     // sign
  bool now = false;                              // sign
  std::string public_key, at;                    // verify, explain
  bool print_manifest = false;                   // verify
  std::string account;                           // explain
  bool json = false;                             // explain
  std::string new_key;                           // keygen
  std::string shares = standard_input, round_record, manifest;  // replay
};

int compute(const Options& o, const Settings& s);
int manifest(const Options& o, const Settings& s);
int sign(const Options& o, const Settings& s);
int verify(const Options& o, const Settings& s);
int explain(const Options& o, const Settings& s);
int replay(const Options& o, const Settings& s);
int keygen(const Options& o, const Settings& s);
int key(const Options& o, const Settings& s);
int policy(const Options& o, const Settings& s);
int config(const Options& o, const Settings& s);

}  // namespace hh::payout
