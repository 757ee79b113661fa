// BOLT 11: the specification's examples, and what an attacker could send instead.
#include <catch2/catch.hpp>

#include <map>

#include "base/error.h"
#include "bitcoin/bech32.h"
#include "crypto/digest.h"
#include "lightning/bolt11.h"
#include "lightning/curve.h"
#include "lightning/test_bolt11_vectors.h"

using namespace hh;
using namespace hh::lightning;
using Catch::Matchers::Contains;

namespace {

constexpr int64_t now = 1'700'000'000;

std::array<uint8_t, 32> filled(uint8_t byte) {
  std::array<uint8_t, 32> out;
  out.fill(byte);
  return out;
}

NewInvoice plain_invoice() {
  NewInvoice n;
  n.currency = "tbs";
  n.amount = Msat(123'456);
  n.payment_hash = filled(0x42);
  n.payment_secret = filled(0x11);
  n.timestamp = now;
  n.description = "payday";
  return n;
}

std::string refusal(const std::string& text) {
  try {
    decode_bolt11(text);
  } catch (const Error& e) {
    CHECK(e.code() == Exit::data);
    return e.what();
  }
  return "accepted";
}

// A signed invoice with these raw 5-bit fields between timestamp and signature: for what encode_bolt11 would never write.
std::string signed_raw(const std::string& prefix, const Bytes& fields) {
  Bytes values(7, 1);
  values.insert(values.end(), fields.begin(), fields.end());
  const auto digest = crypto::Sha256().update(prefix).update(bitcoin::five_to_eight_padded(values)).finish();
  const Bytes signature = bitcoin::eight_to_five(*sign_compact(digest, filled(7)));
  values.insert(values.end(), signature.begin(), signature.end());
  return bitcoin::bech32_encode(bitcoin::Bech32::bech32, prefix, values);
}

Bytes field(uint8_t type, const Bytes& data) {
  Bytes out{type, static_cast<uint8_t>(data.size() >> 5), static_cast<uint8_t>(data.size() & 31)};
  out.insert(out.end(), data.begin(), data.end());
  return out;
}

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& p : parts) out.insert(out.end(), p.begin(), p.end());
  return out;
}

const Bytes hash_field = field(1, bitcoin::eight_to_five(filled(0x42))), secret_field = field(16, bitcoin::eight_to_five(filled(0x11))), text_field = field(13, {});

}  // namespace

TEST_CASE("the examples of BOLT 11 decode to what it says", "[bolt11]") {
  for (const auto& v : vectors::good) {
    INFO(v.title);
    const Invoice i = decode_bolt11(v.text);
    CHECK(i.currency == v.currency);
    CHECK((i.amount ? i.amount->count() : -1) == v.amount_msat);
    CHECK(i.timestamp == v.timestamp);
    CHECK(i.expiry_seconds == v.expiry);
    // The high-S example turned S around without its recovery id, so another key comes out: it only shows that such a signature is read.
    if (std::string_view(v.title) != "high-S signature, key recovered") CHECK(to_hex(i.payee) == vectors::payee);
    CHECK(i.payment_secret == filled(0x11));
    if (std::string_view(v.title) != "pico amount, one week")
      CHECK(to_hex(i.payment_hash) == "0001020304050607080900010203040506070809000102030405060708090102");
  }
  CHECK(to_hex(*decode_bolt11(vectors::good[3].text).description_hash) == "3925b6f67e2c340036ed12093dd44e0368df1b6ea26c53dbe4811f58fd5db8c1");
  CHECK(*decode_bolt11(vectors::good[1].text).description == "1 cup coffee");
}

TEST_CASE("the invalid examples of BOLT 11 are refused for the right reason", "[bolt11]") {
  for (const auto& v : vectors::bad) {
    INFO(v.title);
    CHECK_THAT(refusal(v.text), Contains(v.reason) && !Contains("accepted"));
  }
  CHECK(refusal(vectors::fields_of_wrong_length) != "accepted");
}

TEST_CASE("every changed character of an invoice is noticed", "[bolt11]") {
  const std::string text = encode_bolt11(plain_invoice(), filled(7));
  REQUIRE(refusal(text) == "accepted");
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'q' ? 'p' : 'q';
    CHECK(refusal(changed) != "accepted");
  }
}

TEST_CASE("an amount or hash cannot be changed even with a right checksum: the payee's key changes", "[bolt11]") {
  const auto parts = *bitcoin::bech32_decode(encode_bolt11(plain_invoice(), filled(7)), 4096);
  const Invoice honest = decode_bolt11(encode_bolt11(plain_invoice(), filled(7)));
  CHECK(honest.payee == *public_key_of(filled(7)));
  const std::string forged = bitcoin::bech32_encode(bitcoin::Bech32::bech32, "lntbs9m", parts.values);
  if (refusal(forged) == "accepted") CHECK(decode_bolt11(forged).payee != honest.payee);
  CHECK_THAT(refusal(bitcoin::bech32_encode(bitcoin::Bech32::bech32m, parts.prefix, parts.values)), Contains("valid checksum"));  // BIP350's is for addresses only
}

TEST_CASE("what is written is read back", "[bolt11]") {
  for (const int64_t msat : {1LL, 9LL, 10LL, 99LL, 100LL, 1'000LL, 123'456LL, 100'000LL, 100'000'000LL, 100'000'000'000LL, 2'100'000'000'000'000'000LL}) {
    NewInvoice n = plain_invoice();
    n.amount = Msat(msat);
    n.expiry_seconds = 604'800;
    const Invoice i = decode_bolt11(encode_bolt11(n, filled(9)));
    CHECK(i.amount == Msat(msat));
    CHECK(i.payment_hash == n.payment_hash);
    CHECK(i.expires_at() == now + 604'800);
    CHECK(i.currency == "tbs");
  }
}

TEST_CASE("two readers cannot be made to see two invoices: repeated, padded and cut fields are refused", "[bolt11]") {
  CHECK(refusal(signed_raw("lntbs1n", join({hash_field, secret_field, text_field}))) == "accepted");
  CHECK_THAT(refusal(signed_raw("lntbs1n", join({hash_field, hash_field, secret_field, text_field}))), Contains("twice"));
  CHECK_THAT(refusal(signed_raw("lntbs1n", join({hash_field, secret_field, text_field, field(6, {1}), field(6, {2})}))), Contains("twice"));
  CHECK_THAT(refusal(signed_raw("lntbs1n", join({hash_field, secret_field, text_field, field(6, {0, 1})}))), Contains("leading zero"));
  CHECK_THAT(refusal(signed_raw("lntbs1n", join({hash_field, secret_field, text_field, field(6, Bytes(11, 31))}))), Contains("too large"));
  CHECK_THAT(refusal(signed_raw("lntbs1n", join({hash_field, secret_field}))), Contains("description"));
  CHECK_THAT(refusal(signed_raw("lntbs1n", join({secret_field, text_field}))), Contains("no payment hash"));
  CHECK_THAT(refusal(signed_raw("lntbs1n", join({hash_field, secret_field, text_field, {13, 1, 1, 5}}))), Contains("within a field"));
  CHECK_THAT(refusal(signed_raw("lntbs1n", join({hash_field, secret_field, text_field, field(5, {2, 0, 0, 0, 0, 0, 0})}))), Contains("AMP"));
  Bytes odd_padding = bitcoin::eight_to_five(filled(0x42));
  odd_padding.back() |= 1;
  CHECK_THAT(refusal(signed_raw("lntbs1n", join({field(1, odd_padding), secret_field, text_field}))), Contains("malformed payment hash"));
  CHECK_THAT(refusal(signed_raw("lntbs01n", join({hash_field, secret_field, text_field}))), Contains("not a number"));
  CHECK_THAT(refusal(signed_raw("lntbs99999999999999999999n", join({hash_field, secret_field, text_field}))), Contains("not a number"));
  CHECK(refusal(signed_raw("lntbs92233720368547758", join({hash_field, secret_field, text_field}))) != "accepted");
  CHECK_THAT(refusal(signed_raw("lnltc1n", join({hash_field, secret_field, text_field}))), Contains("unknown currency"));
}

TEST_CASE("an invoice is paid only on its network, over exactly the amount, in time", "[bolt11]") {
  using bitcoin::Network;
  const Invoice i = decode_bolt11(encode_bolt11(plain_invoice(), filled(7)));
  CHECK(refuse_invoice(i, Network::signet, Msat(123'456), now, 30) == "");
  CHECK_THAT(refuse_invoice(i, Network::main, Msat(123'456), now, 30), Contains("another network"));
  CHECK_THAT(refuse_invoice(i, Network::testnet4, Msat(123'456), now, 30), Contains("another network"));
  CHECK_THAT(refuse_invoice(i, Network::signet, Msat(123'457), now, 30), Contains("123456 msat, not 123457"));
  CHECK_THAT(refuse_invoice(i, Network::signet, Msat(123'455), now, 30), Contains("123456 msat, not 123455"));
  CHECK(refuse_invoice(i, Network::signet, Msat(123'456), now + 3569, 30) == "");
  CHECK_THAT(refuse_invoice(i, Network::signet, Msat(123'456), now + 3571, 30), Contains("too soon"));
  CHECK_THAT(refuse_invoice(i, Network::signet, Msat(123'456), now + 3600, 30), Contains("expired"));
  NewInvoice amountless = plain_invoice();
  amountless.amount.reset();
  CHECK_THAT(refuse_invoice(decode_bolt11(encode_bolt11(amountless, filled(7))), Network::signet, Msat(1), now, 30), Contains("no amount"));
}

TEST_CASE("a node key is a point on the curve", "[bolt11]") {
  CHECK(parse_node_key(vectors::payee));
  CHECK_FALSE(parse_node_key("02" + std::string(64, 'f')));
  CHECK_FALSE(parse_node_key("04" + std::string(64, '1')));
  CHECK_FALSE(parse_node_key("03"));
}

TEST_CASE("fallback addresses are those that the payee signed; unknown kinds are left out", "[bolt11][L022]") {
  const auto addresses = [](const Invoice& i, bitcoin::Network network) {
    std::vector<std::string> out;
    for (const Bytes& script : i.fallbacks) out.push_back(bitcoin::address_from_script(script, network).value_or("none"));
    return out;
  };
  std::map<std::string, std::vector<std::string>> wanted{{"testnet with fallback address", {"mk2QpYatsKicvFVuTAQLBryyccRXMUaGHP"}},
                                                         {"route hints", {"1RustyRX2oai4EYYDpQGWvEL62BBGqN9T"}},
                                                         {"P2SH fallback", {"3EktnHQD7RiAE6uzMj2ZifT9YgRrkSgzQX"}},
                                                         {"P2WPKH fallback", {"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}},
                                                         {"P2WSH fallback", {"bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3"}}};
  size_t found = 0;
  for (const auto& v : vectors::good) {
    const Invoice i = decode_bolt11(v.text);
    const auto network = i.currency == "tb" ? bitcoin::Network::testnet4 : bitcoin::Network::main;
    INFO(v.title);
    CHECK(addresses(i, network) == wanted[v.title]);
    found += i.fallbacks.size();
  }
  CHECK(found == 5);
  NewInvoice n = plain_invoice();
  for (const Bytes& unknown : {Bytes{19}, Bytes{16, 1, 2, 3}, Bytes{17, 1}, Bytes{0, 1, 2}, Bytes{1, 1, 2}}) {
    n.fallback = unknown;
    CHECK(decode_bolt11(encode_bolt11(n, filled(7))).fallbacks.empty());
  }
  n.fallback = Bytes(33, 9);
  (*n.fallback)[0] = 1;
  CHECK(addresses(decode_bolt11(encode_bolt11(n, filled(7))), bitcoin::Network::signet).at(0).starts_with("tb1p"));
}
