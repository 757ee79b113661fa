#include <catch2/catch.hpp>

#include "base/clock.h"
#include "vardiff.h"

using namespace hh;
using namespace hh::pool;
using bitcoin::Difficulty;

namespace {

// A miner of that many hashes a second, for so long; shares arrive evenly. Returns how many changes there were.
int mine(Vardiff& v, FakeClock& clock, uint64_t hashes_per_second, int64_t seconds, int64_t* shares = nullptr) {
  int changes = 0;
  double due = 0;
  for (int64_t tick = 0; tick < seconds * 10; ++tick) {
    clock.advance_ms(100);
    due += static_cast<double>(hashes_per_second) / 10 / (v.difficulty().to_wire() * 4294967296.0);
    for (; due >= 1; due -= 1) {
      v.count_share();
      if (shares) ++*shares;
    }
    changes += v.adjust(clock.monotonic_ms());
  }
  return changes;
}

}  // namespace

TEST_CASE("vardiff brings miners of any size to the wanted rate and keeps them there") {
  for (const uint64_t speed : {uint64_t{2'000'000}, uint64_t{1'000'000'000}, uint64_t{100'000'000'000'000}, uint64_t{5'000'000'000'000'000}}) {
    FakeClock clock;
    VardiffConfig config;
    Vardiff v(config, Difficulty::whole(8192), clock.monotonic_ms());
    mine(v, clock, speed, 900);
    int64_t shares = 0;
    const int changes = mine(v, clock, speed, 600, &shares);
    INFO("speed " << speed);
    CHECK(shares > 130);
    CHECK(shares < 300);
    CHECK(changes <= 1);
  }
}

TEST_CASE("vardiff: limits, steps, silence, off") {
  FakeClock clock;
  VardiffConfig config;
  config.least = Difficulty::whole(2);
  config.most = Difficulty::whole(64);
  Vardiff v(config, Difficulty::whole(1), clock.monotonic_ms());
  CHECK(v.difficulty() == Difficulty::whole(2));
  v.set(Difficulty::whole(1'000'000), clock.monotonic_ms());
  CHECK(v.difficulty() == Difficulty::whole(64));
  CHECK_FALSE(v.adjust(clock.monotonic_ms()));
  clock.advance_ms(59'000);
  CHECK_FALSE(v.adjust(clock.monotonic_ms()));
  clock.advance_ms(2'000);
  CHECK(v.adjust(clock.monotonic_ms()));  // a minute without a share: down, by 16 at most
  CHECK(v.difficulty() == Difficulty::whole(4));
  for (int i = 0; i < 1000; ++i) v.count_share();
  clock.advance_ms(10);
  CHECK(v.adjust(clock.monotonic_ms()));  // a flood is not waited for
  CHECK(v.difficulty() == Difficulty::whole(64));
  v.set_least(Difficulty::whole(32));
  v.set(Difficulty::whole(1), clock.monotonic_ms());
  CHECK(v.difficulty() == Difficulty::whole(32));

  config.shares_per_minute = 0;
  for (int i = 0; i < 1000; ++i) v.count_share();
  clock.advance_ms(100'000);
  CHECK_FALSE(v.adjust(clock.monotonic_ms()));
}
