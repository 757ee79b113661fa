#include "store/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/file.h"

namespace hh::store {
namespace {

constexpr mode_t file_mode = 0640;  // SQLite gives its journals the mode of the database

const char* name(Journal journal) {
  switch (journal) {
    case Journal::wal: return "wal";
    case Journal::memory: return "memory";
    default: return "truncate";
  }
}

const char* name(Synchronous synchronous) {
  switch (synchronous) {
    case Synchronous::normal: return "NORMAL";
    case Synchronous::full: return "FULL";
    default: return "EXTRA";
  }
}

bool is_blank(std::string_view sql) { return sql.find_first_not_of(" \t\r\n;") == std::string_view::npos; }

}  // namespace

Database::Database(const std::string& path, Options options) : path_(path), options_(std::move(options)) {
  try {
    open();
    configure();
  } catch (...) {
    close();
    throw;
  }
}

Database::~Database() { close(); }

void Database::close() {
  for (auto& [sql, shelf] : idle_)
    for (sqlite3_stmt* stmt : shelf) sqlite3_finalize(stmt);
  idle_.clear();
  sqlite3_close_v2(db_);
  db_ = nullptr;
}

// The file is never opened here by ourselves to look at it: closing any descriptor of a file drops all POSIX locks that this process
// holds on it, also those of another SQLite connection.
void Database::open() {
  struct stat info {};
  const bool in_memory = path_ == ":memory:";
  const bool existed = !in_memory && ::stat(path_.c_str(), &info) == 0;
  if (!existed && !in_memory && options_.mode != Mode::create) throw Error(Exit::no_input, fmt::format("cannot open database {}: {}", path_, reason(errno)));
  if (existed && !S_ISREG(info.st_mode)) throw Error(Exit::no_input, fmt::format("{} is no regular file, so no database", path_));

  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= options_.mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (options_.mode == Mode::create) flags |= SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(path_.c_str(), &db_, flags, options_.vfs.empty() ? nullptr : options_.vfs.c_str());
  if (db_ == nullptr) throw std::bad_alloc();
  if (code != SQLITE_OK) fail(code, "open");
  if (!existed && !in_memory && ::chmod(path_.c_str(), file_mode) != 0) throw Error(Exit::cant_create, fmt::format("cannot set the mode of {}: {}", path_, reason(errno)));
  // SQLite opens for reading a file that it may not write, and would tell only at the first change.
  if (options_.mode != Mode::read_only && sqlite3_db_readonly(db_, "main") == 1)
    throw Error(Exit::no_permission, fmt::format("database {} cannot be written: check owner and mode of the file, and that the disk is not mounted read-only", path_));
}

void Database::configure() {
  sqlite3_busy_timeout(db_, options_.busy_timeout_ms);
  // A hostile or damaged file must not run code of its own or reach into SQLite's tables.
  const std::pair<int, int> settings[] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},   {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0}, {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
                                          {SQLITE_DBCONFIG_DQS_DML, 0},     {SQLITE_DBCONFIG_DQS_DDL, 0}};
  for (const auto& [what, on] : settings) {
    const int code = sqlite3_db_config(db_, what, on, nullptr);
    if (code != SQLITE_OK) fail(code, "db_config");
  }
  check_application_id();
  if (options_.mode == Mode::read_only) return;
  set_journal();
  execute(std::string("PRAGMA synchronous=") + name(options_.synchronous));
}

void Database::set_journal() {
  const std::string wanted = path_ == ":memory:" ? "memory" : name(options_.journal);
  const std::string got = query_text("PRAGMA journal_mode=" + wanted);
  if (got != wanted) throw Error(Exit::unavailable, fmt::format("database {}: journal mode is {}, {} is not possible here (a network file system?)", path_, got, wanted));
}

void Database::check_application_id() {
  const int64_t found = query_int64("PRAGMA application_id");  // also the first read: a file that is no database shows itself
  const bool is_new = query_int64("SELECT count(*) FROM sqlite_schema") == 0 && found == 0;
  if (options_.application_id == 0 || found == options_.application_id) return;
  if (!is_new) throw Error(Exit::data, fmt::format("{} is a database of another program (application id {:#x}, expected {:#x})", path_, found, options_.application_id));
  if (options_.mode != Mode::read_only) execute(fmt::format("PRAGMA application_id={}", options_.application_id));
}

void Database::require_alive() const {
  if (dead_) throw *dead_;
}

Statement Database::statement(std::string_view sql) {
  require_alive();
  auto at = idle_.find(sql);
  if (at == idle_.end()) at = idle_.emplace(std::string(sql), Statement::Shelf()).first;
  Statement::Shelf& shelf = at->second;
  if (!shelf.empty()) {
    sqlite3_stmt* stmt = shelf.back();
    shelf.pop_back();
    return Statement(*this, stmt, shelf);
  }
  sqlite3_stmt* stmt = nullptr;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &stmt, &rest);
  if (code != SQLITE_OK) fail(code, sql);
  Statement statement(*this, stmt, shelf);
  if (stmt == nullptr || !is_blank({rest, static_cast<size_t>(sql.data() + sql.size() - rest)}))
    throw Error(Exit::software, fmt::format("not exactly one SQL statement: {}", sql));
  return statement;
}

void Database::execute(const std::string& script) {
  require_alive();
  const int code = sqlite3_exec(db_, script.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code, script);
}

int64_t Database::query_int64(std::string_view sql) {
  Statement s = statement(sql);
  if (!s.step()) throw Error(Exit::software, fmt::format("no row: {}", sql));
  return s.int64(0);
}

std::string Database::query_text(std::string_view sql) {
  Statement s = statement(sql);
  if (!s.step()) throw Error(Exit::software, fmt::format("no row: {}", sql));
  return s.text(0);
}

int64_t Database::last_insert_rowid() const { return sqlite3_last_insert_rowid(db_); }
bool Database::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

void Database::check_integrity() {
  const std::string found = query_text("PRAGMA integrity_check(1)");
  if (found != "ok") die(Error(Exit::data, fmt::format("database {} is damaged ({}): stop, keep a copy of the file, and restore a backup", path_, found)));
  Statement orphans = statement("PRAGMA foreign_key_check");
  if (orphans.step()) throw Error(Exit::data, fmt::format("database {}: a row of table {} refers to a missing row of {}", path_, orphans.text(0), orphans.text(2)));
}

Transaction::Transaction(Database& db, Kind kind) : db_(db) {
  if (db.in_transaction()) throw Error(Exit::software, fmt::format("database {}: a transaction within a transaction", db.path()));
  db.execute(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN DEFERRED");
  open_ = true;
}

Transaction::~Transaction() { rollback(); }

void Transaction::commit() {
  if (!open_) throw Error(Exit::software, fmt::format("database {}: commit of a transaction that is over", db_.path()));
  try {
    db_.execute("COMMIT");
  } catch (...) {
    rollback();
    throw;
  }
  open_ = false;
}

// Some failures (disk full, I/O) have rolled back already; a rollback that fails leaves the journal, from which the next open rolls back.
void Transaction::rollback() {
  if (open_ && db_.in_transaction()) sqlite3_exec(db_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  open_ = false;
}

}  // namespace hh::store
