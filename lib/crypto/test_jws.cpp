#include <catch2/catch.hpp>

#include "base/error.h"
#include "crypto/base64url.h"
#include "crypto/jws.h"

using namespace hh;
using namespace hh::crypto;

namespace {

constexpr const char* typ = "hh-manifest+jws";
constexpr int64_t now = 1'700'000'000;

// The key of RFC 8037 appendix A.1.
SigningKey rfc_key() {
  RawKey seed;
  const auto bytes = from_base64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
  std::copy(bytes->begin(), bytes->end(), seed.begin());
  return SigningKey::from_seed(seed);
}

jws::Header header() { return {.typ = typ, .kid = {}, .iat = now, .exp = now + 3600, .jti = "01HF7YAT00"}; }

std::string outcome(const std::variant<jws::Verified, jws::Refusal>& result) {
  if (const auto* refusal = std::get_if<jws::Refusal>(&result)) return jws::name(refusal->fault);
  return "verified";
}

std::string check(std::string_view text, const SigningKey& key, int64_t at = now) { return outcome(jws::verify(text, typ, {key.public_key()}, at)); }

// A well-formed signature over any header: what a forger with a trusted key could make, and what shows that it is the header that is refused.
std::string check_header(const std::string& json, const SigningKey& key) { return check(jws::sign_raw(json, "{}", key), key); }

std::string good_header(const SigningKey& key, const std::string& extra = "") {
  return R"({"alg":"EdDSA","exp":1700003600,"iat":1700000000,"jti":"x","kid":")" + key.kid() + R"(","typ":"hh-manifest+jws")" + extra + "}";
}

}  // namespace

TEST_CASE("RFC 8037 appendix A.4 and A.5: the JWS of the standard comes out byte for byte", "[C032][C073]") {
  const char* expected =
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
  CHECK(jws::sign_raw(R"({"alg":"EdDSA"})", "Example of Ed25519 signing", rfc_key()) == expected);
  CHECK(check(expected, rfc_key()) == "malformed");  // it has neither typ nor kid: our documents must
}

TEST_CASE("what was signed verifies and comes back byte for byte", "[C032][C073][L021]") {
  const auto key = SigningKey::generate();
  for (const std::string& payload : {std::string(), std::string("{\"a\":1}"), std::string("\0\xff\n", 3), std::string(100'000, 'x')}) {
    const std::string text = jws::sign(payload, header(), key);
    const auto result = jws::verify(text, typ, {key.public_key()}, now);
    REQUIRE(outcome(result) == "verified");
    const auto& verified = std::get<jws::Verified>(result);
    CHECK(verified.payload == payload);
    CHECK(verified.header.kid == key.kid());
    CHECK(verified.header.jti == "01HF7YAT00");
    CHECK(verified.header.iat == now);
    CHECK(verified.header.exp == now + 3600);
    CHECK(check(text + "\n", key) == "verified");
  }
}

TEST_CASE("signing again changes the header only", "[C073]") {
  const auto key = SigningKey::generate();
  auto later = header();
  later.iat += 5, later.exp += 5, later.jti = "another";
  const std::string a = jws::sign("payload", header(), key), b = jws::sign("payload", later, key);
  const auto middle = [](const std::string& s) { return s.substr(s.find('.'), s.rfind('.') - s.find('.')); };
  CHECK(a != b);
  CHECK(middle(a) == middle(b));
  CHECK(jws::sign("payload", header(), key) == a);  // Ed25519 is deterministic
}

TEST_CASE("every single changed character is refused", "[L021][L088][X033]") {
  const auto key = rfc_key();
  const std::string text = jws::sign(R"({"amount_msat":1000})", header(), key);
  for (size_t i = 0; i < text.size(); ++i)
    for (const char c : {'A', 'B', 'g', '-', '.', '=', '\n'}) {
      if (text[i] == c) continue;
      std::string changed = text;
      changed[i] = c;
      REQUIRE(check(changed, key) != "verified");
    }
  for (size_t n = 0; n < text.size(); ++n) REQUIRE(check(text.substr(0, n), key) != "verified");
}

TEST_CASE("a payload under another document's signature is a bad signature", "[L088]") {
  const auto key = rfc_key();
  const std::string a = jws::sign("pay 1", header(), key), b = jws::sign("pay 2", header(), key);
  CHECK(check(a.substr(0, a.rfind('.')) + b.substr(b.rfind('.')), key) == "bad_signature");
}

TEST_CASE("each refusal has its own reason", "[L021][N411]") {
  const auto key = SigningKey::generate();
  const std::string text = jws::sign("{}", header(), key);
  CHECK(outcome(jws::verify(text, "hh-command+jws", {key.public_key()}, now)) == "wrong_typ");
  CHECK(outcome(jws::verify(text, typ, {}, now)) == "unknown_key");
  CHECK(outcome(jws::verify(text, typ, {SigningKey::generate().public_key()}, now)) == "unknown_key");
  CHECK(check(text, key, now + 3599) == "verified");
  CHECK(check(text, key, now + 3600) == "expired");
  CHECK(check(text, key, now - 60) == "verified");
  CHECK(check(text, key, now - 61) == "not_yet_valid");
}

TEST_CASE("a key cannot be claimed by naming its kid", "[L088]") {
  const auto trusted = SigningKey::generate(), forger = SigningKey::generate();
  CHECK(check(jws::sign_raw(good_header(trusted), "{}", forger), trusted) == "bad_signature");
}

TEST_CASE("the writer does not choose the algorithm", "[L021][L088]") {
  const auto key = SigningKey::generate();
  const std::string rest = R"(,"exp":1700003600,"iat":1700000000,"jti":"x","kid":")" + key.kid() + R"(","typ":"hh-manifest+jws"})";
  for (const char* alg : {"none", "None", "HS256", "ES256", "Ed25519", "eddsa", "EDDSA", "", "EdDSA "})
    CHECK(check_header(std::string(R"({"alg":")") + alg + '"' + rest, key) == "wrong_alg");
  CHECK(check_header(R"({"alg":"EdDSA")" + rest, key) == "verified");
  CHECK(check_header(R"({"alg":null)" + rest, key) == "malformed");
  CHECK(check_header(R"({"alg":["EdDSA"])" + rest, key) == "malformed");
  const std::string unsigned_text = to_base64url(R"({"alg":"none")" + rest) + "." + to_base64url("{}") + ".";
  CHECK(check(unsigned_text, key) == "wrong_alg");
}

TEST_CASE("headers that two readers could read in two ways are refused", "[L021]") {
  const auto key = SigningKey::generate();
  REQUIRE(check_header(good_header(key), key) == "verified");
  CHECK(check_header(good_header(key, R"(,"cty":"json")"), key) == "verified");  // unknown members are ignored (RFC 7515 section 4)
  CHECK(check_header(good_header(key, R"(,"crit":["exp"])"), key) == "malformed");
  CHECK(check_header(good_header(key, R"(,"crit":[])"), key) == "malformed");
  CHECK(check_header(good_header(key, R"(,"crit":null)"), key) == "malformed");
  CHECK(check_header(good_header(key, R"(,"alg":"EdDSA")"), key) == "malformed");
  CHECK(check_header(good_header(key, R"(,"kid":"other")"), key) == "malformed");
  CHECK(check_header(good_header(key) + " {}", key) == "malformed");
  CHECK(check_header(good_header(key, R"(,"x":"\ud800")"), key) == "malformed");
  CHECK(check_header("[]", key) == "malformed");
  CHECK(check_header("", key) == "malformed");
  CHECK(check_header("\"EdDSA\"", key) == "malformed");
}

TEST_CASE("members that are missing or of a wrong kind are refused", "[L021]") {
  const auto key = SigningKey::generate();
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good_header(key);
    text.replace(text.find(from), from.size(), to);
    return check_header(text, key);
  };
  CHECK(with(R"("typ":"hh-manifest+jws")", R"("typo":"hh-manifest+jws")") == "malformed");
  CHECK(with(R"("jti":"x")", R"("jti":"")") == "malformed");
  CHECK(with(R"("jti":"x")", R"("jti":5)") == "malformed");
  CHECK(with(R"("jti":"x")", R"("jti":")" + std::string(300, 'x') + '"') == "malformed");
  CHECK(with("1700003600", "1700000000") == "malformed");  // expires when it starts
  CHECK(with("1700003600", "1700003600.5") == "malformed");
  CHECK(with("1700003600", "\"1700003600\"") == "malformed");
  CHECK(with("1700000000", "-1") == "malformed");
  CHECK(with("1700003600", "99999999999999999999") == "malformed");
}

TEST_CASE("texts of the wrong form are refused", "[L021]") {
  const auto key = SigningKey::generate();
  const std::string text = jws::sign("{}", header(), key);
  const std::vector<std::string> bad{"", ".", "..", "...", text + ".", "." + text, text + ".x", " " + text, text + "\n\n", text + "=", text + "\r\n"};
  for (const auto& t : bad) CHECK(check(t, key) == "malformed");
  CHECK(check(std::string(1'000'000, 'A'), key) == "malformed");
  CHECK(check(std::string(10'000, 'A') + text.substr(text.find('.')), key) == "malformed");
}

TEST_CASE("an audit can check an expired document at its own time", "[L021]") {
  const auto key = SigningKey::generate();
  const std::string text = jws::sign("{}", header(), key);
  const int64_t years_later = now + 100'000'000;
  REQUIRE(check(text, key, years_later) == "expired");
  auto parsed = std::get<jws::Parsed>(jws::parse(text));
  const int64_t then = parsed.header.iat;
  CHECK(outcome(jws::verify(std::move(parsed), typ, {key.public_key()}, then)) == "verified");
}

TEST_CASE("refusals show hostile text only in a form that is safe to print") {
  const auto key = SigningKey::generate();
  std::string text = good_header(key);
  text.replace(text.find("hh-manifest"), 11, "\\u001b[31m\\nroot");
  const auto result = jws::verify(jws::sign_raw(text, "{}", key), typ, {key.public_key()}, now);
  const std::string sentence = std::get<jws::Refusal>(result).sentence;
  CHECK(std::all_of(sentence.begin(), sentence.end(), [](char c) { return c >= 0x20 && c < 0x7f; }));
}

TEST_CASE("signing wants a whole header") {
  const auto key = SigningKey::generate();
  for (const auto spoil : {+[](jws::Header& h) { h.typ.clear(); }, +[](jws::Header& h) { h.jti.clear(); }, +[](jws::Header& h) { h.exp = h.iat; },
                           +[](jws::Header& h) { h.iat = -1; }}) {
    auto h = header();
    spoil(h);
    CHECK_THROWS_AS(jws::sign("{}", h, key), Error);
  }
}
