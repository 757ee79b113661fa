// The books through the program's own door: what does not add up is refused twice, by the program and by the database. [C070]
#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>

#include "audit.h"
#include "base/error.h"
#include "books.h"
#include "ledger.h"

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
