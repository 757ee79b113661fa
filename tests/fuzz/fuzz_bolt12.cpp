// BOLT 12 offers and invoices from strangers: never a crash, and whatever is accepted has what a payment needs.
#include <string_view>

#include "bitcoin/bech32.h"
#include "claims.h"
#include "lightning/test_payee.h"

namespace {

using namespace hh::lightning;

void read_offer(std::string_view text) {
  const Offer offer = decode_offer(text);
  check(decode_offer(offer.text).fields == offer.fields);
  check(encode_bolt12("lno", offer.fields) == offer.text);
  check(offer.issuer || !offer.path_ends.empty());
  check(!offer.amount || *offer.amount > 0);
  const std::string why = refuse_offer(offer, hh::bitcoin::Network::regtest, hh::Msat(1000), 1'800'000'000);
  check(!why.empty() || !offer.currency);
}

void read_invoice(std::string_view text) {
  const Bolt12Invoice invoice = decode_bolt12_invoice(text);
  check(decode_bolt12_invoice(invoice.text).payment_hash == invoice.payment_hash);
  check(encode_bolt12("lni", invoice.fields) == invoice.text);
  check(invoice.amount > hh::Msat(0) && hh::is_money(invoice.amount));
  check(invoice.expires_at() >= invoice.created_at);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  no_crash([&] { read_offer(text); });
  no_crash([&] { read_invoice(text); });
  // Text hides the structure from mutations, and a signature stops them all: so the input is also the bytes of an offer, and those of an invoice that is then signed.
  const std::string encoded = hh::bitcoin::bech32_text(hh::bitcoin::eight_to_five({data, size}));
  no_crash([&] { read_offer("lno1" + encoded); });
  no_crash([&] {
    auto fields = read_tlvs({data, size});
    if (fields.empty() || is_signature(fields.front().type)) return;
    const auto key = test::secret(5);
    test::drop(fields, 240);
    test::set(fields, 176, test::public_bytes(key));
    read_invoice(encode_bolt12("lni", sign_bolt12(fields, "invoice", key)));
    check(read_tlvs(fields.front().encoded()) == std::vector{fields.front()});
  });
  return 0;
}
