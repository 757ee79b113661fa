// Sequences of lies, crashes and lost answers in which a line could be paid twice. Each of these once was, or would be without one named check.
#include <catch2/catch.hpp>

#include "test_support.h"

using namespace hh;
using namespace hh::ln;
using namespace hh::ln::test;
using payout::SettlementState;
using Catch::Matchers::Contains;

namespace {

constexpr int64_t long_after_ms = 3'600'000 + 300'000;  // an invoice's life, and more than any clock is slow

// The line's first invoice FAILED by the node's word, and has expired since.
struct Expired : Scene {
  Expired() {
    policy.attempts = 1;
    node.sends = {evidence(Evidence::failed, "no route")};
    REQUIRE(run().code == 1);
    clock.advance_ms(long_after_ms);
    node.sends = {settled_with(preimage_hex(2), amount)};
  }
};

}  // namespace

TEST_CASE("what had FAILED and is in flight after all is not replaced by a new invoice, even where no channel shows an HTLC (C076 L028)", "[twice]") {
  // A retry's request was held up on its way: the first answer about it was of the try before. lnd has the payment between two HTLCs.
  Expired s;
  s.node.tracks = {evidence(Evidence::in_flight)};
  CHECK(s.run().code == 1);
  CHECK(s.node.sent.size() == 1);
  CHECK(s.invoices == 1);
  s.node.tracks = {settled_with(preimage_hex(1), amount)};
  CHECK(s.run().code == 0);
  CHECK(s.node.sent.size() == 1);
  CHECK(s.journal.summary().alarms == 1);
}

TEST_CASE("an invoice that FAILED is not replaced while the node does not answer about it (C076 L028)", "[twice]") {
  for (const Evidence silence : {Evidence::unknown, Evidence::not_sent}) {
    Expired s;
    s.node.tracks = {evidence(silence)};
    CHECK(s.run().code == 1);
    CHECK(s.invoices == 1);
    s.node.tracks = {evidence(Evidence::failed)};
    CHECK(s.run().code == 0);
    CHECK(s.invoices == 2);
  }
}

TEST_CASE("a node that has deleted its history does not make us send again: not the same invoice, and not a new one (C076)", "[twice]") {
  for (const int64_t later : {int64_t{1000}, long_after_ms}) {
    Scene s;
    s.m = manifest(2);
    s.policy.attempts = 1;
    s.node.sends = {settled_with(preimage_hex(1), amount), evidence(Evidence::unknown, "time-out")};
    CHECK(s.run().code == 75);
    REQUIRE(s.state(0) == State::paid);
    REQUIRE(s.state(1) == State::unknown);
    s.clock.advance_ms(later);
    s.node.tracks = {evidence(Evidence::not_found)};  // of either payment: all is deleted, though both were made
    for (int i = 0; i < 3; ++i) CHECK(s.run().code == 75);
    CHECK(s.node.sent.size() == 2);
    CHECK(s.state(1) == State::unknown);
    CHECK_THAT(s.journal.line(manifest_id, 1).attempt->reason, Contains("deleted its history"));
    // Whoever has made sure that it was not paid says so, and it is paid.
    Attempt a = *s.journal.line(manifest_id, 1).attempt;
    REQUIRE(s.journal.apply(a, Event::failed, {.reason = "operator: looked", .preimage = {}, .fee = {}, .fee_limit = {}}));
    s.node.sends = {settled_with(preimage_hex(later == 1000 ? 2 : 3), Msat(2'000'000))};
    CHECK(s.run().code == 0);
  }
}

TEST_CASE("a node that still knows what it paid is believed when it does not know a payment (L028)", "[twice]") {
  Scene s;
  s.m = manifest(2);
  s.policy.attempts = 1;
  s.node.sends = {settled_with(preimage_hex(1), amount), evidence(Evidence::unknown, "time-out")};
  CHECK(s.run().code == 75);
  const std::string paid = s.journal.line(manifest_id, 0).attempt->hash;
  s.node.tracks = {evidence(Evidence::not_found)};
  s.node.about[paid] = evidence(Evidence::unknown);  // about the payment that would show its memory it says nothing: wait
  CHECK(s.run().code == 75);
  CHECK(s.node.sent.size() == 2);
  s.node.about[paid] = settled_with(preimage_hex(1), amount);
  s.node.sends = {settled_with(preimage_hex(2), Msat(2'000'000))};
  CHECK(s.run().code == 0);
  REQUIRE(s.node.sent.size() == 3);
  CHECK(s.node.sent[1].invoice == s.node.sent[2].invoice);
}

TEST_CASE("a payment that was acknowledged shows as well whether the node has its history", "[twice]") {
  Scene s;
  s.policy.attempts = 1;
  const std::string stranger(64, 'e');
  s.node.listed = {{stranger, Msat(5), Msat(0), "SUCCEEDED", "", 0, 2}};
  CHECK_THROWS(s.run());
  REQUIRE(s.journal.acknowledge(node_key, stranger, "channel rebalance by hand"));
  s.node.sends = {evidence(Evidence::unknown)};
  CHECK(s.run().code == 75);
  s.node.tracks = {evidence(Evidence::not_found)};
  CHECK(s.run().code == 75);
  CHECK(s.node.sent.size() == 1);
}

TEST_CASE("nothing is sent again while a channel carries its hash, or while the node does not say what its channels carry (L028)", "[twice]") {
  Scene s;
  s.policy.attempts = 1;
  s.node.sends = {evidence(Evidence::unknown)};
  CHECK(s.run().code == 75);
  s.node.tracks = {evidence(Evidence::not_found)};
  for (const bool silent : {false, true}) {
    s.node.htlc = true;
    s.node.channels_unknown = silent;
    CHECK(s.run().code == 75);
    CHECK(s.node.sent.size() == 1);
  }
  s.node.htlc = s.node.channels_unknown = false;
  s.node.sends = {settled_with(preimage_hex(1), amount)};
  CHECK(s.run().code == 0);
  CHECK(s.node.sent[0].invoice == s.node.sent[1].invoice);
}

TEST_CASE("a held line is not sent again, whatever the node does not know", "[twice]") {
  Scene s;
  s.policy.attempts = 1;
  s.node.sends = {evidence(Evidence::unknown)};
  CHECK(s.run().code == 75);
  REQUIRE(s.journal.hold(manifest_id, 0, "is it paid? asking the miner"));
  s.node.tracks = {evidence(Evidence::not_found)};
  CHECK(s.run().code == 75);
  s.clock.advance_ms(long_after_ms);
  CHECK(s.run().code == 75);
  CHECK(s.node.sent.size() == 1);
  CHECK(s.invoices == 1);
  Attempt a = *s.journal.line(manifest_id, 0).attempt;
  CHECK_THROWS_AS(s.journal.apply(a, Event::send), store::ConstraintError);  // nor by a defect of the program
  s.node.tracks = {settled_with(preimage_hex(1), amount)};  // it is still followed
  CHECK(s.run().code == 0);
}

TEST_CASE("two manifests for one block: the second is refused, whatever its amounts (C075)", "[twice]") {
  Scene s;
  s.node.sends = {settled_with(preimage_hex(1), amount)};
  CHECK(s.run().code == 0);
  auto other = manifest(1, {}, std::string(64, 'b'));
  other.manifest.payout.block_hash = s.m.manifest.payout.block_hash;
  other.manifest.payout.number = 99;  // a ledger that was made anew may count differently
  other.manifest.payout.lines[0].pay = Msat(5000);
  CHECK_THROWS_WITH(s.journal.add(other), Contains("paid out twice") && Contains(manifest_id));
  CHECK(s.journal.lines(other.manifest.id).empty());
  other.manifest.payout.block_hash = std::string(64, '7');
  CHECK_NOTHROW(s.journal.add(other));
  other.manifest.id = std::string(64, 'c');
  other.manifest.payout.block_hash = s.m.manifest.payout.block_hash;
  other.manifest.payout.chain = bitcoin::Network::signet;  // another chain, another block
  CHECK_NOTHROW(s.journal.add(other));
}

TEST_CASE("two manifests for one cycle of one node pool: the second is refused (C075)", "[twice]") {
  Scene s;
  const auto cycle = [](char id, int64_t number, Msat pool) {
    auto m = manifest(1, {}, std::string(64, id));
    m.manifest.payout.kind = payout::PayoutKind::cycle;
    m.manifest.payout.block_hash.clear();
    m.manifest.payout.number = number;
    m.manifest.payout.node_pool = pool;
    return m;
  };
  s.journal.add(cycle('1', 3, Msat(7000)));
  CHECK_THROWS_WITH(s.journal.add(cycle('2', 3, Msat(7000))), Contains("paid out twice"));
  CHECK_NOTHROW(s.journal.add(cycle('3', 4, Msat(7000))));
  CHECK_NOTHROW(s.journal.add(cycle('4', 3, Msat(9000))));  // the third cycle of another pool that this wallet pays for
}

TEST_CASE("a journal restored from a backup: what the node paid since is not paid again, even when all of it is acknowledged at once (C075)", "[twice]") {
  for (const bool manifest_was_known : {true, false}) {
    Scene s;
    if (manifest_was_known) s.journal.add(s.m);
    const std::string lost(64, 'e');
    s.node.listed = {{lost, amount, Msat(1), "SUCCEEDED", "", s.clock.unix_ms(), 1}};
    s.node.sends = {settled_with(preimage_hex(1), amount)};
    if (manifest_was_known) {
      CHECK_THROWS_WITH(s.run(), Contains("acknowledge"));
    } else {
      Reconciler(s.journal, s.node, s.node.identify()).compare_list(true);  // hh-ln audit
    }
    for (const Foreign& f : s.journal.unacknowledged(node_key)) {
      REQUIRE(s.journal.acknowledge(node_key, f.hash, "all known"));
      CHECK(s.journal.hold_lines_like(f).size() == (manifest_was_known ? 1 : 0));
    }
    const Run run = s.run();
    CHECK(run.code == 1);
    CHECK(run.printed[0].state == SettlementState::held);
    CHECK_THAT(run.printed[0].reason, Contains(lost));
    CHECK(s.node.sent.empty());
    // It was for something else: the operator says so once, and it stays said.
    REQUIRE(s.journal.release(manifest_id, 0));
    CHECK(s.run().code == 0);
    CHECK(s.node.sent.size() == 1);
  }
}

TEST_CASE("a payment of another amount, one that failed, or one of long ago holds nothing", "[twice]") {
  Scene s;
  const int64_t now = s.clock.unix_ms();
  s.journal.note_foreign(node_key, {std::string(64, '1'), amount + Msat(1), "SUCCEEDED", now});
  s.journal.note_foreign(node_key, {std::string(64, '2'), amount, "FAILED", now});
  s.journal.note_foreign(node_key, {std::string(64, '3'), amount, "SUCCEEDED", now - 31 * int64_t{86'400'000}});
  s.journal.add(s.m);
  CHECK_FALSE(s.journal.line(manifest_id, 0).held_reason);
}

TEST_CASE("should a line be paid twice after all, its record stays the one of the first payment, and it is counted and said", "[twice]") {
  Expired s;
  const std::string first = to_hex(crypto::sha256(BytesView(preimage_number(1)))), second = to_hex(crypto::sha256(BytesView(preimage_number(2))));
  s.node.tracks = {evidence(Evidence::failed)};
  s.node.sends = {evidence(Evidence::in_flight)};
  s.node.about[second] = evidence(Evidence::in_flight);
  s.policy.wait_ms = 0;
  CHECK(s.run().code == 75);
  REQUIRE(s.node.sent.size() == 2);
  s.node.about[first] = settled_with(preimage_hex(1), amount);  // the node had lied
  s.node.listed = {{first, amount, Msat(7), "SUCCEEDED", preimage_hex(1), 0, 5}};
  const Run before = s.run();
  CHECK(before.printed[0].payment_hash == first);
  CHECK(s.journal.summary().paid_twice == 0);
  s.clock.advance_ms(1000);
  s.node.about[second] = settled_with(preimage_hex(2), amount);
  const Run after = s.run();
  CHECK(after.printed == before.printed);
  CHECK(s.journal.summary().paid_twice == 1);
  CHECK(s.journal.summary().alarms == 2);
}
