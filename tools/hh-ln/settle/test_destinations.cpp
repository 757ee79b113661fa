// Offers and invoice endpoints as destinations: what comes is checked, stored, and then paid, and nothing else is.
#include <catch2/catch.hpp>

#include "json/fields.h"
#include "lightning/endpoint.h"
#include "test_support.h"

using namespace hh;
using namespace hh::ln;
using namespace hh::ln::test;
using Catch::Matchers::Contains;

namespace {

// A line to this destination; invoices come from outside, not from the wallet.
struct Outside : Scene {
  explicit Outside(payout::DestinationKind kind, const std::string& value) {
    node.make_invoice = nullptr;
    m = manifest(1, {{kind, value}});
  }
  Line line() { return journal.line(manifest_id, 0); }
};

struct OfferScene : Outside {
  std::vector<std::string> notes;
  explicit OfferScene(const std::string& offer = test_offer()) : Outside(payout::DestinationKind::bolt12, offer) {
    node.offer_payee = [this](const lightning::Offer& o, Msat a, const std::string& note) {
      notes.push_back(note);
      return offer_invoice(++invoices, a, note, clock.unix_seconds(), o.text);
    };
  }
};

struct EndpointScene : Outside {
  std::vector<json::Json> asked;
  std::function<Reply(const json::Json&)> answer;
  explicit EndpointScene(const std::string& more = "") : Outside(payout::DestinationKind::endpoint, "https://node.example.com/invoice" + more) {
    answer = [this](const json::Json& request) { return Reply{200, reply(request["description"].get<std::string>(), Msat(request["amount_msat"].get<int64_t>()))}; };
  }
  std::string reply(const std::string& description, Msat a) {
    lightning::NewInvoice n;
    n.amount = a;
    n.payment_hash = crypto::sha256(BytesView(preimage_number(++invoices)));
    n.timestamp = clock.unix_seconds();
    n.description = description;
    std::array<uint8_t, 32> key;
    key.fill(5);
    return json::to_line({{"type", "invoice_reply"}, {"v", 1}, {"bolt11", lightning::encode_bolt11(n, key)}});
  }
  Run run() {
    return settle(journal, node, clock, m, policy, no_network, [this](const std::string& url, const std::string& body) {
      CHECK(url == "https://node.example.com:443/invoice");
      asked.push_back(json::parse(body));
      return answer(asked.back());
    });
  }
};

}  // namespace

TEST_CASE("an offer: the invoice is stored, then that one is paid, and the note names manifest, line and attempt (C126)", "[destinations]") {
  OfferScene s;
  s.node.sends = {settled_with(preimage_hex(1), amount)};
  CHECK(s.run().code == 0);
  REQUIRE(s.node.sent.size() == 1);
  CHECK(s.node.sent[0].invoice == offer_invoice(1, amount, s.notes.at(0), s.clock.unix_seconds()));
  CHECK(s.notes.at(0) == "Hyper Hash payout " + manifest_id + "/0/1");
  CHECK(s.line().attempt->bolt11 == s.node.sent[0].invoice);
  CHECK(s.line().attempt->expires_at == s.clock.unix_seconds() + 3600);
  CHECK(s.run().code == 0);
  CHECK(s.notes.size() == 1);
}

TEST_CASE("an offer's invoice whose outcome is open is sent again, and no other is asked for until it has expired and is dead (L028 C126)", "[destinations]") {
  OfferScene s;
  s.policy.attempts = 1;
  s.node.sends = {evidence(Evidence::unknown)};
  s.node.tracks = {evidence(Evidence::not_found)};
  CHECK(s.run().code == 75);
  CHECK(s.run().code == 75);
  CHECK(s.notes.size() == 1);
  REQUIRE(s.node.sent.size() >= 2);
  CHECK(s.node.sent[0].invoice == s.node.sent[1].invoice);
  s.clock.advance_ms(3'600'000 + 200'000);
  s.node.htlc = true;
  CHECK(s.run().code == 75);
  CHECK(s.notes.size() == 1);
  s.node.htlc = false;
  s.node.sends = {settled_with(preimage_hex(2), amount)};
  CHECK(s.run().code == 0);
  CHECK(s.notes.size() == 2);
  CHECK(s.notes.at(1) == "Hyper Hash payout " + manifest_id + "/0/2");
}

TEST_CASE("an offer that this wallet or this network cannot pay, or which is broken, is held before anything is sent (C126)", "[destinations]") {
  const auto held = [](OfferScene& s) {
    CHECK(s.run().code == 1);
    CHECK(s.node.sent.empty());
    return s.line().held_reason.value_or("not held");
  };
  OfferScene none;
  none.node.offer_payee = nullptr;
  CHECK(held(none) == "no offers here");
  OfferScene bitcoin(lightning::encode_bolt12("lno", lightning::test::offer_fields(lightning::test::secret(5), bitcoin::Network::main)));
  CHECK_THAT(held(bitcoin), Contains("not for the network regtest"));
  OfferScene broken("lno1pg");
  CHECK_THAT(held(broken), Contains("ends within a field"));
  auto fields = lightning::test::offer_fields(lightning::test::secret(5));
  lightning::test::set(fields, 8, lightning::truncated_number(1'000'001));
  OfferScene dear(lightning::encode_bolt12("lno", fields));
  CHECK_THAT(held(dear), Contains("1000001 msat or more"));
}

TEST_CASE("an invoice that is not the offer's, or not of this request, is refused and kept; a later good one is paid (C126 C076)", "[destinations]") {
  OfferScene s;
  const auto honest = s.node.offer_payee;
  const std::vector<std::function<std::string(const std::string& note)>> wrong{
      [&](const std::string& note) { return offer_invoice(9, amount + Msat(1), note, s.clock.unix_seconds()); },
      [&](const std::string& note) { return offer_invoice(9, amount, note + "0", s.clock.unix_seconds()); },
      [&](const std::string& note) { return offer_invoice(9, amount, note, s.clock.unix_seconds() - 3590); },
      [&](const std::string& note) {
        const auto key = lightning::test::secret(6);
        return lightning::test::signed_text(lightning::test::invoice_fields(lightning::decode_offer(test_offer()), {amount, note, {}, s.clock.unix_seconds()}, key), key);
      },
      [&](const std::string&) { return invoice_number(9, amount, s.clock.unix_seconds()); },
      [&](const std::string&) -> std::string { throw Error(Exit::unavailable, "the payee is away"); }};
  for (const auto& give : wrong) {
    s.node.offer_payee = [&](const lightning::Offer&, Msat, const std::string& note) { return give(note); };
    CHECK(s.run().code == 75);
    CHECK_FALSE(s.line().attempt);
  }
  CHECK(s.node.sent.empty());
  s.node.offer_payee = honest;
  s.node.sends = {settled_with(preimage_hex(1), amount)};
  CHECK(s.run().code == 0);
  size_t refused = 0;
  s.journal.each_invoice("", [&](const InvoiceEntry& e) { refused += !e.accepted; });
  CHECK(refused == wrong.size());
}

TEST_CASE("an endpoint is asked again for the same attempt until it gives a good invoice, and for the next attempt when that one is dead (C074)", "[destinations]") {
  EndpointScene s;
  const auto honest = s.answer;
  s.answer = [](const json::Json&) -> Reply { throw Error(Exit::unavailable, "no answer"); };
  CHECK(s.run().code == 75);
  s.answer = [](const json::Json&) { return Reply{503, "{}"}; };
  CHECK(s.run().code == 75);
  s.answer = [&](const json::Json& r) { return Reply{200, s.reply(r["description"].get<std::string>(), amount + Msat(1))}; };
  CHECK(s.run().code == 75);
  s.answer = [&](const json::Json&) { return Reply{200, s.reply("Hyper Hash payout " + manifest_id + "/1/1", amount)}; };
  CHECK(s.run().code == 75);
  CHECK(s.node.sent.empty());
  REQUIRE(s.asked.size() == 4);
  for (const auto& a : s.asked) CHECK(a == s.asked[0]);
  CHECK(s.asked[0]["attempt"] == 1);
  CHECK(s.asked[0]["account"] == "miner:0");
  s.answer = honest;
  s.policy.attempts = 1;
  s.node.sends = {evidence(Evidence::failed, "no route")};
  CHECK(s.run().code == 1);
  s.clock.advance_ms(3'600'000 + 200'000);
  s.node.tracks = {evidence(Evidence::failed)};
  s.node.sends = {settled_with(preimage_hex(4), amount)};
  CHECK(s.run().code == 0);
  CHECK(s.asked.back()["attempt"] == 2);
}

TEST_CASE("an endpoint that names its node is paid to that node only; a program without a certificate asks nobody (C074)", "[destinations]") {
  const std::string payee = to_hex(lightning::test::public_bytes(lightning::test::secret(5))), other = to_hex(lightning::test::public_bytes(lightning::test::secret(6)));
  EndpointScene good("#" + payee);
  good.node.sends = {settled_with(preimage_hex(1), amount)};
  CHECK(good.run().code == 0);
  EndpointScene wrong("#" + other);
  CHECK(wrong.run().code == 75);
  CHECK_THAT(wrong.line().note, Contains("is of node " + payee));
  CHECK(wrong.node.sent.empty());
  EndpointScene broken("#02" + std::string(64, 'f'));
  CHECK(broken.run().code == 1);
  CHECK_THAT(*broken.line().held_reason, Contains("not a point"));
  EndpointScene bare;
  CHECK(settle(bare.journal, bare.node, bare.clock, bare.m, bare.policy).code == 75);
  CHECK_THAT(bare.line().note, Contains("needs the settings"));
}
