#include <catch2/catch.hpp>

#include "given_jobs.h"

using namespace hh;
using namespace hh::pool;

namespace {

Assignment of(uint32_t difficulty) {
  Assignment a;
  a.difficulty = bitcoin::Difficulty::whole(difficulty);
  a.work = difficulty;
  return a;
}

uint64_t judged(const GivenJobs& g, uint64_t number, uint16_t again = 0) {
  const Assignment* a = g.find({number, again});
  return a == nullptr ? 0 : static_cast<uint64_t>(a->work);
}

}  // namespace

TEST_CASE("each job is judged by what it was given out with [C125]", "[C125]") {
  GivenJobs g;
  CHECK(g.empty());
  CHECK(judged(g, 1) == 0);
  for (uint64_t n = 5; n <= 9; ++n) g.add(n, of(1));
  CHECK(g.add_again(of(16)) == 1);
  CHECK(g.add_again(of(4)) == 2);
  CHECK(g.newest() == GivenName{9, 2});
  g.add(10, of(4));
  g.add(11, of(4));
  CHECK(judged(g, 4) == 0);   // before its time
  CHECK(judged(g, 5) == 1);
  CHECK(judged(g, 9) == 1);
  CHECK(judged(g, 9, 1) == 16);
  CHECK(judged(g, 9, 2) == 4);
  CHECK(judged(g, 9, 3) == 0);   // never given
  CHECK(judged(g, 8, 1) == 0);
  CHECK(judged(g, 10) == 4);
  CHECK(judged(g, 10, 1) == 0);
  CHECK(judged(g, 11) == 4);
  CHECK(judged(g, 12) == 0);
  g.forget_before(9);
  CHECK(judged(g, 9) == 1);
  g.forget_before(10);
  CHECK(judged(g, 9) == 0);
  CHECK(judged(g, 9, 1) == 0);
  CHECK(judged(g, 11) == 4);
}

TEST_CASE("a connection's memory of its jobs is bounded [C113]", "[C113]") {
  GivenJobs g;
  g.add(1, of(1));
  for (uint32_t i = 0; i < 70; ++i) CHECK(g.add_again(of(2 + i)) == i + 1);
  CHECK(judged(g, 1) == 0);
  CHECK(judged(g, 1, 70) == 71);
  CHECK(judged(g, 1, 10) != judged(g, 1, 7));
  for (uint32_t i = 70; i < UINT16_MAX; ++i) g.add_again(of(1));
  CHECK(g.add_again(of(1)) == 0);
}

TEST_CASE("names of jobs that are given again [C125]", "[C125]") {
  CHECK(name_again("18bcfe56800000001", 3) == "18bcfe568000000010003");
  const auto split = split_name("18bcfe568000000010003");
  REQUIRE(split);
  CHECK(split->job == "18bcfe56800000001");
  CHECK(split->again == 3);
  CHECK(split_name(name_again("a", 0xffff))->again == 0xffff);
  for (const char* text : {"", "1", "0003", "a0000", "a00g1", "a-001", "a+001"}) CHECK_FALSE(split_name(text));
}
