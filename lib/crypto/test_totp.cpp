#include <catch2/catch.hpp>

#include "crypto/totp.h"

using namespace hh;
using namespace hh::crypto;

namespace {
const std::string seed = "12345678901234567890";  // of the RFCs' examples
}

TEST_CASE("the codes of RFC 4226, appendix D", "[L073]") {
  const char* const codes[] = {"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"};
  for (uint64_t i = 0; i < 10; ++i) CHECK(hotp(as_bytes(seed), i) == codes[i]);
}

TEST_CASE("the codes of RFC 6238, appendix B", "[L073]") {
  const std::pair<uint64_t, const char*> rows[] = {{59, "94287082"}, {1111111109, "07081804"}, {1111111111, "14050471"}, {1234567890, "89005924"}, {2000000000, "69279037"}, {20000000000, "65353130"}};
  for (const auto& [time, code] : rows) CHECK(hotp(as_bytes(seed), time / 30, 8) == code);
}

TEST_CASE("a code counts in its own half minute and those beside it", "[L073]") {
  const std::string code = hotp(as_bytes(seed), 100);
  for (const int64_t time : {2970, 2999, 3000, 3029, 3030, 3059}) CHECK(totp_step(as_bytes(seed), code, time) == 100);
  for (const int64_t time : {2969, 3060, 0}) CHECK_FALSE(totp_step(as_bytes(seed), code, time));
  for (const char* bad : {"", "12345", "1234567", "abcdef"}) CHECK_FALSE(totp_step(as_bytes(seed), bad, 3000));
  CHECK(totp_step(as_bytes(seed), "755224", 0) == 0);
}

TEST_CASE("secrets in base 32, as RFC 4648 has them", "[L073]") {
  const std::pair<const char*, const char*> rows[] = {{"", ""}, {"f", "MY"}, {"fo", "MZXQ"}, {"foo", "MZXW6"}, {"foob", "MZXW6YQ"}, {"fooba", "MZXW6YTB"}, {"foobar", "MZXW6YTBOI"}};
  for (const auto& [plain, text] : rows) CHECK(to_base32(as_bytes(plain)) == text);
  CHECK(otpauth_url(as_bytes("foobar"), "hh-ln", "alice") == "otpauth://totp/hh-ln:alice?secret=MZXW6YTBOI&issuer=hh-ln&algorithm=SHA1&digits=6&period=30");
}
