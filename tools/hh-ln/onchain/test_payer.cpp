// Paying on chain: recorded before it is sent, never rebuilt, whatever dies or lies in between.
#include <catch2/catch.hpp>

#include "onchain/test_wallet.h"
#include "service/desk.h"
#include "store/faulty_disk.h"

using namespace hh;
using namespace hh::ln;
using namespace hh::ln::test;
using Catch::Matchers::Contains;
using payout::SettlementState;

TEST_CASE("lines that Lightning could not pay are paid by one transaction, PAID when it is deep enough, once", "[L022][L027]") {
  OnchainScene s;
  const auto batch = s.pay();
  REQUIRE(batch);
  CHECK(batch->state == BatchState::broadcast);
  CHECK(s.wallet.sent.size() == 1);
  for (int64_t line = 0; line < 3; ++line) CHECK((s.state(line) == SettlementState::inflight && s.paid(line) == 1));
  CHECK_FALSE(s.pay());
  s.wallet.mine(5);
  s.payer().follow();
  CHECK(s.state(0) == SettlementState::inflight);
  CHECK(s.settlement(0).confirmations == 5);
  s.wallet.mine(1);
  CHECK_FALSE(s.pay());
  Msat fees;
  for (int64_t line = 0; line < 3; ++line) {
    const payout::Settlement paid = s.settlement(line);
    CHECK((paid.state == SettlementState::paid && paid.txid == batch->txid && paid.confirmations == 6 && paid.address == address_number(static_cast<uint8_t>(line + 1))));
    CHECK(payout::settlement_from_record(payout::to_record(paid)) == paid);
    const auto& output = s.wallet.sent.at(paid.txid).outputs.at(static_cast<size_t>(paid.vout));
    CHECK((to_msat(output.value) == paid.amount && output.script == script_number(static_cast<uint8_t>(line + 1))));
    fees += paid.fee;
  }
  CHECK(fees == to_msat(s.wallet.fee));
  CHECK(s.wallet.publishes == 2);  // once, and again when it was not yet in the chain
  const Journal::Summary summary = s.journal->summary();
  CHECK((summary.paid == Msat(600'000'000) && summary.fees == fees && summary.reserved.is_zero() && summary.paid_twice == 0 && summary.alarms == 0));
}

TEST_CASE("killed between any two steps: the same transaction is sent again, and each line is paid once", "[L022]") {
  for (int64_t point = 0;; ++point) {
    OnchainScene s;
    s.wallet.dies_at = point;
    bool died = false;
    try {
      s.pay();
    } catch (const Died&) {
      died = true;
    }
    s.wallet.dies_at = -1;
    s.restart();
    const size_t recorded = s.book().batches().size();
    for (int run = 0; run < 3; ++run) s.pay();
    INFO("point " << point);
    CHECK(s.book().batches().size() == 1);
    CHECK(s.wallet.sent.size() == 1);
    CHECK((recorded == 1 || s.wallet.publishes > 0));
    for (int64_t line = 0; line < 3; ++line) CHECK(s.paid(line) == 1);
    s.wallet.mine(6);
    s.payer().follow();
    CHECK(s.state(2) == SettlementState::paid);
    if (!died) {
      CHECK(point == 6);  // two points each in fund, finalize and publish: all were visited
      break;
    }
  }
}

TEST_CASE("the disk fails at any write: nothing is sent that is not recorded", "[L022]") {
  for (const auto fault : {store::DiskFault::io, store::DiskFault::full, store::DiskFault::sync_only})
    for (int64_t writes = 0;; ++writes) {
      OnchainScene s;
      store::FaultyDisk disk;
      bool failed = false;
      {
        Journal journal(s.folder.file("db"), true, s.clock, disk.vfs());
        disk.fail_after(writes, fault);
        try {
          OnchainPayer(journal, s.node, s.node.identify(), s.wallet, s.policy, s.clock).pay("");
        } catch (const Error&) {
          failed = true;
        }
        disk.heal();
      }
      s.restart();
      CHECK(s.wallet.sent.size() <= s.book().batches().size());
      s.pay();
      s.pay();
      INFO("writes " << writes);
      CHECK(s.wallet.sent.size() == 1);
      for (int64_t line = 0; line < 3; ++line) CHECK(s.paid(line) == 1);
      if (!failed) break;
    }
}

TEST_CASE("finalize answers a second time with another transaction: only what was recorded counts", "[L022]") {
  OnchainScene s;
  s.wallet.dies_at = 3;  // after signing
  CHECK_THROWS_AS(s.pay(), Died);
  s.wallet.dies_at = -1;
  s.restart();
  CHECK(s.book().batches().empty());
  const auto batch = s.pay();
  CHECK(s.wallet.funds == 2);
  CHECK((s.wallet.sent.size() == 1 && s.wallet.sent.contains(batch->txid)));
}

TEST_CASE("the answer to publishing is lost, or is no: the batch stays, and the same transaction goes out again", "[L022]") {
  struct Case {
    bool takes;
    PublishAnswer answer;
    BatchState after;
  };
  const Case cases[] = {{true, {Published::unknown, "time-out"}, BatchState::recorded},      {false, {Published::unknown, "time-out"}, BatchState::recorded},
                        {true, {Published::accepted, "already known"}, BatchState::broadcast}, {false, {Published::refused, "bad-txns-inputs-missingorspent"}, BatchState::recorded},
                        {false, {Published::refused, "max-fee-exceeded"}, BatchState::recorded}};
  for (const Case& c : cases) {
    OnchainScene s;
    s.wallet.takes = c.takes, s.wallet.answer = c.answer;
    const auto batch = s.pay();
    INFO(c.answer.reason);
    CHECK(batch->state == c.after);
    if (c.after == BatchState::recorded) {
      CHECK(batch->reason == c.answer.reason);
      CHECK(s.state(0) == SettlementState::sending);
      // Other lines wait until this one is known.
      s.journal->add(address_manifest(1, std::string(64, 'b')));
      s.journal->set_note(s.journal->line(std::string(64, 'b'), 0), "no service answers");
      CHECK_THROWS_WITH(s.pay(), Contains("recorded, and the node has not taken it"));
    }
    s.wallet.takes = true, s.wallet.answer = {Published::accepted, ""};
    s.payer().follow();
    CHECK(s.book().batch(batch->txid)->state == BatchState::broadcast);
    CHECK(s.book().batches().size() == 1);
    CHECK(s.wallet.sent.size() == 1);
    CHECK(s.paid(0) == 1);
  }
}

TEST_CASE("what the wallet signs wrongly is not recorded, and its coins are let go", "[L022]") {
  const std::function<void(OnchainScene&)> lies[] = {
      [](OnchainScene& s) { s.wallet.change_final = [](bitcoin::Transaction& tx) { tx.outputs[1].value += Sat(1); }; },
      [](OnchainScene& s) { s.wallet.change_final = [](bitcoin::Transaction& tx) { tx.outputs.push_back({Sat(1000), script_number(9)}); }; },
      [](OnchainScene& s) { s.wallet.change_final = [](bitcoin::Transaction& tx) { tx.outputs[1].script = script_number(9); }; },
      [](OnchainScene& s) { s.wallet.owns_change = false; },
      [](OnchainScene& s) { s.wallet.fee = Sat(20'000); },
      [](OnchainScene& s) { s.policy.reserve = Sat(90'000'000 - 600'400); },  // fits by the estimate …
  };
  int n = 0;
  for (const auto& lie : lies) {
    OnchainScene s;
    lie(s);
    if (++n == 6) s.wallet.fee = Sat(700), s.wallet.rate = 1;  // … but not by what it costs
    INFO("lie " << n);
    CHECK_THROWS_AS(s.pay(), Error);
    CHECK(s.wallet.funds == 1);
    CHECK(s.book().batches().empty());
    CHECK(s.wallet.publishes == 0);
    CHECK(s.wallet.locked.empty());
    CHECK(s.state(0) == SettlementState::planned);
  }
}

TEST_CASE("fees above the limit, an empty wallet: nothing is built", "[L022][L015]") {
  OnchainScene s;
  s.wallet.rate = 51;
  CHECK_THROWS_WITH(s.pay(), Contains("onchain.max_sat_per_vbyte"));
  s.wallet.rate = 2;
  s.policy.reserve = Sat(90'000'000);
  CHECK_THROWS_WITH(s.pay(), Contains("onchain.reserve_sat"));
  CHECK(s.wallet.funds == 0);
  // What fits is paid, the rest waits.
  s.policy.reserve = Sat(90'000'000 - 150'000);
  CHECK(s.pay()->lines.size() == 1);
  CHECK((s.paid(0) == 1 && s.paid(1) == 0));
}

TEST_CASE("a conflict that is deep in the chain gives the lines back to the operator, with an alarm, and to nobody else", "[L022]") {
  OnchainScene s;
  s.wallet.takes = false, s.wallet.answer = {Published::refused, "missing inputs"};
  const auto batch = s.pay();
  WalletTransaction rival;
  rival.txid = std::string(64, 'e'), rival.inputs = {batch->inputs.at(0)}, rival.confirmations = 5;
  s.wallet.strangers = {rival};
  CHECK(s.payer().follow());
  CHECK(s.state(0) == SettlementState::sending);
  CHECK_THAT(s.settlement(0).reason, Contains("5 confirmations of 6"));
  CHECK(s.wallet.publishes == 1);  // while it is disputed nothing is sent
  CHECK_THROWS(s.journal->release(manifest_id, 0));
  s.wallet.strangers[0].confirmations = 6;
  CHECK_FALSE(s.payer().follow());
  CHECK(s.book().batch(batch->txid)->state == BatchState::conflicted);
  CHECK(s.state(0) == SettlementState::held);
  CHECK_THAT(s.settlement(0).reason, Contains("release it"));
  CHECK(s.journal->summary().alarms == 1);
  s.wallet.takes = true, s.wallet.answer = {Published::accepted, ""};
  CHECK_FALSE(s.pay());
  CHECK(s.wallet.publishes == 1);
  // The operator's word makes it payable again, by another transaction.
  CHECK(s.journal->release(manifest_id, 0));
  s.pay();
  CHECK((s.paid(0) == 1 && s.paid(1) == 0));
}

TEST_CASE("a transaction that replaces the batch's and pays the same lines: these are paid, and never released (L022)", "[L022]") {
  OnchainScene s;
  s.wallet.takes = false, s.wallet.answer = {Published::refused, "missing inputs"};
  const auto batch = s.pay();
  WalletTransaction rival;
  rival.txid = std::string(64, 'e'), rival.inputs = {batch->inputs.at(0)}, rival.confirmations = 6;
  rival.outputs = {{Sat(100'000), script_number(1)}, {Sat(299'999), script_number(3)}};
  s.wallet.strangers = {rival};
  CHECK_FALSE(s.payer().follow());
  CHECK(s.settlement(0).reason == "paid by transaction " + rival.txid + " in place of " + batch->txid);
  CHECK_THROWS_WITH(s.journal->release(manifest_id, 0), Contains("paid by transaction"));
  CHECK_THROWS_WITH(s.book().order(manifest_id, 0, {}, "again"), Contains("is paid"));
  s.journal->hold_also(manifest_id, 0, std::string(64, 'd'), "something else of " + std::string(64, 'd'));
  CHECK_THROWS_WITH(s.journal->release(manifest_id, 0), Contains("paid by transaction"));
  for (const int64_t line : {1, 2}) CHECK(s.journal->release(manifest_id, line));
}

TEST_CASE("the end of a transaction is to be told until it was, whoever has followed it (L022)", "[L022]") {
  OnchainScene s;
  CHECK(s.book().untold().empty());
  s.pay();
  s.book().told();
  CHECK(s.book().untold().size() == 1);  // not at its end
  s.wallet.mine(6);
  s.payer().follow();  // as `onchain bump` does it, or a command that is killed before it prints
  s.restart();
  for (int i = 0; i < 2; ++i) CHECK(s.book().untold().size() == 1);
  s.book().told();
  CHECK(s.book().untold().empty());
}

TEST_CASE("a block that is reorganised away: the same transaction is sent again", "[L022]") {
  OnchainScene s;
  const auto batch = s.pay();
  s.wallet.mine(3);
  s.payer().follow();
  s.wallet.mined.clear();
  s.payer().follow();
  CHECK(s.settlement(0).confirmations == 0);
  CHECK(s.wallet.publishes == 2);
  CHECK(s.wallet.sent.size() == 1);
  s.wallet.mine(6);
  s.payer().follow();
  CHECK(s.state(0) == SettlementState::paid);
  CHECK(s.book().batch(batch->txid)->broadcasts == 2);
}

TEST_CASE("a payment that succeeds over Lightning after all: alarm; a transaction that has not left is not sent", "[L022]") {
  OnchainScene s(1);
  auto attempt = s.journal->start(s.journal->line(manifest_id, 0), {"", crypto::sha256(BytesView(preimage_number(1))), {}, {}}, "lnd", node_key, Msat(1000));
  s.journal->apply(attempt, Event::send);
  s.journal->apply(attempt, Event::failed, {.reason = "no route", .preimage = {}, .fee = {}, .fee_limit = {}});
  s.clock.advance_ms(600'000);
  s.wallet.dies_at = 4;  // before it is published
  CHECK_THROWS_AS(s.pay(), Died);
  s.wallet.dies_at = -1;
  REQUIRE(s.book().batches().size() == 1);
  Reconciler(*s.journal, s.node, s.node.identify()).take(attempt, settled_with(preimage_hex(1), attempt.amount));
  CHECK(s.state(0) == SettlementState::paid);
  CHECK(s.journal->summary().paid_twice == 1);
  s.payer().follow();
  CHECK(s.wallet.publishes == 0);
  CHECK_THAT(s.book().batches()[0].reason, Contains("over Lightning after all"));
}

TEST_CASE("while payments are paused nothing is sent on chain, and what is recorded is followed (L022)", "[L022]") {
  OnchainScene s;
  const auto batch = s.pay();
  s.journal->add(address_manifest(1, std::string(64, 'b')));
  s.journal->set_note(s.journal->line(std::string(64, 'b'), 0), "no service answers");
  pause(*s.journal, "the books are open", {1, "ann"}, s.clock);
  s.wallet.mine(6);
  CHECK_THROWS_WITH(s.pay(), Contains("paused by ann") && Contains("the books are open"));
  CHECK(s.book().batch(batch->txid)->state == BatchState::confirmed);
  CHECK(s.wallet.funds == 1);
  resume(*s.journal, "done", {1, "ann"});
  CHECK(s.pay());
}

TEST_CASE("a child hastens a transaction that waits, and nothing else", "[L022]") {
  OnchainScene s;
  const auto batch = s.pay();
  CHECK_THROWS_WITH(s.payer().bump(std::string(64, 'f'), 10, Sat(0)), Contains("no transaction"));
  CHECK_THROWS_WITH(s.payer().bump(batch->txid, 51, Sat(0)), Contains("max_sat_per_vbyte"));
  CHECK_THROWS_WITH(s.payer().bump(batch->txid, 10, Sat(10'000'000)), Contains("less than"));
  CHECK(s.wallet.last_bump.empty());
  CHECK(s.payer().bump(batch->txid, 10, Sat(0)) == "registered");
  CHECK(s.wallet.last_bump == FakeWallet::fmt_bump({*bitcoin::Hash256::from_display_hex(batch->txid), 0}, 10, Sat(10 * (batch->vsize + 150))));
  CHECK(s.journal->database().query_int64("SELECT count(*) FROM onchain_bumps") == 1);
  s.wallet.mine(1);
  s.payer().follow();
  CHECK_THROWS_WITH(s.payer().bump(batch->txid, 10, Sat(0)), Contains("waits in the mempool"));
}

TEST_CASE("a line that moves between the judgement and the record is judged again", "[L022]") {
  for (int what = 0; what < 3; ++what) {
    OnchainScene s;
    s.wallet.change_final = [&](bitcoin::Transaction&) {  // while the wallet signs
      Journal other(s.folder.file("db"), true, s.clock);
      if (what == 0) other.hold(manifest_id, 1, "somebody looks at it");
      if (what == 0) return;
      auto attempt = other.start(other.line(manifest_id, 1), {"", crypto::sha256(BytesView(preimage_number(1))), {}, {}}, "lnd", node_key, Msat(1000));
      other.apply(attempt, Event::send);
      if (what == 2) other.apply(attempt, Event::failed, {.reason = "no route", .preimage = {}, .fee = {}, .fee_limit = {}});
    };
    INFO("what " << what);
    CHECK_THROWS_WITH(s.pay(), Contains("has changed meanwhile"));
    CHECK(s.book().batches().empty());
    CHECK(s.wallet.locked.empty());
    CHECK(s.wallet.publishes == 0);
  }
}

TEST_CASE("another node does not follow a transaction", "[L022]") {
  OnchainScene s;
  s.pay();
  s.node.id = "02" + std::string(64, '1');
  CHECK_THROWS_WITH(s.payer(), Contains("follow it with that node first"));
}
