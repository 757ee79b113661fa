// 256-bit arithmetic. R1, R2 and results with them: src/test/arith_uint256_tests.cpp of Bitcoin Core.
#include "base/error.h"
#include "bitcoin/test_support.h"

using namespace hh;
using namespace hh::bitcoin;

namespace {

Uint256 number(std::string digits) {
  const auto n = Uint256::from_hex(std::string(64 - digits.size(), '0') + digits);
  REQUIRE(n);
  return *n;
}
const std::string r1 = "7d1de5eaf9b156d53208f033b5aa8122d2d2355d5e12292b121156cfdb4a529c";
const std::string r2 = "d781cab4f072134971da2d19a3473013bfb69ca6c30a7e26406ba5477c1d3270";
const Uint256 one(1);

}  // namespace

TEST_CASE("256-bit sums, differences and products are those of Bitcoin Core's tests") {
  CHECK((number(r1) + number(r2)).to_hex() == "549fb09fea236a1ea3e31d4d58f1b1369288d204211ca751527cfc175767850c");
  CHECK(number(r1) + number(r2) - number(r2) == number(r1));
  CHECK(Uint256::max() + one == Uint256());
  CHECK(Uint256() - one == Uint256::max());
  CHECK((number(r1) * 3).to_hex() == "7759b1c0ed14047f961ad09b20ff83687876a0181a367b813634046f91def7d4");
  CHECK((number(r2) * 0x87654321).to_hex() == "23f7816e30c4ae2017257b7a0fa64d60402f5234d46e746b61c960d09a26d070");
}

TEST_CASE("256-bit quotients are those of Bitcoin Core's tests") {
  const Uint256 d1 = number("ad7133ac1977fa2b7"), d2 = number("ecd751716");
  CHECK((number(r1) / d1).to_hex() == "00000000000000000b8ac01106981635d9ed112290f8895545a7654dde28fb3a");
  CHECK((number(r1) / d2).to_hex() == "000000000873ce8efec5b67150bad3aa8c5fcb70e947586153bf2cec7c37c57a");
  CHECK((number(r2) / d1).to_hex() == "000000000000000013e1665895a1cc981de6d93670105a6b3ec3b73141b3a3c5");
  CHECK((number(r2) / d2).to_hex() == "000000000e8f0abe753bb0afe2e9437ee85d280be60882cf0bd1aaf7fa3cc2c4");
  CHECK(number(r1) / one == number(r1));
  CHECK(number(r1) / Uint256::max() == Uint256());
  CHECK(Uint256::max() / number(r1) == Uint256(2));
  CHECK_THROWS_AS(number(r1) / Uint256(), Error);
}

TEST_CASE("quotient times divisor plus a smaller rest gives the dividend back") {
  test::Random random(2);
  for (int i = 0; i < 2000; ++i) {
    const Uint256 n = random.number();
    const uint64_t d = random.u64() >> random.below(63) | 1;
    const Uint256 q = n / Uint256(d);
    CHECK(q * d <= n);
    CHECK(n - q * d < Uint256(d));
  }
}

TEST_CASE("shifts move bits across limbs and drop what leaves") {
  for (unsigned i = 0; i < 256; ++i) {
    const Uint256 bit = one << i;
    CHECK(bit.bit_length() == i + 1);
    CHECK(bit >> i == one);
    CHECK(Uint256::max() >> i == ~Uint256() - (i ? ~(Uint256::max() >> i) : Uint256()));
    CHECK((number(r1) << i) >> i == (i ? number(r1) - ((number(r1) >> (256 - i)) << (256 - i)) : number(r1)));
  }
  CHECK(one << 256 == Uint256());
  CHECK(Uint256::max() >> 256 == Uint256());
  CHECK(Uint256().bit_length() == 0);
}

TEST_CASE("comparison looks at the most significant difference first") {
  CHECK(one << 255 > Uint256(UINT64_MAX));
  CHECK(number(r1) < number(r2));
  CHECK(number(r1) <= number(r1));
  test::Random random(3);
  for (int i = 0; i < 500; ++i) {
    const Uint256 a = random.number(), b = random.number();
    CHECK((a < b) == (a.to_hex() < b.to_hex()));
    CHECK(Uint256::from_little_endian(a.to_little_endian()) == a);
  }
}
