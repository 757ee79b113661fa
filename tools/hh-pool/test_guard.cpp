// Limits and bans by address, with a clock in the hand and no sockets.
#include <catch2/catch.hpp>
#include <filesystem>
#include <unistd.h>
#include <vector>

#include "bans.h"
#include "base/error.h"
#include "base/file.h"
#include "guard.h"
#include "test_parts.h"

using namespace hh;
using namespace hh::pool;
using Catch::Contains;

namespace {

net::Address address(const std::string& text) { return net::Address::parse(text).value(); }
net::AddressRange range(const std::string& text) { return net::AddressRange::parse(text, "test"); }

struct Gate {
  explicit Gate(GuardLimits l = {}) : guard(std::move(l), clock) {}
  bool opens(const std::string& from) {
    auto pass = guard.admit(address(from));
    if (pass) passes.push_back(std::move(*pass));
    return pass.has_value();
  }
  size_t admitted(const std::string& from, size_t tries) {
    size_t n = 0;
    for (; tries > 0; --tries) n += opens(from);
    return n;
  }
  // A connection that comes, offends and is closed.
  bool offend(const std::string& from, Offence what = Offence::malformed) {
    auto pass = guard.admit(address(from));
    if (pass) guard.offended(*pass, what);
    return pass.has_value();
  }
  uint64_t turned_away(TurnedAway why) const { return guard.figures().turned_away[static_cast<size_t>(why)]; }
  FakeClock clock;
  Guard guard;
  std::vector<Guard::Pass> passes;
};

GuardLimits bans_after(uint64_t offences) {
  GuardLimits l;
  l.offences = offences;
  return l;
}

}  // namespace

TEST_CASE("a pace lets so many through at once, and then so many in a time", "[C113]") {
  Pace p;
  int64_t now = 1'000'000;
  for (int i = 0; i < 60; ++i) CHECK(p.take(now, 60, 60'000));
  CHECK_FALSE(p.take(now, 60, 60'000));
  CHECK(p.level(now, 60, 60'000) == 60);
  now += 999;
  CHECK_FALSE(p.take(now, 60, 60'000));
  now += 1;
  CHECK(p.take(now, 60, 60'000));
  CHECK_FALSE(p.take(now, 60, 60'000));
  now += 60'000;
  CHECK(p.is_empty(now));
  CHECK(p.level(now, 60, 60'000) == 0);
  CHECK_FALSE(p.take(now, 60, 60'000, 61));
  CHECK(p.take(now, 60, 60'000, 60));
}

TEST_CASE("an address has so many connections at once, and gets back what it closes", "[C113][X052]") {
  GuardLimits l;
  l.per_address = 3;
  Gate gate(l);
  CHECK(gate.admitted("192.0.2.1", 5) == 3);
  CHECK(gate.turned_away(TurnedAway::per_address) == 2);
  CHECK(gate.opens("192.0.2.2"));
  gate.passes.erase(gate.passes.begin());
  CHECK(gate.admitted("192.0.2.1", 2) == 1);
  // One customer's IPv6 addresses are one; IPv4 is the same through a socket of both families.
  CHECK(gate.opens("2001:db8::1"));
  CHECK(gate.opens("2001:db8:0:0:ffff::2"));
  CHECK(gate.opens("2001:db8::3"));
  CHECK_FALSE(gate.opens("2001:db8::4"));
  CHECK(gate.opens("2001:db8:0:1::1"));
  CHECK_FALSE(gate.opens("::ffff:192.0.2.1"));
}

TEST_CASE("an address makes so many new connections in a minute", "[C113][X053]") {
  GuardLimits l;
  l.new_per_minute = 60;
  Gate gate(l);
  for (int i = 0; i < 60; ++i) CHECK(gate.guard.admit(address("192.0.2.1")));  // closed at once
  CHECK_FALSE(gate.guard.admit(address("192.0.2.1")));
  CHECK(gate.turned_away(TurnedAway::new_per_minute) == 1);
  CHECK(gate.opens("192.0.2.2"));
  gate.clock.advance_ms(10'000);
  CHECK(gate.admitted("192.0.2.1", 20) == 10);
}

TEST_CASE("0 lifts a limit, and whom the list allows has none", "[C113]") {
  GuardLimits none;
  none.per_address = none.new_per_minute = none.messages_per_minute = none.offences = 0;
  Gate open(none);
  CHECK(open.admitted("192.0.2.1", 10'000) == 10'000);
  for (int i = 0; i < 100'000; ++i) REQUIRE(open.guard.may_say(open.passes[0], 100, open.clock.monotonic_ms()));
  for (int i = 0; i < 1'000; ++i) open.guard.offended(open.passes[0], Offence::flood);
  CHECK_FALSE(open.guard.is_banned(open.passes[0]));
  CHECK(open.guard.figures().offences[static_cast<size_t>(Offence::flood)] == 1'000);

  GuardLimits strict;
  strict.per_address = strict.new_per_minute = strict.messages_per_minute = strict.offences = 1;
  strict.allow = net::AddressRange::parse_list({"10.0.0.0/8", "2001:db8::/32"}, "allow");
  Gate gate(strict);
  for (const char* from : {"10.1.2.3", "2001:db8::7"}) {
    CHECK(gate.admitted(from, 100) == 100);
    for (int i = 0; i < 100; ++i) CHECK(gate.guard.may_say(gate.passes.back(), 100, gate.clock.monotonic_ms()));
    CHECK(gate.offend(from));
    CHECK(gate.opens(from));
    CHECK_THROWS_AS(gate.guard.ban(range(from), 1'000), Error);
  }
  CHECK(gate.admitted("11.0.0.1", 100) == 1);
  CHECK(gate.guard.figures().addresses == 1);
}

TEST_CASE("a connection sends so many lines; a long one counts as several", "[C113][X053]") {
  GuardLimits l;
  l.messages_per_minute = 600;
  Gate gate(l);
  REQUIRE(gate.opens("192.0.2.1"));
  const int64_t now = gate.clock.monotonic_ms();
  int said = 0;
  while (gate.guard.may_say(gate.passes[0], 100, now)) ++said;
  CHECK(said == 600);
  CHECK(gate.guard.may_say(gate.passes[0], 100, now + 1'000));  // ten a second
  REQUIRE(gate.opens("192.0.2.2"));
  said = 0;
  while (gate.guard.may_say(gate.passes[1], 16'000, now)) ++said;
  CHECK(said == 600 / 16);
}

// Behind NAT: many connections together send what they may, one that sends far more is found, and only that one.
TEST_CASE("an address' connections share a pace, and only those that burst are over it", "[C113]") {
  GuardLimits l;
  l.messages_per_minute = 6'000;  // an address: 6,000 and 100 for each connection
  Gate gate(l);
  CHECK(gate.admitted("192.0.2.1", 1'000) == 1'000);
  const int64_t now = gate.clock.monotonic_ms();
  // All log in and settle at once, 90 lines each.
  for (auto& pass : gate.passes)
    for (int i = 0; i < 90; ++i) REQUIRE(gate.guard.may_say(pass, 200, now));
  // A second later a hundred of them begin to flood: together they get what is left, not a hundred times 6,000.
  size_t said = 0;
  for (size_t i = 0; i < 100; ++i) {
    int n = 0;
    while (n < 6'000 && gate.guard.may_say(gate.passes[i], 200, now + 1'000)) ++n;
    said += static_cast<size_t>(n);
  }
  CHECK(said < 40'000);
  CHECK(said > 15'000);
  // The other 900 go on as if nothing had been, at 60 lines a minute.
  for (int second = 1; second <= 60; ++second)
    for (size_t i = 100; i < 1'000; ++i) REQUIRE(gate.guard.may_say(gate.passes[i], 200, now + second * 1'000));
}

TEST_CASE("so many offences in ten minutes are a ban, which ends, and is longer the next time", "[C113][X053]") {
  Gate gate(bans_after(5));
  REQUIRE(gate.opens("192.0.2.1"));
  for (int i = 0; i < 4; ++i) CHECK(gate.offend("192.0.2.1"));
  CHECK_FALSE(gate.guard.is_banned(gate.passes[0]));
  CHECK(gate.guard.bans_begun() == 0);
  CHECK(gate.offend("192.0.2.1", Offence::flood));
  CHECK(gate.guard.is_banned(gate.passes[0]));
  CHECK(gate.guard.bans_begun() == 1);
  CHECK_FALSE(gate.opens("192.0.2.1"));
  CHECK(gate.turned_away(TurnedAway::banned) == 1);
  CHECK(gate.opens("192.0.2.2"));
  gate.passes.clear();
  REQUIRE(gate.guard.bans().size() == 1);
  const Ban b = gate.guard.bans()[0];
  CHECK(b.address.text() == "192.0.2.1");
  CHECK(b.reason == Offence::flood);
  CHECK(b.until_ms == gate.clock.unix_ms() + 600'000);
  gate.clock.advance_ms(599'999);
  CHECK_FALSE(gate.opens("192.0.2.1"));
  gate.clock.advance_ms(1);
  for (const int64_t minutes : {20, 40, 80, 160, 320, 640, 1'280, 1'440, 1'440}) {
    for (int i = 0; i < 5; ++i) CHECK(gate.offend("192.0.2.1"));
    REQUIRE(gate.guard.bans().size() == 1);
    CHECK(gate.guard.bans()[0].until_ms - gate.clock.unix_ms() == minutes * 60'000);
    gate.clock.advance_ms(minutes * 60'000);
    gate.guard.tick();
  }
  // A day without offence is forgiven.
  gate.clock.advance_ms(86'400'001);
  gate.guard.tick();
  CHECK(gate.guard.saved().empty());
  for (int i = 0; i < 5; ++i) CHECK(gate.offend("192.0.2.1"));
  CHECK(gate.guard.bans()[0].times == 1);
}

TEST_CASE("offences that are far apart are no ban", "[C113]") {
  Gate gate(bans_after(5));
  for (int i = 0; i < 50; ++i) {
    CHECK(gate.offend("192.0.2.1"));
    gate.clock.advance_ms(130'000);
    gate.guard.tick();
  }
  CHECK(gate.guard.bans_begun() == 0);
}

TEST_CASE("an address from which somebody mines is not banned for what its neighbours do", "[C113]") {
  Gate gate(bans_after(5));
  REQUIRE(gate.opens("192.0.2.1"));
  gate.guard.mines(gate.passes[0]);
  for (int i = 0; i < 100; ++i) CHECK(gate.offend("192.0.2.1"));
  CHECK(gate.guard.bans_begun() == 0);
  CHECK(gate.guard.figures().offences[static_cast<size_t>(Offence::malformed)] == 100);
  // It stands for others, not for itself.
  for (int i = 0; i < 5; ++i) gate.guard.offended(gate.passes[0], Offence::flood);
  CHECK(gate.guard.bans_begun() == 1);
  // When it has gone, nobody mines.
  Gate later(bans_after(5));
  REQUIRE(later.opens("192.0.2.1"));
  later.guard.mines(later.passes[0]);
  later.passes.clear();
  for (int i = 0; i < 5; ++i) CHECK(later.offend("192.0.2.1"));
  CHECK(later.guard.bans_begun() == 1);
}

TEST_CASE("a clock that is stepped neither frees nor bans", "[C113]") {
  Gate gate(bans_after(1));
  CHECK(gate.offend("192.0.2.1"));
  for (const int64_t step : {7'200'000, -14'400'000}) {
    gate.clock.step_wall_ms(step);
    CHECK_FALSE(gate.opens("192.0.2.1"));
    CHECK(gate.guard.bans()[0].until_ms == gate.clock.unix_ms() + 600'000);
  }
  gate.clock.advance_ms(600'000);
  CHECK(gate.opens("192.0.2.1"));
}

TEST_CASE("a flood of addresses does not make memory grow, and those that are connected stay known", "[C113]") {
  GuardLimits l = bans_after(1);
  l.per_address = 1;
  Gate gate(l);
  REQUIRE(gate.opens("192.0.2.1"));
  const auto nth = [](uint32_t i) { return address("2001:db8:" + std::to_string(i / 9'000 % 9'000) + ":" + std::to_string(i % 9'000) + "::1"); };
  for (uint32_t i = 0; i < 100'000; ++i) {
    const auto pass = gate.guard.admit(nth(i));
    REQUIRE(pass);
    if (i < 20'000) gate.guard.offended(*pass, Offence::malformed);
  }
  CHECK(gate.guard.figures().addresses <= Guard::most_addresses);
  CHECK(gate.guard.saved().size() == Guard::most_bans);
  CHECK_FALSE(gate.opens("192.0.2.1"));
  gate.clock.advance_ms(Guard::window_ms + 1);
  gate.guard.tick();
  CHECK(gate.guard.figures().addresses == 1);
}

TEST_CASE("an operator bans and unbans", "[C113][C093]") {
  Gate gate;
  REQUIRE(gate.opens("2001:db8::7"));
  gate.guard.mines(gate.passes[0]);
  const Ban b = gate.guard.ban(range("2001:db8::1"), 5'000);
  CHECK(b.address.text() == "2001:db8::/64");
  CHECK_FALSE(b.reason);
  CHECK(gate.guard.is_banned(gate.passes[0]));
  CHECK_FALSE(gate.opens("2001:db8::9"));
  gate.guard.unban(range("2001:db8::/64"));
  CHECK(gate.opens("2001:db8::9"));
  CHECK_THROWS_WITH(gate.guard.unban(range("2001:db8::9")), "2001:db8::/64 is not banned");
  CHECK_THROWS_WITH(gate.guard.ban(range("192.0.2.0/24"), 5'000), Contains("firewall"));
  gate.guard.ban(range("192.0.2.7"), 5'000);
  gate.clock.advance_ms(5'000);
  CHECK(gate.opens("192.0.2.7"));
  CHECK(gate.guard.bans().empty());
  // An automatic ban gives way to an operator's, not the other way round.
  Gate full(bans_after(1));
  full.guard.ban(range("192.0.2.7"), 1'000);
  for (uint32_t i = 0; i < Guard::most_bans + 10; ++i) full.offend("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250));
  CHECK_FALSE(full.opens("192.0.2.7"));
  CHECK(full.guard.saved().size() == Guard::most_bans);
}

TEST_CASE("limits change while connections are there", "[C113]") {
  Gate gate;
  CHECK(gate.admitted("192.0.2.1", 10) == 10);
  GuardLimits l;
  l.per_address = 5;
  gate.guard.change(l);
  CHECK_FALSE(gate.opens("192.0.2.1"));
  gate.passes.resize(4);
  CHECK(gate.admitted("192.0.2.1", 10) == 1);
  l.allow = {range("192.0.2.1")};
  gate.guard.change(l);
  CHECK(gate.admitted("192.0.2.1", 10) == 10);
  // What another process had is not turned away.
  l.allow.clear();
  gate.guard.change(l);
  gate.passes.push_back(gate.guard.readmit(address("192.0.2.1")));
  CHECK_FALSE(gate.opens("192.0.2.1"));
}

TEST_CASE("bans outlive a restart by what was left of them", "[C113]") {
  const std::string path = (std::filesystem::temp_directory_path() / ("hh-bans-" + std::to_string(::getpid()))).string();
  Gate gate(bans_after(1));
  gate.offend("192.0.2.1", Offence::unfinished_line);
  gate.guard.ban(range("2001:db8::1"), 3'600'000);
  gate.clock.advance_ms(100'000);
  keep_bans(gate.guard.saved(), path);

  Gate next(bans_after(1));
  next.clock.step_wall_ms(200'000);
  std::string why;
  REQUIRE(restore_bans(next.guard, path, why));
  CHECK_FALSE(next.opens("192.0.2.1"));
  CHECK_FALSE(next.opens("2001:db8::5"));
  REQUIRE(next.guard.bans().size() == 2);
  CHECK(next.guard.bans()[0].reason == Offence::unfinished_line);
  next.clock.advance_ms(400'000);  // the first had 500 s left, 100 s ago
  CHECK(next.opens("192.0.2.1"));
  CHECK_FALSE(next.opens("2001:db8::5"));
  next.passes.clear();
  next.offend("192.0.2.1");
  CHECK(next.guard.bans().front().times == 2);

  // Written by a clock that was days ahead.
  Gate past(bans_after(1));
  past.clock.step_wall_ms(-864'000'000);
  REQUIRE(restore_bans(past.guard, path, why));
  past.clock.advance_ms(Guard::longest_ban_ms);
  CHECK(past.opens("192.0.2.1"));

  for (const char* bad : {"garbage\n", "{\"type\":\"ban\",\"v\":1,\"address\":\"nowhere\",\"reason\":\"flood\",\"until_ms\":1,\"times\":1}\n",
                          "{\"type\":\"ban\",\"v\":1,\"address\":\"192.0.2.1\",\"reason\":\"x\",\"until_ms\":1,\"times\":1}\n",
                          "{\"type\":\"ban\",\"v\":1,\"address\":\"192.0.2.1\",\"reason\":\"flood\",\"until_ms\":1,\"times\":0}\n"}) {
    write_file_durably(path, bad, 0600);
    INFO(bad);
    CHECK_FALSE(restore_bans(next.guard, path, why));
    CHECK(!why.empty());
  }
  ::unlink(path.c_str());
  CHECK_FALSE(restore_bans(next.guard, path, why));
  CHECK(why.empty());
}

TEST_CASE("a session says for what it was closed, and what is no offence", "[C113]") {
  test::TestPool pool;
  pool.give(test::simple_template());
  const auto offences_of = [&](auto body) {
    test::TestMiner miner(pool);
    body(miner);
    CHECK_FALSE(miner.out.closed.empty());
    return miner.out.offences;
  };
  using List = std::vector<Offence>;
  CHECK(offences_of([](auto& m) { m.say("GET / HTTP/1.1"); }) == List{Offence::malformed});
  CHECK(offences_of([](auto& m) {
          m.log_in();
          for (int i = 0; i < 10; ++i) m.say("{\"id\":1,\"method\":\"mining.submit\",\"params\":[]}");
        }) == List{Offence::malformed});
  CHECK(offences_of([](auto& m) { m.session->message_too_long(), m.session->message_too_long(); }) == List{Offence::line_too_long});
  CHECK(offences_of([](auto& m) { m.session->too_many_messages(); }) == List{Offence::flood});
  CHECK(offences_of([](auto& m) { m.session->message_unfinished(); }) == List{Offence::unfinished_line});
  CHECK(offences_of([](auto& m) { m.session->address_banned(); }).empty());
  // A name that is none is what a typing error gives; who tries a hundred of them is let go all the same.
  CHECK(offences_of([](auto& m) {
          for (int i = 0; i < 100; ++i) {
            CHECK(m.out.closed.empty());
            m.say("{\"id\":1,\"method\":\"mining.authorize\",\"params\":[\"nobody\",\"x\"]}");
          }
        }).empty());
}

TEST_CASE("a session says once that it mines, at its first accepted share", "[C113]") {
  PoolConfig config;
  config.start_difficulty = bitcoin::Difficulty(1 << 12);
  test::TestPool easy(config);
  const auto job = easy.give(test::simple_template());
  test::TestMiner miner(easy);
  miner.log_in();
  miner.submit(miner.find(*job, test::easy(), false));
  CHECK(miner.out.mining == 0);
  miner.submit(miner.find(*job, test::easy()));
  miner.submit(miner.find(*job, test::easy()));
  CHECK(miner.out.mining == 1);
}
