#include <catch2/catch.hpp>
#include <set>

#include "crypto/random.h"

using namespace hh;
using namespace hh::crypto;

TEST_CASE("a ULID holds its time in front, so that ids sort by time", "[C073]") {
  FakeClock clock(1'469'918'176'385);  // the example of the ULID specification: 01ARYZ6S41…
  SeededRandom random(1);
  const std::string first = ulid(clock, random);
  CHECK(first.size() == 26);
  CHECK(first.substr(0, 10) == "01ARYZ6S41");
  CHECK(first.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ") == std::string::npos);
  clock.advance_ms(1);
  CHECK(ulid(clock, random) > first);
}

TEST_CASE("the random part of a ULID uses all its 80 bits") {
  class Ones : public RandomSource {
    void fill(std::span<uint8_t> out) override { std::fill(out.begin(), out.end(), uint8_t{0xff}); }
  } ones;
  CHECK(ulid(FakeClock(0), ones) == "0000000000ZZZZZZZZZZZZZZZZ");
}

TEST_CASE("ids of the system's generator differ") {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(ulid(FakeClock(), system_random()));
  CHECK(ids.size() == 1000);
}

TEST_CASE("the seeded source repeats itself for a seed and only for that") {
  SeededRandom a(7), b(7), c(8);
  const Bytes first = a.bytes(100);
  CHECK(first == b.bytes(100));
  CHECK(first != c.bytes(100));
  CHECK(first != a.bytes(100));
}
