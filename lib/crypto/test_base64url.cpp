#include <catch2/catch.hpp>

#include "crypto/base64url.h"

using namespace hh;
using namespace hh::crypto;

namespace {
std::string decoded(const std::optional<Bytes>& bytes) { return bytes ? std::string(as_text(*bytes)) : "refused"; }
}  // namespace

TEST_CASE("base64 gives the texts of RFC 4648 section 10 in all three spellings") {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},         {"f", "Zg=="},         {"fo", "Zm8="},        {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) {
    const std::string bare = std::string(coded).substr(0, std::string(coded).find('='));
    CHECK(to_base64(as_bytes(plain)) == coded);
    CHECK(to_base64url_padded(as_bytes(plain)) == coded);
    CHECK(to_base64url(plain) == bare);
    CHECK(decoded(from_base64(coded)) == plain);
    CHECK(decoded(from_base64url_padded(coded)) == plain);
    CHECK(decoded(from_base64url(bare)) == plain);
  }
}

TEST_CASE("the alphabets are not mixed") {
  const Bytes bytes{0xfb, 0xff, 0xbf};
  CHECK(to_base64(bytes) == "+/+/");
  CHECK(to_base64url(bytes) == "-_-_");
  CHECK(from_base64("+/+/") == bytes);
  CHECK(from_base64url("-_-_") == bytes);
  CHECK_FALSE(from_base64("-_-_"));
  CHECK_FALSE(from_base64url("+/+/"));
  CHECK_FALSE(from_base64url_padded("+/+/"));
}

TEST_CASE("a value has one text only: stray bits, padding, white space and cut texts are refused", "[L021]") {
  for (const char* bad : {"Zh", "Zm9", "Zg==", "Zg=", "Z", "Zm9vY", "Zm 9v", "Zm9v\n", "Zm9v=", "=", "Zm9\xc3\xa9", "Zm9v."})
    CHECK_FALSE(from_base64url(bad));
  for (const char* bad : {"Zg", "Zg=", "Zh==", "Zm9=", "Zm8", "Zg===", "====", "=", "Zg==Zg==", "Zm9v====", "Z===", "Zm=v"}) {
    CHECK_FALSE(from_base64(bad));
    CHECK_FALSE(from_base64url_padded(bad));
  }
  CHECK_FALSE(from_base64url(std::string_view("Zm9\0", 4)));
}

TEST_CASE("all lengths survive the way there and back") {
  Bytes bytes;
  for (int n = 0; n < 100; ++n) {
    CHECK(from_base64url(to_base64url(bytes)) == bytes);
    CHECK(from_base64url_padded(to_base64url_padded(bytes)) == bytes);
    CHECK(from_base64(to_base64(bytes)) == bytes);
    bytes.push_back(static_cast<uint8_t>(n * 37 + 11));
  }
}
