#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "base/file.h"
#include "crypto/digest.h"
#include "store/migration.h"
#include "store/sqlite.h"
#include "store/test_folder.h"

using namespace hh;
using namespace hh::store;

namespace {

const Migration steps[] = {
    {1, "accounts", "CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT", "DROP TABLE account"},
    {2, "postings", "CREATE TABLE posting (account INTEGER NOT NULL REFERENCES account(id), msat INTEGER NOT NULL) STRICT", "DROP TABLE posting"},
    // Rebuilds the parent of a foreign key, which SQLite can do only with foreign keys off.
    {3, "unique_names",
     "CREATE TABLE rebuilt (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT; INSERT INTO rebuilt SELECT * FROM account; "
     "DROP TABLE account; ALTER TABLE rebuilt RENAME TO account",
     nullptr},
};
const std::span<const Migration> all(steps);

Options creating() { return {.mode = Mode::create}; }

std::vector<std::string> tables(Database& db) {
  std::vector<std::string> names;
  auto select = db.statement("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
  while (select.step()) names.push_back(select.text(0));
  return names;
}

void add_posting(Database& db) { db.execute("INSERT INTO account VALUES (1, 'alice'); INSERT INTO posting VALUES (1, 1000)"); }

}  // namespace

TEST_CASE("a new database gets all tables, and a record of how", "[C041]") {
  const TestFolder folder;
  Database db(folder.file("a.db"), creating());
  const FakeClock clock;
  Migrator migrator(db, all, clock);
  CHECK(migrator.current() == 0);
  CHECK(code_of([&] { migrator.require_latest(); }) == Exit::config);
  CHECK(migrator.up() == 3);
  CHECK(migrator.current() == 3);
  CHECK(migrator.up() == 0);
  CHECK_NOTHROW(migrator.require_latest());
  CHECK(tables(db) == std::vector<std::string>{"account", "posting", "schema_migrations"});
  const auto status = migrator.status();
  REQUIRE(status.size() == 3);
  CHECK(status[1].name == "postings");
  CHECK(status[1].applied);
  CHECK(status[1].applied_ms == clock.unix_ms());
  CHECK(status[1].reversible);
  CHECK_FALSE(status[2].reversible);
}

TEST_CASE("up by steps keeps the data, and rebuilding a parent table works", "[C041]") {
  const TestFolder folder;
  Database db(folder.file("a.db"), creating());
  Migrator migrator(db, all);
  CHECK(migrator.up_to(2) == 2);
  add_posting(db);
  CHECK(migrator.up() == 1);
  CHECK(db.query_int64("SELECT sum(msat) FROM posting JOIN account ON account = id") == 1000);
  CHECK(db.query_int64("PRAGMA foreign_keys") == 1);
  CHECK_THROWS_AS(db.execute("INSERT INTO posting VALUES (99, 1)"), ConstraintError);
  CHECK_THROWS_AS(db.execute("INSERT INTO account VALUES (2, 'alice')"), ConstraintError);
}

TEST_CASE("down has to be asked for, and stops before what cannot be undone", "[C041]") {
  const TestFolder folder;
  Database db(folder.file("a.db"), creating());
  Migrator migrator(db, all);
  migrator.up_to(2);
  CHECK(code_of([&] { migrator.up_to(1); }) == Exit::usage);
  CHECK(migrator.down_to(1) == 1);
  CHECK(tables(db) == std::vector<std::string>{"account", "schema_migrations"});
  CHECK(migrator.down_to(0) == 1);
  CHECK(migrator.current() == 0);
  CHECK(tables(db) == std::vector<std::string>{"schema_migrations"});
  CHECK(migrator.up() == 3);
  CHECK(code_of([&] { migrator.down_to(1); }) == Exit::usage);
  CHECK(migrator.current() == 3);
  CHECK(code_of([&] { migrator.down_to(-1); }) == Exit::usage);
  CHECK(code_of([&] { migrator.up_to(4); }) == Exit::usage);
}

TEST_CASE("a database made by a newer program is left alone", "[C041]") {
  const TestFolder folder;
  Database db(folder.file("a.db"), creating());
  Migrator(db, all).up();
  Migrator old(db, all.first(2));
  for (const auto& call : {+[](Migrator& m) { m.check(); }, +[](Migrator& m) { m.up(); }, +[](Migrator& m) { m.migrate_on_start(); }, +[](Migrator& m) { m.down_to(0); }})
    CHECK(code_of([&] { call(old); }) == Exit::config);
  CHECK_THROWS_WITH(old.check(), Catch::Contains("newer version") && Catch::Contains("upgrade the program"));
  CHECK(db.query_int64("PRAGMA user_version") == 3);
}

TEST_CASE("a migration that was edited after its release is found", "[C041]") {
  const TestFolder folder;
  Database db(folder.file("a.db"), creating());
  Migrator(db, all).up();
  std::vector<Migration> edited(all.begin(), all.end());
  edited[0].up = "CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT) STRICT";
  CHECK(code_of([&] { Migrator(db, edited).check(); }) == Exit::config);
  db.execute("PRAGMA user_version=2");
  CHECK(code_of([&] { Migrator(db, all).check(); }) == Exit::data);
}

TEST_CASE("a migration that fails changes nothing", "[C041]") {
  const TestFolder folder;
  Database db(folder.file("a.db"), creating());
  std::vector<Migration> failing(all.begin(), all.end());
  failing[2] = {3, "broken", "CREATE TABLE half (a); INSERT INTO nowhere VALUES (1)", nullptr};
  CHECK_THROWS_WITH(Migrator(db, failing).up(), Catch::Contains("migration 3 (broken) up"));
  CHECK(Migrator(db, failing).current() == 2);
  CHECK(tables(db) == std::vector<std::string>{"account", "posting", "schema_migrations"});
  add_posting(db);
  failing[2] = {3, "orphans", "DELETE FROM account", nullptr};
  CHECK_THROWS_WITH(Migrator(db, failing).up(), Catch::Contains("refer to a missing row"));
  CHECK(db.query_int64("SELECT count(*) FROM account") == 1);
  CHECK(db.query_int64("PRAGMA foreign_keys") == 1);
  failing[2] = {3, "ends", "COMMIT", nullptr};
  CHECK(code_of([&] { Migrator(db, failing).up(); }) == Exit::software);
  const Migration gap[] = {{2, "gap", "", nullptr}};
  CHECK(code_of([&] { Migrator(db, gap); }) == Exit::software);
}

TEST_CASE("programs that start at once migrate once", "[C104]") {
  const TestFolder folder;
  const std::string path = folder.file("a.db");
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(::fork());
    if (children.back() == 0) {
      const Exit code = code_of([&] {
        Database db(path, {.mode = Mode::create, .busy_timeout_ms = 60'000});
        Migrator(db, all).up();
      });
      ::_exit(static_cast<int>(code));
    }
  }
  for (const pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  Database db(path, {});
  CHECK_NOTHROW(Migrator(db, all).require_latest());
  CHECK(db.query_int64("SELECT count(*) FROM schema_migrations") == 3);
}

TEST_CASE("a migration that another process does in the meantime is not done again", "[C104]") {
  const TestFolder folder;
  const std::string path = folder.file("a.db");
  Database mine(path, {.mode = Mode::create, .busy_timeout_ms = 60'000}), theirs(path, creating());
  Transaction tx(theirs);
  int applied = -1;
  std::thread waiting([&] { applied = Migrator(mine, all).up(); });  // sees version 0, then waits for the lock
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  theirs.execute(steps[0].up);
  theirs.execute("CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT, applied_ms INTEGER, up_sha256 TEXT) STRICT; PRAGMA user_version=1");
  theirs.statement("INSERT INTO schema_migrations VALUES (1, 'accounts', 0, ?1)").run(to_hex(BytesView(crypto::sha256(std::string_view(steps[0].up)))));
  tx.commit();
  waiting.join();
  CHECK(applied == 2);
  CHECK_NOTHROW(Migrator(mine, all).require_latest());
}

TEST_CASE("on start an old database is copied before it is migrated", "[C104]") {
  const TestFolder folder;
  const std::string path = folder.file("a.db");
  FakeClock clock;
  Database db(path, creating());
  CHECK(Migrator(db, all.first(2), clock).migrate_on_start().empty());
  add_posting(db);
  const std::string copy = Migrator(db, all, clock).migrate_on_start();
  CHECK(copy == path + ".v2-20231114T221320.000Z.backup");
  CHECK(Migrator(db, all, clock).migrate_on_start().empty());
  Database old(copy, {.mode = Mode::read_only});
  CHECK(Migrator(old, all).current() == 2);
  CHECK(old.query_int64("SELECT sum(msat) FROM posting") == 1000);
}

TEST_CASE("a backup is a whole, private copy and never replaces a file", "[C104]") {
  const TestFolder folder;
  for (const Journal journal : {Journal::truncate, Journal::wal}) {
    const std::string path = folder.file(journal == Journal::wal ? "wal.db" : "truncate.db"), copy = path + ".copy";
    Database db(path, {.mode = Mode::create, .journal = journal, .application_id = 0x68680001});
    Migrator(db, all).up();
    add_posting(db);
    backup_to(db, copy);
    struct stat info {};
    REQUIRE(::stat(copy.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    CHECK(read_file(copy).at(18) == 1);  // not in WAL mode, which needs to write files beside it even to be read
    Database restored(copy, {.application_id = 0x68680001});
    CHECK_NOTHROW(restored.check_integrity());
    CHECK_NOTHROW(Migrator(restored, all).require_latest());
    CHECK(restored.query_int64("SELECT sum(msat) FROM posting") == 1000);
    CHECK(code_of([&] { backup_to(db, copy); }) == Exit::cant_create);
    CHECK(code_of([&] { backup_to(db, folder.file("no/such/copy")); }) == Exit::cant_create);
    const Transaction tx(db);
    CHECK(code_of([&] { backup_to(db, copy + "2"); }) == Exit::software);
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) CHECK(entry.path().extension() != ".partial");
}
