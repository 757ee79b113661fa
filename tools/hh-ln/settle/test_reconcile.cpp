// A journal that was restored from a backup: it is older than what the node has done, and must not pay again what it does not remember.
#include <catch2/catch.hpp>

#include "test_support.h"

using namespace hh;
using namespace hh::ln;
using namespace hh::ln::test;
using payout::SettlementState;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

const SettlePolicy policy{.attempts = 3, .backoff_ms = 1, .wait_ms = 50};

// Four lines: two keysends, a lightning address, and one whose invoice is stored before the backup is made.
struct Restored {
  Folder folder;
  FakeClock clock;
  SimBackend wallet{sim_config(folder), clock};
  payout::VerifiedManifest m =
      manifest(4, {{payout::DestinationKind::node, node_key}, {payout::DestinationKind::node, node_key}, {payout::DestinationKind::lnaddress, "rig@example.com"},
                   {payout::DestinationKind::lnaddress, "other@example.com"}});
  explicit Restored(const std::function<void(Journal&)>& before = [](Journal&) {}) {
    {
      Journal journal(folder.file("db"), true, clock);
      journal.add(m);
      const Line line = journal.line(manifest_id, 3);
      const auto invoice = lightning::decode_bolt11(*wallet.invoice_for(line.destination, line.pay));
      journal.start(line, {invoice.text, invoice.payment_hash, invoice.payee, invoice.expires_at()}, "sim", wallet.identify().node, Msat(50'000));
      before(journal);
    }
    std::filesystem::copy_file(folder.file("db"), folder.file("backup"));
    {
      Journal journal(folder.file("db"), true, clock);
      REQUIRE(settle(journal, wallet, clock, m, policy).code == 0);
    }
    std::filesystem::copy_file(folder.file("backup"), folder.file("db"), std::filesystem::copy_options::overwrite_existing);
  }
};

}  // namespace

TEST_CASE("a restored journal refuses to pay until it is reconciled; then it has the proofs, and holds what it cannot tell (C075 L090)", "[reconcile]") {
  Restored r;
  Journal journal(r.folder.file("db"), true, r.clock);
  const auto pay = [&] { return settle(journal, r.wallet, r.clock, r.m, policy); };
  for (int i = 0; i < 2; ++i) CHECK_THROWS_WITH(pay(), Contains("hh-ln reconcile"));
  // To acknowledge all is not enough: the node has paid what this journal has still to send.
  const std::string node = r.wallet.identify().node;
  SECTION("acknowledged before") {
    for (const Foreign& f : journal.unacknowledged(node)) {
      REQUIRE(journal.acknowledge(node, f.hash, "all known"));
      journal.hold_lines_like(f);
    }
    CHECK_THROWS_WITH(pay(), Contains("hh-ln reconcile"));
    Reconciler(journal, r.wallet, r.wallet.identify()).reconcile("restored");
    CHECK(pay().code == 1);  // all lines that are over the amount of one of these are held, and only an operator may say more
    CHECK(times_spent(r.wallet.database(), 4) == std::vector<int64_t>(4, 1));
  }
  SECTION("reconciled") {
    const auto found = Reconciler(journal, r.wallet, r.wallet.identify()).reconcile("restored");
    CHECK(found.taken.size() == 3);
    REQUIRE(found.held.size() == 1);
    CHECK(found.held[0].line == 2);
    CHECK(found.foreign.size() == 1);
    CHECK(found.comparison.stale == 3);
    for (const int64_t line : {0, 1, 3}) CHECK(line_state(journal.line(manifest_id, line)) == SettlementState::paid);
    const Run run = pay();
    CHECK(run.code == 1);
    CHECK(run.printed.back().state == SettlementState::held);
    CHECK(times_spent(r.wallet.database(), 4) == std::vector<int64_t>(4, 1));
    CHECK(journal.summary().alarms == 0);
    CHECK(journal.database().query_int64("SELECT count(*) FROM reconciliations WHERE kind = 'settle' AND result = 'stale'") == 1);
    CHECK(journal.database().query_int64("SELECT count(*) FROM reconciliations WHERE kind = 'reconcile'") == 1);
  }
}

TEST_CASE("a journal that is older than a transaction which paid its lines refuses to pay, and holds them (L022 L090)", "[reconcile]") {
  for (const bool by_hand : {false, true}) {
    Scene s;
    s.m = manifest(2);
    const std::string txid(64, 'e');
    s.node.on_chain = {{txid, {Sat(777), Sat(1000)}, s.clock.unix_ms()}};
    for (int i = 0; i < 2; ++i) CHECK_THROWS_WITH(s.run(), Contains("hh-ln reconcile"));
    CHECK(s.journal.database().query_int64("SELECT count(*) FROM reconciliations") == 1);
    if (by_hand) REQUIRE(s.journal.acknowledge(node_key, txid, "known"));
    CHECK_THROWS_WITH(s.run(), Contains("hh-ln reconcile"));
    const auto found = Reconciler(s.journal, s.node, s.node.identify()).reconcile("restored");
    REQUIRE(found.held.size() == 1);
    CHECK(found.held[0].line == 0);
    CHECK_THAT(found.held[0].held_reason.value_or(""), Contains(txid));
    CHECK(found.foreign.size() == (by_hand ? 0 : 1));
    s.node.sends = {settled_with(preimage_hex(1), Msat(2'000'000))};
    CHECK(s.run().code == 1);
    CHECK(s.node.sent.size() == 1);
    CHECK(line_state(s.journal.line(manifest_id, 1)) == SettlementState::paid);
    CHECK(line_state(s.journal.line(manifest_id, 0)) == SettlementState::held);
  }
}

TEST_CASE("killed while it reconciles, it still refuses, and can be reconciled again (L090)", "[reconcile]") {
  for (int64_t point = 0; point < 6; ++point) {
    Restored r;
    Journal journal(r.folder.file("db"), true, r.clock);
    class Dies : public ScriptedBackend {
     public:
      Dies(SimBackend& real, int64_t left) : real_(real), left_(left) {}
      Identity identify() override { return real_.identify(); }
      Report track(const PaymentHash& h) override {
        if (left_-- == 0) throw Error(Exit::unavailable, "the node has gone");
        return real_.track(h);
      }
      void list(uint64_t after, const std::function<void(const Listed&)>& each) override { real_.list(after, each); }
      SimBackend& real_;
      int64_t left_;
    } dies(r.wallet, point);
    bool died = false;
    try {
      Reconciler(journal, dies, r.wallet.identify()).reconcile("restored");
    } catch (const Error&) {
      died = true;
    }
    INFO("node gone at question " << point);
    if (died) {
      try {
        settle(journal, r.wallet, r.clock, r.m, policy);
      } catch (const Error& e) {
        CHECK_THAT(e.what(), Contains("hh-ln reconcile"));
      }
    }
    Reconciler(journal, r.wallet, r.wallet.identify()).reconcile("restored");
    CHECK(settle(journal, r.wallet, r.clock, r.m, policy).code == 1);
    CHECK(times_spent(r.wallet.database(), 4) == std::vector<int64_t>(4, 1));
    for (const int64_t line : {0, 1, 3}) CHECK(line_state(journal.line(manifest_id, line)) == SettlementState::paid);
  }
}

TEST_CASE("a line that was held or whose manifest was revoked before the backup stays so, and is not paid again (L090)", "[reconcile]") {
  for (const bool revoked : {false, true}) {
    Restored r;
    Journal journal(r.folder.file("db"), true, r.clock);
    if (revoked)
      REQUIRE(journal.revoke(manifest_id, "no"));
    else
      for (int64_t line = 0; line < 4; ++line) REQUIRE(journal.hold(manifest_id, line, "ask"));
    const auto found = Reconciler(journal, r.wallet, r.wallet.identify()).reconcile("restored");
    CHECK(settle(journal, r.wallet, r.clock, r.m, policy).code == 1);
    CHECK(times_spent(r.wallet.database(), 4) == std::vector<int64_t>(4, 1));
    // Whoever is to release line 2 reads that it may have been paid since.
    REQUIRE(found.foreign.size() == (revoked ? 3 : 1));
    const auto paid = std::find_if(found.foreign.begin(), found.foreign.end(), [&](const Foreign& f) { return f.amount == journal.line(manifest_id, 2).pay; });
    REQUIRE(paid != found.foreign.end());
    CHECK(std::count_if(found.held.begin(), found.held.end(), [](const Line& l) { return l.line == 2; }) == 1);
    CHECK_THAT(journal.line(manifest_id, 2).held_reason.value_or(""), StartsWith(revoked ? "the manifest is revoked: no; " : "ask; ") && Contains(paid->hash));
    if (revoked) continue;
    for (const int64_t line : {0, 1, 3}) {
      CHECK(line_state(journal.line(manifest_id, line)) == SettlementState::paid);  // the node has the proof
      CHECK(journal.line(manifest_id, line).held_reason == "ask");
      REQUIRE(journal.release(manifest_id, line));
    }
    settle(journal, r.wallet, r.clock, r.m, policy);
    CHECK(times_spent(r.wallet.database(), 4) == std::vector<int64_t>(4, 1));
  }
}

TEST_CASE("a payment that is acknowledged holds lines over its amount also where they are held, with room for both reasons (L090)", "[reconcile]") {
  Scene s;
  s.journal.add(s.m);
  REQUIRE(s.journal.hold(manifest_id, 0, std::string(2 * max_reason, 'x')));
  for (const char c : {'d', 'e'}) {
    const Foreign f{std::string(64, c), amount, "SUCCEEDED", s.clock.unix_ms()};
    s.journal.note_foreign(node_key, f);
    REQUIRE(s.journal.acknowledge(node_key, f.hash, "by hand"));
    REQUIRE(s.journal.hold_lines_like(f).size() == 1);
    const std::string reason = s.journal.line(manifest_id, 0).held_reason.value_or("");
    CHECK_THAT(reason, StartsWith("xxx") && Contains(f.hash) && EndsWith("for something else"));
    CHECK(reason.size() <= max_reason);
    CHECK(s.journal.hold_lines_like(f).empty());  // it is said already
  }
}

TEST_CASE("a line that two payments hold is found once, and names both (L090)", "[reconcile]") {
  Scene s;
  s.journal.add(s.m);
  for (const char c : {'d', 'e'}) s.node.listed.push_back({std::string(64, c), amount, Msat(7), "SUCCEEDED", "", s.clock.unix_ms(), static_cast<uint64_t>(c)});
  const auto found = Reconciler(s.journal, s.node, s.node.identify()).reconcile("restored");
  REQUIRE(found.held.size() == 1);
  CHECK_THAT(found.held[0].held_reason.value_or(""), Contains(std::string(64, 'd')) && Contains(std::string(64, 'e')));
}

TEST_CASE("a held line whose own invoice the node has paid is PAID once it is reconciled (L090)", "[reconcile]") {
  Scene s;
  s.node.make_invoice = nullptr;
  s.m = manifest(1, {{payout::DestinationKind::bolt11, invoice_number(1, amount, s.clock.unix_seconds())}});
  s.journal.add(s.m);
  REQUIRE(s.journal.hold(manifest_id, 0, "ask"));
  const std::string hash = to_hex(crypto::sha256(BytesView(preimage_number(1))));
  s.node.listed = {{hash, amount, Msat(7), "SUCCEEDED", "", s.clock.unix_ms(), 1}};
  SECTION("with its proof") {
    s.node.about[hash] = settled_with(preimage_hex(1), amount);
    CHECK(Reconciler(s.journal, s.node, s.node.identify()).reconcile("restored").taken.size() == 1);
    CHECK(s.state() == State::paid);
  }
  SECTION("without a proof it says so") {
    s.node.about[hash] = evidence(Evidence::unknown);
    CHECK(Reconciler(s.journal, s.node, s.node.identify()).reconcile("restored").held.size() == 1);
    CHECK_THAT(s.journal.line(manifest_id, 0).held_reason.value_or(""), StartsWith("ask; the node made payment " + hash));
  }
}

TEST_CASE("a payment is acknowledged and its lines are held, or neither (L090)", "[reconcile]") {
  Restored r;
  Journal journal(r.folder.file("db"), true, r.clock);
  const std::string node = r.wallet.identify().node;
  const auto reconcile = [&] { Reconciler(journal, r.wallet, r.wallet.identify()).reconcile("restored"); };
  journal.database().execute("CREATE TRIGGER dies BEFORE UPDATE OF held_reason ON lines WHEN NEW.line = 2 BEGIN SELECT RAISE(ABORT, 'killed'); END");
  CHECK_THROWS_WITH(reconcile(), Contains("killed"));
  const auto waiting = journal.unacknowledged(node);  // in the order of random hashes: those before it may be done
  CHECK(std::any_of(waiting.begin(), waiting.end(), [&](const Foreign& f) { return f.amount == journal.line(manifest_id, 2).pay; }));
  journal.database().execute("DROP TRIGGER dies");
  reconcile();
  CHECK(journal.unacknowledged(node).empty());
  CHECK(line_state(journal.line(manifest_id, 2)) == SettlementState::held);
}

TEST_CASE("the manifest's own invoice that the node has paid or is paying is the line's payment (L090)", "[reconcile]") {
  for (const char* status : {"SUCCEEDED", "IN_FLIGHT"}) {
    Scene s;
    s.node.make_invoice = nullptr;
    s.m = manifest(1, {{payout::DestinationKind::bolt11, invoice_number(1, amount, s.clock.unix_seconds())}});
    s.journal.add(s.m);
    const std::string hash = to_hex(crypto::sha256(BytesView(preimage_number(1))));
    const bool paid = std::string(status) == "SUCCEEDED";
    s.node.listed = {{hash, amount, Msat(7), status, "", s.clock.unix_ms(), 1}};
    s.node.about[hash] = paid ? settled_with(preimage_hex(1), amount) : evidence(Evidence::in_flight);
    CHECK_THROWS_WITH(s.run(), Contains("hh-ln reconcile"));
    const auto found = Reconciler(s.journal, s.node, s.node.identify()).reconcile("restored");
    REQUIRE(found.taken.size() == 1);
    CHECK(found.held.empty());
    CHECK(s.state() == (paid ? State::paid : State::inflight));
    s.node.about[hash] = evidence(Evidence::not_found);
    CHECK(s.run().code == (paid ? 0 : 75));  // never sent from here: the node has had it
    CHECK(s.node.sent.empty());
  }
}

TEST_CASE("a payment of the line's hash over another amount, or one about which the node is silent, holds the line (L090)", "[reconcile]") {
  for (const bool other_amount : {true, false}) {
    Scene s;
    s.node.make_invoice = nullptr;
    s.m = manifest(1, {{payout::DestinationKind::bolt11, invoice_number(1, amount, s.clock.unix_seconds())}});
    s.journal.add(s.m);
    const std::string hash = to_hex(crypto::sha256(BytesView(preimage_number(1))));
    s.node.listed = {{hash, other_amount ? Msat(5) : amount, Msat(7), "SUCCEEDED", "", s.clock.unix_ms(), 1}};
    s.node.about[hash] = other_amount ? settled_with(preimage_hex(1), Msat(5)) : evidence(Evidence::unknown);
    CHECK_THROWS(s.run());
    const auto found = Reconciler(s.journal, s.node, s.node.identify()).reconcile("restored");
    CHECK(found.taken.empty());
    REQUIRE(found.held.size() == 1);
    CHECK_THAT(found.held[0].held_reason.value_or(""), Contains(hash));
    CHECK(s.run().code == 1);
    CHECK(s.node.sent.empty());
  }
}

TEST_CASE("payments of others are no reason to reconcile, and a comparison with nothing new leaves no row (L029)", "[reconcile]") {
  Scene s;
  s.node.listed = {{std::string(64, 'e'), Msat(5), Msat(0), "SUCCEEDED", "", 0, 2}};
  CHECK_THROWS_WITH(s.run(), Contains("acknowledge"));
  CHECK_FALSE(s.journal.is_stale(node_key));
  REQUIRE(s.journal.acknowledge(node_key, std::string(64, 'e'), "by hand"));
  s.node.sends = {settled_with(preimage_hex(1), amount)};
  for (int i = 0; i < 3; ++i) CHECK(s.run().code == 0);
  CHECK(s.journal.database().query_int64("SELECT count(*) FROM reconciliations") == 1);
  CHECK(s.journal.database().query_text("SELECT result FROM reconciliations") == "foreign");
}

TEST_CASE("an unknown payment that is under way is not FAILED before the node is asked about it, and its amount grows with its parts (L029)", "[reconcile]") {
  Scene s;
  const std::string hash(64, 'e');
  s.node.listed = {{hash, Msat(5), Msat(0), "IN_FLIGHT", "", 0, 1}};
  s.node.about[hash] = evidence(Evidence::in_flight);
  CHECK_THROWS_WITH(s.run(), Contains("acknowledge"));
  s.node.listed.push_back({hash, Msat(9), Msat(0), "IN_FLIGHT", "", 0, 2});
  CHECK_THROWS_WITH(s.run(), Contains("9 msat"));
  s.node.listed.push_back({hash, Msat(0), Msat(0), "FAILED", "", 0, 3});  // the newest part has
  for (const Evidence e : {Evidence::in_flight, Evidence::unknown, Evidence::not_found}) {
    s.node.about[hash] = evidence(e);
    CHECK_THROWS_WITH(s.run(), Contains("9 msat"));
  }
  s.node.about[hash] = evidence(Evidence::failed);
  s.node.sends = {settled_with(preimage_hex(1), amount)};
  CHECK(s.run().code == 0);
}
