// The journal's own rules about payments on chain, whatever program writes.
#include <catch2/catch.hpp>

#include "journal/schema.h"
#include "onchain/test_wallet.h"

using namespace hh;
using namespace hh::ln;
using namespace hh::ln::test;
using Catch::Matchers::Contains;

namespace {

void refused(OnchainScene& s, const std::string& sql, const std::string& why) {
  INFO(sql);
  try {
    s.journal->database().execute(sql);
    FAIL_CHECK("accepted");
  } catch (const store::ConstraintError& e) {
    CHECK_THAT(e.what(), Contains(why));
  }
}

const std::string other_txid(64, 'd');
const std::string new_batch = "INSERT INTO onchain_batches (txid, raw_tx, backend, node, chain, lines, amount_sat, fee_sat, vsize, height, state, created_ms, changed_ms) VALUES ('" + other_txid +
                              "', '00', 'lnd', 'n', 'regtest', 1, 100000, 1, 100, 1, ";

}  // namespace

TEST_CASE("what is recorded never changes and is never forgotten", "[L029]") {
  OnchainScene s;
  s.pay();
  for (const char* table : {"onchain_batches", "onchain_inputs", "onchain_lines", "onchain_events"}) refused(s, std::string("DELETE FROM ") + table, "forgets nothing");
  for (const char* change : {"raw_tx = '01'", "node = 'x'", "vsize = 1", "height = 1", "created_ms = 1"}) refused(s, std::string("UPDATE onchain_batches SET ") + change, "never changes");
  for (const char* change : {"amount_sat = 1", "fee_sat = 1", "lines = 1"}) refused(s, std::string("UPDATE onchain_batches SET ") + change, "not whole");
  refused(s, "UPDATE onchain_inputs SET vout = 1", "never changes");
  refused(s, "UPDATE onchain_lines SET address = 'x'", "never changes");
  refused(s, "UPDATE onchain_events SET reason = 'x'", "never change");
}

TEST_CASE("a batch moves only forward", "[L029]") {
  OnchainScene s;
  s.pay();
  refused(s, "UPDATE onchain_batches SET state = 'RECORDED'", "illegal transition");
  refused(s, "UPDATE onchain_batches SET state = 'CONFIRMED'", "CHECK");
  refused(s, "UPDATE onchain_batches SET broadcasts = 0", "counted");
  s.wallet.mine(6);
  s.payer().follow();
  for (const char* state : {"RECORDED", "BROADCAST", "CONFLICTED", "CONFIRMED"}) refused(s, std::string("UPDATE onchain_batches SET state = '") + state + "'", "illegal transition");
  refused(s, new_batch + "'BROADCAST', 1, 1)", "starts as RECORDED");
}

TEST_CASE("a line is paid by one transaction and by nothing else", "[L029]") {
  OnchainScene s;
  s.pay();
  s.journal->database().execute(new_batch + "'RECORDED', 1, 1)");
  const std::string join = "INSERT INTO onchain_lines (batch, vout, manifest_id, line, address, amount_sat, fee_msat) VALUES (2, 0, '" + manifest_id + "', ";
  refused(s, join + "0, 'a', 100000, 1)", "the line is paid on chain");
  refused(s, "UPDATE onchain_batches SET state = 'BROADCAST' WHERE id = 2", "not whole");
  const auto coin = s.book().batches()[0].inputs[0];
  refused(s, "INSERT INTO onchain_inputs (batch, txid, vout, value_sat) VALUES (2, '" + coin.txid.to_display_hex() + "', " + std::to_string(coin.index) + ", 1)", "spends this coin");
  refused(s, "UPDATE lines SET held_reason = NULL WHERE line = 0", "the line is paid on chain");
  refused(s, "INSERT INTO onchain_lines (batch, vout, manifest_id, line, address, amount_sat, fee_msat) VALUES (1, 9, '" + manifest_id + "', 0, 'a', 100000, 1)", "has been sent, or is full");
  const Line line = s.journal->line(manifest_id, 0);
  CHECK_THROWS_AS(s.journal->start(line, {"", crypto::sha256(BytesView(preimage_number(1))), {}, {}}, "lnd", node_key, Msat(1)), store::ConstraintError);
}

TEST_CASE("a line joins a transaction only over its amount, held, and with Lightning out of it", "[L029]") {
  OnchainScene s;
  s.journal->database().execute(new_batch + "'RECORDED', 1, 1)");
  const auto join = [](int64_t sat) {
    return "INSERT INTO onchain_lines (batch, vout, manifest_id, line, address, amount_sat, fee_msat) VALUES (1, 0, '" + manifest_id + "', 0, 'a', " + std::to_string(sat) + ", 1000)";
  };
  refused(s, join(100'000), "is held");
  s.journal->hold(manifest_id, 0, "x");
  refused(s, join(100'001), "exactly the amount");
  s.journal->release(manifest_id, 0);
  auto attempt = s.journal->start(s.journal->line(manifest_id, 0), {"", crypto::sha256(BytesView(preimage_number(1))), {}, {}}, "lnd", node_key, Msat(1));
  s.journal->hold(manifest_id, 0, "x");
  refused(s, join(100'000), "over Lightning");
  s.journal->release(manifest_id, 0);
  s.journal->apply(attempt, Event::send);
  s.journal->apply(attempt, Event::failed, {.reason = "no route", .preimage = {}, .fee = {}, .fee_limit = {}});
  s.journal->hold(manifest_id, 0, "x");
  s.journal->database().execute("SAVEPOINT before; INSERT INTO revocations (manifest_id, reason, time_ms) VALUES ('" + manifest_id + "', 'x', 1)");
  refused(s, join(100'000), "is revoked");
  s.journal->database().execute("ROLLBACK TO before; RELEASE before");
  s.journal->database().execute(join(100'000));
  refused(s, "UPDATE attempts SET state = 'RESOLVED', seen = 0", "the line is ");
}

TEST_CASE("the tables of payments on chain come and go", "[L029]") {
  OnchainScene s;
  s.journal.reset();
  store::Database db(s.folder.file("db"), {.mode = store::Mode::read_write, .application_id = journal_application_id, .on_fatal = {}, .vfs = {}});
  store::Migrator migrator(db, journal_migrations());
  const int version = migrator.current();
  migrator.down_to(3);
  CHECK(db.query_int64("SELECT count(*) FROM sqlite_master WHERE name LIKE '%onchain%'") == 0);
  migrator.up();
  CHECK(migrator.current() == version);
}
