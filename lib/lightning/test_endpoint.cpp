// Invoice endpoints: what is asked, what is read from the answer, and how an invoice is bound to one attempt of one line.
#include <catch2/catch.hpp>

#include "base/error.h"
#include "crypto/digest.h"
#include "json/fields.h"
#include "lightning/curve.h"
#include "lightning/endpoint.h"

using namespace hh;
using namespace hh::lightning;
using Catch::Matchers::Contains;

namespace {

const PayoutAttempt asked{.chain = "regtest", .manifest_id = std::string(64, 'a'), .account = "node:n1", .line = 3, .attempt = 2, .amount = Msat(1000)};
const std::string note = "Hyper Hash payout " + std::string(64, 'a') + "/3/2";

std::array<uint8_t, 32> key_of(uint8_t n) {
  std::array<uint8_t, 32> key;
  key.fill(n);
  return key;
}
std::string invoice(const std::string& description, bool hashed = false, uint8_t key = 5) {
  NewInvoice n;
  n.amount = asked.amount;
  n.timestamp = 1'800'000'000;
  n.description = description;
  if (hashed) n.description_hash = crypto::sha256(std::string_view(description));
  return encode_bolt11(n, key_of(key));
}
std::string reply(const std::string& bolt11) { return R"({"type":"invoice_reply","v":1,"bolt11":")" + bolt11 + "\"}"; }

}  // namespace

TEST_CASE("an endpoint is an https address, perhaps with the key of its node (C074)", "[endpoint]") {
  const std::string key = to_hex(*public_key_of(key_of(5)));
  CHECK_FALSE(parse_endpoint("https://node.example.com/invoice").payee);
  const Endpoint e = parse_endpoint("https://node.example.com:9443/v1/invoice?for=n1#" + key);
  CHECK(e.url == "https://node.example.com:9443/v1/invoice?for=n1");
  CHECK(to_hex(*e.payee) == key);
  for (const std::string& bad : {std::string("http://node.example.com/"), std::string("node.example.com"), "https://node.example.com/#" + key.substr(2), std::string("https://node.example.com/#02") + std::string(64, 'f')})
    CHECK_THROWS_AS(parse_endpoint(bad), Error);
}

TEST_CASE("what is asked names chain, line, attempt and amount, and the text that binds the invoice (C074)", "[endpoint]") {
  const std::string body = endpoint_request(asked);
  CHECK(body == R"({"type":"invoice_request","v":1,"chain":"regtest","manifest_id":")" + std::string(64, 'a') +
                    R"(","line":3,"attempt":2,"account":"node:n1","amount_msat":1000,"description":")" + note + R"(","expiry_seconds":3600})");
}

TEST_CASE("an answer is an invoice, or says why there is none (C074)", "[endpoint]") {
  CHECK(*read_endpoint_reply(200, reply(invoice(note)), "n1").description == note);
  const auto why = [](long status, const std::string& body) {
    try {
      read_endpoint_reply(status, body, "https://n1.example.com/");
      return std::string();
    } catch (const Error& e) {
      return std::string(e.code() == Exit::unavailable ? "unavailable: " : "data: ") + e.what();
    }
  };
  CHECK(why(503, R"({"type":"error","v":1,"status":503,"reason":"lnd is\u0007 away"})").starts_with("unavailable: https://n1.example.com/ gives no invoice: HTTP status 503: lnd is"));
  CHECK(why(302, "<html>") == "unavailable: https://n1.example.com/ gives no invoice: HTTP status 302");
  CHECK(why(201, reply(invoice(note))).starts_with("unavailable"));
  for (const std::string& bad : {std::string(), std::string("<html>"), std::string("[]"), std::string("{}"), reply("lnbcrt1nonsense"), reply(""), R"({"type":"invoice","v":1,"bolt11":")" + invoice(note) + "\"}",
                                 R"({"type":"invoice_reply","v":2,"bolt11":")" + invoice(note) + "\"}", std::string(R"({"type":"invoice_reply","v":1,"bolt11":7})")})
    CHECK_THAT(why(200, bad), Contains("data: ") && Contains("gave no good invoice"));
}

TEST_CASE("an invoice of another node, line, attempt or manifest is refused (C074)", "[endpoint]") {
  const Endpoint open{"https://x/", {}}, named{"https://x/", public_key_of(key_of(5))};
  const auto why = [&](const std::string& text, const Endpoint& e) { return refuse_endpoint(decode_bolt11(text), e, asked); };
  for (const Endpoint& e : {open, named}) {
    CHECK(why(invoice(note), e) == "");
    CHECK(why(invoice(note, true), e) == "");
    for (const bool hashed : {false, true})
      for (const std::string& other : {std::string(), note + "0", "Hyper Hash payout " + std::string(64, 'a') + "/3/1", "Hyper Hash payout " + std::string(64, 'a') + "/2/2", "Hyper Hash payout " + std::string(64, 'b') + "/3/2"})
        CHECK_THAT(why(invoice(other, hashed), e), Contains("not for this line"));
  }
  CHECK(why(invoice(note, false, 6), open) == "");
  CHECK_THAT(why(invoice(note, false, 6), named), Contains("is of node") && Contains("not " + to_hex(*named.payee)));
}
