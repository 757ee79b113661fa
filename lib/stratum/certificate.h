// Stratum V2: who a server is. An authority, whose key miners know from the pool's address, signs the server's static key for some time.
// [sv2-spec: 4.5.3 server authentication, 4.7 authority key]
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "stratum/ellswift.h"

namespace hh::stratum {

// What the server sends in the handshake, encrypted: SIGNATURE_NOISE_MESSAGE.
struct Certificate {
  static constexpr size_t size = 74;
  uint16_t version = 0;
  uint32_t valid_from = 0, not_valid_after = 0;  // unix seconds, both included
  std::array<uint8_t, 64> signature{};           // BIP 340, over SHA-256 of version, times and the server's static key (x only)

  std::array<uint8_t, size> to_bytes() const;
  static Certificate from_bytes(std::span<const uint8_t, size> bytes);
};

Certificate sign_certificate(const SecretKey& authority, const XOnly& server, uint32_t valid_from, uint32_t not_valid_after, crypto::RandomSource& random);
// "" where the authority vouches for this server now, else why not: "the certificate expired at 1700000000".
std::string refuse_certificate(const Certificate& c, const XOnly& authority, const XOnly& server, int64_t now_unix_seconds);

// base58check of 0x01 0x00 and the 32 bytes of the key.
std::string authority_key_text(const XOnly& authority);
std::optional<XOnly> parse_authority_key(std::string_view text);

}  // namespace hh::stratum
