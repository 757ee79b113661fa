// ElligatorSwift against all vectors of BIP 324, and as a property: what is encoded decodes to itself, whoever chooses.
#include <catch2/catch.hpp>

#include "base/error.h"
#include "stratum/ellswift.h"
#include "stratum/vectors_ellswift.h"

namespace hh::stratum {
namespace {

template <size_t n>
std::array<uint8_t, n> bytes(const char* hex) {
  std::array<uint8_t, n> out{};
  REQUIRE(from_hex(hex, out));
  return out;
}

TEST_CASE("decoding: every vector of BIP 324") {
  for (const DecodeVector& v : decode_vectors) {
    INFO(v.ellswift);
    CHECK(to_hex(ellswift_decode(bytes<64>(v.ellswift))) == v.x);
  }
}

TEST_CASE("encoding: each of the eight ways gives the vector's t, or nothing") {
  for (const InverseVector& v : inverse_vectors)
    for (unsigned way = 0; way < 8; ++way) {
      INFO(v.u << " way " << way);
      const auto t = ellswift_inverse(bytes<32>(v.x), bytes<32>(v.u), way);
      CHECK((t ? to_hex(*t) : "") == v.t[way]);
    }
}

TEST_CASE("the shared secret: every vector of BIP 324") {
  for (const SecretVector& v : secret_vectors) {
    INFO(v.ours);
    KeyPair ours{.secret = bytes<32>(v.secret), .encoded = bytes<64>(v.ours), .x = {}};
    CHECK(to_hex(public_x(ours.secret)) == v.x);
    CHECK(to_hex(ellswift_decode(ours.encoded)) == v.x);
    CHECK(to_hex(ellswift_decode(bytes<64>(v.theirs))) == v.x_theirs);
    CHECK(to_hex(ellswift_ecdh(ours, bytes<64>(v.theirs), v.initiator)) == v.shared);
  }
}

TEST_CASE("a key decodes to itself, is encoded differently each time, and both ends get the same secret") {
  crypto::SeededRandom random(324);
  for (int i = 0; i < 20; ++i) {
    const KeyPair a = generate_key_pair(random), b = generate_key_pair(random), again = key_pair(a.secret, random);
    CHECK(ellswift_decode(a.encoded) == a.x);
    CHECK(ellswift_decode(again.encoded) == a.x);
    CHECK(again.encoded != a.encoded);
    CHECK(ellswift_ecdh(a, b.encoded, true) == ellswift_ecdh(b, a.encoded, false));
    CHECK(ellswift_ecdh(a, b.encoded, true) != ellswift_ecdh(b, a.encoded, true));
  }
}

TEST_CASE("what is no secret key, and what is not on the curve, is refused") {
  crypto::SeededRandom random(1);
  const auto order = bytes<32>("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
  CHECK_FALSE(is_secret_key({}));
  CHECK_FALSE(is_secret_key(order));
  CHECK_THROWS_AS(public_x(order), Error);
  CHECK_THROWS_AS(ellswift_encode(bytes<32>("0000000000000000000000000000000000000000000000000000000000000005"), random), Error);
}

}  // namespace
}  // namespace hh::stratum
