#include "crypto/aes_gcm.h"

#include <openssl/evp.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "base/error.h"
#include "crypto/digest.h"

namespace hh::crypto {
namespace {

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

void require(bool ok) {
  if (!ok) throw Error(Exit::software, "OpenSSL refuses AES-256-GCM");
}

int length(BytesView bytes) {
  require(bytes.size() <= static_cast<size_t>(std::numeric_limits<int>::max()));
  return static_cast<int>(bytes.size());
}

// Started, with the place taken in. direction: 1 seals, 0 opens.
Context start(const AesGcm::Key& key, BytesView nonce, BytesView place, int direction) {
  Context c(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  require(c && EVP_CipherInit_ex(c.get(), EVP_aes_256_gcm(), nullptr, key.data(), nonce.data(), direction) == 1);
  int n = 0;
  if (!place.empty()) require(EVP_CipherUpdate(c.get(), nullptr, &n, place.data(), length(place)) == 1);
  return c;
}

}  // namespace

AesGcm::~AesGcm() { wipe(key_); }

Bytes AesGcm::seal_with(const Nonce& nonce, BytesView plain, BytesView place) const {
  const Context c = start(key_, nonce, place, 1);
  Bytes out(plain.size() + tag_bytes);
  int n = 0;
  if (!plain.empty()) require(EVP_CipherUpdate(c.get(), out.data(), &n, plain.data(), length(plain)) == 1);
  require(EVP_CipherFinal_ex(c.get(), out.data() + plain.size(), &n) == 1);
  require(EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes, out.data() + plain.size()) == 1);
  return out;
}

Bytes AesGcm::seal(BytesView plain, BytesView place, RandomSource& random) const {
  Nonce nonce{};
  random.fill(nonce);
  const Bytes sealed = seal_with(nonce, plain, place);
  Bytes out(nonce.begin(), nonce.end());
  out.insert(out.end(), sealed.begin(), sealed.end());
  return out;
}

std::optional<Bytes> AesGcm::open(BytesView sealed, BytesView place) const {
  constexpr size_t nonce_bytes = std::tuple_size_v<Nonce>;
  if (sealed.size() < nonce_bytes + tag_bytes) return {};
  const Context c = start(key_, sealed.first(nonce_bytes), place, 0);
  const BytesView text = sealed.subspan(nonce_bytes, sealed.size() - nonce_bytes - tag_bytes);
  std::array<uint8_t, tag_bytes> tag{};
  std::copy(sealed.end() - tag_bytes, sealed.end(), tag.begin());
  Bytes out(text.size());
  int n = 0;
  if (!text.empty()) require(EVP_CipherUpdate(c.get(), out.data(), &n, text.data(), length(text)) == 1);
  require(EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, tag.data()) == 1);
  std::array<uint8_t, 16> nothing{};
  if (EVP_CipherFinal_ex(c.get(), nothing.data(), &n) != 1) return {};
  return out;
}

}  // namespace hh::crypto
