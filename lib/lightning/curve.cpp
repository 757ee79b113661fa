#include "lightning/curve.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <secp256k1_schnorrsig.h>

#include "crypto/digest.h"

namespace hh::lightning {
namespace {

const secp256k1_context* context() {
  static const secp256k1_context* const made = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
  return made;
}

CompressedKey serialize(const secp256k1_pubkey& key) {
  CompressedKey out;
  size_t size = out.size();
  secp256k1_ec_pubkey_serialize(context(), out.data(), &size, &key, SECP256K1_EC_COMPRESSED);
  return out;
}

}  // namespace

std::optional<CompressedKey> recover_compact(const Digest32& digest, BytesView signature) {
  if (signature.size() != 65 || signature[64] > 3) return {};
  secp256k1_ecdsa_recoverable_signature parsed;
  secp256k1_pubkey key;
  if (!secp256k1_ecdsa_recoverable_signature_parse_compact(context(), &parsed, signature.data(), signature[64])) return {};
  if (!secp256k1_ecdsa_recover(context(), &key, &parsed, digest.data())) return {};
  return serialize(key);
}

std::optional<CompressedKey> verify_compact(const Digest32& digest, BytesView signature, const CompressedKey& key) {
  if (signature.size() != 65 || signature[64] > 3) return {};
  secp256k1_ecdsa_signature parsed;
  secp256k1_pubkey point;
  if (!secp256k1_ec_pubkey_parse(context(), &point, key.data(), key.size())) return {};
  if (!secp256k1_ecdsa_signature_parse_compact(context(), &parsed, signature.data())) return {};
  if (!secp256k1_ecdsa_verify(context(), &parsed, digest.data(), &point)) return {};  // refuses high S by itself
  return key;
}

bool is_on_curve(const CompressedKey& key) {
  secp256k1_pubkey point;
  return secp256k1_ec_pubkey_parse(context(), &point, key.data(), key.size()) == 1;
}

bool verify_schnorr(const Digest32& digest, const SchnorrSignature& signature, const CompressedKey& key) {
  secp256k1_xonly_pubkey point;
  if (!secp256k1_xonly_pubkey_parse(context(), &point, key.data() + 1)) return false;
  return secp256k1_schnorrsig_verify(context(), signature.data(), digest.data(), digest.size(), &point) == 1;
}

std::optional<SchnorrSignature> sign_schnorr(const Digest32& digest, const Digest32& key) {
  secp256k1_keypair pair;
  if (!secp256k1_keypair_create(context(), &pair, key.data())) return {};
  SchnorrSignature out;
  const bool made = secp256k1_schnorrsig_sign32(context(), out.data(), digest.data(), &pair, nullptr) == 1;
  crypto::wipe({pair.data, sizeof pair.data});
  return made ? std::optional(out) : std::nullopt;
}

std::optional<Bytes> sign_compact(const Digest32& digest, const Digest32& key) {
  secp256k1_ecdsa_recoverable_signature signature;
  if (!secp256k1_ecdsa_sign_recoverable(context(), &signature, digest.data(), key.data(), nullptr, nullptr)) return {};
  Bytes out(65);
  int recovery = 0;
  secp256k1_ecdsa_recoverable_signature_serialize_compact(context(), out.data(), &recovery, &signature);
  out[64] = static_cast<uint8_t>(recovery);
  return out;
}

std::optional<CompressedKey> public_key_of(const Digest32& key) {
  secp256k1_pubkey point;
  if (!secp256k1_ec_pubkey_create(context(), &point, key.data())) return {};
  return serialize(point);
}

}  // namespace hh::lightning
