// Ed25519 keys (RFC 8032): what signs manifests and node commands, and what checks them.
//
// On disk a private key is PKCS#8 PEM and a public key SubjectPublicKeyInfo PEM (RFC 8410), the forms that `openssl pkey` reads and
// writes. On the wire a public key is its 32 bytes as base64url, and its name (`kid`) is the JWK thumbprint of RFC 7638 and RFC 8037.
#pragma once
#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/hex.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace hh::crypto {

using Signature = std::array<uint8_t, 64>;
using RawKey = std::array<uint8_t, 32>;

class VerifyKey {
 public:
  explicit VerifyKey(const RawKey& raw);
  // PEM, or base64url of 32 bytes; white space around it is ignored. Throws Error(data), naming what the text is ("signer.pub").
  static VerifyKey parse(std::string_view text, std::string_view what);
  static VerifyKey load(const std::string& path);  // throws Error(no_input) or Error(data)

  const RawKey& raw() const { return raw_; }
  const std::string& kid() const { return kid_; }  // 43 characters
  std::string base64url() const;
  std::string pem() const;
  bool verify(BytesView message, BytesView signature) const;  // false also where the signature has not 64 bytes
  bool operator==(const VerifyKey& o) const { return raw_ == o.raw_; }

 private:
  RawKey raw_;
  std::string kid_;
};

// Owns a private key; OpenSSL wipes it when the object goes. Movable, not copyable; safe to sign with from several threads.
class SigningKey {
 public:
  static SigningKey generate();
  static SigningKey from_seed(const RawKey& seed);  // the 32 bytes that RFC 8032 calls the private key; the caller wipes its copy
  // reference as hh::load_secret takes it; setting names it in errors. Throws Error(config).
  static SigningKey load(const std::string& reference, const std::string& setting);
  static SigningKey parse_pem(std::string_view pem, std::string_view what);

  // Writes PKCS#8 PEM, mode 0600, durably. Never replaces a file: throws Error(cant_create) where path exists.
  void save_new(const std::string& path) const;
  const VerifyKey& public_key() const { return public_; }
  const std::string& kid() const { return public_.kid(); }
  Signature sign(BytesView message) const;

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
  };
  using Handle = std::unique_ptr<evp_pkey_st, Free>;
  explicit SigningKey(Handle key);
  Handle key_;
  VerifyKey public_;
};

// The public keys that a reader trusts, by kid. Holding the old and the new key at once is how keys are rotated.
class KeySet {
 public:
  KeySet() = default;
  KeySet(std::initializer_list<VerifyKey> keys);
  void add(const VerifyKey& key);
  // One or more PEM public keys, or base64url keys one a line; '#' starts a comment line. Throws Error(no_input) or Error(data).
  static KeySet load(const std::string& path);
  const VerifyKey* find(std::string_view kid) const;  // nullptr: not trusted
  size_t size() const { return keys_.size(); }

 private:
  std::map<std::string, VerifyKey, std::less<>> keys_;
};

}  // namespace hh::crypto
