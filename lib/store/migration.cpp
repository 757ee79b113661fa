#include "store/migration.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "base/file.h"
#include "crypto/digest.h"
#include "store/sqlite.h"

namespace hh::store {
namespace {

constexpr const char* history_table =
    "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_ms INTEGER NOT NULL, "
    "up_sha256 TEXT NOT NULL) STRICT";

struct Applied {
  std::string name;
  int64_t applied_ms;
  std::string up_sha256;
};

std::string hash_of(const Migration& m) { return to_hex(BytesView(crypto::sha256(std::string_view(m.up)))); }

std::map<int, Applied> history(Database& db) {
  std::map<int, Applied> rows;
  if (db.query_int64("SELECT count(*) FROM sqlite_schema WHERE type='table' AND name='schema_migrations'") == 0) return rows;
  auto select = db.statement("SELECT version, name, applied_ms, up_sha256 FROM schema_migrations ORDER BY version");
  while (select.step()) rows.emplace(static_cast<int>(select.int64(0)), Applied{select.text(1), select.int64(2), select.text(3)});
  return rows;
}

// Foreign keys can be switched only outside a transaction (SQLite: "Making Other Kinds Of Table Schema Changes").
class ForeignKeysOff {
 public:
  explicit ForeignKeysOff(Database& db) : db_(db) { db.execute("PRAGMA foreign_keys=OFF"); }
  ~ForeignKeysOff() { sqlite3_db_config(db_.handle(), SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr); }

 private:
  Database& db_;
};

void check_foreign_keys(Database& db) {
  auto orphans = db.statement("PRAGMA foreign_key_check");
  if (orphans.step()) throw Error(Exit::data, fmt::format("a row of table {} would refer to a missing row of {}", orphans.text(0), orphans.text(2)));
}

// "20261122T123456.789Z", for file names: to the millisecond, since a script may go down, up and down again within a second.
std::string compact_time(const Clock& clock) {
  std::string text = to_iso8601(clock.unix_ms());
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

}  // namespace

Migrator::Migrator(Database& db, std::span<const Migration> migrations, const Clock& clock) : db_(db), migrations_(migrations), clock_(clock) {
  for (size_t i = 0; i < migrations.size(); ++i)
    if (migrations[i].version != static_cast<int>(i) + 1) throw Error(Exit::software, fmt::format("migration {} is out of order", migrations[i].name));
}

int Migrator::current() { return static_cast<int>(db_.query_int64("PRAGMA user_version")); }
int Migrator::latest() const { return static_cast<int>(migrations_.size()); }

void Migrator::check() {
  const Transaction one_view(db_, Transaction::Kind::read);
  const int version = current();
  if (version > latest())
    throw Error(Exit::config, fmt::format("database {} was made by a newer version of this program (its tables are version {}, this program knows {}): upgrade the program",
                                          db_.path(), version, latest()));
  const auto rows = history(db_);
  const int recorded = rows.empty() ? 0 : rows.rbegin()->first;
  if (recorded != version || rows.size() != static_cast<size_t>(version))
    throw Error(Exit::data, fmt::format("database {}: its version is {}, its record of migrations says {}: it was changed by hand; restore a backup", db_.path(), version, recorded));
  for (const auto& [number, row] : rows) {
    const Migration& m = migrations_[static_cast<size_t>(number) - 1];
    if (row.name != m.name || row.up_sha256 != hash_of(m))
      throw Error(Exit::config, fmt::format("database {}: migration {} ({}) is not the one that this program knows ({}): was it made by another build?", db_.path(), number, row.name, m.name));
  }
}

void Migrator::require_latest() {
  check();
  if (current() < latest())
    throw Error(Exit::config, fmt::format("database {} is version {}, this program needs {}: run the migration first", db_.path(), current(), latest()));
}

std::vector<MigrationStatus> Migrator::status() {
  const auto rows = history(db_);
  std::vector<MigrationStatus> out;
  for (const Migration& m : migrations_) {
    const auto row = rows.find(m.version);
    out.push_back({m.version, m.name, row != rows.end(), row == rows.end() ? 0 : row->second.applied_ms, m.down != nullptr});
  }
  return out;
}

int Migrator::up_to(int version) {
  check();
  if (version > latest()) throw Error(Exit::usage, fmt::format("there is no migration {}: the last is {}", version, latest()));
  if (version < current()) throw Error(Exit::usage, fmt::format("database {} is at version {} already: going down to {} has to be asked for", db_.path(), current(), version));
  int applied = 0;
  for (int next = current() + 1; next <= version; ++next)
    if (change(migrations_[static_cast<size_t>(next) - 1], Direction::up)) ++applied;
  return applied;
}

int Migrator::down_to(int version) {
  check();
  const int start = current();
  if (version < 0 || version > start) throw Error(Exit::usage, fmt::format("database {} is at version {}: it cannot go down to {}", db_.path(), start, version));
  for (int n = start; n > version; --n) {
    const Migration& m = migrations_[static_cast<size_t>(n) - 1];
    if (m.down == nullptr) throw Error(Exit::usage, fmt::format("migration {} ({}) cannot be undone: restore a backup instead", n, m.name));
  }
  int undone = 0;
  for (int n = start; n > version; --n)
    if (change(migrations_[static_cast<size_t>(n) - 1], Direction::down)) ++undone;
  return undone;
}

bool Migrator::change(const Migration& m, Direction direction) {
  const int before = direction == Direction::up ? m.version - 1 : m.version;
  try {
    const ForeignKeysOff off(db_);
    Transaction tx(db_);
    if (current() != before) return false;
    db_.execute(direction == Direction::up ? m.up : m.down);
    if (!db_.in_transaction()) throw Error(Exit::software, "its SQL ends the transaction");
    check_foreign_keys(db_);
    record(m, direction);
    tx.commit();
    return true;
  } catch (const Error& e) {
    throw e.in(fmt::format("migration {} ({}) {}", m.version, m.name, direction == Direction::up ? "up" : "down"));
  }
}

void Migrator::record(const Migration& m, Direction direction) {
  db_.execute(history_table);
  if (direction == Direction::up)
    db_.statement("INSERT INTO schema_migrations VALUES (?1, ?2, ?3, ?4)").run(m.version, m.name, clock_.unix_ms(), hash_of(m));
  else
    db_.statement("DELETE FROM schema_migrations WHERE version = ?1").run(m.version);
  db_.execute(fmt::format("PRAGMA user_version={}", direction == Direction::up ? m.version : m.version - 1));
}

std::string Migrator::keep_copy() {
  const int version = current();
  if (version == 0) return {};
  std::string copy = fmt::format("{}.v{}-{}.backup", db_.path(), version, compact_time(clock_));
  backup_to(db_, copy);
  return copy;
}

std::string Migrator::migrate_on_start() {
  check();
  if (current() == latest()) return {};
  std::string copy = keep_copy();
  up();
  return copy;
}

namespace {

// Page for page, in one read transaction of the source; SQLite starts over by itself where another process writes meanwhile.
void copy_pages(Database& from, Database& to) {
  sqlite3_backup* backup = sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
  if (backup == nullptr) to.throw_error(sqlite3_extended_errcode(to.handle()), "backup");
  sqlite3_backup_step(backup, -1);
  const int code = sqlite3_backup_finish(backup);
  if (code != SQLITE_OK) to.throw_error(code, "backup");
}

void write_copy(Database& db, const std::string& temporary) {
  {
    Database copy(temporary, {.mode = Mode::create, .journal = Journal::memory, .synchronous = Synchronous::normal});
    copy_pages(db, copy);
    copy.query_text("PRAGMA journal_mode=DELETE");  // so that a copy of a WAL database can be read where nothing can be written
    copy.check_integrity();
  }
  if (::chmod(temporary.c_str(), 0600) != 0) throw Error(Exit::io, fmt::format("cannot set the mode of {}: {}", temporary, reason(errno)));
  sync_file(open_file(temporary, O_RDONLY).get(), temporary);
}

}  // namespace

void backup_to(Database& db, const std::string& path) {
  if (db.in_transaction()) throw Error(Exit::software, fmt::format("database {}: backup within a transaction", db.path()));
  const std::string temporary = fmt::format("{}.{}.partial", path, ::getpid());
  ::unlink(temporary.c_str());
  try {
    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0) throw Error(Exit::cant_create, "it exists");
    write_copy(db, temporary);
    if (::link(temporary.c_str(), path.c_str()) != 0) throw Error(Exit::cant_create, reason(errno));  // unlike rename, never replaces
    ::unlink(temporary.c_str());
    sync_folder_of(path);
  } catch (const Error& e) {
    ::unlink(temporary.c_str());
    throw e.in(fmt::format("backup of {} to {}", db.path(), path));
  }
}

}  // namespace hh::store
