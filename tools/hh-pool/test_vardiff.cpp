// Vardiff against simulated miners: shares arrive at random (Poisson, seeded), a new difficulty takes a while to reach the miner, jobs come
// every 30 s. `unit_pool "[table]"` prints the figures that vardiff.h quotes.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <functional>
#include <random>
#include <vector>

#include "base/clock.h"
#include "vardiff.h"

using namespace hh;
using namespace hh::pool;
using bitcoin::Difficulty;

namespace {

constexpr double hashes_per_difficulty = 4294967296.0;
constexpr int64_t way_ms = 60, job_ms = 30'000, second_ms = 1'000;
constexpr double most_shares_a_second = 5'000;  // what a miner's controller can send

double ideal(double speed, double per_minute = 20) { return speed / hashes_per_difficulty * 60 / per_minute; }

// One miner at the other end of a Vardiff.
class Simulation {
 public:
  Simulation(VardiffConfig c, Difficulty start, uint64_t seed) : config(c), vardiff(config, start, clock.monotonic_ms()), random_(seed), at_miner_(vardiff.wanted()) {
    vardiff.in_force(at_miner_, now());
    next_job_ = now() + job_ms;
    next_tick_ = now() + second_ms;
  }

  // Mines at that many hashes a second for so long. 0: off.
  void mine(double speed, int64_t ms) {
    const int64_t end = now() + ms;
    double due = static_cast<double>(now()) + gap(speed);
    while (now() < end) {
      const int64_t next = std::min({next_job_, next_tick_, arrival_ > now() ? arrival_ : INT64_MAX, end});
      if (speed > 0 && due < static_cast<double>(next)) {
        clock.advance_ms(std::max<int64_t>(static_cast<int64_t>(due) - now(), 0));
        share();
        due += gap(speed);
        continue;
      }
      clock.advance_ms(std::max<int64_t>(next - now(), 0));
      if (now() == arrival_) at_miner_ = in_force_now_, arrival_ = 0, due = static_cast<double>(now()) + gap(speed);  // memoryless
      if (now() == next_job_) send(), next_job_ += job_ms;
      if (now() == next_tick_) act(vardiff.adjust(now())), next_tick_ += second_ms;
    }
  }

  int64_t now() const { return clock.monotonic_ms(); }
  double difficulty() const { return at_miner_.to_wire(); }

  FakeClock clock;
  VardiffConfig config;
  Vardiff vardiff;
  int64_t shares = 0, moves = 0;
  std::function<void()> on_change = [] {};

 private:
  double gap(double speed) {
    if (speed <= 0) return 1e18;
    const double a_second = std::min(speed / (at_miner_.to_wire() * hashes_per_difficulty), most_shares_a_second);
    return std::exponential_distribution<double>(a_second / 1000)(random_);
  }
  void share() {
    ++shares;
    act(vardiff.count_share(at_miner_, now()));
  }
  void act(Vardiff::Move move) {
    if (move == Vardiff::Move::at_once) send();
  }
  void send() {
    const Difficulty d = vardiff.wanted();
    vardiff.in_force(d, now());
    if (d == in_force_now_) return;
    in_force_now_ = d;
    arrival_ = now() + way_ms;
    ++moves;
    on_change();
  }

  std::mt19937_64 random_;
  Difficulty at_miner_, in_force_now_{at_miner_};
  int64_t next_job_ = 0, next_tick_ = 0, arrival_ = 0;
};

struct Settled {
  int64_t ms = -1, shares = 0;
};

// Until the difficulty is within a factor of two of the right one for a whole minute; when that minute began.
Settled settle(Simulation& s, double speed, int64_t patience_ms) {
  const int64_t start = s.now(), shares = s.shares;
  int64_t good_since = -1, shares_then = 0;
  while (s.now() - start < patience_ms) {
    const double off = s.difficulty() / ideal(speed, static_cast<double>(s.config.shares_per_minute));
    if (off < 0.5 || off > 2)
      good_since = -1;
    else if (good_since < 0)
      good_since = s.now(), shares_then = s.shares;
    if (good_since >= 0 && s.now() - good_since >= 60'000) return {good_since - start, shares_then - shares};
    s.mine(speed, 100);
  }
  return {};
}

struct Steady {
  double per_minute = 0, spread = 0;  // spread: variance of a minute's shares over their mean; 1 where only chance is at work
  double off_by_two = 0;              // part of the minutes that began with a difficulty that was off by more than two
  double moves_an_hour = 0;
};
Steady steady(Simulation& s, double speed, int minutes) {
  Steady out;
  double sum = 0, squares = 0;
  const int64_t moves = s.moves;
  for (int i = 0; i < minutes; ++i) {
    const double off = s.difficulty() / ideal(speed, static_cast<double>(s.config.shares_per_minute));
    if (off < 0.5 || off > 2) out.off_by_two += 1.0 / minutes;
    const int64_t before = s.shares;
    s.mine(speed, 60'000);
    const auto n = static_cast<double>(s.shares - before);
    sum += n, squares += n * n;
  }
  out.per_minute = sum / minutes;
  out.spread = (squares / minutes - out.per_minute * out.per_minute) / out.per_minute;
  out.moves_an_hour = static_cast<double>(s.moves - moves) * 60 / minutes;
  return out;
}

struct Case {
  const char* name;
  double speed;
};
const std::vector<Case> speeds{{"1 GH/s", 1e9}, {"1 TH/s", 1e12}, {"100 TH/s", 1e14}, {"1 PH/s", 1e15}, {"10 PH/s", 1e16}};

Difficulty difficulty(double d) { return *Difficulty::from_wire(std::min(std::max(d, 1e-9), 2147450880.0)); }

VardiffConfig wide() {
  VardiffConfig c;
  c.least = Difficulty(1);
  return c;
}

// The worst and the middle of many seeds.
struct Spread {
  std::vector<double> values;
  double at(double part) {
    std::sort(values.begin(), values.end());
    return values[static_cast<size_t>(part * static_cast<double>(values.size() - 1))];
  }
};
constexpr int seeds = 40;

struct StartRow {
  Spread seconds, shares;
};
StartRow from_wrong(double speed, double factor) {
  StartRow row;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    Simulation s(wide(), difficulty(ideal(speed) * factor), seed);
    const Settled t = settle(s, speed, 1'800'000);
    row.seconds.values.push_back(t.ms < 0 ? 1e9 : static_cast<double>(t.ms) / 1000);
    row.shares.values.push_back(static_cast<double>(t.shares));
  }
  return row;
}

// A miner that has worked at one speed goes on with another.
StartRow after_step(double speed, double factor) {
  StartRow row;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    Simulation s(wide(), difficulty(ideal(speed)), seed);
    s.mine(speed, 900'000);
    const Settled t = settle(s, speed * factor, 1'800'000);
    row.seconds.values.push_back(t.ms < 0 ? 1e9 : static_cast<double>(t.ms) / 1000);
    row.shares.values.push_back(static_cast<double>(t.shares));
  }
  return row;
}

struct Rented {
  Spread moves, shares_a_minute, settle_seconds, lowest;
};
// On for ten minutes, off for five, the connection stays: what happens in the time that it is on, from the second time on.
Rented rented(double speed, int64_t on_ms, int64_t off_ms) {
  Rented r;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    Simulation s(wide(), difficulty(ideal(speed)), seed);
    s.mine(speed, 600'000);
    for (int round = 0; round < 4; ++round) {
      s.mine(0, off_ms);
      r.lowest.values.push_back(s.difficulty() / ideal(speed));
      const int64_t moves = s.moves, shares = s.shares, start = s.now();
      const Settled t = settle(s, speed, on_ms);
      s.mine(speed, std::max<int64_t>(start + on_ms - s.now(), 0));
      r.moves.values.push_back(static_cast<double>(s.moves - moves));
      r.shares_a_minute.values.push_back(static_cast<double>(s.shares - shares) * 60'000 / static_cast<double>(on_ms));
      r.settle_seconds.values.push_back(t.ms < 0 ? 1e9 : static_cast<double>(t.ms) / 1000);
    }
  }
  return r;
}

}  // namespace

TEST_CASE("vardiff finds the difficulty from 2^20 too easy and too hard, whatever the speed [C125]", "[C125][vardiff]") {
  for (const auto& [name, speed] : speeds) {
    INFO(name);
    if (ideal(speed) / 1048576 > 1e-9) {
      StartRow easy = from_wrong(speed, 1.0 / 1048576);
      CHECK(easy.seconds.at(0.5) < 15);
      CHECK(easy.seconds.at(0.95) < 100);
      CHECK(easy.seconds.at(1) < 240);
    }
    if (ideal(speed) * 1048576 < 2147450880.0) {
      StartRow hard = from_wrong(speed, 1048576);
      CHECK(hard.seconds.at(0.5) < 90);
      CHECK(hard.seconds.at(0.95) < 180);
      CHECK(hard.seconds.at(1) < 240);
      CHECK(hard.shares.at(0.5) < 25);
    }
    StartRow right = from_wrong(speed, 1);
    CHECK(right.seconds.at(0.5) == 0);
    CHECK(right.seconds.at(1) < 60);
  }
}

TEST_CASE("vardiff at a steady speed: the wanted rate, hardly more spread than chance, few moves [C125]", "[C125][vardiff]") {
  for (const auto& [name, speed] : speeds) {
    INFO(name);
    Simulation s(wide(), difficulty(8192), 7);
    s.mine(speed, 900'000);
    const Steady t = steady(s, speed, 600);
    CHECK(t.per_minute > 17);
    CHECK(t.per_minute < 23);
    CHECK(t.spread < 1.6);
    CHECK(t.off_by_two < 0.01);
    CHECK(t.moves_an_hour < 4);
  }
}

TEST_CASE("vardiff follows sudden steps by a hundred [C125]", "[C125][vardiff]") {
  for (const double speed : {1e12, 1e15}) {
    StartRow up = after_step(speed, 100), down = after_step(speed, 0.01), twice = after_step(speed, 3);
    CHECK(up.seconds.at(0.5) < 20);
    CHECK(up.seconds.at(0.95) < 120);
    CHECK(up.seconds.at(1) < 240);
    CHECK(up.shares.at(0.5) < 60);
    CHECK(down.seconds.at(0.5) < 90);
    CHECK(down.seconds.at(1) < 240);
    CHECK(twice.seconds.at(1) < 150);
  }
}

TEST_CASE("vardiff on rented hashrate that goes off and on does not swing [C125]", "[C125][vardiff]") {
  Rented r = rented(1e15, 600'000, 300'000);
  CHECK(r.lowest.at(0) > 1.0 / 1048576);  // it did not go to the floor while it was off
  CHECK(r.settle_seconds.at(0.5) < 15);
  CHECK(r.settle_seconds.at(0.95) < 90);
  CHECK(r.settle_seconds.at(1) < 240);
  CHECK(r.moves.at(0.5) <= 5);
  CHECK(r.moves.at(0.95) <= 8);
  CHECK(r.moves.at(1) <= 12);
  Rented brief = rented(1e15, 120'000, 10'000);  // ten seconds are no reason to do anything
  CHECK(brief.lowest.at(0.5) > 0.5);
  CHECK(brief.shares_a_minute.at(0.5) > 14);
  CHECK(brief.shares_a_minute.at(0.5) < 30);
}

TEST_CASE("vardiff: limits, a flood, silence, off [C125]", "[C125][vardiff]") {
  FakeClock clock;
  const auto now = [&] { return clock.monotonic_ms(); };
  VardiffConfig config;
  config.least = Difficulty::whole(2);
  config.most = Difficulty::whole(64);
  Vardiff v(config, Difficulty::whole(1), now());
  const auto sent = [&] { v.in_force(v.wanted(), now()); };
  CHECK(v.wanted() == Difficulty::whole(2));
  v.start_at(Difficulty::whole(1'000'000));
  CHECK(v.wanted() == Difficulty::whole(64));
  sent();
  clock.advance_ms(11'000);
  CHECK(v.adjust(now()) == Vardiff::Move::none);
  clock.advance_ms(2'000);
  CHECK(v.adjust(now()) == Vardiff::Move::at_once);  // four shares were due and none came: a sixteenth
  CHECK(v.wanted() == Difficulty::whole(4));
  sent();
  clock.advance_ms(13'000);
  CHECK(v.adjust(now()) == Vardiff::Move::at_once);  // by two only, but nothing is known yet
  CHECK(v.wanted() == Difficulty::whole(2));
  sent();
  clock.advance_ms(60'000);
  CHECK(v.adjust(now()) == Vardiff::Move::none);  // at the floor
  // A flood is answered to after a handful, 64-fold at most and not above the limit.
  int needed = 0;
  for (Vardiff::Move m = Vardiff::Move::none; m == Vardiff::Move::none && needed < 100; ++needed) m = v.count_share(Difficulty::whole(2), now());
  CHECK(needed <= 6);
  CHECK(v.wanted() == Difficulty::whole(64));
  sent();
  // Shares of the old difficulty that were under way count for what they are.
  for (int i = 0; i < 100; ++i) CHECK(v.count_share(Difficulty::whole(2), now()) == Vardiff::Move::none);
  v.set_least(Difficulty::whole(32));
  v.start_at(Difficulty::whole(1));
  CHECK(v.wanted() == Difficulty::whole(32));
  v.set_least(Difficulty::whole(5'000));  // not above the pool's own limit
  CHECK(v.wanted() == Difficulty::whole(64));

  config.shares_per_minute = 0;
  for (int i = 0; i < 1000; ++i) CHECK(v.count_share(Difficulty::whole(64), now()) == Vardiff::Move::none);
  clock.advance_ms(100'000);
  CHECK(v.adjust(now()) == Vardiff::Move::none);
}

TEST_CASE("vardiff: a fixed difficulty stays, until it is a flood [C125][C113]", "[C125][C113][vardiff]") {
  Simulation slow(wide(), difficulty(1), 1);
  slow.vardiff.fix_at(Difficulty::whole(1'000'000));
  slow.mine(1e12, 3'600'000);  // a seventh of a share a minute
  CHECK(slow.vardiff.wanted() == Difficulty::whole(1'000'000));
  CHECK(slow.vardiff.is_fixed());
  Simulation busy(wide(), difficulty(1), 1);
  busy.vardiff.fix_at(difficulty(ideal(1e12) / 8));
  busy.mine(1e12, 3'600'000);
  CHECK(busy.vardiff.is_fixed());
  CHECK(busy.difficulty() < ideal(1e12) / 7);
  Simulation flood(wide(), difficulty(1), 1);
  flood.vardiff.fix_at(difficulty(ideal(1e12) / 100));
  flood.mine(1e12, 300'000);
  CHECK_FALSE(flood.vardiff.is_fixed());
  CHECK(flood.difficulty() > ideal(1e12) / 3);
}

TEST_CASE("vardiff: where the network's difficulty caps it, nothing is sent again and again [C125]", "[C125][vardiff]") {
  FakeClock clock;
  VardiffConfig config;
  Vardiff v(config, Difficulty::whole(1), clock.monotonic_ms());
  v.in_force(Difficulty::whole(1), clock.monotonic_ms());
  int moves = 0;
  for (int i = 0; i < 1000; ++i) {
    clock.advance_ms(10);
    if (v.count_share(Difficulty::whole(1), clock.monotonic_ms()) == Vardiff::Move::none) continue;
    ++moves;
    v.in_force(Difficulty::whole(1), clock.monotonic_ms());  // what the job allows
  }
  CHECK(moves > 0);
  CHECK(moves < 250);
}

// Not run by itself: prints the figures in vardiff.h.
TEST_CASE("vardiff's table", "[.][table]") {
  std::printf("%-10s %-14s %10s %10s %10s\n", "speed", "at first", "median s", "95 % s", "shares");
  for (const auto& [name, speed] : speeds)
    for (const auto& [label, factor] : std::vector<std::pair<const char*, double>>{{"2^20 too easy", 1.0 / 1048576}, {"2^10 too easy", 1.0 / 1024}, {"right", 1}, {"2^10 too hard", 1024}, {"2^20 too hard", 1048576}}) {
      if (ideal(speed) * factor > 2147450880.0 || ideal(speed) * factor < 1e-9) continue;
      StartRow row = from_wrong(speed, factor);
      std::printf("%-10s %-14s %10.1f %10.1f %10.0f\n", name, label, row.seconds.at(0.5), row.seconds.at(0.95), row.shares.at(0.5));
    }
  std::printf("\n%-10s %-14s %10s %10s %10s\n", "speed", "step", "median s", "95 % s", "shares");
  for (const auto& [name, speed] : std::vector<Case>{{"1 TH/s", 1e12}, {"1 PH/s", 1e15}})
    for (const auto& [label, factor] : std::vector<std::pair<const char*, double>>{{"x 100", 100}, {"x 3", 3}, {"/ 3", 1.0 / 3}, {"/ 100", 0.01}}) {
      StartRow row = after_step(speed, factor);
      std::printf("%-10s %-14s %10.1f %10.1f %10.0f\n", name, label, row.seconds.at(0.5), row.seconds.at(0.95), row.shares.at(0.5));
    }
  std::printf("\n%-10s %14s %10s %12s %14s\n", "speed", "shares/min", "spread", "off by > 2", "moves an hour");
  for (const auto& [name, speed] : speeds) {
    Simulation s(wide(), difficulty(8192), 7);
    s.mine(speed, 900'000);
    const Steady t = steady(s, speed, 600);
    std::printf("%-10s %14.2f %10.2f %11.2f%% %14.2f\n", name, t.per_minute, t.spread, t.off_by_two * 100, t.moves_an_hour);
  }
  std::printf("\n%-22s %10s %10s %10s %10s %12s\n", "1 PH/s, on / off", "median s", "95 % s", "moves", "most moves", "shares/min");
  for (const auto& [label, on, off] : std::vector<std::tuple<const char*, int64_t, int64_t>>{{"10 min / 5 min", 600'000, 300'000}, {"2 min / 10 s", 120'000, 10'000}, {"2 min / 2 min", 120'000, 120'000}}) {
    Rented r = rented(1e15, on, off);
    std::printf("%-22s %10.1f %10.1f %10.0f %10.0f %12.1f\n", label, r.settle_seconds.at(0.5), r.settle_seconds.at(0.95), r.moves.at(0.5), r.moves.at(1), r.shares_a_minute.at(0.5));
  }
}
