// Headers as the specification lays them out (haproxy, doc/proxy-protocol.txt, 2.2).
#include <catch2/catch.hpp>

#include <string>

#include "net/proxy_header.h"

using namespace hh::net;

namespace {

std::string unhex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    while (hex[i] == ' ') ++i;
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return out;
}

const std::string begin = "0D0A0D0A000D0A515549540A";
const std::string v4 = begin + " 21 11 000C C0000207 CB007109 D431 0D05";
const std::string v6 = begin + " 21 21 0024 20010DB8000000000000000000000007 20010DB8000000000000000000000001 1F90 0D05";

std::string source(const std::string& hex) {
  const ProxyHeader h = parse_proxy_header(unhex(hex));
  if (h.error != nullptr) return h.error;
  if (h.size == 0) return "more";
  return h.source.size == 0 ? "own" : h.source.text();
}

}  // namespace

TEST_CASE("a PROXY header tells the source of a TCP connection over IPv4 and IPv6", "[C113]") {
  CHECK(source(v4) == "192.0.2.7:54321");
  CHECK(source(v6) == "[2001:db8::7]:8080");
  CHECK(parse_proxy_header(unhex(v4 + "7B7D0A")).size == 28);
  CHECK(parse_proxy_header(unhex(v6)).size == 52);
}

TEST_CASE("LOCAL, and what is not TCP over IP, is the connection's own address", "[C113]") {
  CHECK(source(begin + " 20 00 0000") == "own");
  // A LOCAL header may have an address block, of any family: it is skipped.
  const ProxyHeader with_block = parse_proxy_header(unhex(begin + " 20 11 000C C0000207 CB007109 D431 0D05"));
  CHECK(with_block.size == 28);
  CHECK(with_block.source.size == 0);
  CHECK(source(begin + " 20 F1 0003 010203") == "own");
  CHECK(source(begin + " 21 00 0000") == "own");
  CHECK(source(begin + " 21 00 0004 01020304") == "own");
  CHECK(source(begin + " 21 12 000C C0000207 CB007109 D431 0D05") == "own");
  CHECK(source(begin + " 21 31 00D8" + std::string(432, '0')) == "own");
}

TEST_CASE("type-length-values behind the addresses are skipped", "[C113]") {
  const std::string tlvs = "04 0003 616263 05 0001 78";
  const ProxyHeader h = parse_proxy_header(unhex(begin + " 21 11 0016 C0000207 CB007109 D431 0D05" + tlvs + "41"));
  CHECK(h.error == nullptr);
  CHECK(h.size == 38);
  CHECK(h.source.text() == "192.0.2.7:54321");
}

TEST_CASE("a PROXY header that comes in parts is waited for, byte by byte", "[C113]") {
  for (const std::string& whole : {unhex(v4), unhex(v6), unhex(begin + " 20 00 0000")})
    for (size_t n = 0; n < whole.size(); ++n) {
      const ProxyHeader h = parse_proxy_header(std::string_view(whole).substr(0, n));
      REQUIRE(h.size == 0);
      REQUIRE(h.error == nullptr);
    }
}

TEST_CASE("what is no PROXY header of version 2 is refused at its first wrong byte", "[C113]") {
  const auto error = [](std::string_view bytes) {
    const char* const e = parse_proxy_header(bytes).error;
    return std::string(e == nullptr ? "" : e);
  };
  CHECK(error("{") == "it does not begin with a PROXY header");
  CHECK(error(unhex("0D0A0D0A01")) == "it does not begin with a PROXY header");
  CHECK(error("PROXY TCP4 192.0.2.7 203.0.113.9 54321 3333\r\n") == "its PROXY header is of version 1: let the proxy send version 2");
  CHECK(source(begin + " 11 11 000C C0000207 CB007109 D431 0D05") == "its PROXY header has an unknown version");
  CHECK(source(begin + " 22 11 000C C0000207 CB007109 D431 0D05") == "its PROXY header has an unknown command");
  CHECK(source(begin + " 21 41 000C C0000207 CB007109 D431 0D05") == "its PROXY header has an unknown family of addresses");
  CHECK(source(begin + " 21 13 000C C0000207 CB007109 D431 0D05") == "its PROXY header has an unknown family of addresses");
  CHECK(source(begin + " 21 11 000B C0000207 CB007109 D431 0D") == "its PROXY header is too short for its addresses");
  CHECK(source(begin + " 21 21 0023") == "its PROXY header is too short for its addresses");
  CHECK(source(begin + " 21 31 00D7") == "its PROXY header is too short for its addresses");
  CHECK(source(begin + " 21 11 0FF1") == "its PROXY header is too long");
  CHECK(source(begin + " 20 00 FFFF") == "its PROXY header is too long");
  CHECK(source(begin + " 21 11 0FF0") == "more");
}
