// LNURL: LUD-01's example, where a lightning address leads, and services that lie.
#include <catch2/catch.hpp>

#include "base/error.h"
#include "crypto/digest.h"
#include "lightning/lnurl.h"

using namespace hh;
using namespace hh::lightning;
using Catch::Matchers::Contains;

namespace {

template <class F>
std::string refusal(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

std::string answer(const std::string& callback = "https://pay.example.com/cb?id=7", const std::string& metadata = R"([[\"text/plain\",\"rig\"]])") {
  return R"({"tag":"payRequest","callback":")" + callback + R"(","minSendable":1000,"maxSendable":5000000,"metadata":")" + metadata + R"("})";
}

}  // namespace

TEST_CASE("LUD-01's example decodes", "[lnurl]") {
  const std::string text =
      "LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HXQURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS";
  const std::string url = "https://service.com:443/api?q=3fc3645b439ce8e7f2553a69e5267081d96dcd340693afabe04be7b0ccd178df";
  CHECK(lnurl_url(text) == url);
  CHECK(lnurl_url("lightning:" + text) == url);
  CHECK(lnurl_url("lnurlp://service.com/api") == "https://service.com:443/api");
  CHECK(lnurl_url("https://service.com/api") == "https://service.com:443/api");
  CHECK(refusal([&] { lnurl_url(text.substr(0, text.size() - 1) + "Q"); }) != "accepted");
  CHECK(refusal([&] { lnurl_url("LNURL1dp68"); }) != "accepted");
}

TEST_CASE("a lightning address leads to its well-known URL", "[lnurl]") {
  CHECK(lightning_address_url("satoshi@bitcoin.org") == "https://bitcoin.org:443/.well-known/lnurlp/satoshi");
  CHECK(lightning_address_url("a@abcdefghijklmnop.onion") == "http://abcdefghijklmnop.onion:80/.well-known/lnurlp/a");
  CHECK(lightning_address_url("rig@127.0.0.1:8080", true) == "http://127.0.0.1:8080/.well-known/lnurlp/rig");
  for (const char* bad : {"satoshi", "@bitcoin.org", "satoshi@", "Satoshi@bitcoin.org", "a/b@bitcoin.org", "a@b@c", "a@host/path", "a b@host", "a@host?x=1", "a@user:pw@host"})
    CHECK(refusal([&] { lightning_address_url(bad); }) != "accepted");
}

TEST_CASE("plain http only for onion, or for loopback where it was allowed", "[lnurl]") {
  CHECK(refusal([&] { lnurl_url("http://service.com/x"); }) != "accepted");
  CHECK(refusal([&] { lnurl_url("http://127.0.0.1/x"); }) != "accepted");
  CHECK(refusal([&] { lnurl_url("http://10.0.0.1/x", true); }) != "accepted");
  CHECK(lnurl_url("http://127.0.0.1:9/x", true) == "http://127.0.0.1:9/x");
  CHECK(refusal([&] { lnurl_url("file:///etc/passwd", true); }) != "accepted");
  CHECK(refusal([&] { read_parameters(answer("http://pay.example.com/cb"), "rig@example.com"); }) != "accepted");
  CHECK(refusal([&] { read_parameters(answer("http://169.254.169.254/latest"), "rig@example.com", true); }) != "accepted");
}

TEST_CASE("a service's parameters are read and its amounts kept", "[lnurl]") {
  const PayParameters p = read_parameters(answer(), "rig@example.com");
  CHECK(p.least == Msat(1000));
  CHECK(p.metadata == R"([["text/plain","rig"]])");
  CHECK(callback_url(p, Msat(1000), "rig") == "https://pay.example.com:443/cb?id=7&amount=1000");
  CHECK_THAT(refusal([&] { callback_url(p, Msat(999), "rig@example.com"); }), Contains("takes 1000 to 5000000 msat, not 999"));
  CHECK(refusal([&] { callback_url(p, Msat(5'000'001), "rig"); }) != "accepted");
}

TEST_CASE("a service that refuses or talks nonsense is quoted, shortly", "[lnurl]") {
  try {
    read_parameters(R"({"status":"ERROR","reason":"no such user"})", "rig@example.com");
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(e.code() == Exit::unavailable);
    CHECK_THAT(e.what(), Contains("rig@example.com refuses: no such user"));
  }
  CHECK(refusal([] { read_parameters(R"({"status":"ERROR","reason":")" + std::string(100'000, 'x') + "\"}", "rig"); }).size() < 300);
  for (const std::string& bad : {std::string(""), std::string("<html>"), std::string("[]"), std::string("{}"), answer("https://x/", "not json"), answer("https://x/", "[]"),
                                std::string(R"({"tag":"withdrawRequest","callback":"https://x/","minSendable":1,"maxSendable":2,"metadata":"[]"})"),
                                std::string(R"({"tag":"payRequest","callback":"https://x/","minSendable":3,"maxSendable":2,"metadata":"[[\"text/plain\",\"a\"]]"})"),
                                std::string(R"({"tag":"payRequest","callback":"https://x/","minSendable":0,"maxSendable":2,"metadata":"[[\"text/plain\",\"a\"]]"})"),
                                std::string(R"({"tag":"payRequest","callback":"https://x/","minSendable":1.5,"maxSendable":2,"metadata":"[[\"text/plain\",\"a\"]]"})")})
    CHECK_THAT(refusal([&] { read_parameters(bad, "rig"); }), Contains("did not answer as LUD-06 says"));
}

TEST_CASE("the invoice's description hash must be that of the metadata, where it has one", "[lnurl]") {
  const PayParameters p = read_parameters(answer(), "rig");
  NewInvoice n;
  n.amount = Msat(1000);
  std::array<uint8_t, 32> key;
  key.fill(3);
  n.description_hash = crypto::sha256(std::string_view(p.metadata));
  CHECK(refuse_description(read_invoice("{\"pr\":\"" + encode_bolt11(n, key) + "\",\"routes\":[]}", "rig"), p) == "");
  n.description_hash->at(0) ^= 1;
  CHECK(refuse_description(read_invoice("{\"pr\":\"" + encode_bolt11(n, key) + "\"}", "rig"), p) != "");
  n.description_hash.reset();
  CHECK(refuse_description(read_invoice("{\"pr\":\"" + encode_bolt11(n, key) + "\"}", "rig"), p) == "");
  CHECK_THAT(refusal([] { read_invoice(R"({"pr":"lnbc1"})", "rig"); }), Contains("no good invoice"));
}
