#include <catch2/catch.hpp>

#include "crypto/random.h"

#include "service/desk.h"
#include "service/figures.h"
#include "test_support.h"

using namespace hh;
using namespace hh::ln;

namespace {

// A journal with lines in as many states as a seeded walk brings about.
void walk(test::Scene& s, uint64_t seed) {
  crypto::SeededRandom random(seed);
  const auto dice = [&](uint64_t n) { return random.bytes(1)[0] % n; };
  s.journal.add(test::manifest(6));
  for (int i = 0; i < 60; ++i) {
    s.clock.advance_ms(1000);
    Line line = s.journal.line(test::manifest_id, static_cast<int64_t>(dice(6)));
    if (dice(8) == 0) {
      line.held_reason ? s.journal.release(line.manifest_id, line.line) : s.journal.hold(line.manifest_id, line.line, "a test");
    } else if (!line.attempt || (line.attempt->state == State::failed_safe && dice(3) == 0)) {
      if (line.held_reason) continue;
      const std::string preimage = to_hex(random.bytes(32));
      Resolved r;
      r.hash = crypto::sha256(*from_hex(preimage));
      s.journal.start(line, r, "sim", test::node_key, Msat(10));
      s.journal.set_note(line, preimage);  // where the walk finds it again
    } else {
      const Event event = all_events[dice(all_events.size())];
      try {
        s.journal.apply(*line.attempt, event, {.reason = "walk", .preimage = event == Event::settled ? line.note : "", .fee = Msat(1), .fee_limit = {}});
      } catch (const Error&) {  // a held line, or the preimage of another attempt
      }
    }
  }
}

}  // namespace

TEST_CASE("the figures about lines are those of the lines themselves", "[C081][L060]") {
  int64_t paid = 0, held = 0, open = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    test::Scene s;
    walk(s, seed);
    std::map<std::string, int64_t> states;
    int64_t waiting = 0;
    Msat amount;
    bool any_open = false;
    for (const Line& line : s.journal.all_lines()) {
      const auto state = line_state(line);
      ++states[std::string(payout::state_name(state))];
      any_open |= line.attempt && is_open(line.attempt->state);
      if (state == payout::SettlementState::paid || state == payout::SettlementState::held) continue;
      ++waiting, amount += line.pay;
    }
    const QueueFigures q = queue_figures(s.journal.database());
    CHECK(q.lines == states);
    CHECK(q.waiting == waiting);
    CHECK(q.waiting_amount == amount);
    CHECK(q.oldest_waiting_ms.has_value() == (waiting > 0));
    CHECK(q.oldest_open_ms.has_value() == any_open);
    const auto unpaid = unfinished(s.journal.database());
    CHECK(unpaid.size() == (waiting > 0 ? 1 : 0));
    const auto m = manifest_figures(s.journal.database(), "", "", 10);
    REQUIRE(m.size() == 1);
    CHECK(m[0].paid == states["PAID"]);
    CHECK(m[0].held == states["HELD"]);
    CHECK(paid_after(s.journal.database(), 0).size() == static_cast<size_t>(states["PAID"]));
    paid += states["PAID"], held += states["HELD"], open += any_open;
  }
  CHECK((paid > 10 && held > 10 && open > 10));  // the walks came to all of it
}

TEST_CASE("what the service remembers is there for the next one", "[L043]") {
  test::Folder folder;
  FakeClock clock;
  {
    Desk desk(folder.file("db"), "", true, {}, clock);
    CHECK(desk.may_send());
    desk.pause("an audit", {1, "ann"});
    CHECK_FALSE(desk.may_send());
  }
  Desk desk(folder.file("db"), "", true, {}, clock);
  REQUIRE(desk.paused());
  CHECK((desk.paused()->reason == "an audit" && desk.paused()->by == "ann" && desk.paused()->time_ms == clock.unix_ms()));
  CHECK_FALSE(desk.rang());
  desk.resume("done", {1, "bob"});
  CHECK(desk.may_send());
  CHECK(desk.rang());
  CHECK_FALSE(desk.rang());
}
