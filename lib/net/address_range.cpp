#include "net/address_range.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/error.h"

namespace hh::net {
namespace {

constexpr std::array<uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned mapped_bits = 96, all_bits = 128;

Address from_v4(const void* four) {
  Address a;
  std::copy(mapped.begin(), mapped.end(), a.bytes.begin());
  std::memcpy(a.bytes.data() + mapped.size(), four, 4);
  return a;
}

std::optional<unsigned> prefix_length(std::string_view text, unsigned most) {
  unsigned n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size() || n > most) return std::nullopt;
  return n;
}

}  // namespace

Address Address::of(const Endpoint& e) {
  Address a;
  if (e.address.ss_family == AF_INET) return from_v4(&reinterpret_cast<const sockaddr_in&>(e.address).sin_addr);
  if (e.address.ss_family == AF_INET6) std::memcpy(a.bytes.data(), &reinterpret_cast<const sockaddr_in6&>(e.address).sin6_addr, a.bytes.size());
  return a;
}

std::optional<Address> Address::parse(std::string_view text) {
  const std::string whole(text);
  if (whole.find('\0') != std::string::npos) return std::nullopt;
  in_addr four{};
  if (::inet_pton(AF_INET, whole.c_str(), &four) == 1) return from_v4(&four);
  Address a;
  if (::inet_pton(AF_INET6, whole.c_str(), a.bytes.data()) != 1) return std::nullopt;
  return a;
}

bool Address::is_v4() const { return std::equal(mapped.begin(), mapped.end(), bytes.begin()); }

Address Address::first_bits(unsigned n) const {
  Address a;
  const size_t whole = std::min(n, all_bits) / 8;
  std::copy_n(bytes.begin(), whole, a.bytes.begin());
  if (whole < bytes.size()) a.bytes[whole] = static_cast<uint8_t>(bytes[whole] & (0xff00 >> n % 8));
  return a;
}

std::string Address::text() const {
  char out[INET6_ADDRSTRLEN] = "?";
  if (is_v4()) ::inet_ntop(AF_INET, bytes.data() + mapped.size(), out, sizeof out);
  else ::inet_ntop(AF_INET6, bytes.data(), out, sizeof out);
  return out;
}

AddressRange AddressRange::parse(std::string_view text, std::string_view what) {
  const size_t slash = text.find('/');
  const auto address = Address::parse(text.substr(0, slash));
  if (!address) throw Error(Exit::config, fmt::format("{}: \"{}\" is no address or range, such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32", what, text));
  if (slash == std::string_view::npos) return AddressRange(*address, all_bits);
  const bool as_v4 = text.substr(0, slash).find(':') == std::string_view::npos;
  const unsigned most = as_v4 ? all_bits - mapped_bits : all_bits;
  const auto length = prefix_length(text.substr(slash + 1), most);
  if (!length) throw Error(Exit::config, fmt::format("{}: \"{}\" has no prefix length from 0 to {}", what, text, most));
  const AddressRange range(*address, *length + (as_v4 ? mapped_bits : 0));
  if (range.first_ != *address) throw Error(Exit::config, fmt::format("{}: \"{}\" has bits behind its prefix: is {}/{} meant?", what, text, range.first_.text(), *length));
  return range;
}

std::vector<AddressRange> AddressRange::parse_list(const std::vector<std::string>& texts, std::string_view what) {
  std::vector<AddressRange> ranges;
  for (const std::string& text : texts) ranges.push_back(parse(text, what));
  return ranges;
}

std::string AddressRange::text() const {
  if (bits_ >= all_bits) return first_.text();
  return fmt::format("{}/{}", first_.text(), first_.is_v4() ? bits_ - mapped_bits : bits_);
}

bool contains(const std::vector<AddressRange>& ranges, const Address& a) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const AddressRange& r) { return r.contains(a); });
}

}  // namespace hh::net
