// Bech32 beyond addresses: the length that a reader allows, and the regrouping. Vectors of BIP173 and BIP350 are in test_address.cpp.
#include <catch2/catch.hpp>

#include "bitcoin/bech32.h"

using namespace hh;
using namespace hh::bitcoin;

namespace {

Bytes counted(size_t n) {
  Bytes out(n);
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<uint8_t>(i * 37 + 11);
  return out;
}

}  // namespace

TEST_CASE("text is decoded up to the length that its reader allows, 90 where it names none", "[bech32]") {
  for (const Bech32 kind : {Bech32::bech32, Bech32::bech32m}) {
    const Bytes values = eight_to_five(counted(52));
    const std::string exact = bech32_encode(kind, "xy", BytesView(values).first(81)), over = bech32_encode(kind, "xyz", BytesView(values).first(81));
    REQUIRE(exact.size() == 90);
    REQUIRE(over.size() == 91);
    CHECK(bech32_decode(exact));
    CHECK_FALSE(bech32_decode(over));
    CHECK_FALSE(bech32_decode(over, 90));
    const auto decoded = bech32_decode(over, 91);
    REQUIRE(decoded);
    CHECK(decoded->encoding == kind);
    CHECK(decoded->prefix == "xyz");
    CHECK(decoded->values.size() == 81);
  }
}

TEST_CASE("bytes survive the way to 5-bit values and back, and what is left over must be zero bits", "[bech32]") {
  for (size_t n = 0; n < 12; ++n) {
    const Bytes bytes = counted(n), values = eight_to_five(bytes);
    CHECK(values.size() == (n * 8 + 4) / 5);
    CHECK(five_to_eight(values) == bytes);
  }
  CHECK(to_hex(eight_to_five(Bytes{0xff})) == "1f1c");
  CHECK(to_hex(five_to_eight_padded(Bytes{0x1f, 0x1c})) == "ff00");
  CHECK(to_hex(five_to_eight_padded(Bytes{0x1f})) == "f8");
  CHECK_FALSE(five_to_eight(Bytes{0x1f, 0x1d}));  // a bit that is left over is set
  CHECK_FALSE(five_to_eight(Bytes{0x00}));        // five left-over bits: a value too many
  CHECK_FALSE(five_to_eight(Bytes{0x1f, 0x1c, 0x00}));
}

TEST_CASE("values without prefix and checksum: every digit of the alphabet once, and nothing else", "[bech32]") {
  const std::string digits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  const auto values = bech32_values(digits);
  REQUIRE(values);
  for (size_t i = 0; i < 32; ++i) CHECK((*values)[i] == i);
  CHECK(bech32_text(*values) == digits);
  for (const char* bad : {"b", "1", "i", "o", "Q", "q+", " q", "q\n"}) CHECK_FALSE(bech32_values(bad));
  CHECK(bech32_values("")->empty());
}
