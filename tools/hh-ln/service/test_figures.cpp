#include <catch2/catch.hpp>

#include <chrono>

#include "crypto/random.h"
#include "journal/schema.h"
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

std::vector<std::string> figures_rows(store::Database& db) {
  std::vector<std::string> out;
  for (const char* sql : {"SELECT state || ' ' || lines || ' ' || pay_msat FROM line_figures ORDER BY 1", "SELECT name || ' ' || value FROM counters ORDER BY 1",
                          "SELECT manifest_id || ' ' || first_seen_ms || ' ' || lines FROM manifests_waiting ORDER BY 1", "SELECT line || ' ' || state FROM lines ORDER BY 1"}) {
    auto rows = db.statement(sql);
    while (rows.step()) out.push_back(rows.text(0));
  }
  return out;
}

}  // namespace

TEST_CASE("the figures about lines are those of the lines themselves (C082)", "[C081][L060]") {
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
    const Journal::Summary slow = s.journal.summary();
    const SumFigures sums = sum_figures(s.journal.database());
    CHECK(sums.manifests == slow.manifests);
    CHECK(sums.reserved == slow.reserved);
    CHECK(Msat(sums.counters.at("paid_msat")) == slow.paid);
    CHECK(Msat(sums.counters.at("fees_msat")) == slow.fees);
    CHECK(sums.counters.at("alarms") == slow.alarms);
    CHECK(sums.counters.at("paid") == s.journal.database().query_int64("SELECT count(*) FROM events WHERE to_state = 'PAID'"));
    CHECK(sums.counters.at("failed_safe") == s.journal.database().query_int64("SELECT count(*) FROM events WHERE to_state = 'FAILED_SAFE'"));
    // A journal of an older version gets the same figures when it is migrated.
    const auto kept = figures_rows(s.journal.database());
    store::Migrator migrator(s.journal.database(), journal_migrations(), s.clock);
    migrator.down_to(7);
    migrator.up();
    CHECK(figures_rows(s.journal.database()) == kept);
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

// Slow, and hidden for that: build/release/bin/unit_ln '[.figures]'. Its numbers are at the head of journal/schema_figures.cpp.
TEST_CASE("figures about 100,000 lines do not read 100,000 lines", "[.figures]") {
  test::Folder folder;
  FakeClock clock;
  Journal journal(folder.file("db"), true, clock);
  store::Database& db = journal.database();
  for (int i = 0; i < 100; ++i) journal.add(test::manifest(1000, {}, to_hex(crypto::sha256(std::to_string(i)))));
  {
    store::Transaction tx(db);
    db.execute("INSERT INTO invoices SELECT substr(manifest_id, 1, 58) || printf('%06d', line), NULL, 'x', NULL, 1 FROM lines WHERE line % 2 = 0");
    db.execute("INSERT INTO attempts (manifest_id, line, attempt, payment_hash, backend, node, amount_msat, fee_limit_msat, state, created_ms, changed_ms) "
               "SELECT manifest_id, line, 1, substr(manifest_id, 1, 58) || printf('%06d', line), 'lnd', 'n', pay_msat, 10, 'RESOLVED', 1, 1 FROM lines WHERE line % 2 = 0");
    db.execute("UPDATE attempts SET state = 'SENDING', sends = 1");
    db.execute("UPDATE attempts SET state = 'PAID', preimage = payment_hash, fee_msat = 1");
    tx.commit();
  }
  const auto took_us = [](int times, const std::function<void()>& f) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < times; ++i) f();
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin).count() / times;
  };
  const auto kept = took_us(100, [&] {
    queue_figures(db);
    sum_figures(db);
  });
  const auto summed = took_us(3, [&] {
    auto rows = db.statement("SELECT s.state, count(*), sum(s.pay_msat), min(m.first_seen_ms) FROM line_states s JOIN manifests m USING (manifest_id) GROUP BY s.state");
    while (rows.step()) {
    }
    journal.summary();
    db.query_int64("SELECT count(*) FROM events NOT INDEXED WHERE to_state = 'PAID'");
    db.query_int64("SELECT count(*) FROM events NOT INDEXED WHERE to_state = 'FAILED_SAFE'");
    db.query_int64("SELECT coalesce(sum(times), 0) FROM refused_invoices");
  });
  const auto list = took_us(100, [&] { unfinished(db); });
  WARN("kept " << kept << " us, summed up " << summed << " us, manifests that wait " << list << " us");
  CHECK(queue_figures(db).lines == std::map<std::string, int64_t>{{"PAID", 50'000}, {"PLANNED", 50'000}});
  CHECK(Msat(sum_figures(db).counters.at("paid_msat")) == journal.summary().paid);
  CHECK(kept * 100 < summed);
}
