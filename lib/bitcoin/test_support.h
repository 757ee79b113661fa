// What the tests of this folder share: bytes from hex, seeded random bytes.
#pragma once
#include <catch2/catch.hpp>
#include <random>

#include "base/hex.h"
#include "bitcoin/hash.h"
#include "bitcoin/uint256.h"

namespace hh::bitcoin::test {

inline Bytes hex(std::string_view text) {
  const auto bytes = from_hex(text);
  REQUIRE(bytes);
  return *bytes;
}
inline Hash256 display(std::string_view text) {
  const auto h = Hash256::from_display_hex(text);
  REQUIRE(h);
  return *h;
}

// The same numbers on every run and machine (the standard fixes mt19937_64, but not its distributions).
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint64_t u64() { return engine_(); }
  uint64_t below(uint64_t n) { return engine_() % n; }
  Bytes bytes(size_t n) {
    Bytes b(n);
    for (auto& byte : b) byte = static_cast<uint8_t>(engine_());
    return b;
  }
  Hash256 hash() {
    Hash256 h;
    for (auto& byte : h.bytes) byte = static_cast<uint8_t>(engine_());
    return h;
  }
  // Evenly spread over lengths, so that small and large numbers are met alike.
  Uint256 number() { return Uint256::from_little_endian(hash()) >> static_cast<unsigned>(below(256)); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace hh::bitcoin::test
