// Signing a manifest, and the reader that everyone who pays or posts comes through.
#include <fmt/format.h>

#include <algorithm>

#include "json/fields.h"
#include "payout/manifest.h"

namespace hh::payout {
namespace {

namespace jws = crypto::jws;

constexpr size_t max_jti = 128;

Refused refused_from(jws::Fault fault) {
  switch (fault) {
    case jws::Fault::malformed: return Refused::malformed;
    case jws::Fault::wrong_alg: return Refused::wrong_alg;
    case jws::Fault::wrong_typ: return Refused::wrong_typ;
    case jws::Fault::unknown_key: return Refused::unknown_key;
    case jws::Fault::bad_signature: return Refused::bad_signature;
    case jws::Fault::expired: return Refused::expired;
    case jws::Fault::not_yet_valid: return Refused::not_yet_valid;
  }
  return Refused::malformed;
}

Refusal refusal(Refused reason, const std::string& sentence) { return {reason, sentence}; }

// Whether the record around the JWS says the same as what is inside.
std::string wrong_claim(const SignedManifest& s, const Manifest& m) {
  if (s.manifest_id != m.id) return fmt::format("the record says manifest_id {}, the signed manifest's is {}", s.manifest_id, m.id);
  if (s.simulated != m.payout.simulated) return "the record and the signed manifest differ in \"simulated\"";
  return "";
}

using Result = std::variant<VerifiedManifest, Refusal>;

Result check_content(SignedManifest outer, jws::Verified verified, bool bare) {
  ReadManifest read = read_manifest(verified.payload);
  if (bare) outer.manifest_id = read.manifest.id, outer.simulated = read.manifest.payout.simulated;
  if (const std::string wrong = wrong_claim(outer, read.manifest); !wrong.empty()) return refusal(Refused::wrong_id, wrong);
  if (!read.broken_rule.empty()) return refusal(Refused::invalid, "rightly signed, but its amounts do not follow the rules: " + read.broken_rule);
  return VerifiedManifest{std::move(read.manifest), std::move(verified.header), std::move(outer)};
}

bool is_record(std::string_view line) { return line.starts_with("{"); }

}  // namespace

SignedManifest read_signed_manifest(std::string_view line) {
  if (!is_record(line)) {
    const auto parsed = jws::parse(line);
    if (const auto* refused = std::get_if<jws::Refusal>(&parsed)) throw Error(Exit::data, refused->sentence);
    const auto& payload = std::get<jws::Parsed>(parsed).payload;
    SignedManifest s{manifest_id(payload), std::string(line), false};
    if (s.jws.ends_with('\n')) s.jws.pop_back();
    s.simulated = json::Fields(json::parse(payload)).optional_boolean("simulated");
    return s;
  }
  const json::Json record = json::parse(line);
  json::require_record(record, "signed_manifest");
  const json::Fields f(record);
  return {f.hex_text("manifest_id", 32), f.text("jws", max_manifest_line), f.optional_boolean("simulated")};
}

json::Json to_record(const SignedManifest& s) {
  json::Json out = json::make_record("signed_manifest");
  if (s.simulated) out["simulated"] = true;
  out["manifest_id"] = s.manifest_id;
  out["jws"] = s.jws;
  return out;
}

Manifest payload_of(const SignedManifest& s) {
  const auto parsed = jws::parse(s.jws);
  if (const auto* refused = std::get_if<jws::Refusal>(&parsed)) throw Error(Exit::data, refused->sentence);
  Manifest m = parse_manifest(std::get<jws::Parsed>(parsed).payload);
  if (const std::string wrong = wrong_claim(s, m); !wrong.empty()) throw Error(Exit::data, wrong);
  return m;
}

SignedManifest sign_manifest(const Manifest& m, const crypto::SigningKey& key, int64_t iat, int64_t exp, std::string jti) {
  if (iat < 0 || exp > json::max_integer) throw Error(Exit::data, "iat and exp must be unix seconds");
  if (exp <= iat) throw Error(Exit::data, fmt::format("exp {} is not after iat {}", exp, iat));
  const bool printable = std::all_of(jti.begin(), jti.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (jti.empty() || jti.size() > max_jti || !printable) throw Error(Exit::data, "jti must be 1 to 128 printable ASCII characters without spaces");
  return {m.id, jws::sign(m.bytes, {manifest_typ, "", iat, exp, std::move(jti)}, key), m.payout.simulated};
}

const char* refused_name(Refused reason) {
  constexpr std::array<const char*, 9> names{"malformed", "wrong_id", "wrong_alg", "wrong_typ", "unknown_key", "bad_signature",
                                             "expired", "not_yet_valid", "invalid"};
  return names.at(static_cast<size_t>(reason));
}

Exit Refusal::exit_code() const {
  const bool content = reason == Refused::malformed || reason == Refused::wrong_id || reason == Refused::invalid;
  return content ? Exit::data : Exit::no_permission;
}

Result verify_signed(std::string_view line, const crypto::KeySet& keys, int64_t now) try {
  SignedManifest outer = is_record(line) ? read_signed_manifest(line) : SignedManifest{"", std::string(line), false};
  auto verified = jws::verify(outer.jws, manifest_typ, keys, now);
  if (const auto* refused = std::get_if<jws::Refusal>(&verified)) return refusal(refused_from(refused->fault), refused->sentence);
  if (outer.jws.ends_with('\n')) outer.jws.pop_back();
  return check_content(std::move(outer), std::get<jws::Verified>(std::move(verified)), !is_record(line));
} catch (const std::exception& e) {
  return refusal(Refused::malformed, e.what());
}

VerifiedManifest verify_signed_or_throw(std::string_view line, const crypto::KeySet& keys, int64_t now) {
  auto result = verify_signed(line, keys, now);
  if (const auto* r = std::get_if<Refusal>(&result)) throw Error(r->exit_code(), fmt::format("manifest refused ({}): {}", refused_name(r->reason), r->sentence));
  return std::get<VerifiedManifest>(std::move(result));
}

}  // namespace hh::payout
