#include <catch2/catch.hpp>

#include "tips.h"

using hh::load::Tips;

TEST_CASE("first and last receipt of a tip, and the moment at which the node was told", "[tips]") {
  Tips t;
  CHECK(t.number_of("a", 0) == 0);  // at the login: nobody receives
  CHECK(t.all()[0].receivers == 0);
  CHECK(t.is_newest(0, 0));
  CHECK_FALSE(t.is_newest(0, 990));  // a block was given that no job shows yet
  CHECK(t.number_of("b", 990) == 1);
  CHECK(t.is_newest(1, 990));
  CHECK_FALSE(t.is_newest(0, 990));
  t.received(1, 1000);
  CHECK(t.number_of("b", 990) == 1);
  t.received(1, 1500);
  CHECK(t.number_of("b", 990) == 1);
  t.received(1, 1200);
  const Tips::Tip& b = t.all()[1];
  CHECK(b.receivers == 3);
  CHECK(b.first_us == 1000);
  CHECK(b.last_us == 1500);
  CHECK(b.told_us == 990);
  CHECK(b.after_first_us.max() == 500);
}

TEST_CASE("one block that was given belongs to one tip, and a tip that comes again keeps its number", "[tips]") {
  Tips t;
  t.number_of("a", 0);
  CHECK(t.number_of("b", 5) == 1);
  CHECK(t.number_of("c", 5) == 2);  // of somebody else's making
  CHECK(t.all()[2].told_us == 0);
  CHECK(t.number_of("a", 5) == 0);
  CHECK(t.number_of("b", 5) == 1);
  CHECK(t.newest() == 2);
}
