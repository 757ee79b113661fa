// The manifest: a payout as the bytes that are signed, paid and posted.
//
// Its bytes are the RFC 8785 canonical JSON of the payout record with type "manifest" and the lines as an array; its id is their SHA-256.
// hh-records(5) has the fields. Signed, it is the payload of a compact JWS (crypto/jws.h) with typ "hh-manifest+jws".
//
// Whoever reads a manifest (hh-ln before paying, hh-ledger before posting) comes through parse_manifest or verify_signed, which trust nothing: the
// bytes must be canonical and every amount must follow from the subsidy, the policy and the work that the manifest states. A signer with
// a defect can therefore not make them pay a sum that does not add up.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "crypto/ed25519.h"
#include "crypto/jws.h"
#include "payout/payout.h"

namespace hh::payout {

inline constexpr const char* manifest_typ = "hh-manifest+jws";
// Lines of input that hold a round, a manifest or a signed manifest: some 100,000 miners. Readers pass it to json::LineReader.
inline constexpr size_t max_manifest_line = 64u << 20;

// Canonical bytes. REQUIRES check_payout(p).
std::string manifest_bytes(const Payout& p);
// 64 lower-case hex digits.
std::string manifest_id(std::string_view bytes);

struct Manifest {
  Payout payout;
  std::string bytes;
  std::string id;
};
// Throws Error(data): not canonical JSON, another type or version, a field wrong, or an invariant of check_payout does not hold. Fields that
// this version does not know are allowed (they are under the signature all the same).
Manifest parse_manifest(std::string_view bytes);

// The same for a reader that tells the two apart: throws where the bytes are no manifest; a rule that does not hold is named in broken_rule.
struct ReadManifest {
  Manifest manifest;
  std::string broken_rule;  // empty: all hold
};
ReadManifest read_manifest(std::string_view bytes);

// payout and payout_line records, as hh-payout compute prints them.
json::Json payout_record(const Payout& p);
json::Json line_record(const Payout& p, size_t line);
// The payout and all its lines, each with a newline.
std::string to_records(const Payout& p);
// From a payout record and the lines that follow it, in order. Throws Error(data).
Payout payout_from_records(const json::Json& payout, const std::vector<json::Json>& lines);

struct SignedManifest {
  std::string manifest_id;  // as the record claims; computed where the line was a bare JWS
  std::string jws;
  bool simulated = false;
};
// A line that is a signed_manifest record or a bare compact JWS. Only its form is checked. Throws Error(data).
SignedManifest read_signed_manifest(std::string_view line);
json::Json to_record(const SignedManifest& s);
// What was signed, its content checked but not its signature: for people who look at it, never before paying. Throws Error(data).
Manifest payload_of(const SignedManifest& s);

// iat, exp: unix seconds. Throws Error(data) where exp <= iat or jti is not 1 … 128 printable ASCII characters without spaces.
SignedManifest sign_manifest(const Manifest& m, const crypto::SigningKey& key, int64_t iat, int64_t exp, std::string jti);

struct VerifiedManifest {
  Manifest manifest;
  crypto::jws::Header header;
  SignedManifest signed_form;  // to pass on
};

enum class Refused {
  malformed,      // no signed manifest, or the payload is not canonical JSON of a manifest
  wrong_id,       // the record's manifest_id or simulated is not that of the payload
  wrong_alg,
  wrong_typ,
  unknown_key,
  bad_signature,
  expired,
  not_yet_valid,
  invalid,        // rightly signed, but an invariant does not hold
};
const char* refused_name(Refused reason);  // "malformed", "wrong_id", …
struct Refusal {
  Refused reason;
  std::string sentence;
  // Exit::data for malformed, wrong_id and invalid, else Exit::no_permission.
  Exit exit_code() const;
};

// Signature, time (now: unix seconds), then content. Never throws on bad input.
std::variant<VerifiedManifest, Refusal> verify_signed(std::string_view line, const crypto::KeySet& keys, int64_t now);
// The same, with the refusal thrown as Error.
VerifiedManifest verify_signed_or_throw(std::string_view line, const crypto::KeySet& keys, int64_t now);

}  // namespace hh::payout
