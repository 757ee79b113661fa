// A payee of BOLT 12 for tests: makes offers, and for a request the invoice that an honest payee gives, field by field, so that a test can spoil any of them
// before it is signed.
#pragma once
#include <algorithm>
#include <string>

#include "base/error.h"
#include "lightning/bolt12.h"
#include "lightning/curve.h"

namespace hh::lightning::test {

using SecretKey = std::array<uint8_t, 32>;

inline SecretKey secret(uint8_t n) {
  SecretKey key;
  key.fill(n);
  return key;
}
inline Bytes public_bytes(const SecretKey& key) {
  const auto point = public_key_of(key);
  if (!point) throw Error(Exit::software, "no secret key");
  return {point->begin(), point->end()};
}
inline Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}
inline Bytes bytes_of(std::string_view text) { return {as_bytes(text).begin(), as_bytes(text).end()}; }
template <size_t n>
Bytes bytes_of(const std::array<uint8_t, n>& a) { return {a.begin(), a.end()}; }

// One hop, whose name is the public key of `hop`.
inline Bytes path(const SecretKey& hop) { return joined({public_bytes(secret(0x42)), public_bytes(secret(0x02)), {1}, public_bytes(hop), {0, 4, 9, 9, 9, 9}}); }
inline Bytes payinfo() { return {0, 0, 0, 1, 0, 0, 0, 100, 0, 40, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 0}; }

inline void set(std::vector<Tlv>& fields, uint64_t type, const Bytes& value) {
  const auto at = std::find_if(fields.begin(), fields.end(), [&](const Tlv& t) { return t.type >= type; });
  if (at != fields.end() && at->type == type) at->value = value;
  else fields.insert(at, {type, value});
}
inline void drop(std::vector<Tlv>& fields, uint64_t type) { std::erase_if(fields, [&](const Tlv& t) { return t.type == type; }); }

inline std::vector<Tlv> offer_fields(const SecretKey& issuer, bitcoin::Network network = bitcoin::Network::regtest) {
  return {{2, bytes_of(chain_hash(network))}, {10, bytes_of("mining rewards")}, {22, public_bytes(issuer)}};
}

struct Asked {
  Msat amount;
  std::string note;
  PaymentHash hash{};
  int64_t now = 0;
};
// Unsigned. Bitcoin's own chain is not named, as the specification wants it.
inline std::vector<Tlv> invoice_fields(const Offer& offer, const Asked& asked, const SecretKey& signer) {
  std::vector<Tlv> f = offer.fields;
  set(f, 0, Bytes(16, 7));
  if (!offer.chains.empty()) set(f, 80, bytes_of(offer.chains.front()));
  set(f, 82, truncated_number(static_cast<uint64_t>(asked.amount.count())));
  if (offer.quantity_max) set(f, 86, {1});
  set(f, 88, public_bytes(secret(0x33)));
  if (!asked.note.empty()) set(f, 89, bytes_of(asked.note));
  set(f, 160, path(signer)), set(f, 162, payinfo());
  set(f, 164, truncated_number(static_cast<uint64_t>(asked.now)));
  set(f, 166, truncated_number(3600));
  set(f, 168, bytes_of(asked.hash));
  set(f, 170, truncated_number(static_cast<uint64_t>(asked.amount.count())));
  set(f, 176, public_bytes(signer));
  return f;
}
inline std::string signed_text(const std::vector<Tlv>& fields, const SecretKey& signer) { return encode_bolt12("lni", sign_bolt12(fields, "invoice", signer)); }

}  // namespace hh::lightning::test
