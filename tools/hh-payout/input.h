// What hh-payout's subcommands read.
#pragma once
#include <string>
#include <variant>

#include "base/config.h"
#include "payout/manifest.h"
#include "records/round.h"

namespace hh::payout {

// The policy file of the settings, or the default policy where none is set.
Policy policy_of(const Settings& s);

// Exactly one round or cycle record. Throws Error(data) naming file and line.
std::variant<records::Round, records::Cycle> read_round_or_cycle(const std::string& path);

// A payout and where it stands: a payout record and its lines, a manifest, or a signed manifest (its signature is not checked here).
struct PayoutInput {
  Manifest manifest;
  std::string signed_line;  // empty unless it was signed
};
PayoutInput read_payout(const std::string& path);

// A file of public keys, or one key as base64url. Throws Error(no_input) or Error(data).
crypto::KeySet read_keys(const std::string& file_or_key);

// The only line of path. Throws Error(data) where there is none or another one follows.
std::string read_only_line(const std::string& path);

// Throws Error(config) where the setting chain is set and another one.
void require_chain(const Settings& s, records::Network chain);

}  // namespace hh::payout
