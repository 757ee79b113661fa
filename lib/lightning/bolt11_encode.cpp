// Writing invoices: for the simulated wallet, which has to hand out invoices as real as those of a node, and for tests.
#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "bitcoin/bech32.h"
#include "crypto/digest.h"
#include "lightning/bolt11.h"
#include "lightning/curve.h"

namespace hh::lightning {
namespace {

void put_field(Bytes& out, uint8_t type, const Bytes& values) {
  out.push_back(type);
  out.push_back(static_cast<uint8_t>(values.size() >> 5));
  out.push_back(static_cast<uint8_t>(values.size() & 31));
  out.insert(out.end(), values.begin(), values.end());
}

Bytes number_values(int64_t n) {
  Bytes out;
  for (; n > 0; n >>= 5) out.insert(out.begin(), static_cast<uint8_t>(n & 31));
  return out;
}

Bytes feature_values(const Bytes& bits) {
  if (bits.empty()) return {};
  Bytes out(*std::max_element(bits.begin(), bits.end()) / 5u + 1u, 0);
  for (const uint8_t bit : bits) out[out.size() - 1 - bit / 5] |= static_cast<uint8_t>(1u << bit % 5);
  return out;
}

// The largest multiplier that keeps the number whole, as a writer SHOULD.
std::string amount_text(Msat amount) {
  const int64_t n = amount.count();
  if (n % 100'000'000'000 == 0) return fmt::format("{}", n / 100'000'000'000);
  if (n % 100'000'000 == 0) return fmt::format("{}m", n / 100'000'000);
  if (n % 100'000 == 0) return fmt::format("{}u", n / 100'000);
  if (n % 100 == 0) return fmt::format("{}n", n / 100);
  return fmt::format("{}0p", n);
}

}  // namespace

std::string encode_bolt11(const NewInvoice& fields, const std::array<uint8_t, 32>& key) {
  const std::string prefix = "ln" + fields.currency + (fields.amount ? amount_text(*fields.amount) : "");
  Bytes values(7);
  for (size_t i = 0; i < 7; ++i) values[i] = static_cast<uint8_t>(fields.timestamp >> 5 * (6 - i) & 31);
  put_field(values, 16, bitcoin::eight_to_five(fields.payment_secret));
  put_field(values, 1, bitcoin::eight_to_five(fields.payment_hash));
  if (fields.description_hash)
    put_field(values, 23, bitcoin::eight_to_five(*fields.description_hash));
  else
    put_field(values, 13, bitcoin::eight_to_five(as_bytes(fields.description)));
  if (fields.expiry_seconds) put_field(values, 6, number_values(*fields.expiry_seconds));
  if (fields.fallback) {
    const Bytes program = bitcoin::eight_to_five(BytesView(*fields.fallback).subspan(1));
    Bytes field{(*fields.fallback)[0]};
    field.insert(field.end(), program.begin(), program.end());
    put_field(values, 9, field);
  }
  if (!fields.features.empty()) put_field(values, 5, feature_values(fields.features));
  const auto digest = crypto::Sha256().update(prefix).update(bitcoin::five_to_eight_padded(values)).finish();
  const auto signature = sign_compact(digest, key);
  if (!signature) throw Error(Exit::software, "not a secret key of secp256k1");
  const Bytes signed_part = bitcoin::eight_to_five(*signature);
  values.insert(values.end(), signed_part.begin(), signed_part.end());
  return bitcoin::bech32_encode(bitcoin::Bech32::bech32, prefix, values);
}

}  // namespace hh::lightning
