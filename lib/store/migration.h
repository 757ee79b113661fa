// How a database gets from one version of its tables to the next, and back.
//
// A program lists its migrations as a table: version (1, 2, 3 …, no gaps), name, SQL up, SQL down. Each is applied in one transaction
// together with PRAGMA user_version and its row in `schema_migrations` (version, name, applied_ms, sha256 of the up SQL), so a
// crash leaves the database at one version or the other. Foreign keys are off while the SQL runs, since that is the only way SQLite
// can rebuild a table, and are checked before the commit. Two programs that start at once both succeed: the second finds the work done.
//
// Refused with Error(config): a database newer than the program ("made by a newer version: upgrade the program"), and one whose applied
// migrations are not the ones that this program knows (a released migration was edited). Going down loses data: it has to be asked for.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"

namespace hh::store {

class Database;

struct Migration {
  int version;
  const char* name;  // snake_case, e.g. "accounts"
  const char* up;
  const char* down;  // nullptr: cannot be undone
};

struct MigrationStatus {
  int version;
  std::string name;
  bool applied;
  int64_t applied_ms;  // unix milliseconds; 0 where not applied
  bool reversible;
};

class Migrator {
 public:
  // The table must outlive the object. Throws Error(software) where it has gaps.
  Migrator(Database& db, std::span<const Migration> migrations, const Clock& clock = system_clock());

  int current();        // version of the database; 0: empty
  int latest() const;   // version of the program
  void check();         // throws Error(config) as above
  void require_latest();  // check(), and Error(config) naming the migrate command where the database is older: for tools that only read
  std::vector<MigrationStatus> status();

  // Applies what is missing up to `version` (default: all). Returns how many were applied. Throws Error(usage) where version is lower
  // than current().
  int up_to(int version);
  int up() { return up_to(latest()); }
  // Undoes the newest migrations until `version` is reached. Throws Error(usage) where one of them cannot be undone (then none is).
  int down_to(int version);

  // Copies a database that has tables to "<path>.v<current>-<time>.backup" and returns that path, "" for one without. Before any migration.
  std::string keep_copy();

  // For a program's start: nothing where the database is current; a new database is built; an old one is first copied
  // (keep_copy), then migrated. Returns the copy's path, or "". Hold the WriterLock meanwhile.
  std::string migrate_on_start();

 private:
  enum class Direction { up, down };
  bool change(const Migration& m, Direction direction);  // false: another process has done it
  void record(const Migration& m, Direction direction);
  Database& db_;
  std::span<const Migration> migrations_;
  const Clock& clock_;
};

// Copies the database to a new file, consistent even while others write, and proves the copy: integrity_check, then fsync of file and
// folder. The name appears only when the copy is whole (mode 0600). Throws Error(cant_create) where path exists.
void backup_to(Database& db, const std::string& path);

}  // namespace hh::store
