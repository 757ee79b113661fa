#include <arpa/inet.h>
#include <netinet/in.h>

#include <catch2/catch.hpp>

#include "base/error.h"
#include "http/address.h"
#include "http/url.h"

using namespace hh;
using namespace hh::http;

namespace {

bool is_public(const char* text) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  if (::inet_pton(AF_INET, text, &v4.sin_addr) == 1) return is_public_address(reinterpret_cast<sockaddr*>(&v4));
  REQUIRE(::inet_pton(AF_INET6, text, &v6.sin6_addr) == 1);
  return is_public_address(reinterpret_cast<sockaddr*>(&v6));
}

}  // namespace

TEST_CASE("URLs come apart and together again") {
  const auto url = parse_url("HTTPS://Example.COM/a/b?x=1&y=%20");
  REQUIRE(url);
  CHECK(url->scheme == "https");
  CHECK(url->host == "example.com");
  CHECK(url->port == 443);
  CHECK_FALSE(url->port_given);
  CHECK(url->path == "/a/b");
  CHECK(url->query == "x=1&y=%20");
  CHECK(url->text() == "https://example.com:443/a/b?x=1&y=%20");
  CHECK(url->without_query() == "https://example.com:443/a/b");
  const auto v6 = parse_url("http://[::1]:8332");
  REQUIRE(v6);
  CHECK(v6->host == "::1");
  CHECK(v6->port_given);
  CHECK(v6->text() == "http://[::1]:8332/");
}

TEST_CASE("what is no plain http or https URL is refused") {
  for (const char* bad : {"", "example.com", "/path", "ftp://example.com", "file:///etc/passwd", "http://", "http:///x", "http:/x", "http:x", "https:////x", "http://user:secret@example.com", "http://user@example.com",
                          "https://example.com/#part", "https://exa mple.com", "https://example.com/\r\nX: y", "https://ex\xc3\xa4mple.com", "http://example.com:0", "http://example.com:99999",
                          "http://[::1", "gopher://example.com", "javascript:alert(1)", "http://[fe80::1%25eth0]/"}) {
    INFO(bad);
    CHECK_FALSE(parse_url(bad));
  }
  CHECK_FALSE(parse_url("https://example.com/" + std::string(5000, 'a')));
}

TEST_CASE("loopback is known in all its spellings") {
  for (const char* url : {"http://localhost", "http://LOCALHOST.", "http://a.localhost", "http://127.0.0.1", "http://127.1", "http://2130706433", "http://0x7f000001", "http://127.255.0.1", "http://[::1]",
                          "http://[0:0:0:0:0:0:0:1]"})
    CHECK(is_loopback(parse_url(url).value().host));
  for (const char* url : {"http://localhost.example.com", "http://127.example.com", "http://128.0.0.1", "http://mylocalhost"}) CHECK_FALSE(is_loopback(parse_url(url).value().host));
}

TEST_CASE("LNURL: https, or http for onion services; this machine only when allowed", "[L022]") {
  CHECK(check_lnurl("https://example.com/.well-known/lnurlp/alice", "it").path == "/.well-known/lnurlp/alice");
  CHECK_NOTHROW(check_lnurl("http://abcdef.onion/x", "it"));
  CHECK_THROWS_WITH(check_lnurl("http://example.com/?k1=secret", "callback of alice"), Catch::Contains("callback of alice is not https") && !Catch::Contains("secret"));
  for (const char* own : {"http://localhost/", "https://127.0.0.1/", "https://[::1]/", "https://127.1/"}) {
    CHECK_THROWS_WITH(check_lnurl(own, "it"), Catch::Contains("this machine"));
    CHECK_NOTHROW(check_lnurl(own, "it", true));
  }
  CHECK_THROWS_AS(check_lnurl("http://example.com/", "it", true), Error);
  CHECK_THROWS_AS(check_lnurl("lnurl1dp68gurn8ghj7um9wfmxjcm99e3k7mf0v9cxj0m385ekvcenxc6r2c35xvukxefcv5mkvv34x5ekzd3ev56nyd3hxqurzepexejxxepnxscrvwfnv9nxzcn9xq6xyefhvgcxxcmyxymnserxfq5fns", "it"), Error);
}

TEST_CASE("parameters are added, encoded, to whatever query is there", "[L022]") {
  CHECK(with_parameter("https://a/cb", "amount", "1000") == "https://a/cb?amount=1000");
  CHECK(with_parameter("https://a/cb?id=5", "amount", "1000") == "https://a/cb?id=5&amount=1000");
  CHECK(with_parameter("https://a/cb?", "amount", "1000") == "https://a/cb?amount=1000");
  CHECK(with_parameter("https://a/cb", "comment", "a b&c=\xc3\xa9~") == "https://a/cb?comment=a%20b%26c%3D%C3%A9~");
}

TEST_CASE("only addresses of the public Internet count as public", "[L022]") {
  for (const char* yes : {"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1", "223.255.255.255", "2606:4700:4700::1111", "2a00::1", "2001:4860:4860::8888"})
    CHECK(is_public(yes));
  for (const char* no : {"0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1",
                         "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "fc00::1", "fd12::1", "fe80::1", "ff02::1", "2001:db8::1",
                         "2001::1", "2002:7f00:1::", "3fff::1"})
    CHECK_FALSE(is_public(no));
}
