// hh-payout keygen and key.
#include "commands.h"
#include "crypto/ed25519.h"
#include "json/fields.h"
#include "json/lines.h"

namespace hh::payout {
namespace {

void print_key(const crypto::VerifyKey& public_key) {
  json::Json record = json::make_record("key");
  record["kid"] = public_key.kid();
  record["public"] = public_key.base64url();
  json::print(record);
}

}  // namespace

int keygen(const Options& o, const Settings&) {
  const auto made = crypto::SigningKey::generate();
  made.save_new(o.new_key);
  print_key(made.public_key());
  return 0;
}

int key(const Options&, const Settings& s) {
  print_key(crypto::SigningKey::load(s.required("key"), "key").public_key());
  return 0;
}

}  // namespace hh::payout
