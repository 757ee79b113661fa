// AES-256-GCM against the test cases of its specification (McGrew and Viega, "The Galois/Counter Mode of Operation", 13 to 16), as NIST has them.
#include <catch2/catch.hpp>

#include "crypto/aes_gcm.h"

using namespace hh;
using namespace hh::crypto;

namespace {

AesGcm::Key key_from(const std::string& hex) {
  AesGcm::Key key{};
  REQUIRE(from_hex(hex, key));
  return key;
}

struct Vector {
  std::string key, nonce, plain, place, sealed;
};

const std::string zero(64, '0'), key15 = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", nonce15 = "cafebabefacedbaddecaf888";
const std::string plain15 = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
const std::string cipher15 = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";
const Vector vectors[] = {{zero, std::string(24, '0'), "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
                          {zero, std::string(24, '0'), std::string(32, '0'), "", "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
                          {key15, nonce15, plain15, "", cipher15 + "b094dac5d93471bdec1a502270e3cc6c"},
                          {key15, nonce15, plain15.substr(0, 120), "feedfacedeadbeeffeedfacedeadbeefabaddad2", cipher15.substr(0, 120) + "76fc6ece0f4e1768cddf8853bb2d551b"}};

}  // namespace

TEST_CASE("the test cases of the specification are sealed and opened (L072)", "[aes_gcm]") {
  for (const Vector& v : vectors) {
    const AesGcm gcm(key_from(v.key));
    AesGcm::Nonce nonce{};
    REQUIRE(from_hex(v.nonce, nonce));
    CHECK(to_hex(gcm.seal_with(nonce, *from_hex(v.plain), *from_hex(v.place))) == v.sealed);
    CHECK(gcm.open(*from_hex(v.nonce + v.sealed), *from_hex(v.place)) == *from_hex(v.plain));
  }
}

TEST_CASE("what is changed in any bit, cut, in another place or under another key is not opened (L072)", "[aes_gcm]") {
  const AesGcm gcm(key_from(key15)), other(key_from(zero));
  const Bytes place = *from_hex("0102"), sealed = gcm.seal(as_bytes("rig0@example.com"), place);
  REQUIRE(gcm.open(sealed, place));
  CHECK(as_text(*gcm.open(sealed, place)) == "rig0@example.com");
  CHECK_FALSE(other.open(sealed, place));
  CHECK_FALSE(gcm.open(sealed, *from_hex("0103")));
  CHECK_FALSE(gcm.open(sealed, {}));
  for (size_t i = 0; i < sealed.size() * 8; ++i) {
    Bytes changed = sealed;
    changed[i / 8] = static_cast<uint8_t>(changed[i / 8] ^ (1 << i % 8));
    CHECK_FALSE(gcm.open(changed, place));
  }
  for (size_t n = 0; n < sealed.size(); ++n) CHECK_FALSE(gcm.open(BytesView(sealed).first(n), place));
}

TEST_CASE("the same text is sealed differently each time, with the randomness that it is given (L072)", "[aes_gcm]") {
  const AesGcm gcm(key_from(key15));
  CHECK(gcm.seal(as_bytes("x"), {}) != gcm.seal(as_bytes("x"), {}));
  SeededRandom one(1), same(1);
  CHECK(gcm.seal(as_bytes("x"), {}, one) == gcm.seal(as_bytes("x"), {}, same));
}
