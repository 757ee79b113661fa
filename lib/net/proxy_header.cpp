#include "net/proxy_header.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace hh::net {
namespace {

constexpr std::string_view signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t fixed_size = 16;
constexpr unsigned local = 0, proxy = 1;  // commands
constexpr unsigned inet = 1, inet6 = 2, unix_socket = 3, stream = 1, datagram = 2;

unsigned byte(std::string_view bytes, size_t at) { return static_cast<unsigned char>(bytes[at]); }

ProxyHeader bad(const char* why) {
  ProxyHeader h;
  h.error = why;
  return h;
}

size_t address_size(unsigned family) { return family == inet ? 12 : family == inet6 ? 36 : family == unix_socket ? 216 : 0; }

// Addresses: source, destination, source's port, destination's port.
Endpoint source_of(unsigned family, std::string_view addresses) {
  Endpoint e;
  if (family == inet) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(e.address);
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, addresses.data(), 4);
    std::memcpy(&v4.sin_port, addresses.data() + 8, 2);
    e.size = sizeof v4;
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(e.address);
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, addresses.data(), 16);
    std::memcpy(&v6.sin6_port, addresses.data() + 32, 2);
    e.size = sizeof v6;
  }
  return e;
}

}  // namespace

ProxyHeader parse_proxy_header(std::string_view bytes) {
  const size_t known = std::min(bytes.size(), signature.size());
  if (bytes.substr(0, known) != signature.substr(0, known))
    return bad(bytes.starts_with("PROXY") ? "its PROXY header is of version 1: let the proxy send version 2" : "it does not begin with a PROXY header");
  if (bytes.size() < fixed_size) return {};
  const unsigned command = byte(bytes, 12) & 15, family = byte(bytes, 13) >> 4, transport = byte(bytes, 13) & 15;
  if (byte(bytes, 12) >> 4 != 2) return bad("its PROXY header has an unknown version");
  if (command != local && command != proxy) return bad("its PROXY header has an unknown command");
  if (command == proxy && (family > unix_socket || transport > datagram)) return bad("its PROXY header has an unknown family of addresses");
  const size_t length = byte(bytes, 14) << 8 | byte(bytes, 15);
  if (fixed_size + length > most_proxy_header) return bad("its PROXY header is too long");
  if (command == proxy && length < address_size(family)) return bad("its PROXY header is too short for its addresses");
  if (bytes.size() < fixed_size + length) return {};
  ProxyHeader h;
  h.size = fixed_size + length;
  if (command == proxy && transport == stream && (family == inet || family == inet6)) h.source = source_of(family, bytes.substr(fixed_size));
  return h;
}

}  // namespace hh::net
