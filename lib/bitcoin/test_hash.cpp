// Hash functions against published vectors.
#include "bitcoin/test_support.h"

using namespace hh;
using namespace hh::bitcoin;
using test::hex;

TEST_CASE("SHA-256 and double SHA-256 give the published digests") {
  // FIPS 180-4 examples ("abc", empty), and sha256d("hello") as the developer reference of bitcoin.org gives it.
  CHECK(to_hex(sha256(as_bytes("abc")).bytes) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(sha256({}).bytes) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(to_hex(sha256d(as_bytes("hello")).bytes) == "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50");
}

TEST_CASE("hash160 of the generator's key is that of BIP173's examples") {
  CHECK(to_hex(hash160(hex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"))) == "751e76e8199196d454941c45d1b3a323f1433bd6");
}

TEST_CASE("a tagged hash prefixes the tag's hash twice (BIP340)") {
  // BIP341's tweak of BIP86's first key: internal key 79be… without script path gives da4710964f7852695de2da025290e24af6d8c281de5a0b902b7135fd9fd74d21
  // as output key; its tweak is the tagged hash below (recomputed here from its definition, with the tag's digest spelt out).
  const Bytes key = hex("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
  const Hash256 tag = sha256(as_bytes("TapTweak"));
  CHECK(to_hex(tag.bytes) == "e80fe1639c9ca050e3af1b39c143c63e429cbceb15d940fbb5c5a1f4af57c5e9");
  Bytes whole(tag.bytes.begin(), tag.bytes.end());
  whole.insert(whole.end(), tag.bytes.begin(), tag.bytes.end());
  whole.insert(whole.end(), key.begin(), key.end());
  CHECK(tagged_hash("TapTweak", key) == sha256(whole));
}

TEST_CASE("a hash fed in pieces, and continued from a copy, is the hash of the whole") {
  test::Random random(1);
  const Bytes bytes = random.bytes(300);
  const BytesView view(bytes);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    Sha256 first;
    first.update(view.first(cut));
    Sha256 copy = first;
    CHECK(copy.update(view.subspan(cut)).finish() == sha256(bytes));
    CHECK(first.update(view.subspan(cut)).finish_double() == sha256d(bytes));
  }
}

TEST_CASE("display order is the reverse of internal order") {
  const auto h = Hash256::from_display_hex("00000000000000000000000000000000000000000000000000000000000000FF");
  REQUIRE(h);
  CHECK(h->bytes[0] == 0xff);
  CHECK(h->bytes[31] == 0);
  CHECK(h->to_display_hex() == std::string(62, '0') + "ff");
  for (const auto& bad : {std::string(63, '0'), std::string(65, '0'), std::string(66, '0'), std::string(), std::string(63, '0') + "g"})
    CHECK_FALSE(Hash256::from_display_hex(bad));
}
