// Any text as a signed document, and any bytes as the protected header of one whose signature is good: refused with a reason, or accepted as
// exactly what was signed. The first byte chooses.
#include <cstdlib>

#include "crypto/base64url.h"
#include "crypto/jws.h"

using namespace hh;
using namespace hh::crypto;

namespace {

constexpr const char* typ = "hh-manifest+jws";
constexpr int64_t now = 1'700'000'000;

const SigningKey& key() {
  static const SigningKey k = SigningKey::from_seed(RawKey{1, 2, 3});
  return k;
}
const KeySet& keys() {
  static const KeySet set{key().public_key()};
  return set;
}

void must(bool holds) {
  if (!holds) std::abort();
}

// One text per value: whatever decodes encodes to the same text again.
void check_base64(std::string_view text) {
  if (const auto b = from_base64url(text)) must(to_base64url(*b) == text);
  if (const auto b = from_base64url_padded(text)) must(to_base64url_padded(*b) == text);
  if (const auto b = from_base64(text)) must(to_base64(*b) == text);
}

void check_text(std::string_view text) {
  const auto result = jws::parse(text);
  if (const auto* parsed = std::get_if<jws::Parsed>(&result)) {
    const std::string again = parsed->signing_input + "." + to_base64url(BytesView(parsed->signature));
    must(again == text || again + "\n" == text);
    must(again.find("." + to_base64url(parsed->payload) + ".") != std::string::npos);
  }
  // Only what our key signed is verified; the fuzzer does not have it, so nothing that it invents may be.
  const auto verified = jws::verify(text, typ, keys(), now);
  must(std::holds_alternative<jws::Refusal>(verified));
}

void check_header(std::string_view header) {
  const auto result = jws::verify(jws::sign_raw(header, "payload", key()), typ, keys(), now);
  const auto* verified = std::get_if<jws::Verified>(&result);
  if (verified == nullptr) return must(!std::get<jws::Refusal>(result).sentence.empty());
  must(verified->payload == "payload" && verified->header.typ == typ && verified->header.kid == key().kid());
  must(verified->header.exp > now && verified->header.iat <= now + 60 && !verified->header.jti.empty());
  must(header.find("\"EdDSA\"") != std::string_view::npos || header.find("\\u") != std::string_view::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text = as_text({data + 1, size - 1});
  check_base64(text);
  if (data[0] % 2 == 0)
    check_text(text);
  else
    check_header(text);
  return 0;
}
