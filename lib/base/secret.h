// Where secrets come from: never from a flag or a log, only from a place that names them.
//
//   path                 a file; its mode must be 0600 or stricter (or 0400)
//   credential:NAME      a systemd credential: $CREDENTIALS_DIRECTORY/NAME
//   exec:COMMAND         what the command prints, e.g. exec:age -d -i key.txt rpc.age  (run by /bin/sh -c)
#pragma once
#include <string>

namespace hh {

// The secret that reference names, without one trailing newline. It and each of its lines are registered with log::hide. Throws Error(config) with what to do;
// setting names the setting ("lnd.macaroon") for that sentence.
std::string load_secret(const std::string& reference, const std::string& setting);
// The same as it is, every byte of it: for secrets that are not text.
std::string load_secret_bytes(const std::string& reference, const std::string& setting);
// The reference as it can be shown: itself, or "[redacted]" where it looks like a secret that was put where its place belongs.
std::string shown_reference(const std::string& reference);

}  // namespace hh
