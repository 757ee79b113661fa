#include "crypto/jws.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"
#include "crypto/base64url.h"
#include "json/canonical.h"
#include "json/fields.h"

namespace hh::crypto::jws {
namespace {

constexpr size_t max_text_field = 256;  // bytes of typ, kid, jti
constexpr const char* algorithm = "EdDSA";

Refusal malformed(std::string_view why) { return {Fault::malformed, fmt::format("not a compact JWS: {}", why)}; }

struct Parts {
  std::string_view header, payload, signature;
};

std::optional<Parts> split(std::string_view text) {
  const size_t first = text.find('.');
  const size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;  // a third dot would be in the signature, which is no base64url then
  return Parts{text.substr(0, first), text.substr(first + 1, second - first - 1), text.substr(second + 1)};
}

// Throws Error(data) with the reason. alg is checked by the caller.
Header read_header(const json::Json& object) {
  const json::Fields fields(object);
  Header header;
  header.typ = fields.text("typ", max_text_field);
  header.kid = fields.text("kid", max_text_field);
  header.iat = fields.integer("iat");
  header.exp = fields.integer("exp");
  header.jti = fields.text("jti", max_text_field);
  if (header.exp <= header.iat) throw Error(Exit::data, "\"exp\" is not after \"iat\"");
  if (header.jti.empty()) throw Error(Exit::data, "\"jti\" is empty");
  return header;
}

std::string write_header(const Header& header) {
  json::Json object;
  object["alg"] = algorithm;
  object["typ"] = header.typ;
  object["kid"] = header.kid;
  object["iat"] = header.iat;
  object["exp"] = header.exp;
  object["jti"] = header.jti;
  return json::canonical(object);
}

// What an attacker wrote, fit for a message: printable and short.
std::string shown(std::string_view text) {
  std::string out(text.substr(0, 64));
  std::replace_if(out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return out;
}

std::string_view without_newline(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

}  // namespace

const char* name(Fault fault) {
  constexpr std::array names{"malformed", "wrong_alg", "wrong_typ", "unknown_key", "bad_signature", "expired", "not_yet_valid"};
  return names.at(static_cast<size_t>(fault));
}

std::string sign_raw(std::string_view header_json, std::string_view payload, const SigningKey& key) {
  std::string out = to_base64url(header_json) + '.' + to_base64url(payload);
  const Signature signature = key.sign(as_bytes(out));
  return out += '.' + to_base64url(BytesView(signature));
}

std::string sign(std::string_view payload, Header header, const SigningKey& key) {
  if (header.typ.empty() || header.jti.empty() || header.exp <= header.iat || header.iat < 0)
    throw Error(Exit::software, "a JWS header needs typ, jti, iat and a later exp");
  if (payload.size() > max_payload) throw Error(Exit::data, fmt::format("a document of {} bytes is too large to sign", payload.size()));
  header.kid = key.kid();
  return sign_raw(write_header(header), payload, key);
}

std::variant<Parsed, Refusal> parse(std::string_view text) {
  text = without_newline(text);
  const auto parts = split(text);
  if (!parts) return malformed("it has not three parts");
  if (parts->header.size() > max_header / 3 * 4 + 4 || parts->payload.size() / 4 * 3 > max_payload) return malformed("it is too large");
  const auto header_bytes = from_base64url(parts->header);
  const auto payload_bytes = from_base64url(parts->payload);
  const auto signature_bytes = from_base64url(parts->signature);
  if (!header_bytes || !payload_bytes || !signature_bytes) return malformed("a part is not base64url without padding");

  Parsed parsed;
  try {
    const json::Json object = json::parse(as_text(*header_bytes));
    const std::string alg = json::Fields(object).text("alg", max_text_field);
    if (alg != algorithm) return Refusal{Fault::wrong_alg, fmt::format("the signature's algorithm is \"{}\", only {} is accepted", shown(alg), algorithm)};
    if (object.contains("crit")) return malformed("header: \"crit\" asks for extensions that are not known here");
    parsed.header = read_header(object);
  } catch (const Error& e) {
    return malformed(fmt::format("header: {}", e.what()));
  }
  if (signature_bytes->size() != parsed.signature.size()) return malformed("the signature has not 64 bytes");
  std::copy(signature_bytes->begin(), signature_bytes->end(), parsed.signature.begin());
  parsed.payload = as_text(*payload_bytes);
  parsed.signing_input = text.substr(0, parts->header.size() + 1 + parts->payload.size());
  return parsed;
}

std::variant<Verified, Refusal> verify(Parsed parsed, std::string_view typ, const KeySet& keys, int64_t now, int64_t leeway_seconds) {
  const Header& header = parsed.header;
  if (header.typ != typ) return Refusal{Fault::wrong_typ, fmt::format("the document is a \"{}\", a \"{}\" is wanted", shown(header.typ), typ)};
  const VerifyKey* key = keys.find(header.kid);
  if (key == nullptr) return Refusal{Fault::unknown_key, fmt::format("signed by key \"{}\", which is not trusted here", shown(header.kid))};
  if (!key->verify(as_bytes(parsed.signing_input), BytesView(parsed.signature)))
    return Refusal{Fault::bad_signature, fmt::format("the signature does not belong to this text and key {}: it was altered or damaged", header.kid)};
  if (now >= header.exp) return Refusal{Fault::expired, fmt::format("it expired {} seconds ago", now - header.exp)};
  if (header.iat > now && header.iat - now > leeway_seconds)
    return Refusal{Fault::not_yet_valid, fmt::format("it was signed {} seconds in the future: check both clocks", header.iat - now)};
  return Verified{std::move(parsed.header), std::move(parsed.payload)};
}

std::variant<Verified, Refusal> verify(std::string_view text, std::string_view typ, const KeySet& keys, int64_t now, int64_t leeway_seconds) {
  auto parsed = parse(text);
  if (auto* refusal = std::get_if<Refusal>(&parsed)) return std::move(*refusal);
  return verify(std::get<Parsed>(std::move(parsed)), typ, keys, now, leeway_seconds);
}

}  // namespace hh::crypto::jws
