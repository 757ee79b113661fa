// Rates against the law they follow (computed here in floating point, which the program never uses), and the books of who did what.
#include <cmath>
#include <random>
#include <set>

#include "test_parts.h"

using namespace hh;
using namespace hh::pool;
using namespace hh::pool::test;

namespace {

constexpr int64_t start_ms = 1'700'000'000'000;

double as_double(Uint128 n) { return static_cast<double>(n); }

bitcoin::Hash256 hash_of_difficulty(double d) {  // its upper half, that is
  bitcoin::Hash256 h{};
  auto n = static_cast<Uint128>(std::ldexp(65535.0 / d, 80));
  for (size_t i = 16; i < 32; ++i, n >>= 8) h.bytes[i] = static_cast<uint8_t>(n);
  return h;
}
const bitcoin::Hash256 any_hash = hash_of_difficulty(1);

}  // namespace

TEST_CASE("a steady rate is shown as it is, from the second minute to the tenth week, small and large [C081]", "[C081]") {
  for (const uint64_t work : {uint64_t{1}, uint64_t{4'300}, uint64_t{1} << 45, (uint64_t{1} << 62)}) {
    Rate r;
    const int64_t start = 1'000;
    for (int64_t t = start; t < start + 3'000; t += 3) r.add(work, t);
    for (size_t i = 0; i < rate_seconds.size(); ++i) {
      CAPTURE(work, rate_names[i]);
      CHECK(as_double(r.per(i, start + 3'000, 3'000, 1000)) == Approx(static_cast<double>(work) / 3 * 1000).epsilon(0.03));
    }
  }
}

TEST_CASE("work fades with exp(-t/T), whether it is looked at every second or once a week [C081]", "[C081]") {
  Rate once, often;
  const uint64_t work = uint64_t{1} << 50;
  once.add(work, 0);
  often.add(work, 0);
  for (int64_t t = 1; t <= 86'400; ++t) often.add(0, t);
  for (size_t i = 0; i < rate_seconds.size(); ++i) {
    const double T = static_cast<double>(rate_seconds[i]), full = static_cast<double>(work);
    for (const int64_t t : {1, 59, 63, 64, 65, 1'000, 86'400, 604'800}) {
      CAPTURE(T, t);
      const double expected = full * std::exp(-static_cast<double>(t) / T) / T;
      // A factor is exact to 2^-32, so what is left of a rate is exact to a billionth of what it was.
      CHECK(as_double(once.per_second(i, t, 100'000'000)) == Approx(expected).epsilon(0.0005).margin(full / T * 1e-9 + 1.01));
    }
    CHECK(as_double(often.per_second(i, 86'400, 100'000'000)) == Approx(full * std::exp(-86'400 / T) / T).epsilon(0.0005).margin(1.01));
  }
  CHECK(once.per_second(6, int64_t{1} << 60, 100'000'000) == 0);
  Rate backwards;
  backwards.add(work, 100);
  backwards.add(work, 50);  // a clock that steps back stands still
  CHECK(as_double(backwards.per_second(0, 20, 1'000'000)) == Approx(2.0 * static_cast<double>(work) / 60).epsilon(0.001));
}

TEST_CASE("a zettahash for two weeks does not overflow, and one hash a minute is not lost in rounding [C081]", "[C081]") {
  Rate farm;
  const auto most = static_cast<uint64_t>(INT64_MAX);  // the largest share: 2^63 hashes; 128 of them a second are 1 ZH/s
  for (int64_t t = 0; t < 14 * 86'400; t += 600)
    for (int n = 0; n < 600 * 128; ++n) farm.add(most, t);
  CHECK(as_double(farm.per_second(6, 14 * 86'400, 14 * 86'400)) == Approx(std::ldexp(1.0, 70)).epsilon(0.01));
  Rate snail;
  for (int64_t t = 0; t < 86'400 * 3; t += 60) snail.add(1, t);
  CHECK(as_double(snail.per(5, 86'400 * 3, 86'400 * 3, 60'000)) == Approx(1'000).epsilon(0.02));  // in 60,000 seconds
}

TEST_CASE("a young counter is neither zero nor a farm [C081]", "[C081]") {
  Rate r;
  r.add(6'000'000, 1'000);
  CHECK(as_double(r.per_second(5, 1'000, 0)) == Approx(100'000).epsilon(0.01));  // a minute's worth
  for (int64_t t = 1'001; t < 1'600; ++t) r.add(100'000, t);
  CHECK(as_double(r.per_second(5, 1'600, 600)) == Approx(110'000).epsilon(0.01));
}

TEST_CASE("a worker's, a miner's and the pool's figures; miners are the sum of their workers [C081]", "[C081]") {
  Statistics s(10, start_ms);
  {
    const auto a = s.sit("alice", "one"), a2 = s.sit("alice", "one"), b = s.sit("alice", "two"), c = s.sit("bob", "");
    s.accepted(a, 1'000, hash_of_difficulty(3));
    s.tick(start_ms + 60'000);
    s.accepted(a2, 1'000, hash_of_difficulty(8));
    s.accepted(b, 500, hash_of_difficulty(5));
    s.refused(b, Refused::stale, 500);
    s.refused(c, Refused::duplicate, 7);
    s.refused(Statistics::Seat(), Refused::unauthorized, 0);
    const auto alice = s.miner("alice").value();
    CHECK(alice.accepted.shares == 3);
    CHECK(alice.accepted.work == 2'500);
    CHECK(alice.sessions == 3);
    CHECK(alice.workers == 2);
    CHECK(whole_difficulty(alice.best) == 8);
    CHECK(alice.refused[static_cast<size_t>(Refused::stale)].work == 500);
    CHECK(alice.first_seen_ms == start_ms);
    CHECK(alice.last_share_ms == start_ms + 60'000);
    const auto workers = s.workers("alice");
    REQUIRE(workers.size() == 2);
    CHECK(workers[0].worker == "one");
    CHECK(workers[0].accepted.shares == 2);
    CHECK(workers[0].sessions == 2);
    CHECK(workers[1].worker == "two");
    CHECK(as_double(alice.hashrate[1]) == Approx(as_double(workers[0].hashrate[1] + workers[1].hashrate[1])).margin(1.1));
    CHECK(alice.hashrate[1] > 0);
    const auto pool = s.pool();
    CHECK(pool.accepted.work == 2'500);
    CHECK(pool.refused[static_cast<size_t>(Refused::duplicate)].shares == 1);
    CHECK(pool.refused[static_cast<size_t>(Refused::unauthorized)].shares == 1);
    CHECK(pool.workers == 3);
    CHECK(as_double(s.pool_share_rate(0)) == Approx(1000.0 * (2 + std::exp(-1)) / (60 * (1 - std::exp(-1)))).epsilon(0.01));
  }
  CHECK(s.miner("alice")->sessions == 0);
  CHECK_FALSE(s.miner("carol"));
  CHECK(s.workers("carol").empty());
}

TEST_CASE("memory is bounded: the longest away goes first, the connected stay, nobodies leave no trace [C113]", "[C113]") {
  Statistics s(3, start_ms);
  const auto visit = [&](const char* miner, const char* worker) {
    const auto seat = s.sit(miner, worker);
    s.accepted(seat, 100, any_hash);
  };
  visit("a", "1");
  s.tick(start_ms + 1'000);
  visit("a", "2");
  s.tick(start_ms + 2'000);
  { const auto nobody = s.sit("x", ""); }
  CHECK(s.worker_count() == 2);
  CHECK_FALSE(s.miner("x"));
  visit("b", "1");
  visit("a", "1");  // back, and so no longer the longest away
  visit("c", "1");  // a.2 makes room
  CHECK(s.worker_count() == 3);
  CHECK(s.evicted() == 1);
  REQUIRE(s.workers("a").size() == 1);
  CHECK(s.workers("a")[0].worker == "1");
  CHECK(s.miner("a")->accepted.work == 300);  // what the forgotten one did stays the miner's
  CHECK(s.pool().accepted.work == 500);
  const auto one = s.sit("a", "1"), two = s.sit("b", "1"), three = s.sit("c", "1"), four = s.sit("d", "1");
  CHECK(s.turned_away() == 1);
  s.accepted(four, 7, any_hash);
  s.refused(four, Refused::stale, 1);
  CHECK_FALSE(s.miner("d"));
  CHECK(s.pool().accepted.work == 507);
}

TEST_CASE("who has been away for a week is forgotten [C113]", "[C113]") {
  Statistics s(10, start_ms);
  auto stays = s.sit("stays", "");
  { const auto goes = s.sit("goes", ""); s.accepted(goes, 1, any_hash); }
  s.tick(start_ms + Statistics::forget_after_s * 1000 - 1);
  CHECK(s.miner("goes"));
  s.tick(start_ms + Statistics::forget_after_s * 1000);
  CHECK_FALSE(s.miner("goes"));
  CHECK(s.miner("stays"));
  CHECK(s.miner_count() == 1);
}

TEST_CASE("a list of many miners comes in pieces, each miner once [C113]", "[C113]") {
  Statistics s(1'000, start_ms);
  std::vector<Statistics::Seat> seats;
  for (int m = 0; m < 50; ++m)
    for (int w = 0; w < (m == 7 ? 30 : 1 + m % 3); ++w) seats.push_back(s.sit("m" + std::to_string(1000 + m), std::to_string(w)));
  std::vector<std::string> names;
  std::string after;
  for (std::vector<Figures> some; !(some = s.miners(after, 5)).empty(); after = some.back().miner)
    for (const auto& f : some) names.push_back(f.miner);
  CHECK(names.size() == 50);
  CHECK(std::is_sorted(names.begin(), names.end()));
}

TEST_CASE("random comings and goings: counts always add up to the pool's [C081 C113]", "[C081][C113]") {
  std::mt19937 random(7);
  Statistics s(40, start_ms);
  std::vector<Statistics::Seat> seats;
  uint64_t work = 0, shares = 0;
  int64_t now = start_ms;
  for (int step = 0; step < 20'000; ++step) {
    const auto pick = random() % 100;
    if (pick < 20) seats.push_back(s.sit("m" + std::to_string(random() % 12), std::to_string(random() % 8)));
    else if (pick < 38 && !seats.empty()) std::swap(seats[random() % seats.size()], seats.back()), seats.pop_back();
    else if (pick < 40) s.tick(now += static_cast<int64_t>(random() % 3'600'000));
    else if (!seats.empty()) s.accepted(seats[random() % seats.size()], pick, any_hash), work += pick, ++shares;
    CHECK(s.worker_count() <= 40);
  }
  CHECK(s.pool().accepted.work == work);
  CHECK(s.pool().accepted.shares == shares);
  Uint128 sum = 0;
  for (const auto& f : s.miners("", 1'000)) sum += f.accepted.work;
  CHECK(sum <= work);  // miners that were forgotten whole are not in it
  CHECK(s.evicted() > 0);
}

TEST_CASE("what is saved comes back the same [C081]", "[C081]") {
  Statistics before(100, start_ms);
  {
    const auto a = before.sit("alice", "one"), b = before.sit("bob", "");
    for (int i = 0; i < 100; ++i) {
      before.tick(start_ms + i * 3'000);
      before.accepted(a, 1'000'000, hash_of_difficulty(3 + i));
    }
    before.refused(b, Refused::malformed, 3);
  }
  Statistics after(100, start_ms + 400'000);
  after.restore(before.saved_pool());
  std::string last;
  for (const auto& w : before.saved_workers("", 1'000, last)) after.restore(w);
  CHECK(last == "bob");
  before.tick(start_ms + 400'000);
  for (const char* miner : {"alice", "bob"}) {
    const auto x = before.miner(miner).value(), y = after.miner(miner).value();
    CHECK(x.hashrate == y.hashrate);
    CHECK(x.accepted.work == y.accepted.work);
    CHECK(x.best == y.best);
    CHECK(x.first_seen_ms == y.first_seen_ms);
    CHECK(x.last_share_ms == y.last_share_ms);
    CHECK(x.refused[static_cast<size_t>(Refused::malformed)].work == y.refused[static_cast<size_t>(Refused::malformed)].work);
  }
  CHECK(before.pool().hashrate == after.pool().hashrate);
  CHECK(after.miner("alice")->hashrate[1] > 0);
}

TEST_CASE("difficulties as text, from CPU miners to the luckiest share ever [C081]", "[C081]") {
  CHECK(difficulty_text(no_best) == "0");
  CHECK(difficulty_text(upper_half(hash_of_difficulty(1))) == "1");
  CHECK(difficulty_text(upper_half(hash_of_difficulty(0.5))) == "0.5");
  CHECK(difficulty_text(upper_half(hash_of_difficulty(0.000001))).substr(0, 8) == "0.000001");
  CHECK(whole_difficulty(upper_half(hash_of_difficulty(150e12))) / 1'000'000 == 150'000'000);
  CHECK(whole_difficulty(upper_half(bitcoin::Hash256{})) == UINT64_MAX);
  CHECK(difficulty_shares(bitcoin::work_of(bitcoin::Difficulty::whole(16'384)).hashes() * 3) == 3 * 16'384);
  CHECK(difficulty_shares(Uint128{1} << 110) == UINT64_MAX);
}

TEST_CASE("each refusal is counted by its own reason, whatever its sentence [C081]", "[C081]") {
  PoolConfig c;
  c.start_difficulty = bitcoin::Difficulty(1 << 12);
  TestPool p(c);
  const auto job = p.give(simple_template());
  TestMiner m(p);
  const auto counted = [&](Refused r) { return p.pool->statistics.pool().refused[static_cast<size_t>(r)].shares; };
  m.submit({"u", "j", "00", 0, 0, std::nullopt});
  CHECK(counted(Refused::not_subscribed) == 1);
  m.log_in();
  auto share = m.find(*job, easy());
  const auto good = share;
  share.ntime = 0;
  m.submit(share);
  CHECK(counted(Refused::malformed) == 1);
  p.pool->when_down = WhenDown::pause;
  m.submit(good);
  CHECK(counted(Refused::no_job) == 1);
  p.pool->when_down = WhenDown::keep;
  p.give(simple_template(0x1d00ffff, 201));
  p.clock.advance_ms(2'001);
  m.submit(good);
  p.clock.advance_ms(10'000);
  p.pool->tick();
  m.submit(good);
  CHECK(counted(Refused::stale) == 2);
  uint64_t all = 0;
  std::set<std::string> names;
  for (const Tally& t : p.pool->statistics.pool().refused) all += t.shares;
  CHECK(all == 5);
  for (size_t i = 0; i < refused_reasons; ++i) names.insert(name(static_cast<Refused>(i)));
  CHECK(names.size() == refused_reasons);
}

TEST_CASE("a wall clock that is stepped changes no hashrate [C081]", "[C081]") {
  PoolConfig c;
  c.start_difficulty = bitcoin::Difficulty(1 << 12);
  TestPool p(c);
  const auto job = p.give(simple_template());
  TestMiner m(p);
  m.log_in();
  for (int i = 0; i < 120; ++i) {
    if (i == 60) p.clock.step_wall_ms(-2 * 3'600'000);
    if (i == 100) p.clock.step_wall_ms(4 * 3'600'000);
    p.clock.advance_ms(1'000);
    p.pool->tick();
    m.submit(m.find(*job, easy()));
  }
  const auto f = p.pool->statistics.pool();
  CHECK(as_double(f.hashrate[0]) == Approx(as_double(f.accepted.work) / 120).epsilon(0.03));
}

TEST_CASE("sessions feed the statistics: accepted, refused, and the worker that left [C081]", "[C081]") {
  PoolConfig c;
  c.start_difficulty = bitcoin::Difficulty(1 << 12);
  TestPool p(c);
  const auto job = p.give(simple_template());
  {
    TestMiner m(p);
    m.log_in();
    const auto share = m.find(*job, easy());
    m.submit(share);
    m.submit(share);
    m.submit(m.find(*job, easy(), false));
    auto late = share;
    late.job = "0";
    m.submit(late);
    late.user = "stranger";
    m.submit(late);
    const auto f = p.pool->statistics.miner(miner_address).value();
    CHECK(f.sessions == 1);
    CHECK(f.accepted.shares == 1);
    CHECK(f.accepted.work == static_cast<uint64_t>(assign(bitcoin::Difficulty(1 << 12), *job).work));
    CHECK(f.best != no_best);
    CHECK(f.refused[static_cast<size_t>(Refused::duplicate)].shares == 1);
    CHECK(f.refused[static_cast<size_t>(Refused::duplicate)].work == f.accepted.work);
    CHECK(f.refused[static_cast<size_t>(Refused::low_difficulty)].shares == 1);
    CHECK(f.refused[static_cast<size_t>(Refused::job_not_found)].work == f.accepted.work);
    CHECK(f.refused[static_cast<size_t>(Refused::unauthorized)].shares == 0);
    CHECK(p.pool->statistics.pool().refused[static_cast<size_t>(Refused::unauthorized)].shares == 1);
  }
  CHECK(p.pool->statistics.miner(miner_address)->sessions == 0);
  CHECK(p.pool->statistics.workers(miner_address)[0].worker == "rig");
}
