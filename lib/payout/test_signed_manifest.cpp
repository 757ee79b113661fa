// Signed manifests: no byte can be changed, and each refusal says why. [C073][L021][L088]
#include <catch2/catch.hpp>

#include <functional>

#include "crypto/base64url.h"
#include "json/canonical.h"
#include "payout/manifest.h"
#include "payout/test_rounds.h"

using namespace hh;
using namespace hh::payout;
using namespace hh::payout::test;
namespace jws = crypto::jws;

namespace {

constexpr int64_t iat = 1'700'000'000, expiry = iat + 604'800;

const crypto::SigningKey& key() {
  static const auto k = crypto::SigningKey::generate();
  return k;
}
crypto::KeySet trusted() { return {key().public_key()}; }

Manifest manifest_of(const Payout& p) {
  const std::string bytes = manifest_bytes(p);
  return {p, bytes, manifest_id(bytes)};
}
Manifest sample() { return manifest_of(compute_round(round_of({miner("alice", 1, 100), miner("bob", 2, 200)}), {})); }

std::string signed_line() { return json::to_line(to_record(sign_manifest(sample(), key(), iat, expiry, "j1"))); }

std::string refused(std::string_view line, int64_t now = iat, const crypto::KeySet& keys = trusted()) {
  const auto result = verify_signed(line, keys, now);
  const auto* r = std::get_if<Refusal>(&result);
  return r == nullptr ? "" : refused_name(r->reason);
}

// A payload signed by the trusted key itself.
std::string resigned(const std::string& payload) { return jws::sign(payload, {manifest_typ, "", iat, expiry, "j2"}, key()); }

}  // namespace

TEST_CASE("signed manifest: record and bare JWS are read alike [C073][L021]", "[C073][L021]") {
  const auto s = sign_manifest(sample(), key(), iat, expiry, "j1");
  for (const std::string& line : {signed_line(), s.jws, s.jws + "\n"}) {
    const VerifiedManifest v = verify_signed_or_throw(line, trusted(), iat);
    CHECK(v.manifest.payout == sample().payout);
    CHECK(v.manifest.bytes == sample().bytes);
    CHECK(v.header.jti == "j1");
    CHECK(v.header.kid == key().kid());
    CHECK(json::to_line(to_record(v.signed_form)) == signed_line());
    CHECK(payload_of(read_signed_manifest(line)).id == sample().id);
  }
}

TEST_CASE("signed manifest: signing again changes no byte of the payload, and the same inputs give the same line [C073]", "[C073]") {
  const auto again = sign_manifest(sample(), key(), iat + 5, expiry, "j9");
  CHECK(again.manifest_id == sample().id);
  CHECK(again.jws != sign_manifest(sample(), key(), iat, expiry, "j1").jws);
  CHECK(sign_manifest(sample(), key(), iat, expiry, "j1").jws == sign_manifest(sample(), key(), iat, expiry, "j1").jws);
}

TEST_CASE("signed manifest: the reasons of refusal are distinct [L021][L088]", "[L021][L088]") {
  CHECK(refused(signed_line()) == "");
  CHECK(refused(signed_line(), expiry - 1) == "");
  CHECK(refused(signed_line(), expiry) == "expired");
  CHECK(refused(signed_line(), iat - 61) == "not_yet_valid");
  CHECK(refused(signed_line(), iat, {crypto::SigningKey::generate().public_key()}) == "unknown_key");
  CHECK(refused(signed_line(), iat, {}) == "unknown_key");
  CHECK(refused("") == "malformed");
  CHECK(refused("x.y.z") == "malformed");
  CHECK(refused("{}") == "malformed");
  CHECK(refused(resigned("{}")) == "malformed");
  CHECK(refused(resigned("not json")) == "malformed");
  CHECK(refused(resigned(sample().bytes + " ")) == "malformed");
  CHECK(refused(jws::sign(sample().bytes, {"hh-command+jws", "", iat, expiry, "j"}, key())) == "wrong_typ");
  const std::string none = R"({"alg":"none","exp":)" + std::to_string(expiry) + R"(,"iat":)" + std::to_string(iat) + R"(,"jti":"j","kid":")" + key().kid() +
                           R"(","typ":"hh-manifest+jws"})";
  CHECK(refused(jws::sign_raw(none, sample().bytes, key())) == "wrong_alg");
}

TEST_CASE("signed manifest: exit codes tell a bad document from a bad signature [L021]", "[L021]") {
  CHECK(refusal(Exit::no_permission, [] { verify_signed_or_throw(signed_line(), trusted(), expiry); }) != "");
  CHECK(refusal(Exit::no_permission, [] { verify_signed_or_throw(signed_line(), {}, iat); }) != "");
  CHECK(refusal(Exit::data, [] { verify_signed_or_throw("nonsense", trusted(), iat); }) != "");
}

TEST_CASE("signed manifest: the record cannot claim something else than its JWS [L021][L088]", "[L021][L088]") {
  auto s = sign_manifest(sample(), key(), iat, expiry, "j1");
  s.manifest_id[0] = s.manifest_id[0] == 'a' ? 'b' : 'a';
  CHECK(refused(json::to_line(to_record(s))) == "wrong_id");
  s = sign_manifest(sample(), key(), iat, expiry, "j1");
  s.simulated = true;
  CHECK(refused(json::to_line(to_record(s))) == "wrong_id");
}

TEST_CASE("signed manifest: no byte of the payload can be changed [C073][L021][L088]", "[C073][L021][L088]") {
  const auto s = sign_manifest(sample(), key(), iat, expiry, "j1");
  const size_t first = s.jws.find('.'), second = s.jws.find('.', first + 1);
  const std::string head = s.jws.substr(0, first + 1), tail = s.jws.substr(second);
  for (size_t i = 0; i < sample().bytes.size(); ++i) {
    std::string bytes = sample().bytes;
    bytes[i] = static_cast<char>(bytes[i] ^ 1);
    if (refused(head + crypto::to_base64url(bytes) + tail) != "bad_signature") FAIL("byte " << i << " of the payload can be changed");
  }
}

TEST_CASE("signed manifest: no character of the line can be changed [C073][L021][L088]", "[C073][L021][L088]") {
  const std::string line = signed_line();
  for (size_t i = 0; i < line.size(); ++i) {
    std::string changed = line;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    if (refused(changed) == "") FAIL("character " << i << " of the line can be changed");
    changed = line;
    changed.erase(i, 1);
    if (refused(changed) == "") FAIL("character " << i << " of the line can be left out");
  }
}

TEST_CASE("signed manifest: a sum that is off by one msat is refused although rightly signed [C073][L021]", "[C073][L021]") {
  const auto off = [](const std::function<void(json::Json&)>& change) {
    json::Json m = json::parse(sample().bytes);
    change(m);
    return refused(resigned(json::canonical(m)));
  };
  CHECK(off([](json::Json&) {}) == "");
  CHECK(off([](json::Json& m) { m["operator_msat"] = m["operator_msat"].get<int64_t>() + 1; }) == "invalid");
  CHECK(off([](json::Json& m) { m["pay_msat"] = m["pay_msat"].get<int64_t>() + 1; }) == "invalid");
  CHECK(off([](json::Json& m) { m["lines"][0]["pay_msat"] = m["lines"][0]["pay_msat"].get<int64_t>() + 1000; }) == "invalid");
  CHECK(off([](json::Json& m) { m["lines"][1]["earned_msat"] = m["lines"][1]["earned_msat"].get<int64_t>() - 1; }) == "invalid");
}

TEST_CASE("signed manifest: what cannot be signed [C073]", "[C073]") {
  const auto signing = [](int64_t from, int64_t to, const std::string& jti) { return refusal(Exit::data, [&] { sign_manifest(sample(), key(), from, to, jti); }); };
  CHECK(has(signing(5, 5, "j"), "not after"));
  CHECK(has(signing(-1, 5, "j"), "unix seconds"));
  CHECK(has(signing(1, 5, ""), "jti"));
  CHECK(has(signing(1, 5, "a b"), "jti"));
  CHECK(has(signing(1, 5, std::string(129, 'j')), "jti"));
}
