// Signed documents: compact JWS (RFC 7515) with Ed25519 (RFC 8037), and nothing else of JOSE.
//
//   base64url(protected header) "." base64url(payload) "." base64url(signature)
//
// The reader fixes the algorithm and the kind of document, the writer does not get to choose (RFC 8725): `alg` is always EdDSA, `typ` is
// given by the caller and must match, and only keys of the caller's set are used. The protected header has these members, all needed:
//   alg "EdDSA"; typ e.g. "hh-manifest+jws"; kid the key's thumbprint; iat and exp unix seconds; jti an id, unique per signature.
// Others are ignored, as RFC 7515 section 4 wants, except `crit`, which says that they must not be.
// Since all that changes from one signing to the next is in the header, signing a payload again changes none of its bytes.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/hex.h"
#include "crypto/ed25519.h"

namespace hh::crypto::jws {

inline constexpr size_t max_payload = 256u << 20;  // bytes; a manifest line is some 200 bytes
inline constexpr size_t max_header = 4096;         // bytes of JSON

struct Header {
  std::string typ;
  std::string kid;  // set by sign()
  int64_t iat = 0;  // unix seconds
  int64_t exp = 0;  // unix seconds, first second at which the signature no longer counts; > iat
  std::string jti;
};

// A document whose form is right and whose signature nobody has checked yet.
struct Parsed {
  Header header;
  std::string payload;
  std::string signing_input;  // the bytes under the signature
  Signature signature{};
};

enum class Fault { malformed, wrong_alg, wrong_typ, unknown_key, bad_signature, expired, not_yet_valid };
const char* name(Fault fault);  // "malformed", "wrong_alg", …: for records and metrics

struct Refusal {
  Fault fault;
  std::string sentence;  // e.g. "signed by unknown key oKI…"
};

struct Verified {
  Header header;
  std::string payload;
};

// kid is taken from key; the other header members must be set. Throws Error(software) where they are not, or exp <= iat.
std::string sign(std::string_view payload, Header header, const SigningKey& key);

// Strict: exactly three parts, strict base64url, header a JSON object without duplicate members and without `crit`, alg EdDSA, 64 bytes of
// signature. One trailing newline is allowed. Never throws on bad input.
std::variant<Parsed, Refusal> parse(std::string_view text);

// The checks in this order: typ, key, signature, time. now is unix seconds; leeway bounds how far iat may lie in the future.
// To check a document of the past (an audit), pass its own iat as now.
std::variant<Verified, Refusal> verify(Parsed parsed, std::string_view typ, const KeySet& keys, int64_t now, int64_t leeway_seconds = 60);
// parse and verify in one.
std::variant<Verified, Refusal> verify(std::string_view text, std::string_view typ, const KeySet& keys, int64_t now, int64_t leeway_seconds = 60);

// The JWS of any header bytes, for RFC test vectors and for tests that forge headers; sign() is what programs use.
std::string sign_raw(std::string_view header_json, std::string_view payload, const SigningKey& key);

}  // namespace hh::crypto::jws
