// BOLT 11 invoices and LNURL text from strangers: never a crash, and whatever is accepted has what a payment needs.
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "bitcoin/bech32.h"
#include "lightning/bolt11.h"
#include "lightning/lnurl.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

// The checksum would stop nearly every mutation, so the input is also used as the values of a text with a right one.
void decode(std::string_view text) try {
  const auto invoice = hh::lightning::decode_bolt11(text);
  check(hh::lightning::decode_bolt11(invoice.text).payment_hash == invoice.payment_hash);
  check(!invoice.amount || (*invoice.amount > hh::Msat(0) && hh::is_money(*invoice.amount)));
  check(invoice.expires_at() >= invoice.timestamp);
  check(invoice.description.has_value() != invoice.description_hash.has_value());
} catch (const hh::Error&) {
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  decode(text);
  hh::Bytes values(data, data + size);
  for (uint8_t& v : values) v &= 31;
  if (size < 7000) decode(hh::bitcoin::bech32_encode(hh::bitcoin::Bech32::bech32, "lntbs10u", values));
  try {
    hh::lightning::lnurl_url(text);
  } catch (const hh::Error&) {
  }
  try {
    hh::lightning::read_parameters(text, "fuzz");
  } catch (const hh::Error&) {
  }
  return 0;
}
