// Which lines a transaction may pay: none that Lightning could still pay, none that may have been paid, none without an address.
#include <catch2/catch.hpp>

#include "onchain/test_wallet.h"

using namespace hh;
using namespace hh::ln;
using namespace hh::ln::test;
using Catch::Matchers::Contains;

namespace {

// An attempt of the first line that was sent and failed, long enough ago.
Attempt failed_attempt(OnchainScene& s, uint8_t number = 1) {
  const Line line = s.journal->line(manifest_id, 0);
  const std::string invoice = invoice_number(number, line.pay, s.clock.unix_seconds(), 60);
  auto attempt = s.journal->start(line, {invoice, crypto::sha256(BytesView(preimage_number(number))), {}, s.clock.unix_seconds() + 60}, "lnd", node_key, Msat(1000));
  CHECK(s.journal->apply(attempt, Event::send));
  CHECK(s.journal->apply(attempt, Event::failed, {.reason = "no route", .preimage = {}, .fee = {}, .fee_limit = {}}));
  s.clock.advance_ms(600'000);
  return attempt;
}

Line line_of(const std::string& account, const payout::Destination& destination) {
  Line l;
  l.account = account, l.destination = destination, l.chain = "regtest", l.pay = Msat(100'000'000);
  return l;
}

std::string invoice_with_fallback(const Bytes& fallback, const std::string& currency = "bcrt") {
  lightning::NewInvoice i;
  i.currency = currency, i.amount = Msat(100'000'000), i.timestamp = 1, i.fallback = fallback;
  std::array<uint8_t, 32> key;
  key.fill(5);
  return lightning::encode_bolt11(i, key);
}

}  // namespace

TEST_CASE("the address is the miner's name, or else what the payee signed in its invoice", "[L022]") {
  const auto network = bitcoin::Network::regtest;
  const payout::Destination lnaddress{payout::DestinationKind::lnaddress, "a@example.com"};
  Bytes program{0};
  program.insert(program.end(), 20, 7);
  const payout::Destination invoice{payout::DestinationKind::bolt11, invoice_with_fallback(program)};
  CHECK(place_of(line_of("miner:" + address_number(1), lnaddress), network).address == address_number(1));
  CHECK(place_of(line_of("miner:" + address_number(1) + ".rig.2", lnaddress), network).source == "account");
  CHECK(place_of(line_of("miner:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", lnaddress), network).address.empty());  // of another chain
  CHECK(place_of(line_of("miner:alice", lnaddress), network).address.empty());
  CHECK(place_of(line_of("node:" + address_number(1), lnaddress), network).address.empty());
  CHECK(place_of(line_of("miner:alice", invoice), network).address == address_number(7));
  CHECK(place_of(line_of("miner:alice", invoice), network).source == "invoice");
  CHECK(place_of(line_of("miner:" + address_number(1), invoice), network).address == address_number(1));
  CHECK(place_of(line_of("miner:alice", {payout::DestinationKind::bolt11, invoice_with_fallback(program, "bc")}), network).address.empty());
  Bytes unknown{16};
  unknown.insert(unknown.end(), 20, 7);
  CHECK(place_of(line_of("miner:alice", {payout::DestinationKind::bolt11, invoice_with_fallback(unknown)}), network).address.empty());
  CHECK(place_of(line_of("miner:alice", {payout::DestinationKind::bolt11, "lnbcrt1nonsense"}), network).address.empty());
}

TEST_CASE("only lines that Lightning was tried for, that are not held, large enough and of whole satoshis", "[L022]") {
  OnchainScene s(1);
  CHECK(s.why_not(0).empty());
  s.policy.min = Sat(100'001);
  CHECK_THAT(s.why_not(0), Contains("onchain.min_sat"));
  s.policy.min = Sat(100'000);
  CHECK(s.why_not(0).empty());
  s.journal->set_note(s.journal->line(manifest_id, 0), "");
  CHECK_THAT(s.why_not(0), Contains("has not been tried"));
  s.journal->set_note(s.journal->line(manifest_id, 0), "again");
  s.journal->hold(manifest_id, 0, "may have been paid");
  CHECK_THAT(s.why_not(0), Contains("held (may have been paid)"));
  s.node.chain = "signet";
  CHECK_THAT(s.why_not(0), Contains("of chain regtest"));

  OnchainScene broken(1);
  auto m = address_manifest(1, std::string(64, 'b'));
  m.manifest.payout.lines[0].pay = Msat(100'000'001);
  broken.journal->add(m);
  broken.journal->set_note(broken.journal->line(std::string(64, 'b'), 0), "no service answers");
  const auto plan = broken.payer().plan(std::string(64, 'b'));
  CHECK_THAT(plan.candidates.at(0).reason, Contains("whole satoshis"));
}

TEST_CASE("a line whose attempt may still move money is not paid on chain", "[L022]") {
  OnchainScene s(1);
  failed_attempt(s);
  s.node.tracks = {evidence(Evidence::failed)};
  CHECK(s.why_not(0).empty());
  for (const Evidence e : {Evidence::in_flight, Evidence::unknown, Evidence::not_sent}) {
    s.node.tracks = {evidence(e)};
    CHECK_THAT(s.why_not(0), Contains("does not say that payment"));
  }
  s.node.tracks = {evidence(Evidence::failed)};
  s.node.htlc = true;
  CHECK_THAT(s.why_not(0), Contains("a channel carries"));
  s.node.htlc = false, s.node.channels_unknown = true;
  CHECK_THAT(s.why_not(0), Contains("does not say what its channels carry"));
  s.node.channels_unknown = false;
  CHECK(s.why_not(0).empty());
  s.policy.quiet_ms = 600'001;
  CHECK_THAT(s.why_not(0), Contains("onchain.quiet_seconds"));
  CHECK_FALSE(s.pay());
  CHECK(s.wallet.funds == 0);
}

TEST_CASE("what the node does not know is dead only when its invoice has expired and the node has its history", "[L022]") {
  OnchainScene s(1);
  s.policy.quiet_ms = 0;
  const Line line = s.journal->line(manifest_id, 0);
  const int64_t now = s.clock.unix_seconds();
  auto attempt = s.journal->start(line, {invoice_number(1, line.pay, now, 60), crypto::sha256(BytesView(preimage_number(1))), {}, now + 60}, "lnd", node_key, Msat(1000));
  s.journal->apply(attempt, Event::send);
  s.journal->apply(attempt, Event::failed, {.reason = "no route", .preimage = {}, .fee = {}, .fee_limit = {}});
  s.node.tracks = {evidence(Evidence::not_found)};
  s.clock.advance_ms(179'000);
  CHECK_THAT(s.why_not(0), Contains("can still be paid"));
  s.clock.advance_ms(1000);
  CHECK(s.why_not(0).empty());
  // Another payment of the node, which it must know, is gone too: then not knowing proves nothing.
  s.journal->note_foreign(node_key, {std::string(64, '9'), Msat(5), "SUCCEEDED", 1});
  CHECK_THAT(s.why_not(0), Contains("deleted its history"));
  s.node.about[std::string(64, '9')] = settled_with(preimage_hex(9), Msat(5));
  CHECK(s.why_not(0).empty());
}

TEST_CASE("every attempt of the line must be dead, not only the newest", "[L022]") {
  OnchainScene s(1);
  const Attempt first = failed_attempt(s, 1);
  failed_attempt(s, 2);
  s.node.about[first.hash] = evidence(Evidence::in_flight);
  CHECK_THAT(s.why_not(0), Contains(first.hash));
  s.node.about[first.hash] = settled_with(preimage_hex(1), first.amount);
  CHECK_THAT(s.why_not(0), Contains("after all"));
  CHECK(s.why_not(0) == "settled");
}

TEST_CASE("an open attempt keeps a line from the chain, and so does an invoice that waits", "[L022]") {
  OnchainScene s(1);
  const Line line = s.journal->line(manifest_id, 0);
  auto attempt = s.journal->start(line, {invoice_number(1, line.pay, 1), crypto::sha256(BytesView(preimage_number(1))), {}, {}}, "lnd", node_key, Msat(1000));
  CHECK_THAT(s.why_not(0), Contains("waits to be paid over Lightning"));
  s.journal->apply(attempt, Event::send);
  CHECK_THAT(s.why_not(0), Contains("under way"));
  CHECK_THROWS_WITH(s.book().order(manifest_id, 0, {}, "x"), Contains("under way"));
}

TEST_CASE("an operator's order pays a held line, to the address that it says, until somebody releases the line", "[L022]") {
  OnchainScene s(1);
  s.journal->hold(manifest_id, 0, "the invoice has expired");
  s.book().order(manifest_id, 0, address_number(77), "the miner wrote so");
  auto plan = s.payer().plan("");
  CHECK((plan.candidates.at(0).reason.empty() && plan.candidates.at(0).address == address_number(77) && plan.candidates.at(0).source == "operator"));
  // Held again for something else, the order is void.
  CHECK(s.journal->release(manifest_id, 0));
  s.journal->hold(manifest_id, 0, "may have been paid");
  CHECK_THAT(s.why_not(0), Contains("may have been paid"));
  s.book().order(manifest_id, 0, {}, "to its own address then");
  CHECK(s.payer().plan("").candidates.at(0).address == address_number(1));
  // What is held for the chain is not sent over Lightning.
  CHECK(settle(*s.journal, s.node, s.clock, address_manifest(1)).code == 1);
  CHECK(s.node.sent.empty());
  s.pay();
  CHECK(s.paid(0) == 1);
  CHECK_THROWS_WITH(s.book().order(manifest_id, 0, address_number(78), "again"), Contains("is paid"));
}

TEST_CASE("an expired, a late and a revoked manifest are not paid on chain, unless the operator has decided since", "[L022]") {
  OnchainScene s(1);
  s.policy.deadline_ms = 3'600'000;
  s.clock.advance_ms(3'599'999);
  CHECK(s.why_not(0).empty());
  s.clock.advance_ms(1);
  CHECK_THAT(s.why_not(0), Contains("past its deadline"));
  s.policy.deadline_ms = 0;
  CHECK(s.why_not(0).empty());
  s.journal->database().execute("UPDATE manifests SET expires_at = " + std::to_string(s.clock.unix_seconds()));
  CHECK_THAT(s.why_not(0), Contains("has expired"));
  s.book().order(manifest_id, 0, {}, "the miner has waited long enough");
  CHECK(s.why_not(0).empty());
  s.journal->revoke(manifest_id, "wrong policy");
  CHECK_THAT(s.why_not(0), Contains("wrong policy"));
  CHECK_FALSE(s.pay());
  CHECK(s.wallet.funds == 0);
}

TEST_CASE("what a revoked manifest has paid on chain, no other manifest pays", "[L022]") {
  OnchainScene s(1);
  s.pay();
  s.journal->revoke(manifest_id, "wrong policy");
  CHECK(s.state(0) == payout::SettlementState::inflight);
  auto successor = address_manifest(1, std::string(64, 'b'));
  successor.manifest.payout.block_hash = manifest_id;  // the same block
  CHECK_THROWS(s.journal->add(successor));
}

TEST_CASE("an order lets go of an invoice that was never sent", "[L022]") {
  OnchainScene s(1);
  const Line line = s.journal->line(manifest_id, 0);
  s.journal->start(line, {invoice_number(1, line.pay, 1), crypto::sha256(BytesView(preimage_number(1))), {}, {}}, "lnd", node_key, Msat(1000));
  s.book().order(manifest_id, 0, {}, "Lightning is down");
  s.node.tracks = {evidence(Evidence::not_found)};
  CHECK(s.why_not(0).empty());
}

TEST_CASE("a journal from a backup: what the wallet has paid without it is not paid again", "[L022]") {
  OnchainScene s(1);
  std::filesystem::copy(s.folder.file("db"), s.folder.file("backup"));
  s.pay();
  s.wallet.mine(6);
  CHECK(s.paid(0) == 1);
  s.journal.reset();
  std::filesystem::rename(s.folder.file("backup"), s.folder.file("db"));
  s.journal = s.open();
  CHECK_THAT(s.why_not(0), Contains("the journal does not know"));
  CHECK_FALSE(s.pay());
  CHECK(s.paid(0) == 1);
  s.clock.advance_ms(1000);
  s.book().order(manifest_id, 0, {}, "that was for something else");
  CHECK(s.why_not(0).empty());
}
