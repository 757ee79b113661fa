#include "stratum/certificate.h"

#include <fmt/format.h>
#include <secp256k1_schnorrsig.h>

#include "base/error.h"
#include "bitcoin/address.h"

namespace hh::stratum {
namespace {

const secp256k1_context* curve() {
  static const secp256k1_context* const made = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
  return made;
}

constexpr size_t times_size = 10;  // version and both times, as they are on the wire

crypto::Digest signed_digest(const Certificate& c, const XOnly& server) {
  const auto bytes = c.to_bytes();
  return crypto::Sha256().update(BytesView(bytes).first(times_size)).update(server).finish();
}

void put(std::span<uint8_t> out, uint32_t v) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<uint8_t>(v >> (8 * i));
}
uint32_t get(BytesView b) {
  uint32_t v = 0;
  for (size_t i = 0; i < b.size(); ++i) v |= uint32_t{b[i]} << (8 * i);
  return v;
}

}  // namespace

std::array<uint8_t, Certificate::size> Certificate::to_bytes() const {
  std::array<uint8_t, size> out;
  const std::span<uint8_t> b(out);
  put(b.subspan(0, 2), version), put(b.subspan(2, 4), valid_from), put(b.subspan(6, 4), not_valid_after);
  std::copy(signature.begin(), signature.end(), out.begin() + times_size);
  return out;
}

Certificate Certificate::from_bytes(std::span<const uint8_t, size> b) {
  Certificate c;
  c.version = static_cast<uint16_t>(get(b.subspan(0, 2))), c.valid_from = get(b.subspan(2, 4)), c.not_valid_after = get(b.subspan(6, 4));
  std::copy(b.begin() + times_size, b.end(), c.signature.begin());
  return c;
}

Certificate sign_certificate(const SecretKey& authority, const XOnly& server, uint32_t valid_from, uint32_t not_valid_after, crypto::RandomSource& random) {
  Certificate c{.version = 0, .valid_from = valid_from, .not_valid_after = not_valid_after, .signature = {}};
  const crypto::Digest digest = signed_digest(c, server);
  std::array<uint8_t, 32> noise;
  random.fill(noise);
  secp256k1_keypair pair;
  if (secp256k1_keypair_create(curve(), &pair, authority.data()) != 1) throw Error(Exit::data, "not a secret key of secp256k1");
  const bool ok = secp256k1_schnorrsig_sign32(curve(), c.signature.data(), digest.data(), &pair, noise.data()) == 1;
  crypto::wipe({pair.data, sizeof pair.data});
  if (!ok) throw Error(Exit::software, "the certificate could not be signed");
  return c;
}

std::string refuse_certificate(const Certificate& c, const XOnly& authority, const XOnly& server, int64_t now) {
  if (c.version != 0) return fmt::format("the certificate has version {}, and only 0 is known", c.version);
  if (now < c.valid_from) return fmt::format("the certificate is valid from {} on, and it is {}", c.valid_from, now);
  if (now > c.not_valid_after) return fmt::format("the certificate expired at {}, and it is {}", c.not_valid_after, now);
  secp256k1_xonly_pubkey key;
  if (secp256k1_xonly_pubkey_parse(curve(), &key, authority.data()) != 1) return "the authority's key is not a point of secp256k1";
  const crypto::Digest digest = signed_digest(c, server);
  if (secp256k1_schnorrsig_verify(curve(), c.signature.data(), digest.data(), digest.size(), &key) != 1) return "the certificate is not signed by this authority for this server";
  return "";
}

std::string authority_key_text(const XOnly& authority) {
  Bytes payload{1, 0};
  payload.insert(payload.end(), authority.begin(), authority.end());
  return bitcoin::base58check_encode(payload);
}

std::optional<XOnly> parse_authority_key(std::string_view text) {
  const auto payload = bitcoin::base58check_decode(text);
  if (!payload || payload->size() != 34 || (*payload)[0] != 1 || (*payload)[1] != 0) return {};
  XOnly out;
  std::copy(payload->begin() + 2, payload->end(), out.begin());
  return out;
}

}  // namespace hh::stratum
