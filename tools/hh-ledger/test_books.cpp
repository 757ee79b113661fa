// The books through the program's own door: what does not add up is refused twice, by the program and by the database. [C070]
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "audit.h"
#include "base/error.h"
#include "books.h"
#include "ledger.h"
#include "post.h"

using namespace hh;
using namespace hh::ledger;

namespace {

struct Folder {
  std::string path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "hh-books-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("postings add up to zero or do not happen", "[C070]") {
  const Folder folder;
  FakeClock clock;
  Ledger ledger(folder.path + "/L", Access::create, clock);
  {
    Change change(ledger);
    CHECK_THROWS_AS(add_posting(ledger, "round", {{"treasury", Msat(5)}, {"operator", Msat(-4)}}), Error);
    CHECK(add_posting(ledger, "round", {{"treasury", Msat(0)}}) == 0);
    add_posting(ledger, "round", {{"treasury", Msat(5)}, {"miner:a", Msat(-2)}, {"miner:a", Msat(-3)}});
    change.commit();
  }
  CHECK(balance(ledger, "miner:a") == Msat(-5));
  CHECK(balance(ledger, "nobody") == Msat(0));
  CHECK(carried(ledger, "miner:") == std::map<std::string, Msat>{{"a", Msat(5)}});
  CHECK(books_total(ledger).sum == Msat(0));
}

TEST_CASE("a posting without its seal cannot be committed, and one that is not zero cannot be sealed", "[C070]") {
  const Folder folder;
  FakeClock clock;
  Ledger ledger(folder.path + "/L", Access::create, clock);
  {
    Change change(ledger);
    ledger.db().execute("INSERT INTO accounts(id, name) VALUES (1, 'treasury'); INSERT INTO postings(id, kind, time_ms) VALUES (1, 'round', 0);"
                        "INSERT INTO entries(posting_id, account_id, amount_msat) VALUES (1, 1, 5)");
    CHECK_THROWS_AS(ledger.db().execute("INSERT INTO posting_seals(posting_id) VALUES (1)"), Error);
    CHECK_THROWS_AS(change.commit(), Error);
  }
  CHECK(ledger.db().query_int64("SELECT count(*) FROM postings") == 0);
}

TEST_CASE("an account that was paid more than it was owed is noticed", "[C070]") {
  const Folder folder;
  FakeClock clock;
  Ledger ledger(folder.path + "/L", Access::create, clock);
  {
    Change change(ledger);
    add_posting(ledger, "settlement", {{"treasury", Msat(-5)}, {"miner:a", Msat(5)}});
    change.commit();
  }
  CHECK_THROWS_AS(carried(ledger, "miner:"), Error);
}

TEST_CASE("property: sweeps posted in any order and any number of times give the same books, and those add up (L051)", "[L051]") {
  std::mt19937_64 rng(51);
  std::vector<std::string> records;
  Msat earned;
  for (int64_t n = 1; n <= 12; ++n) {
    payout::FeeSweep s{.simulated = false, .chain = bitcoin::Network::regtest, .node = "02ab", .number = n, .until_ms = n, .forwards = 1, .earned = Msat(1 + static_cast<int64_t>(rng() % 1'000'000)), .policy = 1,
                       .parts = {{"a", 1, static_cast<int64_t>(rng() % 1'000'001), {}, {}}, {"b", 7, 0, {}, {}}}, .reserve = {}, .time_ms = n};
    divide(s);
    earned += s.earned;
    records.push_back(json::to_line(payout::to_record(s)));
  }
  std::map<std::string, Msat> expected;
  for (int run = 0; run < 8; ++run) {
    const Folder folder;
    FakeClock clock;
    Ledger ledger(folder.path + "/L", Access::create, clock);
    ledger.db().execute("INSERT INTO ledger VALUES (1, 'regtest', 0)");
    auto posts = records;
    for (int i = 0; i < 10; ++i) posts.push_back(records[rng() % records.size()]);
    std::shuffle(posts.begin(), posts.end(), rng);
    for (const std::string& line : posts) post_line(ledger, {}, line);
    CHECK(balance(ledger, "treasury") == earned);
    CHECK(books_total(ledger).sum == Msat(0));
    CHECK(books_total(ledger).postings == 12);
    if (run == 0) expected = balances(ledger);
    CHECK(balances(ledger) == expected);
    // The same number with other amounts is another claim.
    json::Json other = json::parse(records[0]);
    payout::FeeSweep lie = payout::sweep_from_record(other);
    lie.earned += Msat(1);
    divide(lie);
    CHECK_THROWS_AS(post_line(ledger, {}, json::to_line(payout::to_record(lie))), Error);
  }
}

TEST_CASE("no posted manifest of withdrawals is of more than a node is owed: the database sees to it (L053)", "[L053]") {
  const Folder folder;
  FakeClock clock;
  Ledger ledger(folder.path + "/L", Access::create, clock);
  auto& db = ledger.db();
  {
    Change change(ledger);
    add_posting(ledger, "sweep", {{"treasury", Msat(5000)}, {"yield:a", Msat(-5000)}});
    account_id(ledger, "node:a");
    change.commit();
  }
  const int64_t yield = db.query_int64("SELECT id FROM accounts WHERE name = 'yield:a'"), node = db.query_int64("SELECT id FROM accounts WHERE name = 'node:a'");
  db.execute("INSERT INTO payouts(id, manifest_id, withdrawal, jws, posted_ms) VALUES (1, 'm', 1, '', 0), (2, 'n', 2, '', 0)");
  const auto line = [&](int64_t payout, int64_t account, int64_t msat) {
    db.statement("INSERT INTO payout_lines(payout_id, line, account_id, pay_msat) VALUES (?1, 0, ?2, ?3)").run(payout, account, msat);
  };
  CHECK_THROWS_AS(line(1, yield, 5001), Error);
  CHECK_THROWS_AS(line(1, node, 0), Error);
  line(1, yield, 3000);
  CHECK_THROWS_AS(line(2, yield, 2001), Error);  // what is ordered is not free
  line(2, yield, 2000);
  CHECK_THROWS_AS(db.execute("INSERT INTO payouts(id, manifest_id, withdrawal, round_id, jws, posted_ms) VALUES (3, 'o', 3, 1, '', 0)"), Error);
}

TEST_CASE("the audit log is a chain", "[C047]") {
  const Folder folder;
  FakeClock clock;
  Ledger ledger(folder.path + "/L", Access::create, clock);
  for (int i = 0; i < 3; ++i) {
    Change change(ledger);
    audit(ledger, "test", {{"i", i}});
    change.commit();
  }
  CHECK(verify_audit(ledger) == 3);
  CHECK_THROWS_AS(ledger.db().execute("UPDATE audit SET who = 'x'"), Error);
  CHECK_THROWS_AS(ledger.db().execute("INSERT INTO audit VALUES (9, 0, 'x', 'y', '{}', '', '')"), Error);
  ledger.db().execute("DROP TRIGGER audit_no_update; UPDATE audit SET detail = '{\"i\":7}' WHERE id = 2");
  CHECK_THROWS_AS(verify_audit(ledger), Error);
}
