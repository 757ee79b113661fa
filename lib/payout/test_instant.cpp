// Times on the command line. [C073]
#include <catch2/catch.hpp>

#include "payout/instant.h"
#include "payout/test_rounds.h"

using namespace hh;
using namespace hh::payout;
using namespace hh::payout::test;

TEST_CASE("instant: unix seconds and RFC 3339 [C073]", "[C073]") {
  CHECK(parse_instant("0", "t") == 0);
  CHECK(parse_instant("1700000000", "t") == 1'700'000'000);
  CHECK(parse_instant("2023-11-14T22:13:20Z", "t") == 1'700'000'000);
  CHECK(parse_instant("2023-11-14t22:13:20z", "t") == 1'700'000'000);
  CHECK(parse_instant("2023-11-15T00:13:20+02:00", "t") == 1'700'000'000);
  CHECK(parse_instant("2023-11-14T17:43:20-04:30", "t") == 1'700'000'000);
  CHECK(parse_instant("2024-02-29T00:00:00Z", "t") == 1'709'164'800);
}

TEST_CASE("instant: after another one [C073]", "[C073]") {
  CHECK(parse_instant_after("+7d", 100, "t") == 604'900);
  CHECK(parse_instant_after("+90m", 0, "t") == 5400);
  CHECK(parse_instant_after("+1h", 0, "t") == 3600);
  CHECK(parse_instant_after("+5s", 1, "t") == 6);
  CHECK(parse_instant_after("1700000000", 5, "t") == 1'700'000'000);
}

TEST_CASE("instant: what is no time is refused [C073]", "[C073]") {
  for (const char* bad : {"", "now", "-5", "1.5", "0x10", "1700000000 ", "2023-11-14", "2023-11-14T22:13:20", "2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z",
                          "2023-11-14T24:00:00Z", "2023-11-14T22:60:00Z", "2023-11-14T22:13:60Z", "2023-11-14T22:13:20.5Z", "2023-11-14T22:13:20+2:00",
                          "2023/11/14T22:13:20Z", "1969-12-31T23:59:59Z", "999999999999999999999", "253402300800"}) {
    INFO(bad);
    CHECK(has(refusal(Exit::usage, [&] { parse_instant(bad, "--iat"); }), "--iat"));
  }
  for (const char* bad : {"+", "+d", "+7", "+7w", "+-7d", "+7dd", "+99999999999d"}) {
    INFO(bad);
    CHECK(has(refusal(Exit::usage, [&] { parse_instant_after(bad, 0, "--exp"); }), "--exp"));
  }
}
