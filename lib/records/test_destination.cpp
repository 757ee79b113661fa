// Destinations: the form of lightning addresses, LNURLs, node keys and invoices. [C074][L022]
#include <catch2/catch.hpp>

#include "base/error.h"
#include "bitcoin/bech32.h"
#include "records/destination.h"

using namespace hh;
using namespace hh::records;
using Catch::Contains;

namespace {
std::string wrong(std::string_view kind, std::string_view value) { return what_is_wrong(*kind_from_name(kind), value); }

// LUD-01's own example: bech32 of https://service.com/api?q=3fc3645b439ce8e7f2553a69e5267081d96dcd340693afabe04be7b0ccd178df
const std::string lud01 =
    "lnurl1dp68gurn8ghj7um9wfmxjcm99e3k7mf0v9cxj0m385ekvcenxc6r2c35xvukxefcv5mkvv34x5ekzd3ev56nyd3hxqurzepexejxxepnxscrvwfnv9nxzcn9xq6xyefhvgcxxcmyxymnserxfq5fns";
// BOLT 11, "Examples": a donation of any amount.
const std::string bolt11 =
    "lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kget"
    "jypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql";
}  // namespace

TEST_CASE("destination: lightning addresses [C074]", "[C074]") {
  for (const char* good : {"alice@example.com", "a.b-c_d+e@example.co.uk", "x@localhost", "x@127.0.0.1:8080", "x@abcdefghijklmnop.onion"})
    CHECK(wrong("lnaddress", good) == "");
  CHECK_THAT(wrong("lnaddress", "alice"), Contains("no @"));
  CHECK_THAT(wrong("lnaddress", "@example.com"), Contains("no user"));
  CHECK_THAT(wrong("lnaddress", "alice@"), Contains("no host"));
  CHECK_THAT(wrong("lnaddress", "Alice@example.com"), Contains("lower case"));
  CHECK_THAT(wrong("lnaddress", "al ice@example.com"), Contains("characters"));
  CHECK_THAT(wrong("lnaddress", "m\xc3\xbcller@example.com"), Contains("characters"));
  CHECK_THAT(wrong("lnaddress", "alice@example"), Contains("without a dot"));
  CHECK_THAT(wrong("lnaddress", "alice@exa mple.com"), Contains("domain name"));
  CHECK_THAT(wrong("lnaddress", "alice@-example.com"), Contains("domain name"));
  CHECK_THAT(wrong("lnaddress", "alice@example..com"), Contains("domain name"));
  CHECK_THAT(wrong("lnaddress", "alice@example.com:0"), Contains("port"));
  CHECK_THAT(wrong("lnaddress", "alice@example.com:65536"), Contains("port"));
  CHECK_THAT(wrong("lnaddress", "alice@bob@example.com"), Contains("domain name"));
  CHECK_THAT(wrong("lnaddress", std::string(65, 'a') + "@example.com"), Contains("64"));
  CHECK_THAT(wrong("lnaddress", ""), Contains("empty"));
  CHECK_THAT(wrong("lnaddress", std::string(3000, 'a')), Contains("longer"));
}

TEST_CASE("destination: LNURLs [C074]", "[C074]") {
  CHECK(wrong("lnurl", lud01) == "");
  CHECK(wrong("lnurl", "https://example.com/lnurlp/alice") == "");
  CHECK(wrong("lnurl", "http://abcdefghijklmnop.onion/x") == "");
  CHECK(wrong("lnurl", "http://127.0.0.1:8080/x?id=1") == "");
  CHECK_THAT(wrong("lnurl", "http://example.com/x"), Contains("must be https"));
  CHECK_THAT(wrong("lnurl", "http://example.com/.onion"), Contains("must be https"));
  CHECK_THAT(wrong("lnurl", "http://127.example.com/x"), Contains("must be https"));  // a name, not the loopback network
  CHECK_THAT(wrong("lnurl", "http://127.0.0.1.example.com/x"), Contains("must be https"));
  CHECK_THAT(wrong("lnurl", "https://user:pw@example.com/"), Contains("user name"));
  CHECK_THAT(wrong("lnurl", "https:///x"), Contains("no host"));
  CHECK_THAT(wrong("lnurl", "https://example.com/a b"), Contains("characters"));
  CHECK_THAT(wrong("lnurl", "ftp://example.com"), Contains("no http"));
  CHECK_THAT(wrong("lnurl", "LNURL1DP68GURN8GHJ7"), Contains("lower case"));
  std::string flipped = lud01;
  flipped[20] = flipped[20] == 'q' ? 'p' : 'q';
  CHECK_THAT(wrong("lnurl", flipped), Contains("checksum"));
  const auto parts = *bitcoin::bech32_decode(lud01, lud01.size());
  CHECK(bitcoin::bech32_encode(bitcoin::Bech32::bech32, parts.prefix, parts.values) == lud01);
  CHECK_THAT(wrong("lnurl", bitcoin::bech32_encode(bitcoin::Bech32::bech32m, parts.prefix, parts.values)), Contains("checksum"));  // BIP350's is for addresses only
}

TEST_CASE("destination: node keys [C074]", "[C074]") {
  const std::string key = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619";
  CHECK(wrong("node", key) == "");
  CHECK_THAT(wrong("node", key.substr(1)), Contains("66"));
  CHECK_THAT(wrong("node", "04" + key.substr(2)), Contains("02 or 03"));
  CHECK_THAT(wrong("node", "02EE" + key.substr(4)), Contains("lower-case"));
}

TEST_CASE("destination: invoices [C074]", "[C074]") {
  CHECK(wrong("bolt11", bolt11) == "");
  CHECK_THAT(wrong("bolt11", lud01), Contains("does not start"));
  CHECK_THAT(wrong("bolt11", "lnbc1" + std::string(10, 'q')), Contains("checksum"));
  for (size_t i = 0; i < bolt11.size(); i += 7) {
    std::string flipped = bolt11;
    flipped[i] = flipped[i] == 'q' ? 'p' : 'q';
    CHECK(wrong("bolt11", flipped) != "");
  }
}

TEST_CASE("destination: offers [C074]", "[C074]") {
  const std::string offer = "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese";  // BOLT 12, offers-test.json
  CHECK(wrong("bolt12", offer) == "");
  CHECK_THAT(wrong("bolt12", "LNO1ZCSS9"), Contains("lower case"));
  CHECK_THAT(wrong("bolt12", "lni1zcss9"), Contains("does not start"));
  CHECK_THAT(wrong("bolt12", offer.substr(0, 20) + "+" + offer.substr(20)), Contains("wrong character"));
  CHECK_THAT(wrong("bolt12", offer + "q"), Contains("whole bytes"));
  CHECK_THAT(wrong("bolt12", "lno1"), Contains("whole bytes"));
}

TEST_CASE("destination: invoice endpoints [C074]", "[C074]") {
  const std::string key = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619";
  for (const std::string& good : {std::string("https://node.example.com/invoice"), "https://node.example.com:9443/v1/invoice?for=n1#" + key, std::string("https://127.0.0.1:8443/"), std::string("https://10.0.0.7/i")})
    CHECK(wrong("endpoint", good) == "");
  CHECK_THAT(wrong("endpoint", "http://127.0.0.1/i"), Contains("https"));
  CHECK_THAT(wrong("endpoint", "https://node/i"), Contains("without a dot"));
  CHECK_THAT(wrong("endpoint", "https://a:b@node.example.com/i"), Contains("user name"));
  CHECK_THAT(wrong("endpoint", "https://node.example.com/i#"), Contains("key must be 66"));
  CHECK_THAT(wrong("endpoint", "https://node.example.com/i#" + key + "00"), Contains("key must be 66"));
  CHECK_THAT(wrong("endpoint", "https://node.example.com/i#" + key + "#" + key), Contains("key must be 66"));
}

TEST_CASE("destination: records, and messages that stay on one line [C074]", "[C074]") {
  const Destination d = make_destination("lnaddress", "alice@example.com");
  CHECK(json::to_line(to_json(d)) == R"({"kind":"lnaddress","value":"alice@example.com"})");
  CHECK(parse_destination(to_json(d)) == d);
  CHECK(known_destination("lnaddress", "alice@example.com") == d);
  CHECK(known_destination("lnaddress", "nobody").value == "nobody");  // not looked at again
  CHECK_THROWS_WITH(known_destination("cash", "x"), Contains("unknown kind \"cash\""));
  CHECK_THROWS_WITH(make_destination("cash", "x"), Contains("lnaddress, lnurl, node, bolt11, bolt12 or endpoint"));
  std::string message;
  try {
    make_destination("lnaddress", "evil\n\x1b[2J" + std::string(500, 'x'));
  } catch (const Error& e) {
    message = e.what();
  }
  CHECK_THAT(message, Contains("evil??[2J"));
  CHECK(message.size() < 200);
}
