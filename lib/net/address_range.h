// IP addresses and ranges of them, as settings name them: "192.0.2.7", "10.0.0.0/8", "::1", "2001:db8::/32".
//
// An address is 16 bytes, IPv4 as IPv6 maps it (RFC 4291, 2.5.5.2): a miner that comes over IPv4 to a socket of both families has the same address as
// one that comes to an IPv4 socket. A range is of one family all the same: ::/0 is every IPv6 address and no IPv4 one.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/endpoint.h"

namespace hh::net {

struct Address {
  std::array<uint8_t, 16> bytes{};

  static Address of(const Endpoint& e);  // all zero where it is neither IPv4 nor IPv6
  // Numeric, without port, brackets or scope; nullopt where it is none.
  static std::optional<Address> parse(std::string_view text);
  bool is_v4() const;
  Address first_bits(unsigned n) const;  // of 128; the others zero
  std::string text() const;
  auto operator<=>(const Address&) const = default;
};

class AddressRange {
 public:
  AddressRange(const Address& address, unsigned bits_of_128) : first_(address.first_bits(bits_of_128)), bits_(bits_of_128) {}
  // "ADDRESS" or "ADDRESS/BITS". Throws Error(config) naming what (a setting). An address with bits behind the prefix, 10.0.0.1/8, is an error: one
  // of its two halves is a slip, and nobody knows which.
  static AddressRange parse(std::string_view text, std::string_view what);
  static std::vector<AddressRange> parse_list(const std::vector<std::string>& texts, std::string_view what);
  bool contains(const Address& a) const { return a.is_v4() == first_.is_v4() && a.first_bits(bits_) == first_; }
  const Address& first() const { return first_; }
  unsigned bits() const { return bits_; }
  std::string text() const;  // without "/BITS" where it is one address
  auto operator<=>(const AddressRange&) const = default;

 private:
  Address first_;
  unsigned bits_;
};

bool contains(const std::vector<AddressRange>& ranges, const Address& a);

}  // namespace hh::net
