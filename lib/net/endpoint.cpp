#include "net/endpoint.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/error.h"

namespace hh::net {
namespace {

template <class Address>
Address& as(sockaddr_storage& storage) {
  return reinterpret_cast<Address&>(storage);
}
template <class Address>
const Address& as(const sockaddr_storage& storage) {
  return reinterpret_cast<const Address&>(storage);
}

bool fill(Endpoint& e, const std::string& host, uint16_t port) {
  auto& v4 = as<sockaddr_in>(e.address);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    e.size = sizeof v4;
    return true;
  }
  auto& v6 = as<sockaddr_in6>(e.address);
  if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1) return false;
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  e.size = sizeof v6;
  return true;
}

}  // namespace

Endpoint Endpoint::parse(std::string_view text, std::string_view what) {
  const size_t colon = text.rfind(':');
  std::string host(text.substr(0, colon == std::string_view::npos ? 0 : colon));
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  Endpoint e;
  uint16_t port = 0;
  const char* const end = text.data() + text.size();
  if (colon == std::string_view::npos || bracketed != (host.find(':') != std::string::npos) || !fill(e, host, 0))
    throw Error(Exit::config, fmt::format("{}: \"{}\" is not ADDRESS:PORT, such as 0.0.0.0:3333 or [::]:3333", what, text));
  if (const auto [at, error] = std::from_chars(text.data() + colon + 1, end, port); error != std::errc{} || at != end)
    throw Error(Exit::config, fmt::format("{}: \"{}\" has no port from 0 to 65535", what, text));
  fill(e, host, port);
  return e;
}

Endpoint Endpoint::of_peer(int fd) {
  Endpoint e;
  e.size = sizeof e.address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&e.address), &e.size) != 0) e.size = 0;
  return e;
}

Endpoint Endpoint::of_socket(int fd) {
  Endpoint e;
  e.size = sizeof e.address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&e.address), &e.size) != 0) e.size = 0;
  return e;
}

std::string Endpoint::host() const {
  char text[INET6_ADDRSTRLEN] = "?";
  if (address.ss_family == AF_INET) ::inet_ntop(AF_INET, &as<sockaddr_in>(address).sin_addr, text, sizeof text);
  if (address.ss_family == AF_INET6) ::inet_ntop(AF_INET6, &as<sockaddr_in6>(address).sin6_addr, text, sizeof text);
  return text;
}

std::string Endpoint::text() const {
  if (address.ss_family == AF_INET6) return fmt::format("[{}]:{}", host(), ntohs(as<sockaddr_in6>(address).sin6_port));
  return fmt::format("{}:{}", host(), ntohs(as<sockaddr_in>(address).sin_port));
}

bool Endpoint::is_loopback() const {
  if (address.ss_family == AF_INET) return ntohl(as<sockaddr_in>(address).sin_addr.s_addr) >> 24 == 127;
  return address.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&as<sockaddr_in6>(address).sin6_addr);
}

FileHandle listen_on(const Endpoint& at, const ListenOptions& options) {
  FileHandle fd(::socket(at.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      (options.share_port && ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) || ::bind(fd.get(), at.get(), at.size) != 0 ||
      ::listen(fd.get(), options.backlog) != 0)
    throw Error(Exit::unavailable, fmt::format("cannot listen on {}: {}", at.text(), reason(errno)));
  return fd;
}

}  // namespace hh::net
