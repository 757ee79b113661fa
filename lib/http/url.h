// Addresses of services: taken apart, checked before use, and shown without their secrets.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hh::http {

// RFC 3986, http and https only. host is lower case, an IPv6 address without its brackets.
struct Url {
  std::string scheme;
  std::string host;
  uint16_t port = 0;       // as written or the scheme's default
  bool port_given = false;
  std::string path;   // starts with '/'
  std::string query;  // without '?'

  std::string text() const;
  std::string without_query() const;  // for messages: queries carry secrets (LNURL k1)
  std::string origin() const;         // scheme://host:port
};

// nullopt: no absolute http(s) URL, user information or a fragment in it, characters beyond printable ASCII, or more than 4096 bytes.
// Numeric forms of IPv4 (0x7f000001, 127.1) come out dotted.
std::optional<Url> parse_url(std::string_view text);

bool is_loopback(std::string_view host);  // localhost, *.localhost, 127.0.0.0/8, ::1
bool is_onion(std::string_view host);     // *.onion

// LUD-01: https everywhere, http only for .onion. Loopback is refused, as a stranger has no business there, unless it is allowed (tests, a
// local LNURL server), then with either scheme. Throws Error(data) with the reason; what names the address ("callback of a@example.com").
Url check_lnurl(std::string_view text, std::string_view what, bool allow_loopback = false);

std::string percent_encode(std::string_view text);  // all but the unreserved characters of RFC 3986
// Adds name=value to a URL that may already have a query.
std::string with_parameter(std::string_view url, std::string_view name, std::string_view value);

}  // namespace hh::http
