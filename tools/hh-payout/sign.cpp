// hh-payout sign and verify.
#include <fmt/format.h>

#include "base/clock.h"
#include "commands.h"
#include "crypto/random.h"
#include "input.h"
#include "json/fields.h"
#include "json/lines.h"
#include "payout/instant.h"

namespace hh::payout {
namespace {

struct Validity {
  int64_t iat, exp;
  std::string jti;
};

// The clock and randomness are used only where --now asks for them: a signature made twice from the same command line is the same.
Validity validity_of(const Options& o) {
  if (!o.now && (o.iat.empty() || o.exp.empty() || o.jti.empty()))
    throw Error(Exit::usage, "give --iat, --exp and --jti (nothing is taken from the clock), or --now and --exp to sign as of now");
  if (o.now && !o.iat.empty()) throw Error(Exit::usage, "--now and --iat exclude each other");
  if (o.exp.empty()) throw Error(Exit::usage, "give --exp: when the manifest must no longer be paid, such as +7d");
  Validity v;
  v.iat = o.now ? system_clock().unix_seconds() : parse_instant(o.iat, "--iat");
  v.exp = parse_instant_after(o.exp, v.iat, "--exp");
  v.jti = o.jti.empty() ? crypto::ulid(system_clock(), crypto::system_random()) : o.jti;
  return v;
}

}  // namespace

int sign(const Options& o, const Settings& s) {
  const Validity v = validity_of(o);
  const auto signing_key = crypto::SigningKey::load(s.required("key"), "key");
  const Manifest m = read_payout(o.input).manifest;
  require_chain(s, m.payout.chain);
  json::print(to_record(sign_manifest(m, signing_key, v.iat, v.exp, v.jti)));
  return 0;
}

int verify(const Options& o, const Settings& s) {
  const int64_t now = o.at.empty() ? system_clock().unix_seconds() : parse_instant(o.at, "--at");
  const auto keys = read_keys(o.public_key);
  const VerifiedManifest v = verify_signed_or_throw(read_only_line(o.input), keys, now);
  require_chain(s, v.manifest.payout.chain);
  if (o.print_manifest) {
    json::print_line(v.manifest.bytes);
    return 0;
  }
  json::Json record = json::make_record("verified");
  record["what"] = fmt::format("manifest {}", v.manifest.id);
  record["ok"] = true;
  json::print(record);
  return 0;
}

}  // namespace hh::payout
