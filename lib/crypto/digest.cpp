// OpenSSL 3 deprecates the low-level SHA256_* functions in favour of EVP, which looks its algorithm up and allocates for every digest:
// that costs more than hashing a 300-byte share does. They stay in the ABI for as long as libcrypto 3 does, and use the same SHA-NI code.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/digest.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "base/error.h"

namespace hh::crypto {
namespace {

SHA256_CTX* context(std::array<std::byte, 112>& state) {
  static_assert(sizeof(SHA256_CTX) <= sizeof state && alignof(SHA256_CTX) <= 8);
  return reinterpret_cast<SHA256_CTX*>(state.data());
}

}  // namespace

Sha256::Sha256() { SHA256_Init(context(state_)); }

Sha256& Sha256::update(BytesView bytes) {
  SHA256_Update(context(state_), bytes.data(), bytes.size());
  return *this;
}

Digest Sha256::finish() {
  Digest digest;
  SHA256_Final(digest.data(), context(state_));
  SHA256_Init(context(state_));
  return digest;
}

Digest sha256(BytesView bytes) {
  SHA256_CTX state;
  SHA256_Init(&state);
  SHA256_Update(&state, bytes.data(), bytes.size());
  Digest digest;
  SHA256_Final(digest.data(), &state);
  return digest;
}

Digest hmac_sha256(BytesView key, BytesView message) {
  static const uint8_t none = 0;  // OpenSSL takes a null key to mean "the key of before"
  Digest digest;
  if (HMAC(EVP_sha256(), key.empty() ? &none : key.data(), static_cast<int>(key.size()), message.data(), message.size(), digest.data(), nullptr) == nullptr)
    throw Error(Exit::software, "OpenSSL cannot compute HMAC-SHA-256");
  return digest;
}

bool equal_in_constant_time(BytesView a, BytesView b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

void wipe(std::span<uint8_t> secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

void wipe(std::string& secret) {
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

}  // namespace hh::crypto
