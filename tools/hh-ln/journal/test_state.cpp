// The state machine, exhaustively: every state with every event, and the same table in the journal's triggers.
#include <catch2/catch.hpp>

#include <set>

#include "test_support.h"

using namespace hh;
using namespace hh::ln;
using namespace hh::ln::test;

namespace {

// Written out by hand, from the drawing in state.h, not from the table in state.cpp.
const std::set<std::tuple<State, Event, State>> allowed{
    {State::resolved, Event::send, State::sending},        {State::resolved, Event::expired, State::failed_safe},
    {State::sending, Event::send, State::sending},         {State::sending, Event::in_flight, State::inflight},
    {State::sending, Event::no_answer, State::unknown},    {State::sending, Event::settled, State::paid},
    {State::sending, Event::failed, State::failed_safe},   {State::sending, Event::expired, State::failed_safe},
    {State::inflight, Event::in_flight, State::inflight},  {State::inflight, Event::no_answer, State::unknown},
    {State::inflight, Event::settled, State::paid},        {State::inflight, Event::failed, State::failed_safe},
    {State::unknown, Event::send, State::sending},         {State::unknown, Event::in_flight, State::inflight},
    {State::unknown, Event::no_answer, State::unknown},    {State::unknown, Event::settled, State::paid},
    {State::unknown, Event::failed, State::failed_safe},   {State::unknown, Event::expired, State::failed_safe},
    {State::failed_safe, Event::settled, State::paid},     {State::failed_safe, Event::retry, State::resolved},
};

struct Fixture {
  Folder folder;
  FakeClock clock;
  Journal journal{folder.file("db"), true, clock};
  Line line;
  Fixture() {
    journal.add(manifest(1));
    line = journal.line(manifest_id, 0);
  }
  Attempt start(uint8_t n = 1) {
    return journal.start(line, {.bolt11 = "x", .hash = crypto::sha256(BytesView(preimage_number(n))), .payee = {}, .expires_at = {}}, "lnd", node_key, Msat(10));
  }
  // Brings a new attempt into a state by legal steps.
  Attempt in_state(State s) {
    Attempt a = start();
    if (s == State::resolved) return a;
    REQUIRE(journal.apply(a, Event::send));
    if (s == State::inflight) REQUIRE(journal.apply(a, Event::in_flight));
    if (s == State::unknown) REQUIRE(journal.apply(a, Event::no_answer));
    if (s == State::paid) REQUIRE(journal.apply(a, Event::settled, {.reason = {}, .preimage = to_hex(preimage_number(1)), .fee = {}, .fee_limit = {}}));
    if (s == State::failed_safe) REQUIRE(journal.apply(a, Event::failed));
    return a;
  }
  bool raw(const std::string& sql) {
    try {
      journal.database().execute(sql);
      return true;
    } catch (const store::ConstraintError&) {
      return false;
    }
  }
};

}  // namespace

TEST_CASE("every state with every event goes where the drawing says, and nowhere else (L027)", "[state]") {
  size_t moves = 0;
  for (const State from : all_states)
    for (const Event event : all_events) {
      const auto to = next(from, event);
      INFO(state_text(from) << " " << event_text(event));
      const bool is_allowed = std::any_of(allowed.begin(), allowed.end(), [&](const auto& a) { return std::get<0>(a) == from && std::get<1>(a) == event; });
      REQUIRE(to.has_value() == is_allowed);
      if (to) REQUIRE(allowed.contains({from, event, *to}));
      moves += to.has_value();
    }
  CHECK(moves == allowed.size());
}

TEST_CASE("a time-out is never a failure, and PAID is the end", "[state]") {
  for (const State s : all_states) {
    CHECK(next(s, Event::no_answer) != State::failed_safe);
    CHECK(next(s, Event::no_answer) != State::resolved);
  }
  for (const Event e : all_events) CHECK_FALSE(next(State::paid, e));
  for (const State s : all_states)
    for (const Event e : all_events)
      if (next(s, e) == State::resolved) CHECK(s == State::failed_safe);
}

TEST_CASE("states and events have names of their own, and what is none has none", "[state]") {
  std::set<std::string_view> names;
  for (const State s : all_states) {
    CHECK(state_from_text(state_text(s)) == s);
    names.insert(state_text(s));
  }
  for (const Event e : all_events) names.insert(event_text(e));
  CHECK(names.size() == all_states.size() + all_events.size());
  CHECK_FALSE(names.contains(""));
  CHECK(state_text(static_cast<State>(99)).empty());
  CHECK(event_text(static_cast<Event>(99)).empty());
  CHECK_FALSE(state_from_text("LOST"));
  CHECK_FALSE(next(static_cast<State>(99), Event::send));
}

TEST_CASE("the journal's triggers allow exactly the moves of the machine", "[state]") {
  std::set<std::pair<State, State>> machine;
  for (const auto& [from, event, to] : allowed) machine.insert({from, to});
  for (const State from : all_states)
    for (const State to : all_states) {
      Fixture f;
      const Attempt a = f.in_state(from);
      const bool paid = to == State::paid;
      const std::string sql = "UPDATE attempts SET state = '" + std::string(state_text(to)) + "', sends = sends + " + (to == State::sending ? "1" : "0") + ", seen = " + (to == State::resolved ? "0" : "seen") +
                              ", preimage = " + (paid ? "'" + std::string(64, '0') + "'" : "NULL") + ", fee_msat = " + (paid ? "1" : "NULL") + " WHERE id = " + std::to_string(a.id);
      INFO(state_text(from) << " to " << state_text(to));
      CHECK(f.raw(sql) == machine.contains({from, to}));
    }
}

TEST_CASE("the journal refuses what would break its promises, whoever asks", "[state]") {
  Fixture f;
  Attempt a = f.start();
  CHECK_THROWS_AS(f.start(1), store::ConstraintError);  // the hash again
  CHECK_THROWS_AS(f.start(2), store::ConstraintError);  // a second open attempt
  CHECK_FALSE(f.raw("DELETE FROM attempts"));
  CHECK_FALSE(f.raw("DELETE FROM lines"));
  CHECK_FALSE(f.raw("DELETE FROM events"));
  CHECK_FALSE(f.raw("UPDATE events SET reason = 'x'"));
  CHECK_FALSE(f.raw("UPDATE lines SET pay_msat = 1"));
  CHECK_FALSE(f.raw("UPDATE attempts SET amount_msat = 1"));
  CHECK_FALSE(f.raw("UPDATE attempts SET payment_hash = '" + std::string(64, 'b') + "'"));
  CHECK_FALSE(f.raw("UPDATE invoices SET bolt11 = 'y'"));
  CHECK_FALSE(f.raw("UPDATE attempts SET state = 'SENDING'"));  // not counted
  REQUIRE(f.journal.apply(a, Event::send));
  REQUIRE(f.journal.apply(a, Event::in_flight));
  REQUIRE(f.journal.apply(a, Event::no_answer));
  CHECK_THROWS_AS(f.journal.apply(a, Event::send), store::ConstraintError);  // seen: not again by itself
  CHECK_THROWS(f.journal.apply(a, Event::settled, {.reason = {}, .preimage = std::string(64, '1'), .fee = {}, .fee_limit = {}}));
  CHECK(f.journal.attempt_of(a.hash)->state == State::unknown);
}

TEST_CASE("of two who saw the same state one wins", "[state]") {
  Fixture f;
  Attempt a = f.start(), b = a;
  CHECK(f.journal.apply(a, Event::send));
  CHECK_FALSE(f.journal.apply(b, Event::send));
  Attempt c = *f.journal.attempt_of(a.hash), d = c;
  CHECK(f.journal.apply(c, Event::send));  // SENDING again: the counter tells them apart
  CHECK_FALSE(f.journal.apply(d, Event::send));
  CHECK(f.journal.attempt_of(a.hash)->sends == 2);
}

TEST_CASE("every change of state is an event; a late success is an alarm", "[state]") {
  Fixture f;
  Attempt a = f.in_state(State::failed_safe);
  CHECK(f.journal.database().query_int64("SELECT count(*) FROM events") == 3);
  REQUIRE(f.journal.apply(a, Event::settled, {.reason = {}, .preimage = to_hex(preimage_number(1)), .fee = Msat(3), .fee_limit = {}}));
  CHECK(f.journal.database().query_int64("SELECT count(*) FROM events WHERE alarm = 1") == 1);
  CHECK(f.journal.summary().paid == Msat(1'000'000));
  CHECK_THROWS_AS(f.start(2), store::ConstraintError);  // the line is paid
}

TEST_CASE("a held line gets no attempt and is not sent", "[state]") {
  Fixture f;
  Attempt a = f.start();
  REQUIRE(f.journal.hold(manifest_id, 0, "ask first"));
  CHECK_THROWS_AS(f.journal.apply(a, Event::send), store::ConstraintError);
  REQUIRE(f.journal.release(manifest_id, 0));
  CHECK(f.journal.apply(a, Event::send));
}

TEST_CASE("keysend preimages repeat for the same attempt and differ for every other", "[state]") {
  Fixture f;
  std::set<Preimage> seen;
  for (int64_t line = 0; line < 3; ++line)
    for (int64_t attempt = 1; attempt < 4; ++attempt) seen.insert(f.journal.keysend_preimage(manifest_id, line, attempt));
  CHECK(seen.size() == 9);
  CHECK(f.journal.keysend_preimage(manifest_id, 1, 2) == f.journal.keysend_preimage(manifest_id, 1, 2));
}

TEST_CASE("a manifest is stored once, and never with other terms", "[state]") {
  Fixture f;
  f.journal.add(manifest(1));
  CHECK(f.journal.all_lines().size() == 1);
  auto other = manifest(1);
  other.manifest.payout.lines[0].pay = Msat(5);
  CHECK_THROWS(f.journal.add(other));
  CHECK_THROWS(f.journal.add(manifest(2)));
}
