#include <catch2/catch.hpp>

#include "wishes.h"

using namespace hh;
using namespace hh::pool;
using bitcoin::Difficulty;

TEST_CASE("difficulties in the password, in the forms that pools take [C125]", "[C125]") {
  CHECK(wishes_of("d=4096").fixed == Difficulty::whole(4096));
  CHECK(wishes_of("D=4096").fixed == Difficulty::whole(4096));
  CHECK(wishes_of("foo,d=64").fixed == Difficulty::whole(64));
  CHECK(wishes_of("x;diff=0.5;y").fixed == *Difficulty::from_text("0.5"));
  CHECK(wishes_of("difficulty=7").fixed == Difficulty::whole(7));
  const Wishes all = wishes_of("x, sd=1024; md=512&d=2048");
  CHECK(all.start == Difficulty::whole(1024));
  CHECK(all.least == Difficulty::whole(512));
  CHECK(all.fixed == Difficulty::whole(2048));
  CHECK(wishes_of("mindiff=3").least == Difficulty::whole(3));
  CHECK(wishes_of("startdiff=3").start == Difficulty::whole(3));
  CHECK(wishes_of("d=1,d=2").fixed == Difficulty::whole(2));
  CHECK(wishes_of("d=99999999999999999999").fixed == bitcoin::max_share_difficulty());
  CHECK(wishes_of("d=4294967296").fixed == bitcoin::max_share_difficulty());
}

TEST_CASE("what is no wish is passed over [C125]", "[C125]") {
  for (const char* text : {"", "x", "123", "d", "d=", "d=0", "d=-5", "d=abc", "d=1e6", "d=0x10", "=", "=5", "ad=5", "d =5", "d==5", "d=.5", "d=00000000000"}) {
    INFO(text);
    const Wishes w = wishes_of(text);
    CHECK_FALSE(w.fixed);
    CHECK_FALSE(w.start);
    CHECK_FALSE(w.least);
  }
  CHECK(wishes_of("d=5,d=x").fixed == Difficulty::whole(5));
}
