// Terms, revoked manifests and their successors, and what is kept of operators' decisions.
#include <catch2/catch.hpp>

#include "journal/schema.h"
#include "store/migration.h"
#include "test_support.h"

using namespace hh;
using namespace hh::ln;
using namespace hh::ln::test;
using payout::SettlementState;
using Catch::Matchers::Contains;

namespace {

constexpr int64_t hour_ms = 3'600'000;

// Another manifest for the same block.
payout::VerifiedManifest successor(char id) {
  auto m = manifest(2, {}, std::string(64, id));
  m.manifest.payout.block_hash = manifest_id;
  return m;
}

}  // namespace

TEST_CASE("past the deadline of a manifest nothing new is sent for it: HELD; what is under way is followed, what is released is paid (L023)", "[decisions]") {
  Scene s;
  s.m = manifest(3);
  s.policy.deadline_ms = 10 * hour_ms;
  s.policy.attempts = 1;
  s.node.sends = {evidence(Evidence::in_flight), evidence(Evidence::failed)};
  s.node.make_invoice = [&](const payout::Destination&, Msat a) -> std::optional<std::string> {
    if (a == Msat(3'000'000)) throw Error(Exit::unavailable, "not now");
    return invoice_number(++s.invoices, a, s.clock.unix_seconds(), 1'000'000);
  };
  s.node.tracks = {evidence(Evidence::in_flight)};
  CHECK(s.run().code == 75);
  s.clock.advance_ms(10 * hour_ms - 1000);
  CHECK(s.node.sent.size() == 2);
  CHECK(s.run().code == 75);  // not yet: the one that failed is tried again
  CHECK(s.node.sent.size() == 3);
  s.clock.advance_ms(2000);
  s.node.tracks = {settled_with(preimage_hex(1), amount)};
  const Run late = s.run();
  CHECK(late.code == 1);
  CHECK(s.node.sent.size() == 3);
  CHECK(s.state(0) == State::paid);
  for (const int64_t line : {1, 2}) CHECK_THAT(s.journal.line(manifest_id, line).held_reason.value_or(""), Contains("deadline"));
  REQUIRE(s.journal.decide({.action = "release", .manifest_id = manifest_id, .line = 1, .hash = {}, .reason = ""}, [&] { return s.journal.release(manifest_id, 1); }));
  s.node.sends = {settled_with(preimage_hex(2), Msat(2'000'000))};
  CHECK(s.run().code == 1);  // line 2 is still held
  CHECK(s.state(1) == State::paid);
  CHECK(s.node.sent.size() == 4);
}

TEST_CASE("what the node does not know is not sent again past the deadline (L023)", "[decisions]") {
  Scene s;
  s.policy.deadline_ms = hour_ms;
  s.policy.attempts = 1;
  s.node.sends = {evidence(Evidence::unknown)};
  CHECK(s.run().code == 75);
  s.clock.advance_ms(hour_ms / 2);
  s.node.tracks = {evidence(Evidence::not_found)};
  CHECK(s.run().code == 75);
  CHECK(s.node.sent.size() == 2);
  s.clock.advance_ms(hour_ms / 2 - 1000);  // the invoice lives for an hour
  s.policy.deadline_ms = hour_ms / 2;
  CHECK(s.run().code == 75);
  CHECK(s.node.sent.size() == 2);
  CHECK(s.journal.line(manifest_id, 0).held_reason);
}

TEST_CASE("a manifest is not paid past the expiry of its latest signature (L023)", "[decisions]") {
  Scene s;
  s.m.header.exp = s.clock.unix_seconds() + 100;
  s.journal.add(s.m);
  auto again = s.m;
  again.header.exp += 1000;
  s.journal.add(again);
  s.journal.add(s.m);  // an older signature takes nothing away
  CHECK(s.journal.term(manifest_id).expires_at == again.header.exp);
  s.clock.advance_ms(1'100'000);
  CHECK(s.run().code == 1);
  CHECK_THAT(s.journal.line(manifest_id, 0).held_reason.value_or(""), Contains("expired"));
  CHECK(s.node.sent.empty());
}

TEST_CASE("a revoked manifest is paid no further; what is in flight is followed to its end; it is for ever", "[decisions]") {
  Scene s;
  s.m = manifest(3);
  s.policy.attempts = 1;
  s.node.sends = {evidence(Evidence::in_flight), evidence(Evidence::failed)};
  s.node.make_invoice = [&](const payout::Destination&, Msat a) -> std::optional<std::string> {
    if (a == Msat(3'000'000)) throw Error(Exit::unavailable, "not now");
    return invoice_number(++s.invoices, a, s.clock.unix_seconds(), 1'000'000);
  };
  s.node.tracks = {evidence(Evidence::in_flight)};
  CHECK(s.run().code == 75);
  REQUIRE(s.journal.revoke(manifest_id, "wrong policy"));
  CHECK_FALSE(s.journal.revoke(manifest_id, "again"));
  CHECK(s.run().code == 75);
  CHECK(s.node.sent.size() == 2);
  s.node.tracks = {settled_with(preimage_hex(1), amount)};
  const Run run = s.run();
  CHECK(run.code == 1);
  CHECK(s.state(0) == State::paid);
  for (const int64_t line : {1, 2}) {
    CHECK(line_state(s.journal.line(manifest_id, line)) == SettlementState::held);
    CHECK_THAT(s.journal.line(manifest_id, line).held_reason.value_or(""), Contains("revoked: wrong policy"));
    CHECK_THROWS_WITH(s.journal.release(manifest_id, line), Contains("revoked"));
  }
  CHECK(s.node.sent.size() == 2);
  // Nor by a defect of the program, or by hand.
  s.journal.database().execute("UPDATE lines SET held_reason = NULL");
  Attempt failed = *s.journal.line(manifest_id, 1).attempt;
  CHECK_THROWS_WITH(s.journal.apply(failed, Event::retry), Contains("revoked"));
  CHECK_THROWS_WITH(s.journal.start(s.journal.line(manifest_id, 2), {.bolt11 = "x", .hash = crypto::sha256(BytesView(preimage_number(9))), .payee = {}, .expires_at = {}}, "lnd", node_key, Msat(1)),
                    Contains("revoked"));
  CHECK_THROWS_AS(s.journal.database().execute("DELETE FROM revocations"), store::ConstraintError);
  CHECK_THROWS_AS(s.journal.database().execute("UPDATE revocations SET manifest_id = '" + std::string(64, '0') + "'"), store::ConstraintError);
}

TEST_CASE("an attempt that was resolved but not sent is not sent once its manifest is revoked", "[decisions]") {
  Scene s;
  s.journal.add(s.m);
  Attempt a = s.journal.start(s.journal.line(manifest_id, 0), {.bolt11 = "x", .hash = crypto::sha256(BytesView(preimage_number(1))), .payee = {}, .expires_at = {}}, "lnd", node_key, Msat(1));
  REQUIRE(s.journal.revoke(manifest_id, "no"));
  CHECK_THROWS_AS(s.journal.apply(a, Event::send), store::ConstraintError);
  CHECK(s.run().code == 1);
  CHECK(s.node.sent.empty());
}

TEST_CASE("a block's second manifest is taken only when the first is revoked and nothing of it was ever sent", "[decisions]") {
  Scene s;
  s.m = manifest(2);
  s.journal.add(s.m);
  CHECK_THROWS_WITH(s.journal.add(successor('b')), Contains("paid out twice"));
  SECTION("nothing was sent") {
    s.journal.start(s.journal.line(manifest_id, 0), {.bolt11 = "x", .hash = crypto::sha256(BytesView(preimage_number(1))), .payee = {}, .expires_at = {}}, "lnd", node_key, Msat(1));
    REQUIRE(s.journal.revoke(manifest_id, "wrong destination"));
    CHECK_NOTHROW(s.journal.add(successor('b')));
    CHECK_THROWS_WITH(s.journal.add(successor('c')), Contains("paid out twice"));
    s.invoices = 1;  // the first is that of the attempt above
    s.node.sends = {settled_with(preimage_hex(2), amount), settled_with(preimage_hex(3), Msat(2'000'000))};
    CHECK(settle(s.journal, s.node, s.clock, successor('b'), s.policy).code == 0);
    CHECK(s.run().code == 1);  // the first one stays as it is
    CHECK(s.node.sent.size() == 2);
  }
  SECTION("one line was sent, whatever came of it") {
    for (const Evidence e : {Evidence::failed, Evidence::unknown, Evidence::in_flight}) {
      Scene t;
      t.m = manifest(2);
      t.policy.attempts = 1;
      t.node.sends = {evidence(e)};
      t.node.tracks = {evidence(e)};
      t.run();
      REQUIRE(t.journal.revoke(manifest_id, "wrong destination"));
      CHECK_THROWS_WITH(t.journal.add(successor('b')), Contains("paid out twice"));
      CHECK_THROWS_AS(t.journal.database().execute("INSERT INTO manifests (manifest_id, chain, simulated, kind, number, pay_msat, jws, first_seen_ms, pot) SELECT '" + std::string(64, 'b') +
                                                   "', chain, simulated, kind, number, pay_msat, jws, first_seen_ms, pot FROM manifests"),
                      store::ConstraintError);
    }
  }
}

TEST_CASE("held or revoked between the look at a line and its next attempt, it is left alone, and the run goes on (L023)", "[decisions]") {
  // Told whenever the journal's clock is asked, which it is for every change.
  class Watched : public FakeClock {
   public:
    std::function<void()> look = [] {};
    int64_t unix_ms() const override {
      if (!std::exchange(in_, true)) look(), in_ = false;
      return FakeClock::unix_ms();
    }

   private:
    mutable bool in_ = false;
  };
  for (const bool revoked : {false, true}) {
    Scene s;
    s.m = manifest(2);
    s.node.sends = {evidence(Evidence::failed), settled_with(preimage_hex(2), Msat(2'000'000))};
    Watched watched;
    Journal journal(s.folder.file("db"), true, watched);
    watched.look = [&] {
      const auto line = s.journal.lines(manifest_id);
      if (line.empty() || !line[0].attempt || line[0].attempt->state != State::failed_safe || line[0].held_reason) return;
      revoked ? s.journal.revoke(manifest_id, "no") : s.journal.hold(manifest_id, 0, "ask");
    };
    CHECK(settle(journal, s.node, s.clock, s.m, s.policy).code == 1);
    CHECK(s.node.sent.size() == (revoked ? 1 : 2));
    CHECK(line_state(s.journal.line(manifest_id, 0)) == SettlementState::held);
    CHECK(line_state(s.journal.line(manifest_id, 1)) == (revoked ? SettlementState::held : SettlementState::paid));
  }
}

TEST_CASE("a manifest can be revoked before the journal has seen it", "[decisions]") {
  Scene s;
  REQUIRE(s.journal.revoke(manifest_id, "signed by mistake"));
  CHECK_THROWS_WITH(s.run(), Contains("revoked: signed by mistake"));
  CHECK(s.journal.lines(manifest_id).empty());
  CHECK_NOTHROW(s.journal.add(successor('b')));  // the block is paid by another one
}

TEST_CASE("what was decided is kept with who and why, only where it was carried out, and never changes (L029)", "[decisions]") {
  Scene s;
  s.journal.add(s.m);
  const Deed deed{.action = "hold", .manifest_id = manifest_id, .line = 0, .hash = {}, .reason = "ask the miner", .who = {1000, "alice"}};
  CHECK(s.journal.decide(deed, [&] { return s.journal.hold(manifest_id, 0, "ask the miner"); }));
  CHECK_FALSE(s.journal.decide(deed, [&] { return s.journal.hold(manifest_id, 0, "ask the miner"); }));
  CHECK_THROWS(s.journal.decide(deed, [&]() -> bool { s.journal.release(manifest_id, 0); throw Error(Exit::io, "x"); }));
  CHECK(s.journal.line(manifest_id, 0).held_reason);  // all or nothing
  const auto all = s.journal.decisions("");
  REQUIRE(all.size() == 1);
  CHECK(std::tuple(all[0].who.uid, all[0].who.name, all[0].action, all[0].line) == std::tuple(1000, "alice", "hold", std::optional<int64_t>(0)));
  CHECK(all[0].time_ms == s.clock.unix_ms());
  CHECK(s.journal.decisions(std::string(64, 'b')).empty());
  for (const char* sql : {"DELETE FROM audit", "UPDATE audit SET name = 'bob'", "DELETE FROM reconciliations", "DELETE FROM batches"}) {
    s.journal.note_comparison(node_key, {.kind = "settle", .listed = 1});
    s.journal.database().execute("SELECT 1");
    INFO(sql);
    if (std::string(sql) == "DELETE FROM batches") s.journal.open_batch(manifest_id, {{0, amount, Msat(1)}}, {});
    CHECK_THROWS_AS(s.journal.database().execute(sql), store::ConstraintError);
  }
  CHECK(operator_of_process().uid == ::getuid());
}

TEST_CASE("version 3 of the tables can be undone and made again; data of version 2 stay (L029)", "[decisions]") {
  Scene s;
  s.node.sends = {evidence(Evidence::failed, "no route")};
  s.policy.attempts = 1;
  CHECK(s.run().code == 1);
  store::Database& db = s.journal.database();
  CHECK(db.query_int64("SELECT count(*) FROM failures WHERE what = 'payment' AND reason = 'no route'") == 1);
  store::Migrator migrator(db, journal_migrations(), s.clock);
  CHECK(migrator.down_to(2) == migrator.latest() - 2);
  CHECK(db.query_int64("SELECT count(*) FROM sqlite_master WHERE name IN ('batches', 'audit', 'reconciliations', 'revocations', 'failures', 'manifests_in_force')") == 0);
  CHECK(db.query_int64("SELECT count(*) FROM attempts") == 1);
  CHECK(migrator.up() == migrator.latest() - 2);
  db.check_integrity();
  s.node.tracks = {evidence(Evidence::failed, "no route")};
  s.node.sends = {settled_with(preimage_hex(1), amount)};
  CHECK(s.run().code == 0);
}
