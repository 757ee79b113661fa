// Compact targets and what they admit. Vectors: bignum_SetCompact in src/test/arith_uint256_tests.cpp of Bitcoin Core.
#include "bitcoin/header.h"
#include "bitcoin/target.h"
#include "bitcoin/test_support.h"

using namespace hh;
using namespace hh::bitcoin;

TEST_CASE("compact targets read and write as Bitcoin Core's do [X060]") {
  struct Vector {
    uint32_t bits;
    const char* tail;  // last digits of the number
    uint32_t again;
  };
  for (const Vector& v : {Vector{0x01123456, "12", 0x01120000}, {0x02123456, "1234", 0x02123400}, {0x03123456, "123456", 0x03123456},
                          {0x04123456, "12345600", 0x04123456}, {0x05009234, "92340000", 0x05009234},
                          {0x20123456, "1234560000000000000000000000000000000000000000000000000000000000", 0x20123456}}) {
    const auto t = Target::from_compact(v.bits);
    REQUIRE(t);
    const std::string tail = v.tail;
    CHECK(t->to_hex() == std::string(64 - tail.size(), '0') + tail);
    CHECK(t->to_compact() == v.again);
  }
  CHECK(Target{Uint256(0x80)}.to_compact() == 0x02008000);
  CHECK(Target{}.to_compact() == 0);
}

TEST_CASE("zero, negative and overflowing compact targets are refused [X060]") {
  for (uint32_t zero : {0x00000000u, 0x00123456u, 0x01003456u, 0x02000056u, 0x03000000u, 0x04000000u, 0x00923456u, 0x01803456u, 0x02800056u, 0x03800000u, 0x04800000u})
    CHECK_FALSE(Target::from_compact(zero));
  for (uint32_t negative : {0x01fedcbau, 0x04923456u, 0x1d80ffffu}) CHECK_FALSE(Target::from_compact(negative));
  for (uint32_t overflow : {0xff123456u, 0x23000001u, 0x22000100u, 0x21010000u}) CHECK_FALSE(Target::from_compact(overflow));
  // The largest of each length that still fits.
  for (uint32_t fits : {0x220000ffu, 0x2100ffffu, 0x207fffffu}) CHECK(Target::from_compact(fits));
}

TEST_CASE("a target in compact form loses only what is below its first 15 bits [X060]") {
  test::Random random(4);
  for (int i = 0; i < 2000; ++i) {
    const Target t{random.number()};
    if (t.value == Uint256()) continue;
    const auto again = Target::from_compact(t.to_compact());
    REQUIRE(again);
    CHECK(again->value <= t.value);
    CHECK((t.value - again->value).bit_length() + 15 <= std::max(t.value.bit_length(), 15u));
    CHECK(again->to_compact() == t.to_compact());
  }
}

TEST_CASE("a hash meets its own value as target and not one less [X060]") {
  test::Random random(5);
  for (int i = 0; i < 500; ++i) {
    const Hash256 h = random.hash();
    const Uint256 n = Uint256::from_little_endian(h);
    CHECK(Target{n}.met_by(h));
    CHECK_FALSE(Target{n - Uint256(1)}.met_by(h));
    CHECK(Target::from_wire(h).to_wire() == h);
  }
  // The last byte of the hash is its most significant one.
  Hash256 big, small;
  big.bytes[31] = 1;
  small.bytes[0] = 0xff;
  CHECK(Target{Uint256(0xff)}.met_by(small));
  CHECK_FALSE(Target{Uint256(0xff)}.met_by(big));
}

TEST_CASE("the genesis blocks have the hashes and the work that everyone knows") {
  // chainparams.cpp of Bitcoin Core.
  struct Genesis {
    const char* hash;
    uint32_t time, bits, nonce;
    const char* root;
  };
  const char* satoshi = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b";
  const char* testnet4 = "7aa0a7ae1e223414cb807e40cd57e667b718e42aaf9306db9102fe28912b7b4e";
  for (const Genesis& g : {Genesis{"000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f", 1231006505, 0x1d00ffff, 2083236893, satoshi},
                           {"00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043", 1714777860, 0x1d00ffff, 393743547, testnet4},
                           {"00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6", 1598918400, 0x1e0377ae, 52613770, satoshi},
                           {"0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206", 1296688602, 0x207fffff, 2, satoshi}}) {
    BlockHeader h{1, {}, test::display(g.root), g.time, g.bits, g.nonce};
    CHECK(h.hash().to_display_hex() == g.hash);
    CHECK(has_valid_work(h));
    CHECK(BlockHeader::parse(h.serialize()) == h);
    h.bits = 0x1d80ffff;
    CHECK_FALSE(has_valid_work(h));
    h.bits = 0x1900ffff;
    CHECK_FALSE(has_valid_work(h));
  }
  CHECK_FALSE(BlockHeader::parse(Bytes(79)));
  CHECK_FALSE(BlockHeader::parse(Bytes(81)));
}
