// Orders, forwards, sweeps and withdrawals against a journal: any order and repetition of what a node lists, a disk that fails at any write, and limits that hold
// in the database, whoever writes.
#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

#include "json/canonical.h"
#include "payout/manifest.h"
#include "reinvest/withdraw.h"
#include "store/faulty_disk.h"
#include "test_support.h"

using namespace hh;
using namespace hh::ln;
using namespace hh::ln::test;

namespace {

const crypto::SigningKey& treasurer() {
  static const crypto::SigningKey key = crypto::SigningKey::from_seed([] {
    crypto::RawKey seed;
    seed.fill(7);
    return seed;
  }());
  return key;
}
const crypto::KeySet& trusted() {
  static const crypto::KeySet keys{treasurer().public_key()};
  return keys;
}

ReinvestPolicy a_policy(int64_t sequence = 1) {
  return {.chain = bitcoin::Network::regtest, .sequence = sequence, .reinvest_ppm = 300'000, .least_reinvest_ppm = 0, .most_reinvest_ppm = 1'000'000, .min_withdrawal = Msat(1000), .max_withdrawal = Msat(60'000),
          .max_day = Msat(100'000), .reserve = Msat(0), .nodes = {{"a", 1, ""}, {"b", 3, ""}}};
}
WithdrawalOrder wants(const std::string& node, int64_t sequence, int64_t msat) {
  return {.chain = bitcoin::Network::regtest, .node = node, .sequence = sequence, .amount = Msat(msat), .destination = {records::DestinationKind::lnaddress, node + "@example.com"}};
}

SignedOrder signed_order(const Order& order, const Clock& clock) {
  return read_signed_order(json::to_line(sign_order(order, treasurer(), clock.unix_seconds(), clock.unix_seconds() + 86'400, "j")));
}
bool accept(Journal& journal, const Order& order, const Clock& clock) { return ReinvestBook(journal, clock).accept(signed_order(order, clock), trusted(), "regtest"); }

Forward forward(int64_t ns, int64_t fee) { return {ns, "1", "2", 3, 4, Msat(1000 + fee), Msat(1000), Msat(fee)}; }

const Identity node{"regtest", node_key, "0.21", false};

// What a batch's payout is as a manifest that somebody has signed.
payout::VerifiedManifest as_manifest(const payout::Payout& p) {
  payout::VerifiedManifest m;
  m.manifest = payout::parse_manifest(payout::manifest_bytes(p));
  m.signed_form.jws = "e30.e30.AA";
  return m;
}

void refused(store::Database& db, const std::string& sql) {
  INFO(sql);
  CHECK_THROWS_AS(db.execute(sql), Error);
}

int64_t count(Journal& journal, const std::string& what) { return journal.database().query_int64("SELECT " + what); }

}  // namespace

TEST_CASE("property: however a node lists its forwards, each is swept once and the sweeps add up to them (L051)", "[reinvest]") {
  std::mt19937_64 rng(51);
  for (int run = 0; run < 40; ++run) {
    const Folder folder;
    FakeClock clock;
    Journal journal(folder.file("db"), true, clock);
    ReinvestBook book(journal, clock);
    accept(journal, a_policy(), clock);
    std::vector<Forward> all;
    Msat sum;
    for (size_t i = 0, n = 1 + rng() % 60; i < n; ++i) {
      all.push_back(forward(clock.unix_ms() * 1'000'000 + static_cast<int64_t>(i * 977), static_cast<int64_t>(rng() % 5000)));
      sum += all.back().fee;
    }
    // Pieces of the list, in any order and often twice, with sweeps in between.
    for (int piece = 0; piece < 30; ++piece) {
      std::vector<Forward> some;
      for (const Forward& f : all)
        if (rng() % 3 == 0) some.push_back(f);
      std::shuffle(some.begin(), some.end(), rng);
      book.take_in(node.node, 0, some);
      if (rng() % 2 == 0) book.sweep(node, clock.unix_ms() + 1 + static_cast<int64_t>(rng() % 2));
    }
    book.take_in(node.node, 0, all);
    book.sweep(node, clock.unix_ms() + 1000);
    const auto t = book.totals();
    CHECK(t.earned == sum);
    CHECK(t.unswept == Msat(0));
    Msat divided = t.reserve;
    for (const auto& [name, msat] : book.yields()) divided += msat;
    CHECK(divided == sum);
    CHECK(count(journal, "count(*) FROM forwards WHERE sweep IS NULL AND fee_msat > 0") == 0);
  }
}

TEST_CASE("orders: once, in order, of one chain; a policy's bounds hold for every preference (L050 L052 L054)", "[reinvest]") {
  const Folder folder;
  FakeClock clock;
  Journal journal(folder.file("db"), true, clock);
  ReinvestBook book(journal, clock);
  CHECK_THROWS_AS(accept(journal, Preference{bitcoin::Network::regtest, "a", 1, 5}, clock), Error);
  CHECK(accept(journal, a_policy(), clock));
  CHECK_FALSE(accept(journal, a_policy(), clock));
  CHECK_THROWS_AS(accept(journal, a_policy(3), clock), Error);
  ReinvestPolicy other = a_policy(2);
  other.chain = bitcoin::Network::main;
  CHECK_THROWS_AS(book.accept(signed_order(other, clock), trusted(), ""), Error);
  CHECK_THROWS_AS(book.accept(signed_order(a_policy(2), clock), {}, "regtest"), Error);  // nobody is trusted
  const SignedOrder old = signed_order(a_policy(2), clock);
  clock.advance_ms(90'000'000);
  CHECK_THROWS_AS(book.accept(old, trusted(), "regtest"), Error);
  CHECK(accept(journal, a_policy(2), clock));
  CHECK(a_policy().applied_ppm({}) == 300'000);
  ReinvestPolicy bound = a_policy();
  bound.least_reinvest_ppm = 200'000, bound.most_reinvest_ppm = 400'000;
  CHECK(bound.applied_ppm(0) == 200'000);
  CHECK(bound.applied_ppm(1'000'000) == 400'000);
  CHECK(bound.applied_ppm(250'000) == 250'000);
  int seen = 0;
  book.each_order(&trusted(), [&](const KeptOrder& kept) { CHECK(sequence_of(kept.signed_order.order) == ++seen); });
  CHECK(seen == 2);
  CHECK(journal.decisions("").size() == 2);
}

TEST_CASE("a sealed journal seals orders, and keeps them when its key changes (L053 L072)", "[reinvest]") {
  const Folder folder;
  FakeClock clock;
  crypto::AesGcm::Key key{}, next{};
  key.fill(1), next.fill(2);
  Journal journal(folder.file("db"), true, clock, "", key);
  accept(journal, a_policy(), clock);
  accept(journal, wants("a", 1, 5000), clock);
  CHECK(count(journal, "count(*) FROM reinvest_orders WHERE jws LIKE 'ey%'") == 0);
  journal.rotate(next, {.action = "rotate-key", .manifest_id = {}, .line = {}, .hash = {}, .reason = "by hand"});
  int seen = 0;
  ReinvestBook(journal, clock).each_order(&trusted(), [&](const KeptOrder&) { ++seen; });
  CHECK(seen == 2);
  refused(journal.database(), "UPDATE reinvest_orders SET jws = 'x'");
}

TEST_CASE("the database refuses what breaks a rule, whoever writes it (L050 L051 L053)", "[reinvest]") {
  const Folder folder;
  FakeClock clock;
  Journal journal(folder.file("db"), true, clock);
  ReinvestBook book(journal, clock);
  SimBackend wallet(sim_config(folder), clock);
  accept(journal, a_policy(), clock);
  book.take_in(node.node, 0, {forward(5, 400'000)});
  REQUIRE(book.sweep(node, clock.unix_ms())->reserve == Msat(120'000));
  accept(journal, wants("a", 1, 200'000), clock);
  accept(journal, wants("b", 1, 20'000), clock);
  auto& db = journal.database();
  // A sweep that holds other than its forwards' fees, or does not add up, cannot be sealed; without a seal it cannot be committed.
  book.take_in(node.node, 0, {forward(5, 400'000), forward(6, 100)});
  const std::string begin = "BEGIN; INSERT INTO fee_sweeps (id, node, number, policy, forwards, earned_msat, reserve_msat, record) VALUES (2, '" + node.node + "', 2, 1, 1, ";
  const std::string take = "UPDATE forwards SET sweep = 2 WHERE timestamp_ns = 6;", seal = "INSERT INTO fee_sweep_seals VALUES (2);";
  const auto aborted = [&](const std::string& sql) {
    refused(db, sql);
    if (db.in_transaction()) db.execute("ROLLBACK");
  };
  aborted(begin + "101, 101, '');" + take + seal);
  aborted(begin + "100, 99, '');" + take + seal);
  aborted(begin + "100, 100, '');" + seal);
  aborted(begin + "100, 30, '');" + take + "INSERT INTO fee_parts VALUES (2, 'a', 100, 300000, 71);" + seal);
  aborted(begin + "100, 30, '');" + take + "INSERT INTO fee_parts VALUES (2, 'zz', 100, 300000, 70);" + seal);
  aborted(begin + "100, 100, '');" + take + "COMMIT");
  // A batch by hand: one limit at a time. a is owed 70,000, b 210,000; their orders are 2 and 3.
  REQUIRE(db.query_int64("SELECT order_id FROM withdrawals WHERE node = 'a'") == 2);
  const std::string batch = "BEGIN; INSERT INTO withdrawal_batches VALUES (1, '" + std::string(64, 'c') + "', 'regtest', 1, 1, 55000, 86400000, 1); INSERT INTO withdrawal_lines VALUES (1, 0, ", line = batch + "2, ";
  aborted(line + "'b', 210000, 1000)");    // another node's order
  aborted(line + "'a', 70001, 1000)");     // not what it is owed
  aborted(line + "'a', 70000, 61000)");    // the cap at once
  aborted(line + "'a', 70000, 56000)");    // the reserve
  aborted(line + "'a', 70000, 1500)");     // not whole satoshis
  db.execute(line + "'a', 70000, 55000); ROLLBACK");
  aborted(batch + "3, 'b', 210000, 21000)");  // more than it asked for
  db.execute("INSERT INTO withdrawal_batches VALUES (1, '" + std::string(64, 'c') + "', 'regtest', 1, 1, 900000, 86400000, 1); INSERT INTO withdrawal_lines VALUES (1, 0, 2, 'a', 70000, 60000)");
  refused(db, "INSERT INTO withdrawal_batches VALUES (2, '" + std::string(64, 'd') + "', 'regtest', 1, 1, 900000, 86400000, 1)");  // the first has no manifest yet
  refused(db, "UPDATE withdrawal_lines SET amount_msat = 1000");
  refused(db, "DELETE FROM withdrawal_batches");
  // Its id is not one that the batch gives: the program does not print it, and no manifest of withdrawals is taken that no batch has.
  CHECK_THROWS_AS(Withdrawals(journal, book, clock).next_batch(wallet), Error);
  payout::Payout foreign;
  foreign.chain = bitcoin::Network::regtest, foreign.kind = payout::PayoutKind::withdrawal, foreign.number = 1;
  payout::Line l;
  l.account = "yield:a", l.carried_in = Msat(70'000), l.pay = Msat(60'000), l.carried_out = Msat(10'000), l.why = payout::Why::paid, l.destination = wants("a", 1, 1000).destination;
  foreign.lines = {l};
  CHECK_THROWS_WITH(journal.add(as_manifest(foreign)), Catch::Matchers::Contains("this journal has made no such batch"));
  refused(db, "INSERT INTO manifests (manifest_id, chain, simulated, kind, number, pay_msat, jws, first_seen_ms, pot) VALUES ('" + std::string(64, 'e') + "', 'regtest', 0, 'withdrawal', 1, 60000, '', 0, 'withdrawals 1')");
}

TEST_CASE("a batch that is revoked before it is taken gives back what it ordered, and can never be taken (L053)", "[reinvest]") {
  const Folder folder;
  FakeClock clock;
  Journal journal(folder.file("db"), true, clock);
  ReinvestBook book(journal, clock);
  SimBackend wallet(sim_config(folder), clock);
  accept(journal, a_policy(), clock);
  book.take_in(node.node, 0, {forward(5, 400'000)});
  book.sweep(node, clock.unix_ms());
  accept(journal, wants("a", 1, 50'000), clock);
  Withdrawals queue(journal, book, clock);
  const auto first = queue.next_batch(wallet);
  REQUIRE(first);
  CHECK(*queue.next_batch(wallet) == *first);
  const auto m = as_manifest(*first);
  journal.revoke(m.manifest.id, "a wrong destination");
  CHECK(book.yields()["a"] == Msat(70'000));
  CHECK_THROWS_AS(journal.add(m), Error);
  const auto second = queue.next_batch(wallet);
  REQUIRE(second);
  CHECK(second->number == 2);
  journal.add(as_manifest(*second));
  journal.revoke(as_manifest(*second).manifest.id, "too late: it may have been paid");
  CHECK(book.yields()["a"] == Msat(20'000));
}

TEST_CASE("nothing is withdrawn that would leave less than the reserve, or than what is owed to others (L053)", "[reinvest]") {
  const Folder folder;
  FakeClock clock;
  Journal journal(folder.file("db"), true, clock);
  ReinvestBook book(journal, clock);
  SimConfig config = sim_config(folder);
  config.balance_msat = 1'160'000;
  SimBackend wallet(config, clock);
  ReinvestPolicy p = a_policy();
  p.reserve = Msat(100'000);
  accept(journal, p, clock);
  const Identity me = wallet.identify();
  book.take_in(me.node, 0, {forward(5, 400'000)});
  book.sweep(me, clock.unix_ms());  // 120,000 are reinvested: more than the policy's reserve, so this is what stays
  journal.add(manifest(1));         // a miner is owed 1,000,000
  accept(journal, wants("a", 1, 70'000), clock);
  const auto batch = Withdrawals(journal, book, clock).next_batch(wallet);
  REQUIRE(batch);
  CHECK(batch->pay() == Msat(40'000));
}

TEST_CASE("an invoice is paid whole or waits; others get what there is, but no crumbs (L053)", "[reinvest]") {
  const Folder folder;
  FakeClock clock;
  Journal journal(folder.file("db"), true, clock);
  ReinvestBook book(journal, clock);
  SimBackend wallet(sim_config(folder), clock);
  ReinvestPolicy p = a_policy();
  p.min_withdrawal = Msat(20'000), p.max_withdrawal = Msat(1'000'000), p.max_day = Msat(1'000'000);
  accept(journal, p, clock);
  book.take_in(node.node, 0, {forward(5, 100'000)});
  book.sweep(node, clock.unix_ms());  // a may withdraw 17,500 and b 52,500
  WithdrawalOrder invoice = wants("b", 1, 60'000);
  invoice.destination = {records::DestinationKind::bolt11, invoice_number(1, Msat(60'000), clock.unix_seconds())};
  accept(journal, invoice, clock);
  accept(journal, wants("a", 1, 30'000), clock);
  Withdrawals queue(journal, book, clock);
  CHECK_FALSE(queue.next_batch(wallet));
  book.take_in(node.node, 0, {forward(5, 100'000), forward(6, 20'000)});
  book.sweep(node, clock.unix_ms());  // now 21,000 and 63,000
  const auto batch = queue.next_batch(wallet);
  REQUIRE(batch);
  REQUIRE(batch->lines.size() == 2);
  CHECK(batch->lines[0].pay == Msat(21'000));
  CHECK(batch->lines[1].pay == Msat(60'000));
}

// All of it, as a timer does it: every step may have been done already. file: where the signed manifest is kept.
std::string all_steps(Journal& journal, SimBackend& wallet, FakeClock& clock, std::optional<payout::VerifiedManifest>& file) {
  ReinvestBook book(journal, clock);
  accept(journal, a_policy(), clock);
  const Identity me = wallet.identify();
  const std::vector<Forward> listed{forward(5, 300'000), forward(6, 100'001)};
  book.take_in(me.node, book.since(me.node), listed);
  book.sweep(me, clock.unix_ms());
  accept(journal, wants("a", 1, 50'000), clock);
  accept(journal, wants("b", 1, 60'000), clock);
  if (const auto batch = Withdrawals(journal, book, clock).next_batch(wallet)) file = as_manifest(*batch);
  if (file) settle(journal, wallet, clock, *file, {.attempts = 3, .backoff_ms = 1, .wait_ms = 50});
  std::string out;
  book.each_sweep([&](const json::Json& r) { out += json::to_line(r) + "\n"; });
  for (const Withdrawal& w : Withdrawals(journal, book, clock).all()) out += w.node + " " + std::to_string(w.paid.count()) + " " + w.state() + "\n";
  return out;
}

TEST_CASE("the disk fails at any write: run again, the same is swept and paid, once (L051 L053)", "[reinvest]") {
  std::string expected;
  int64_t points = 0;
  for (int64_t point = -1;; point += point < 0 ? 1 : 3) {
    INFO("fails at write " << point);
    REQUIRE(point < 3000);
    const Folder folder;
    FakeClock clock;
    bool failed = false;
    std::optional<payout::VerifiedManifest> file;
    SimConfig config = sim_config(folder);
    SimBackend wallet(config, clock);
    wallet.database().execute("UPDATE wallet SET value = 'sim-1' WHERE key = 'id'");
    if (point >= 0) {
      store::FaultyDisk disk;
      Journal journal(folder.file("db"), true, clock, disk.vfs());
      disk.fail_after(point, store::DiskFault::full);
      try {
        all_steps(journal, wallet, clock, file);
      } catch (const Error& e) {
        CHECK(e.code() == Exit::io);
        failed = true;
      }
    }
    std::string last;
    for (int again = 0; again < 3; ++again) {
      Journal journal(folder.file("db"), true, clock);
      last = all_steps(journal, wallet, clock, file);
    }
    if (point < 0) expected = last;
    REQUIRE(last == expected);
    REQUIRE(wallet.database().query_int64("SELECT count(*) FROM spent") == 2);
    REQUIRE(wallet.database().query_int64("SELECT sum(amount_msat) FROM spent") == 100'000);  // the day's cap
    if (point >= 0 && !failed) break;
    points = point;
  }
  CHECK(points > 50);
}
