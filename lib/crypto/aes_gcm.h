// AES-256-GCM (NIST SP 800-38D): what is sealed can be read and changed only by who has the key, and only in its place.
//
// Nonces are 96 random bits, so one key must not seal more than 2^32 texts [section 8.3]; a journal of payments stays far below that.
#pragma once
#include <array>
#include <optional>

#include "base/hex.h"
#include "crypto/random.h"

namespace hh::crypto {

class AesGcm {
 public:
  using Key = std::array<uint8_t, 32>;
  using Nonce = std::array<uint8_t, 12>;
  static constexpr size_t tag_bytes = 16;

  explicit AesGcm(const Key& key) : key_(key) {}
  ~AesGcm();
  AesGcm(const AesGcm&) = default;
  AesGcm& operator=(const AesGcm&) = default;

  // nonce, ciphertext and tag. place: what it is bound to; opening needs the same.
  Bytes seal(BytesView plain, BytesView place, RandomSource& random = system_random()) const;
  // nullopt: another key, another place, or changed.
  std::optional<Bytes> open(BytesView sealed, BytesView place) const;

  // Ciphertext and tag. Never twice with the same nonce.
  Bytes seal_with(const Nonce& nonce, BytesView plain, BytesView place) const;

 private:
  Key key_;
};

}  // namespace hh::crypto
