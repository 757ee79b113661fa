#include <catch2/catch.hpp>

#include "http/rate_limit.h"

using hh::http::RateLimit;

TEST_CASE("so many at once, then so many a minute, and the wait that is told is the right one", "[L074]") {
  RateLimit limit(60, 3);
  int64_t now = 1000;
  for (int i = 0; i < 3; ++i) CHECK(limit.wait_seconds("a", now) == 0);
  CHECK(limit.wait_seconds("a", now) == 1);
  CHECK(limit.wait_seconds("b", now) == 0);  // another one's requests are not counted
  now += 999;
  CHECK(limit.wait_seconds("a", now) == 1);
  now += 1;
  CHECK(limit.wait_seconds("a", now) == 0);
  CHECK(limit.wait_seconds("a", now) == 1);
  now += 3'600'000;  // never more than at once
  for (int i = 0; i < 3; ++i) CHECK(limit.wait_seconds("a", now) == 0);
  CHECK(limit.wait_seconds("a", now) > 0);
}

TEST_CASE("one a minute: the wait is in the answer", "[L074]") {
  RateLimit limit(1, 1);
  CHECK(limit.wait_seconds("a", 0) == 0);
  CHECK(limit.wait_seconds("a", 0) == 60);
  CHECK(limit.wait_seconds("a", 30'000) == 30);
  CHECK(limit.wait_seconds("a", 60'000) == 0);
}

TEST_CASE("made-up names do not fill the memory, and shut out only each other", "[L074]") {
  RateLimit limit(1, 2, 100);
  CHECK(limit.wait_seconds("known", 0) == 0);
  int64_t refused = 0;
  for (int i = 0; i < 10'000; ++i) refused += limit.wait_seconds("made up " + std::to_string(i), 0) != 0;
  CHECK(limit.names() <= 101);
  CHECK(refused > 9000);
  CHECK(limit.wait_seconds("known", 0) == 0);
  CHECK(limit.wait_seconds("new", 600'000) == 0);  // those that have been quiet are forgotten
  CHECK(limit.names() <= 2);
}

TEST_CASE("zero is no limit") {
  RateLimit limit(0, 1);
  for (int i = 0; i < 1000; ++i) CHECK(limit.wait_seconds("a", 0) == 0);
}
