// SHA-256 and HMAC-SHA-256 (FIPS 180-4, RFC 2104), one-shot and streaming.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/hex.h"

namespace hh::crypto {

using Digest = std::array<uint8_t, 32>;

class Sha256 {
 public:
  Sha256();
  Sha256& update(BytesView bytes);
  Sha256& update(std::string_view text) { return update(as_bytes(text)); }
  Digest finish();  // afterwards the object is as new

 private:
  alignas(8) std::array<std::byte, 112> state_;  // OpenSSL's SHA256_CTX, kept out of this header
};

Digest sha256(BytesView bytes);
inline Digest sha256(std::string_view text) { return sha256(as_bytes(text)); }

Digest hmac_sha256(BytesView key, BytesView message);

// Takes the same time wherever the first difference is; false at once where the lengths differ.
bool equal_in_constant_time(BytesView a, BytesView b);

// Overwrites a secret in a way that the compiler may not remove.
void wipe(std::span<uint8_t> secret);
void wipe(std::string& secret);

}  // namespace hh::crypto
