#include <catch2/catch.hpp>

#include "store/faulty_disk.h"
#include "store/sqlite.h"
#include "store/test_folder.h"

using namespace hh;
using namespace hh::store;

namespace {

Options on(const FaultyDisk& disk, Journal journal) { return {.mode = Mode::create, .journal = journal, .vfs = disk.vfs()}; }

// Two postings that belong together.
void transfer(Database& db, int64_t amount) {
  Transaction tx(db);
  auto post = db.statement("INSERT INTO posting VALUES (?1, ?2)");
  post.run("treasury", -amount);
  post.run("alice", amount);
  for (int i = 0; i < 50; ++i) post.run(std::string(500, 'x'), 0);
  tx.commit();
}

void create(Database& db) { db.execute("CREATE TABLE posting (account TEXT NOT NULL, amount_msat INTEGER NOT NULL) STRICT"); }

}  // namespace

TEST_CASE("a failed fsync stops the connection: what was not durable is not acknowledged", "[C104]") {
  const TestFolder folder;
  for (const Journal journal : {Journal::truncate, Journal::wal}) {
    const std::string path = folder.file(journal == Journal::wal ? "wal.db" : "truncate.db");
    FaultyDisk disk;
    {
      Database db(path, on(disk, journal));
      create(db);
      transfer(db, 5);
      disk.fail_after(0, DiskFault::sync_only);
      CHECK_THROWS_WITH(transfer(db, 7), Catch::Contains("fsync failed"));
      disk.heal();
      CHECK(code_of([&] { transfer(db, 7); }) == Exit::io);  // not retried: the kernel may have dropped the pages
    }
  }
}

TEST_CASE("synchronous settings really reach the disk") {
  const TestFolder folder;
  FaultyDisk disk;
  Database db(folder.file("a.db"), on(disk, Journal::truncate));
  create(db);
  const int64_t before = disk.syncs();
  transfer(db, 1);
  CHECK(disk.syncs() - before >= 3);  // journal, database, journal's truncation
}

TEST_CASE("a disk that dies at any operation leaves all of a transaction or nothing", "[C042][L029]") {
  const TestFolder folder;
  for (const Journal journal : {Journal::truncate, Journal::wal})
    for (const DiskFault fault : {DiskFault::io, DiskFault::full}) {
      int64_t n = 0;
      bool succeeded = false;
      for (; !succeeded; ++n) {
        const std::string path = folder.file(std::to_string(static_cast<int>(journal)) + std::to_string(static_cast<int>(fault)) + "-" + std::to_string(n));
        {
          FaultyDisk disk;
          Database db(path, on(disk, journal));
          create(db);
          transfer(db, 5);
          disk.fail_after(n, fault);
          const Exit code = code_of([&] { transfer(db, 7); });
          succeeded = code == Exit::ok;
          if (!succeeded) REQUIRE(code == Exit::io);
        }
        Database db(path, {.journal = journal});
        db.check_integrity();
        REQUIRE(db.query_int64("SELECT sum(amount_msat) FROM posting") == 0);
        const int64_t alice = db.query_int64("SELECT sum(amount_msat) FROM posting WHERE account = 'alice'");
        REQUIRE((alice == 12 || (alice == 5 && !succeeded)));
        REQUIRE(n < 1000);
      }
      CHECK(n > 3);
    }
}
