// Addresses and ranges as settings name them.
#include <arpa/inet.h>
#include <netinet/in.h>

#include <catch2/catch.hpp>

#include "base/error.h"
#include "net/address_range.h"

using namespace hh;
using namespace hh::net;

namespace {

Address address(std::string_view text) {
  const auto a = Address::parse(text);
  INFO(text);
  REQUIRE(a);
  return *a;
}
bool in(std::string_view range, std::string_view text) { return AddressRange::parse(range, "allow").contains(address(text)); }
std::string why_not(std::string_view text) {
  try {
    AddressRange::parse(text, "allow");
  } catch (const Error& e) {
    CHECK(e.code() == Exit::config);
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a range holds its first and its last address, and not their neighbours") {
  CHECK(in("10.0.0.0/8", "10.0.0.0"));
  CHECK(in("10.0.0.0/8", "10.255.255.255"));
  CHECK_FALSE(in("10.0.0.0/8", "9.255.255.255"));
  CHECK_FALSE(in("10.0.0.0/8", "11.0.0.0"));
  CHECK(in("192.0.2.64/27", "192.0.2.95"));
  CHECK_FALSE(in("192.0.2.64/27", "192.0.2.96"));
  CHECK_FALSE(in("192.0.2.64/27", "192.0.2.63"));
  CHECK(in("2001:db8::/47", "2001:db8:1:ffff:ffff:ffff:ffff:ffff"));
  CHECK_FALSE(in("2001:db8::/47", "2001:db8:2::"));
  CHECK(in("0.0.0.0/0", "255.255.255.255"));
  CHECK(in("::/0", "ffff::"));
}

TEST_CASE("an address without a length is a range of one") {
  for (const char* text : {"192.0.2.7", "::1", "2001:db8::7"}) {
    CHECK(in(text, text));
    CHECK(AddressRange::parse(text, "allow").text() == text);
    CHECK(AddressRange::parse(text, "allow").bits() == 128);
  }
  CHECK_FALSE(in("192.0.2.7", "192.0.2.6"));
  CHECK_FALSE(in("::1", "::2"));
  CHECK(AddressRange::parse("192.0.2.7/32", "allow") == AddressRange::parse("192.0.2.7", "allow"));
}

TEST_CASE("IPv4 is the same whichever socket it came through, and no part of an IPv6 range") {
  CHECK(in("10.0.0.0/8", "::ffff:10.1.2.3"));
  CHECK(in("::ffff:10.0.0.0/104", "10.1.2.3"));
  CHECK(AddressRange::parse("::ffff:10.0.0.0/104", "allow").text() == "10.0.0.0/8");
  CHECK(address("::ffff:10.1.2.3").text() == "10.1.2.3");
  CHECK_FALSE(in("::/0", "10.1.2.3"));
  CHECK_FALSE(in("::/0", "::ffff:10.1.2.3"));
  CHECK_FALSE(in("0.0.0.0/0", "2001:db8::1"));
}

TEST_CASE("the address of a socket's peer") {
  CHECK(Address::of(Endpoint::parse("192.0.2.7:3333", "listen")) == address("192.0.2.7"));
  CHECK(Address::of(Endpoint::parse("[2001:db8::7]:3333", "listen")) == address("2001:db8::7"));
  CHECK(Address::of(Endpoint::parse("[::ffff:192.0.2.7]:3333", "listen")) == address("192.0.2.7"));
  CHECK(Address::of(Endpoint{}) == Address{});
}

TEST_CASE("ranges print as they are read") {
  for (const char* text : {"10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::/32", "192.0.2.6/31", "2001:db8::6/127"}) CHECK(AddressRange::parse(text, "allow").text() == text);
}

TEST_CASE("what is no range is refused with the setting's name") {
  for (const char* text : {"", "/", "localhost", "10.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0.0/8 ", " 10.0.0.0/8", "::/129", "[::1]", "fe80::1%lo", "1.2.3.4:5", "::ffff:1.2.3.4/8x"}) {
    INFO(text);
    CHECK_THAT(why_not(text), Catch::StartsWith("allow: "));
  }
  CHECK_THAT(why_not("10.0.0.1/8"), Catch::EndsWith("is 10.0.0.0/8 meant?"));
  CHECK_THAT(why_not("2001:db8::1/32"), Catch::EndsWith("is 2001:db8::/32 meant?"));
  CHECK_FALSE(Address::parse(std::string_view("::1\0x", 5)));
}

TEST_CASE("a list of ranges holds what one of them holds") {
  const auto ranges = AddressRange::parse_list({"127.0.0.0/8", "::1"}, "allow");
  CHECK(contains(ranges, address("127.1.2.3")));
  CHECK(contains(ranges, address("::1")));
  CHECK_FALSE(contains(ranges, address("::2")));
  CHECK_FALSE(contains({}, address("::1")));
}
