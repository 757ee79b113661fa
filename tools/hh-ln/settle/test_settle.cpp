// Settling against backends that lie, fail and fall silent.
#include <catch2/catch.hpp>

#include "test_support.h"

using namespace hh;
using namespace hh::ln;
using namespace hh::ln::test;
using payout::SettlementState;
using Catch::Matchers::Contains;

namespace {

using Fixture = Scene;

}  // namespace

TEST_CASE("a payment that succeeds is PAID with its proof, and never sent again (L027)", "[settle]") {
  Fixture f;
  f.node.sends = {settled_with(preimage_hex(1), amount)};
  const Run first = f.run(), second = f.run();
  REQUIRE(first.code == 0);
  REQUIRE(first.printed.size() == 1);
  CHECK(first.printed[0].state == SettlementState::paid);
  CHECK(first.printed[0].preimage == preimage_hex(1));
  CHECK(first.printed[0].fee == Msat(7));
  CHECK(second.printed == first.printed);
  CHECK(f.node.sent.size() == 1);
  CHECK(f.node.sent[0].fee_limit == Msat(10'000 + 5000));
}

TEST_CASE("SUCCEEDED with a wrong preimage is not PAID, is not sent again, and stays open", "[settle]") {
  Fixture f;
  f.node.sends = {settled_with(std::string(64, '0'), amount)};
  f.node.tracks = {settled_with(std::string(64, '0'), amount)};
  for (int i = 0; i < 3; ++i) CHECK(f.run().code == 75);
  CHECK(f.state() == State::unknown);
  CHECK(f.node.sent.size() == 1);
  f.node.tracks = {settled_with(preimage_hex(1), amount)};
  CHECK(f.run().code == 0);
}

TEST_CASE("no answer is UNKNOWN: it is asked about, not paid again", "[settle]") {
  Fixture f;
  f.node.sends = {evidence(Evidence::unknown, "time-out")};
  CHECK(f.run().code == 75);
  CHECK(f.state() == State::unknown);
  f.node.tracks = {evidence(Evidence::in_flight)};
  CHECK(f.run().code == 75);
  CHECK(f.state() == State::inflight);
  f.node.tracks = {settled_with(preimage_hex(1), amount)};
  CHECK(f.run().code == 0);
  CHECK(f.node.sent.size() == 1);
}

TEST_CASE("NotFound after SENDING sends the same invoice again", "[settle]") {
  Fixture f;
  f.node.sends = {evidence(Evidence::unknown), settled_with(preimage_hex(1), amount)};
  f.node.tracks = {evidence(Evidence::not_found)};
  CHECK(f.run().code == 0);
  REQUIRE(f.node.sent.size() == 2);
  CHECK(f.node.sent[0].invoice == f.node.sent[1].invoice);
  CHECK(f.invoices == 1);
}

TEST_CASE("NotFound for what the node had confirmed is never sent again", "[settle]") {
  Fixture f;
  f.node.sends = {evidence(Evidence::in_flight)};
  f.node.tracks = {evidence(Evidence::not_found)};
  for (int i = 0; i < 3; ++i) {
    CHECK(f.run().code == 75);
    f.clock.advance_ms(100'000'000);  // also not when the invoice has long expired
  }
  CHECK(f.node.sent.size() == 1);
  CHECK(f.state() == State::unknown);
  CHECK_THAT(f.journal.line(manifest_id, 0).attempt->reason, Contains("operator"));
}

TEST_CASE("an expired invoice that the node never knew is replaced, but not while an HTLC carries its hash (L028, L084)", "[settle]") {
  Fixture f;
  f.policy.attempts = 1;
  f.node.sends = {evidence(Evidence::unknown)};
  f.node.tracks = {evidence(Evidence::not_found)};
  CHECK(f.run().code == 75);
  f.clock.advance_ms(3'600'000 + 60'000);
  f.node.htlc = true;
  CHECK(f.run().code == 75);
  f.clock.advance_ms(100'000);
  CHECK(f.run().code == 75);
  CHECK(f.invoices == 1);
  f.node.htlc = false;
  f.node.sends = {settled_with(preimage_hex(2), amount)};
  CHECK(f.run().code == 0);
  CHECK(f.invoices == 2);
  REQUIRE(f.node.sent.size() == 2);
  CHECK(f.node.sent[0].invoice != f.node.sent[1].invoice);
}

TEST_CASE("a failure is retried with the same invoice, so often and no more (L023)", "[settle]") {
  Fixture f;
  f.node.sends = {evidence(Evidence::failed, "no route")};
  f.node.tracks = {evidence(Evidence::failed, "no route")};
  const Run run = f.run();
  CHECK(run.code == 1);
  CHECK(run.printed[0].state == SettlementState::failed_safe);
  CHECK(run.printed[0].reason == "no route");
  CHECK(f.node.sent.size() == 3);
  CHECK(f.invoices == 1);
  f.node.sends = {settled_with(preimage_hex(1), amount)};
  CHECK(f.run().code == 0);
}

TEST_CASE("what trying again cannot help is tried once", "[settle]") {
  Fixture f;
  Report broke = evidence(Evidence::failed, "insufficient balance");
  broke.try_again = false;
  f.node.sends = {broke};
  CHECK(f.run().code == 1);
  CHECK(f.node.sent.size() == 1);
}

TEST_CASE("a late success after FAILED is accepted, with an alarm, and nothing is paid on top", "[settle]") {
  Fixture f;
  f.policy.attempts = 1;
  f.node.sends = {evidence(Evidence::failed)};
  CHECK(f.run().code == 1);
  f.node.listed = {{f.journal.line(manifest_id, 0).attempt->hash, amount, Msat(3), "SUCCEEDED", preimage_hex(1), 0, 1}};
  f.node.tracks = {settled_with(preimage_hex(1), amount)};
  CHECK(f.run().code == 0);
  CHECK(f.node.sent.size() == 1);
  CHECK(f.journal.summary().alarms == 1);
}

TEST_CASE("a node that cannot be reached stops the run; what was not sent is sent later (L086)", "[settle]") {
  Fixture f;
  f.m = manifest(3);
  f.node.sends = {evidence(Evidence::not_sent)};
  f.node.tracks = {evidence(Evidence::not_sent)};
  const Run down = f.run();
  CHECK(down.code == 75);
  CHECK(down.printed.size() == 3);
  CHECK(f.node.sent.size() == 1);
  f.node.tracks = {evidence(Evidence::not_found)};
  f.node.sends = {settled_with(preimage_hex(1), amount), settled_with(preimage_hex(2), amount), settled_with(preimage_hex(3), amount)};
  CHECK(f.run().code == 0);
  CHECK(f.node.sent.size() == 4);
}

TEST_CASE("an outgoing payment that the journal does not know stops everything until it is explained", "[settle]") {
  Fixture f;
  const std::string stranger(64, 'e');
  f.node.listed = {{std::string(64, 'd'), Msat(1), Msat(0), "FAILED", "", 0, 1}, {stranger, Msat(5), Msat(0), "SUCCEEDED", "", 0, 2}};
  f.node.sends = {settled_with(preimage_hex(1), amount)};
  for (int i = 0; i < 2; ++i) CHECK_THROWS_WITH(f.run(), Contains(stranger));
  CHECK(f.node.sent.empty());
  CHECK(f.journal.acknowledge(node_key, stranger, "channel rebalance by hand"));
  CHECK(f.run().code == 0);
}

TEST_CASE("a foreign payment that fails in the end stops nothing", "[settle]") {
  Fixture f;
  f.node.listed = {{std::string(64, 'e'), Msat(5), Msat(0), "IN_FLIGHT", "", 0, 1}};
  f.node.sends = {settled_with(preimage_hex(1), amount)};
  CHECK_THROWS(f.run());
  f.node.tracks = {evidence(Evidence::failed)};
  CHECK(f.run().code == 0);
}

TEST_CASE("open payments are settled with the node that they were sent through", "[settle]") {
  Fixture f;
  f.node.sends = {evidence(Evidence::unknown)};
  CHECK(f.run().code == 75);
  f.node.id = "02" + std::string(node_key).substr(2);
  CHECK_THROWS_WITH(f.run(), Contains("settle it with that node first"));
  CHECK(f.node.sent.size() == 1);
}

TEST_CASE("invoices that are not exactly right are not sent", "[settle]") {
  Fixture f;
  const int64_t now = f.clock.unix_seconds();
  f.node.sends = {settled_with(preimage_hex(1), amount)};
  for (const std::string& bad : {invoice_number(1, Msat(1'000'001), now), invoice_number(1, Msat(999'999), now), invoice_number(1, amount, now - 4000), invoice_number(1, amount, now, 29),
                                 invoice_number(1, amount, now, 3600, "tb"), std::string("lnbcrt1nonsense")}) {
    f.node.make_invoice = [&](const payout::Destination&, Msat) { return bad; };
    const Run run = f.run();
    CHECK(run.code == 75);
    CHECK(run.printed[0].state == SettlementState::planned);
    CHECK_FALSE(run.printed[0].reason.empty());
  }
  CHECK(f.node.sent.empty());
}

TEST_CASE("one invoice for two lines pays only one", "[settle]") {
  Fixture f;
  f.m = manifest(2);
  f.m.manifest.payout.lines[1].pay = amount;
  f.node.make_invoice = [&](const payout::Destination&, Msat a) { return invoice_number(1, a, f.clock.unix_seconds()); };
  f.node.sends = {settled_with(preimage_hex(1), amount)};
  const Run run = f.run();
  CHECK(run.code == 75);
  CHECK(f.node.sent.size() == 1);
  REQUIRE(run.printed.size() == 2);
  CHECK_THAT(run.printed[1].reason, Contains("used before"));
}

TEST_CASE("a given invoice that can never be paid holds its line for the operator", "[settle]") {
  Fixture f;
  f.node.make_invoice = nullptr;
  f.m = manifest(1, {{payout::DestinationKind::bolt11, invoice_number(1, Msat(1'000'001), f.clock.unix_seconds())}});
  const Run run = f.run();
  CHECK(run.code == 1);
  CHECK(run.printed[0].state == SettlementState::held);
  CHECK_THAT(run.printed[0].reason, Contains("1000001 msat, not 1000000"));
}

TEST_CASE("keysend sends to the node with a preimage that hashes to the stored hash", "[settle]") {
  Fixture f;
  f.node.make_invoice = nullptr;
  f.m = manifest(1, {{payout::DestinationKind::node, node_key}});
  const Preimage expected = f.journal.keysend_preimage(manifest_id, 0, 1);
  f.node.sends = {settled_with(to_hex(expected), amount)};
  CHECK(f.run().code == 0);
  REQUIRE(f.node.sent.size() == 1);
  CHECK(f.node.sent[0].invoice.empty());
  CHECK(f.node.sent[0].preimage == expected);
  CHECK(f.node.sent[0].hash == crypto::sha256(BytesView(expected)));
  CHECK(to_hex(f.node.sent[0].node) == node_key);
}

TEST_CASE("LNURL services that cheat get nothing (L022)", "[settle]") {
  Fixture f;
  f.node.make_invoice = nullptr;
  f.node.sends = {settled_with(preimage_hex(1), amount)};
  const std::string parameters = R"({"tag":"payRequest","callback":"https://example.com/cb","minSendable":1000,"maxSendable":2000000,"metadata":"[[\"text/plain\",\"rig\"]]"})";
  std::string invoice = invoice_number(1, Msat(1'000'001), f.clock.unix_seconds());
  const Fetch fetch = [&](const std::string& url) { return url.find("/cb?amount=1000000") == std::string::npos ? parameters : "{\"pr\":\"" + invoice + "\"}"; };
  CHECK(settle(f.journal, f.node, f.clock, f.m, f.policy, fetch).code == 75);
  CHECK(f.node.sent.empty());
  invoice = invoice_number(1, amount, f.clock.unix_seconds());
  CHECK(settle(f.journal, f.node, f.clock, f.m, f.policy, fetch).code == 0);
  CHECK(f.node.sent.size() == 1);
}

TEST_CASE("the fee limit is base and millionths, without overflow", "[settle]") {
  const SettlePolicy p{.fee_limit_ppm = 5000, .fee_limit_base = Msat(10'000)};
  CHECK(fee_limit(p, Msat(1)) == Msat(10'000));
  CHECK(fee_limit(p, Msat(999'999)) == Msat(14'999));
  CHECK(fee_limit(p, to_msat(max_money)) == Msat(10'500'000'000'010'000));
}
