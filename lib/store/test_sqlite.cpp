#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "base/file.h"
#include "store/sqlite.h"
#include "store/test_folder.h"

using namespace hh;
using namespace hh::store;

namespace {

constexpr const char* credit_table = "CREATE TABLE credit (id INTEGER PRIMARY KEY, miner TEXT NOT NULL UNIQUE, amount_msat INTEGER NOT NULL CHECK (amount_msat >= 0)) STRICT";

Options creating(Journal journal = Journal::truncate) { return {.mode = Mode::create, .journal = journal}; }

int64_t count(Database& db) { return db.query_int64("SELECT count(*) FROM credit"); }

// Runs body in a process of its own (limits and users of this process stay as they are). No database may be open here: SQLite must not
// be carried across fork.
pid_t start_child(const std::function<void()>& body) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  int code = 200;
  try {
    body();
  } catch (const Error& e) {
    code = static_cast<int>(e.code());
  } catch (...) {
    code = 201;
  }
  ::_exit(code);
}

// The exit code of the error that body threw; 200: it threw nothing.
int end_of(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 300 + WTERMSIG(status);
}

int in_child(const std::function<void()>& body) { return end_of(start_child(body)); }

}  // namespace

TEST_CASE("values come back as they went in, whatever their type") {
  const TestFolder folder;
  Database db(folder.file("a.db"), creating());
  db.execute("CREATE TABLE t (a, b, c, d, e, f, g)");
  const Bytes bytes{0, 1, 255};
  db.statement("INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
      .run(std::numeric_limits<int64_t>::min(), std::string("z\0\xc3\xa9", 4), bytes, nullptr, Msat(2'100'000'000'000'000'000), std::string_view(), Bytes());
  auto row = db.statement("SELECT * FROM t");
  REQUIRE(row.step());
  CHECK(row.int64(0) == std::numeric_limits<int64_t>::min());
  CHECK(row.text(1) == std::string("z\0\xc3\xa9", 4));
  CHECK(row.blob(2) == bytes);
  CHECK(row.is_null(3));
  CHECK_FALSE(row.optional_text(3));
  CHECK(row.msat(4) == Msat(2'100'000'000'000'000'000));
  CHECK(row.text(5).empty());
  CHECK(row.blob(6).empty());
  CHECK_FALSE(row.is_null(6));
  CHECK_FALSE(row.step());
}

TEST_CASE("a blob bound without a copy is read when the statement runs") {
  Database db(":memory:", creating());
  auto row = db.statement("SELECT ?1, ?2");
  uint8_t bytes[] = {1, 2, 3};
  row.bind_static(1, BytesView(bytes));
  row.bind_static(2, BytesView());
  bytes[0] = 9;
  REQUIRE(row.step());
  CHECK(row.blob(0) == Bytes{9, 2, 3});
  CHECK(row.blob(1).empty());
  CHECK_FALSE(row.is_null(1));
}

TEST_CASE("a column of another type is an error, never a conversion") {
  Database db(":memory:", creating());
  auto row = db.statement("SELECT 1.5, '12', NULL, 2");
  REQUIRE(row.step());
  CHECK_THROWS_WITH(row.msat(0), Catch::Contains("floating point"));
  CHECK_THROWS_WITH(row.int64(1), Catch::Contains("text"));
  CHECK_THROWS_WITH(row.int64(2), Catch::Contains("null"));
  CHECK_THROWS_WITH(row.text(3), Catch::Contains("an integer"));
  CHECK_THROWS_WITH(row.boolean(3), Catch::Contains("0 or 1"));
  CHECK_THROWS_AS(db.statement("SELECT ?1").bind_all(std::numeric_limits<uint64_t>::max()), Error);
}

TEST_CASE("mistakes in SQL are defects, told with the text") {
  Database db(":memory:", creating());
  db.execute(credit_table);
  CHECK(code_of([&] { db.statement("SELEKT 1"); }) == Exit::software);
  CHECK(code_of([&] { db.statement("SELECT 1; SELECT 2"); }) == Exit::software);
  CHECK(code_of([&] { db.statement(""); }) == Exit::software);
  CHECK(code_of([&] { db.statement("SELECT ?1, ?2").first(1); }) == Exit::software);
  CHECK(code_of([&] { db.statement("SELECT 1").run(); }) == Exit::software);
  CHECK(code_of([&] { db.statement("SELECT \"no such column\"").step(); }) == Exit::software);  // not taken for a string
  CHECK_NOTHROW(db.statement("SELECT 1;\n").first());
}

TEST_CASE("run tells how many rows changed") {
  Database db(":memory:", creating());
  db.execute(credit_table);
  auto put = db.statement("INSERT INTO credit(miner, amount_msat) VALUES (?1, ?2) ON CONFLICT DO NOTHING");
  CHECK(put.run("alice", Msat(5)) == 1);
  CHECK(put.run("bob", Msat(6)) == 1);
  CHECK(put.run("alice", Msat(7)) == 0);
  CHECK(db.statement("UPDATE credit SET amount_msat = 1").run() == 2);
  CHECK(db.statement("CREATE TABLE other (a)").run() == 0);
  CHECK(db.statement("UPDATE credit SET amount_msat = 2 WHERE amount_msat = 9").run() == 0);
}

TEST_CASE("a statement on loan twice is two statements, and returns unbound") {
  Database db(":memory:", creating());
  auto a = db.statement("SELECT ?1");
  auto b = db.statement("SELECT ?1");
  REQUIRE(a.first(1));
  REQUIRE(b.first(2));
  CHECK(a.int64(0) == 1);
  CHECK(b.int64(0) == 2);
  { auto moved = std::move(a); }
  auto again = db.statement("SELECT ?1");
  REQUIRE(again.first());
  CHECK(again.is_null(0));
}

TEST_CASE("constraints throw their own kind of error and leave the transaction open") {
  Database db(":memory:", creating());
  db.execute(credit_table);
  db.execute("CREATE TABLE line (credit INTEGER NOT NULL REFERENCES credit(id)) STRICT");
  Transaction tx(db);
  auto put = db.statement("INSERT INTO credit(miner, amount_msat) VALUES (?1, ?2)");
  put.run("alice", 1);
  try {
    put.run("alice", 2);
    FAIL("a second alice was taken");
  } catch (const ConstraintError& e) {
    CHECK(e.is_unique());
    CHECK(e.code() == Exit::data);
  }
  try {
    put.run("bob", -1);
    FAIL("a negative credit was taken");
  } catch (const ConstraintError& e) {
    CHECK_FALSE(e.is_unique());
  }
  CHECK_THROWS_AS(db.statement("INSERT INTO credit(miner, amount_msat) VALUES ('eve', 1.5)").run(), ConstraintError);
  CHECK_THROWS_AS(db.statement("INSERT INTO line VALUES (99)").run(), ConstraintError);
  put.run("carol", 3);
  tx.commit();
  CHECK(count(db) == 2);
}

TEST_CASE("what is not committed is rolled back") {
  const TestFolder folder;
  Database db(folder.file("a.db"), creating());
  db.execute(credit_table);
  {
    Transaction tx(db);
    db.statement("INSERT INTO credit(miner, amount_msat) VALUES ('alice', 1)").run();
    CHECK(code_of([&] { Transaction nested(db); }) == Exit::software);
  }
  CHECK(count(db) == 0);
  Transaction tx(db);
  db.statement("INSERT INTO credit(miner, amount_msat) VALUES ('alice', 1)").run();
  tx.commit();
  CHECK(code_of([&] { tx.commit(); }) == Exit::software);
  CHECK(Database(folder.file("a.db"), {.mode = Mode::read_only}).query_int64("SELECT count(*) FROM credit") == 1);
}

TEST_CASE("a second writer waits, then is told to try again", "[C104]") {
  const TestFolder folder;
  Database one(folder.file("a.db"), creating());
  one.execute(credit_table);
  Database two(folder.file("a.db"), {.busy_timeout_ms = 50});
  auto held = std::make_unique<Transaction>(one);
  CHECK(code_of([&] { Transaction tx(two); }) == Exit::temp_fail);
  held.reset();
  Transaction tx(two);  // busy is not fatal
  tx.commit();
}

TEST_CASE("two processes that write in turns lose nothing") {
  const TestFolder folder;
  const std::string path = folder.file("a.db");
  Database(path, creating()).execute("CREATE TABLE n (value INTEGER NOT NULL) STRICT; INSERT INTO n VALUES (0)");
  const auto add_hundred = [&] {
    Database db(path, {.busy_timeout_ms = 60'000});
    for (int i = 0; i < 100; ++i) {
      Transaction tx(db);
      const int64_t value = db.query_int64("SELECT value FROM n");
      db.statement("UPDATE n SET value = ?1").run(value + 1);
      tx.commit();
    }
  };
  const pid_t one = start_child(add_hundred), two = start_child(add_hundred);
  CHECK(end_of(one) == 200);
  CHECK(end_of(two) == 200);
  CHECK(Database(path, {.mode = Mode::read_only}).query_int64("SELECT value FROM n") == 200);
}

TEST_CASE("files that are absent, damaged, foreign or no database are told apart") {
  const TestFolder folder;
  CHECK(code_of([&] { Database db(folder.file("absent.db"), {.mode = Mode::read_write}); }) == Exit::no_input);
  CHECK(code_of([&] { Database db(folder.file("absent.db"), {.mode = Mode::read_only}); }) == Exit::no_input);
  CHECK(code_of([&] { Database db(folder.file("no/folder.db"), creating()); }) == Exit::cant_create);
  CHECK(code_of([&] { Database db(folder.path(), creating()); }) == Exit::no_input);
  write_file_durably(folder.file("text.db"), std::string(5000, 'x'), 0600);
  CHECK(code_of([&] { Database db(folder.file("text.db"), {}); }) == Exit::data);
  CHECK_THROWS_WITH(Database(folder.file("text.db"), {}), Catch::Contains("is no database"));

  Database(folder.file("mine.db"), {.mode = Mode::create, .application_id = 0x68680001}).execute("CREATE TABLE t (a)");
  CHECK_NOTHROW(Database(folder.file("mine.db"), {.application_id = 0x68680001}));
  CHECK_THROWS_WITH(Database(folder.file("mine.db"), {.application_id = 0x68680002}), Catch::Contains("another program"));
  Database(folder.file("plain.db"), creating()).execute("CREATE TABLE t (a)");
  CHECK(code_of([&] { Database db(folder.file("plain.db"), {.application_id = 0x68680001}); }) == Exit::data);
}

TEST_CASE("damage inside a file is found and stops the connection") {
  const TestFolder folder;
  const std::string path = folder.file("a.db");
  {
    Database db(path, creating());
    db.execute("CREATE TABLE t (a INTEGER, b TEXT)");
    Transaction tx(db);
    auto put = db.statement("INSERT INTO t VALUES (?1, ?2)");
    for (int i = 0; i < 1000; ++i) put.run(i, std::string(100, 'x'));
    tx.commit();
    CHECK_NOTHROW(db.check_integrity());
  }
  std::string content = read_file(path);
  for (size_t i = 8192; i < 8192 + 2000; ++i) content[i] = '\x5a';
  write_file_durably(path, content, 0600);
  int told = 0;
  Database db(path, {.on_fatal = [&](const Error&) { ++told; }});
  CHECK(code_of([&] { db.check_integrity(); }) == Exit::data);
  CHECK(code_of([&] { db.query_int64("SELECT 1"); }) == Exit::data);
  CHECK(told == 1);
}

TEST_CASE("read-only databases are read, and not written") {
  const TestFolder folder;
  const std::string path = folder.file("a.db");
  Database(path, creating()).execute(credit_table);
  Database db(path, {.mode = Mode::read_only});
  CHECK(count(db) == 0);
  CHECK(code_of([&] { db.execute("DELETE FROM credit"); }) == Exit::software);
}

TEST_CASE("without permission the message is about permission") {
  const TestFolder folder;
  const std::string path = folder.file("a.db");
  Database(path, creating()).execute(credit_table);
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0640);
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  const auto as_nobody = [&](mode_t mode, Mode wanted) {
    ::chmod(path.c_str(), mode);
    return in_child([&] {
      if (::geteuid() == 0 && ::seteuid(65534) != 0) ::_exit(202);
      Database db(path, {.mode = wanted});
    });
  };
  CHECK(as_nobody(0444, Mode::read_write) == 77);
  CHECK(as_nobody(0444, Mode::read_only) == 200);
  CHECK(as_nobody(0000, Mode::read_only) == 77);
  CHECK(as_nobody(0000, Mode::read_write) == 77);
}

TEST_CASE("a full database file is disk full: nothing half-written, and the connection is over", "[C104]") {
  const TestFolder folder;
  const std::string path = folder.file("a.db");
  int told = 0;
  {
    Database db(path, {.mode = Mode::create, .on_fatal = [&](const Error& e) { told += e.code() == Exit::io; }});
    db.execute(credit_table);
    db.execute("PRAGMA max_page_count=20");
    const auto fill = [&] {
      Transaction tx(db);
      auto put = db.statement("INSERT INTO credit(miner, amount_msat) VALUES (?1, 1)");
      for (int i = 0; i < 1000; ++i) put.run(std::to_string(i) + std::string(1000, 'x'));
      tx.commit();
    };
    CHECK_THROWS_WITH(fill(), Catch::Contains("disk full"));
    CHECK(told == 1);
    CHECK(code_of([&] { count(db); }) == Exit::io);
    CHECK(code_of([&] { Transaction tx(db); }) == Exit::io);
    CHECK(told == 1);
  }
  Database again(path, {});
  CHECK(count(again) == 0);
  CHECK_NOTHROW(again.check_integrity());
}

TEST_CASE("the system's limit on file sizes stops with an I/O error and loses nothing committed") {
  const TestFolder folder;
  for (const Journal journal : {Journal::truncate, Journal::wal}) {
    const std::string path = folder.file(journal == Journal::wal ? "wal.db" : "truncate.db");
    const int code = in_child([&] {
      ::signal(SIGXFSZ, SIG_IGN);
      Database db(path, creating(journal));
      db.execute(credit_table);
      db.statement("INSERT INTO credit(miner, amount_msat) VALUES ('alice', 1)").run();
      const rlimit limit{200'000, 200'000};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      Transaction tx(db);
      auto put = db.statement("INSERT INTO credit(miner, amount_msat) VALUES (?1, 1)");
      for (int i = 0; i < 5000; ++i) put.run(std::to_string(i) + std::string(1000, 'x'));
      tx.commit();
    });
    CHECK(code == 74);
    Database db(path, creating(journal));
    CHECK(db.query_text("SELECT miner FROM credit") == "alice");
    CHECK(count(db) == 1);
    CHECK_NOTHROW(db.check_integrity());
  }
}

TEST_CASE("journal modes are what was asked for, and can be changed at the next start") {
  const TestFolder folder;
  const std::string path = folder.file("a.db");
  { CHECK(Database(path, creating(Journal::wal)).query_text("PRAGMA journal_mode") == "wal"); }
  {
    Database db(path, creating(Journal::truncate));
    CHECK(db.query_text("PRAGMA journal_mode") == "truncate");
    CHECK(db.query_int64("PRAGMA synchronous") == 3);  // EXTRA
    CHECK(db.query_int64("PRAGMA foreign_keys") == 1);
    CHECK(db.query_int64("PRAGMA trusted_schema") == 0);
  }
  Database db(path, {.journal = Journal::wal, .synchronous = Synchronous::full});
  CHECK(db.query_int64("PRAGMA synchronous") == 2);
}
