#include <catch2/catch.hpp>

#include "crypto/digest.h"

using namespace hh;
using namespace hh::crypto;

namespace {
std::string hex(const Digest& d) { return to_hex(BytesView(d)); }
}  // namespace

TEST_CASE("SHA-256 gives the digests of FIPS 180-4's examples", "[C073]") {
  CHECK(hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("streaming SHA-256 equals one-shot however the input is cut, and starts anew after finish") {
  const std::string million(1'000'000, 'a');
  Sha256 hash;
  for (size_t at = 0; at < million.size(); at += 777) hash.update(std::string_view(million).substr(at, 777));
  CHECK(hex(hash.finish()) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  CHECK(hex(hash.update("abc").finish()) == hex(sha256("abc")));
}

TEST_CASE("HMAC-SHA-256 gives the values of RFC 4231") {
  CHECK(hex(hmac_sha256(Bytes(20, 0x0b), as_bytes("Hi There"))) == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex(hmac_sha256(Bytes(131, 0xaa), as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  CHECK(hex(hmac_sha256({}, {})) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("comparison in constant time still compares") {
  CHECK(equal_in_constant_time(as_bytes("same"), as_bytes("same")));
  CHECK(equal_in_constant_time({}, {}));
  CHECK_FALSE(equal_in_constant_time(as_bytes("same"), as_bytes("sama")));
  CHECK_FALSE(equal_in_constant_time(as_bytes("same"), as_bytes("same ")));
}

TEST_CASE("wiping leaves nothing of a secret") {
  Bytes secret(16, 0x5a);
  wipe(std::span<uint8_t>(secret));
  CHECK(secret == Bytes(16, 0));
  std::string text = "hunter2hunter2";
  wipe(text);
  CHECK(text.empty());
}
