#define OPENSSL_SUPPRESS_DEPRECATED  // the one-shot interfaces give no access to a midstate
#include "hasher.h"

#include <openssl/sha.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace hh::miner {
namespace {

constexpr std::array<uint32_t, 8> initial{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
static_assert(std::endian::native == std::endian::little, "the byte orders below are written for little-endian machines");

void put_big_endian(uint8_t* to, uint32_t n) {
  n = __builtin_bswap32(n);
  std::memcpy(to, &n, 4);
}

// FIPS 180-4 padding of a message of `bits` bits that ends at block[used].
void pad(std::array<uint8_t, 64>& block, size_t used, uint32_t bits) {
  block[used] = 0x80;
  put_big_endian(block.data() + 60, bits);
}

void compress(SHA256_CTX& c, const std::array<uint32_t, 8>& from, const std::array<uint8_t, 64>& block) {
  std::copy(from.begin(), from.end(), c.h);
  SHA256_Transform(&c, block.data());
}

}  // namespace

Hasher::Hasher(const bitcoin::BlockHeader& header) {
  const auto bytes = header.serialize();
  SHA256_CTX c{};
  std::copy(initial.begin(), initial.end(), c.h);
  SHA256_Transform(&c, bytes.data());
  std::copy(std::begin(c.h), std::end(c.h), midstate_.begin());
  std::copy(bytes.begin() + 64, bytes.end(), second_block_.begin());
  pad(second_block_, 16, 80 * 8);
}

std::optional<uint32_t> Hasher::scan(uint32_t first, uint64_t count, const bitcoin::Target& target) const {
  std::array<uint8_t, 64> header_end = second_block_, digest{};
  pad(digest, 32, 32 * 8);
  // The hash as a number is little endian: its most significant 32 bits are the last word, bytes reversed.
  const auto most = static_cast<uint32_t>(target.value.limb(3) >> 32);
  const uint64_t end = std::min(first + count, uint64_t{1} << 32);
  SHA256_CTX c{};
  for (uint64_t nonce = first; nonce < end; ++nonce) {
    const auto n = static_cast<uint32_t>(nonce);
    std::memcpy(header_end.data() + 12, &n, 4);
    compress(c, midstate_, header_end);
    for (size_t i = 0; i < 8; ++i) put_big_endian(digest.data() + 4 * i, c.h[i]);
    compress(c, initial, digest);
    if (__builtin_bswap32(c.h[7]) > most) continue;
    bitcoin::Hash256 hash;
    for (size_t i = 0; i < 8; ++i) put_big_endian(hash.bytes.data() + 4 * i, c.h[i]);
    if (target.met_by(hash)) return n;
  }
  return std::nullopt;
}

}  // namespace hh::miner
