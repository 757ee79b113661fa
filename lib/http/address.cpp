#include "http/address.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>

namespace hh::http {
namespace {

struct Range4 {
  uint32_t first;
  int bits;
};

constexpr uint32_t ip(uint32_t a, uint32_t b, uint32_t c) { return a << 24 | b << 16 | c << 8; }

constexpr Range4 special[] = {{ip(0, 0, 0), 8},      {ip(10, 0, 0), 8},    {ip(100, 64, 0), 10}, {ip(127, 0, 0), 8},    {ip(169, 254, 0), 16},
                              {ip(172, 16, 0), 12},  {ip(192, 0, 0), 24},  {ip(192, 0, 2), 24},  {ip(192, 88, 99), 24}, {ip(192, 168, 0), 16},
                              {ip(198, 18, 0), 15},  {ip(198, 51, 100), 24}, {ip(203, 0, 113), 24}, {ip(224, 0, 0), 3}};

bool is_public4(uint32_t address) {
  return std::none_of(std::begin(special), std::end(special), [&](const Range4& r) { return address >> (32 - r.bits) == r.first >> (32 - r.bits); });
}

bool is_public6(const uint8_t* a) {
  const unsigned head = static_cast<unsigned>(a[0]) << 8 | a[1];
  const unsigned next = static_cast<unsigned>(a[2]) << 8 | a[3];
  if (head >> 13 != 1) return false;                      // 2000::/3 is all the global unicast there is
  if (head == 0x2001 && next < 0x0200) return false;      // 2001::/23, protocol assignments with Teredo
  if (head == 0x2001 && next == 0x0db8) return false;     // documentation
  return head != 0x2002 && head != 0x3fff;                // 6to4; documentation (RFC 9637)
}

}  // namespace

bool is_public_address(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof v4);
    return is_public4(ntohl(v4.sin_addr.s_addr));
  }
  if (address->sa_family != AF_INET6) return false;
  sockaddr_in6 v6;
  std::memcpy(&v6, address, sizeof v6);
  return is_public6(v6.sin6_addr.s6_addr);
}

}  // namespace hh::http
