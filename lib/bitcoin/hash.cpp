// SHA-256 and RIPEMD-160 by OpenSSL's low-level functions.
//
// OpenSSL 3 marks them deprecated in favour of EVP, which looks the algorithm up and allocates a context for every hash: about three times
// the time of an 80-byte block header's double hash, the pool's hottest loop. Both use the same SHA-NI code; only the way in differs.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "bitcoin/hash.h"

#include <openssl/ripemd.h>
#include <openssl/sha.h>

#include <algorithm>
#include <new>

namespace hh::bitcoin {

namespace {

SHA256_CTX* context(unsigned char* storage) { return std::launder(reinterpret_cast<SHA256_CTX*>(storage)); }

}  // namespace

std::string Hash256::to_display_hex() const {
  auto reversed = bytes;
  std::reverse(reversed.begin(), reversed.end());
  return to_hex(reversed);
}

std::optional<Hash256> Hash256::from_display_hex(std::string_view text) {
  Hash256 h;
  if (!from_hex(text, h.bytes)) return std::nullopt;
  std::reverse(h.bytes.begin(), h.bytes.end());
  return h;
}

Sha256::Sha256() {
  static_assert(sizeof(SHA256_CTX) <= sizeof state_.bytes && alignof(SHA256_CTX) <= alignof(State));
  SHA256_Init(new (state_.bytes.data()) SHA256_CTX);
}

Sha256& Sha256::update(BytesView bytes) {
  SHA256_Update(context(state_.bytes.data()), bytes.data(), bytes.size());
  return *this;
}

Hash256 Sha256::finish() {
  Hash256 h;
  SHA256_Final(h.bytes.data(), context(state_.bytes.data()));
  return h;
}

Hash256 Sha256::finish_double() { return sha256(finish().bytes); }

Hash256 sha256(BytesView bytes) { return Sha256().update(bytes).finish(); }
Hash256 sha256d(BytesView bytes) { return sha256(sha256(bytes).bytes); }

Hash160 hash160(BytesView bytes) {
  const Hash256 inner = sha256(bytes);
  Hash160 h;
  RIPEMD160(inner.bytes.data(), inner.bytes.size(), h.data());
  return h;
}

Hash256 tagged_hash(std::string_view tag, BytesView bytes) {
  const Hash256 t = sha256(as_bytes(tag));
  return Sha256().update(t.bytes).update(t.bytes).update(bytes).finish();
}

}  // namespace hh::bitcoin
