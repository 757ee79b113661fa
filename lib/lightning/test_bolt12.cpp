// BOLT 12 against the specification's vectors, and everything that makes an invoice one that may not be paid for an offer.
#include "lightning/bolt12.h"

#include <catch2/catch.hpp>
#include <functional>

#include "lightning/test_bolt12_vectors.h"
#include "lightning/test_payee.h"

using namespace hh;
using namespace hh::lightning;
using namespace hh::lightning::test;
using bitcoin::Network;
using Catch::Matchers::Contains;

namespace {

constexpr int64_t now = 1'800'000'000;
constexpr Msat amount{123'456'789};
const SecretKey issuer = secret(0x41), stranger = secret(0x55);
const std::string note = "payout";

std::string offer_refusal(std::string_view text) {
  try {
    decode_offer(text);
    return "";
  } catch (const Error& e) {
    CHECK(e.code() == Exit::data);
    return e.what();
  }
}

Offer offer(const std::function<void(std::vector<Tlv>&)>& change = {}) {
  auto fields = offer_fields(issuer);
  if (change) change(fields);
  return decode_offer(encode_bolt12("lno", fields));
}

// Why an invoice is refused, whether when it is read or when it is compared with the offer.
struct Case {
  Offer offered = offer();
  std::function<void(std::vector<Tlv>&)> spoil = {};
  SecretKey signer = issuer;
  int64_t later = 0;
  std::string asked_note = note;
};
std::string refusal(const Case& c) try {
  auto fields = invoice_fields(c.offered, {amount, note, PaymentHash{1, 2, 3}, now}, c.signer);
  if (c.spoil) c.spoil(fields);
  const auto invoice = decode_bolt12_invoice(signed_text(fields, c.signer));
  return refuse_bolt12_invoice(invoice, c.offered, Network::regtest, amount, c.asked_note, now + c.later, 30);
} catch (const Error& e) {
  CHECK(e.code() == Exit::data);
  return e.what();
}
std::string spoiled(uint64_t type, const Bytes& value) {
  return refusal({.spoil = [&](std::vector<Tlv>& f) { set(f, type, value); }});
}
std::string without(uint64_t type) {
  return refusal({.spoil = [&](std::vector<Tlv>& f) { drop(f, type); }});
}

}  // namespace

TEST_CASE("BOLT 12 vectors: pieces and cases of the text", "[bolt12]") {
  for (const auto& v : vectors::format) {
    INFO(v.title << ": " << v.text);
    CHECK(offer_refusal(v.text).empty() == v.valid);
  }
  CHECK(decode_offer(vectors::format[4].text).text == vectors::format[0].text);
  CHECK(decode_offer(std::string("LIGHTNING:") + vectors::format[1].text).text == vectors::format[0].text);
}

TEST_CASE("BOLT 12 vectors: offers", "[bolt12]") {
  for (const auto& v : vectors::offers) {
    INFO(v.title);
    const std::string why = offer_refusal(v.text);
    CHECK(why.empty() == v.valid);
    if (!v.valid || !why.empty()) continue;
    std::string fields;
    for (const Tlv& t : decode_offer(v.text).fields) fields += (fields.empty() ? "" : " ") + std::to_string(t.type) + ":" + to_hex(t.value);
    CHECK(fields == v.fields);
    CHECK(encode_bolt12("lno", decode_offer(v.text).fields) == v.text);
  }
}

TEST_CASE("BOLT 12 vectors: the root of the fields, and the signature of it", "[bolt12]") {
  for (const auto& v : vectors::signatures) {
    INFO(v.title);
    const auto fields = read_tlvs(*from_hex(v.stream));
    CHECK(to_hex(merkle_root(fields)) == v.root);
    if (std::string_view(v.digest).empty()) continue;
    CHECK(to_hex(signed_digest(fields, "invoice_request")) == v.digest);
    SchnorrSignature signature;
    REQUIRE(from_hex(v.signature, signature));
    const auto bob = *public_key_of(secret(0x42));
    CHECK(verify_schnorr(signed_digest(fields, "invoice_request"), signature, bob));
    signature[63] ^= 1;
    CHECK_FALSE(verify_schnorr(signed_digest(fields, "invoice_request"), signature, bob));
    CHECK(to_hex(*sign_schnorr(signed_digest(fields, "invoice_request"), secret(0x42))).size() == 128);
  }
}

TEST_CASE("invoices that Core Lightning made are of their offers, and answer what they were asked", "[bolt12]") {
  const auto read = [](const vectors::Pair& p) { return std::pair(decode_offer(p.offer), decode_bolt12_invoice(p.invoice)); };
  const auto [first, thanks] = read(vectors::core_lightning[0]);
  CHECK(thanks.amount == Msat(10'000));
  CHECK(thanks.note == "Thanks for the fish!");
  CHECK(thanks.created_at == 1'738'000'000);
  CHECK(thanks.expiry_seconds == 7200);
  CHECK_THAT(refuse_bolt12_invoice(thanks, first, Network::regtest, thanks.amount, thanks.note, thanks.created_at, 30), Contains("another request"));  // was asked without an amount
  const auto [second, two] = read(vectors::core_lightning[1]);
  CHECK(two.asked_amount == 2'000'000);
  CHECK(two.asked_quantity == 2);
  CHECK_THAT(refuse_bolt12_invoice(two, second, Network::regtest, two.amount, "", two.created_at, 30), Contains("another request"));
  CHECK_THAT(refuse_bolt12_invoice(two, first, Network::regtest, two.amount, "", two.created_at, 30), Contains("for another offer"));
  auto changed = two.fields;
  set(changed, 170, truncated_number(2'000'001));
  CHECK_THROWS_WITH(decode_bolt12_invoice(encode_bolt12("lni", changed)), Contains("not signed"));
}

TEST_CASE("numbers of TLV streams have one form each", "[bolt12]") {
  for (const uint64_t n : {uint64_t{0}, uint64_t{0xfc}, uint64_t{0xfd}, uint64_t{0xffff}, uint64_t{0x10000}, uint64_t{0xffffffff}, uint64_t{0x100000000}, UINT64_MAX}) {
    const Bytes encoded = big_size(n);
    Cursor in(encoded);
    CHECK(in.big_size() == n);
    CHECK(in.is_at_end());
    CHECK(truncated_number(truncated_number(n)) == n);
  }
  for (const char* bad : {"fd00fc", "fe0000ffff", "ff00000000ffffffff", "fd", "fdff", "ff01020304050607"}) {
    const Bytes bytes = *from_hex(bad);
    Cursor in(bytes);
    CHECK_THROWS_AS(in.big_size(), Error);
  }
  CHECK_THROWS_AS(truncated_number(Bytes{0}), Error);
  CHECK_THROWS_AS(truncated_number(Bytes(9, 1)), Error);
  CHECK_THROWS_AS(truncated_number(Bytes(5, 1), 4), Error);
  CHECK_THROWS_AS(read_tlvs(*from_hex("01000100")), Error);  // the same type twice
  CHECK_THROWS_AS(read_tlvs(*from_hex("01ffffffffffffffffff00")), Error);
}

TEST_CASE("genesis blocks are those of their networks", "[bolt12]") {
  CHECK(to_hex(chain_hash(Network::main)).starts_with("6fe28c0ab6f1b372"));
  CHECK(chain_hash(Network::regtest) == chain_hash(Network::dev));
  CHECK(chain_hash(Network::signet) != chain_hash(Network::testnet4));
}

TEST_CASE("an offer that cannot be paid this amount says why", "[bolt12]") {
  const auto why = [](const Offer& o, Network network = Network::regtest) { return refuse_offer(o, network, amount, now); };
  CHECK(why(offer()) == "");
  CHECK_THAT(why(offer(), Network::main), Contains("not for the network main"));
  CHECK_THAT(why(offer([](auto& f) { drop(f, 2); })), Contains("not for the network regtest"));
  CHECK(why(offer([](auto& f) { drop(f, 2); }), Network::main) == "");
  CHECK(why(offer([](auto& f) { set(f, 2, joined({bytes_of(chain_hash(Network::main)), bytes_of(chain_hash(Network::regtest))})); })) == "");
  const auto asking = [](int64_t msat) { return offer([&](auto& f) { set(f, 8, truncated_number(static_cast<uint64_t>(msat))); }); };
  CHECK(why(asking(amount.count())) == "");
  CHECK(why(asking(1)) == "");
  CHECK_THAT(why(asking(amount.count() + 1)), Contains("123456790 msat or more, not 123456789"));
  CHECK_THAT(why(offer([](auto& f) { set(f, 6, bytes_of("USD")), set(f, 8, {1}); })), Contains("in USD"));
  CHECK(why(offer([](auto& f) { set(f, 14, truncated_number(now)); })) == "");
  CHECK_THAT(why(offer([](auto& f) { set(f, 14, truncated_number(now - 1)); })), Contains("expired"));
}

TEST_CASE("an invoice for the offer is taken, also by way of paths, and where items are counted", "[bolt12]") {
  CHECK(refusal({}) == "");
  CHECK(refusal({.later = 3600 - 30}) == "");
  CHECK(refusal({.offered = offer([](auto& f) { set(f, 20, {}); })}) == "");
  const Offer hidden = offer([](auto& f) { drop(f, 22), set(f, 16, joined({path(secret(9)), path(stranger)})); });
  CHECK(refusal({.offered = hidden, .signer = stranger}) == "");
  CHECK(refusal({.offered = hidden, .signer = secret(9)}) == "");
  CHECK(spoiled(174, {2, 0, 0}) == "");  // parts are welcome
  CHECK(spoiled(174, {1, 0, 0}) == "");  // parts are a must
  CHECK(spoiled(161, {1}) == "");        // an odd field that nobody knows
  const auto fields = invoice_fields(offer(), {amount, note, PaymentHash{1, 2, 3}, now}, issuer);
  const auto invoice = decode_bolt12_invoice(signed_text(fields, issuer));
  CHECK(invoice.payment_hash == PaymentHash{1, 2, 3});
  CHECK(invoice.expires_at() == now + 3600);
  CHECK(to_hex(invoice.payee) == to_hex(public_bytes(issuer)));
  CHECK(is_bolt12_invoice(invoice.text));
}

TEST_CASE("an invoice of another offer, payee, network, amount or request is refused", "[bolt12]") {
  const std::string other = "for another offer", request = "another request";
  CHECK_THAT(spoiled(10, bytes_of("something else")), Contains(other));
  CHECK_THAT(spoiled(11, {1}), Contains(other));
  CHECK_THAT(spoiled(1'000'000'001, {1}), Contains(other));
  CHECK_THAT(without(10), Contains(other));
  CHECK_THAT(refusal({.signer = stranger}), Contains("not the offer's issuer"));
  CHECK_THAT(refusal({.offered = offer([](auto& f) { drop(f, 22), set(f, 16, path(secret(9))); })}), Contains("not the offer's issuer"));
  CHECK_THAT(spoiled(80, bytes_of(chain_hash(Network::signet))), Contains("not for the network"));
  CHECK_THAT(without(80), Contains("not for the network"));
  CHECK_THAT(spoiled(170, truncated_number(123'456'790)), Contains("asks for 123456790 msat, not 123456789"));
  CHECK_THAT(spoiled(82, truncated_number(1)), Contains(request));
  CHECK_THAT(without(82), Contains(request));
  CHECK_THAT(spoiled(86, {1}), Contains(request));
  CHECK_THAT(spoiled(89, bytes_of("another")), Contains(request));
  CHECK_THAT(refusal({.offered = offer([](auto& f) { set(f, 20, {5}); }), .spoil = [](auto& f) { set(f, 86, {2}); }}), Contains(request));
  CHECK_THAT(refusal({.asked_note = "payou"}), Contains(request));
}

TEST_CASE("an invoice that lacks something, is not signed, or wants what we do not know is refused", "[bolt12]") {
  for (const uint64_t type : {0u, 88u, 160u, 162u, 164u, 168u, 170u}) CHECK_THAT(without(type), Contains("has no "));
  CHECK_THAT(spoiled(92, {1}), Contains("unknown field 92"));
  CHECK_THAT(spoiled(174, {4, 0, 0}), Contains("feature 18"));
  CHECK_THAT(spoiled(84, {1}), Contains("feature 0"));
  CHECK_THAT(spoiled(160, joined({path(issuer), path(issuer)})), Contains("1 paths"));
  CHECK_THAT(spoiled(162, joined({payinfo(), payinfo()})), Contains("2 paths"));
  auto info = payinfo();
  info.back() = 1, info.push_back(1);
  CHECK_THAT(spoiled(162, info), Contains("no path without unknown features"));
  CHECK_THAT(spoiled(168, Bytes(31, 1)), Contains("31 bytes"));
  CHECK_THAT(spoiled(170, {}), Contains("cannot exist"));
  CHECK_THAT(spoiled(170, Bytes(8, 0xff)), Contains("cannot exist"));
  CHECK_THAT(spoiled(164, Bytes(8, 0xff)), Contains("not of this world"));
  CHECK_THAT(spoiled(89, {0xff}), Contains("UTF-8"));
  CHECK_THAT(refusal({.later = 3600}), Contains("expired 0 s ago"));
  CHECK_THAT(refusal({.later = 3600 - 29}), Contains("too soon"));
  auto fields = sign_bolt12(invoice_fields(offer(), {amount, note, {}, now}, issuer), "invoice", issuer);
  const auto why = [](const std::vector<Tlv>& f) {
    try {
      return decode_bolt12_invoice(encode_bolt12("lni", f)), std::string();
    } catch (const Error& e) {
      return std::string(e.what());
    }
  };
  CHECK(why(fields) == "");
  auto changed = fields;
  set(changed, 170, truncated_number(1));
  CHECK_THAT(why(changed), Contains("not signed"));
  changed = fields;
  set(changed, 176, public_bytes(stranger));
  CHECK_THAT(why(changed), Contains("not signed"));
  changed = fields;
  set(changed, 240, Bytes(64, 0));
  CHECK_THAT(why(changed), Contains("not signed"));
  changed = fields;
  drop(changed, 240);
  CHECK_THAT(why(changed), Contains("no signature"));
  CHECK_THROWS_WITH(decode_bolt12_invoice("lno1qq"), Contains("does not start with lni1"));
  CHECK_THROWS_WITH(decode_bolt12_invoice("lni1" + std::string(40'000, 'q')), Contains("more than 32768"));
}
