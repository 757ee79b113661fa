// SQLite with types, checked errors and durable defaults. One Database is one connection: use it from one thread at a time.
//
//   Database db("ledger.db", {.mode = Mode::create});
//   Transaction tx(db);                                        // BEGIN IMMEDIATE: takes the write lock now
//   auto put = db.statement("INSERT INTO credit(miner, amount_msat) VALUES (?1, ?2)");
//   put.run("alice", Msat(1000));
//   tx.commit();                                               // without it the destructor rolls back
//
// Errors are hh::Error with path and reason:
//   ConstraintError (data)  a UNIQUE, CHECK, FOREIGN KEY or trigger refused the change; the transaction is still open
//   Error(temp_fail)        another process holds the lock longer than busy_timeout_ms
//   Error(io)               disk full, read-only disk, failed read, write or fsync
//   Error(no_permission)    the file may not be read or written by this user
//   Error(data)             no database, damaged, or a different program's file
//   Error(software)         an SQL mistake of ours
// After io and damage the connection is dead: the change is not durable, and every later call throws the same error, so that a
// program cannot go on as if nothing had happened. Options::on_fatal is told once (a daemon stops there).
#pragma once
#include <array>
#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/amount.h"
#include "base/error.h"
#include "base/hex.h"

struct sqlite3;
struct sqlite3_stmt;

namespace hh::store {

enum class Mode { create, read_write, read_only };  // create: also opens one that exists
enum class Journal { truncate, wal, memory };       // memory: only for tests and throw-away files
enum class Synchronous { extra, full, normal };

struct Options {
  Mode mode = Mode::read_write;
  // The defaults survive a power cut at any moment and avoid SQLite's WAL-reset bug (before 3.51.3): right for the payment journal.
  // A store with one writing connection and many readers takes wal with full (every commit durable) or normal (a power cut may
  // lose the last commits, never the file). Ignored for read_only.
  Journal journal = Journal::truncate;
  Synchronous synchronous = Synchronous::extra;
  int busy_timeout_ms = 5000;
  // Written into a new file, checked in an old one (PRAGMA application_id), so that tools refuse each other's files. 0: no check.
  int32_t application_id = 0;
  std::function<void(const Error&)> on_fatal = {};
  std::string vfs = {};  // empty: the system's; tests name a faulty one
};

class ConstraintError : public Error {
 public:
  ConstraintError(const std::string& sentence, int sqlite_code) : Error(Exit::data, sentence), sqlite_code_(sqlite_code) {}
  int sqlite_code() const { return sqlite_code_; }  // extended: SQLITE_CONSTRAINT_UNIQUE …
  bool is_unique() const;                           // UNIQUE or PRIMARY KEY: "it is there already"

 private:
  int sqlite_code_;
};

class Database;

// A prepared statement on loan from the connection's cache; goes back, reset and unbound, when it is destroyed. Must not outlive its
// Database. Parameters are ?1, ?2 … from 1; columns count from 0.
class Statement {
 public:
  Statement(Statement&& o) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  void bind(int at, int64_t v);
  void bind(int at, std::string_view v);  // copied
  void bind(int at, BytesView v);         // copied; an empty view is an empty blob, not null
  void bind_static(int at, BytesView v);  // not copied: must stay as it is until the statement has run
  void bind(int at, std::nullptr_t);
  void bind(int at, const char* v) { bind(at, std::string_view(v)); }
  void bind(int at, const std::string& v) { bind(at, std::string_view(v)); }
  void bind(int at, const Bytes& v) { bind(at, BytesView(v)); }
  template <size_t N>
  void bind(int at, const std::array<uint8_t, N>& v) { bind(at, BytesView(v)); }
  void bind(int at, Sat v) { bind(at, v.count()); }
  void bind(int at, Msat v) { bind(at, v.count()); }
  void bind(int at, bool v) { bind(at, int64_t{v}); }
  template <std::integral T>
  void bind(int at, T v) {
    if (!std::in_range<int64_t>(v)) throw Error(Exit::software, "integer too large for the database");
    bind(at, static_cast<int64_t>(v));
  }
  template <class T>
  void bind(int at, const std::optional<T>& v) { v ? bind(at, *v) : bind(at, nullptr); }
  // All parameters from ?1 on; throws Error(software) where the statement has another number of them.
  template <class... T>
  Statement& bind_all(const T&... v) {
    require_parameters(sizeof...(v));
    int at = 0;
    (bind(++at, v), ...);
    return *this;
  }

  bool step();  // true: a row is there to read; false: done, and reset for the next use (bindings stay)
  void reset();
  // Runs to the end and returns how many rows were inserted, changed or deleted. Throws Error(software) if there is a row to read.
  // Without arguments it runs with what was bound before; the same goes for first().
  template <class... T>
  int64_t run(const T&... v) {
    reset();
    if constexpr (sizeof...(v) > 0) bind_all(v...);
    return run_bound();
  }
  // Steps once: is there a row?
  template <class... T>
  bool first(const T&... v) {
    reset();
    if constexpr (sizeof...(v) > 0) bind_all(v...);
    return step();
  }

  // Strict: a column of another type (or null) throws Error(data). No conversion, so no float can pass for an amount.
  int64_t int64(int column) const;
  std::string text(int column) const;
  std::string_view text_view(int column) const;  // until the next step, reset or destruction
  Bytes blob(int column) const;
  BytesView blob_view(int column) const;          // the same
  Sat sat(int column) const { return Sat(int64(column)); }
  Msat msat(int column) const { return Msat(int64(column)); }
  bool boolean(int column) const;                 // 0 or 1
  bool is_null(int column) const;
  std::optional<int64_t> optional_int64(int column) const;
  std::optional<std::string> optional_text(int column) const;
  std::optional<Bytes> optional_blob(int column) const;

 private:
  friend class Database;
  using Shelf = std::vector<sqlite3_stmt*>;  // where idle statements of one SQL text wait
  Statement(Database& db, sqlite3_stmt* stmt, Shelf& shelf) : db_(&db), stmt_(stmt), shelf_(&shelf) {}
  int64_t run_bound();
  void require_parameters(size_t count) const;
  void require_type(int column, int type, const char* wanted) const;
  void checked(int code);
  Database* db_;
  sqlite3_stmt* stmt_;  // nullptr: moved from
  Shelf* shelf_;
};

class Database {
 public:
  Database(const std::string& path, Options options = {});  // ":memory:" is a private database in memory
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // One statement, cached by its text for as long as the Database lives: the text is constant, values are parameters.
  Statement statement(std::string_view sql);
  void execute(const std::string& script);    // any number of statements without parameters or rows of interest
  // First column of the first row; throws Error(software) where there is none.
  int64_t query_int64(std::string_view sql);
  std::string query_text(std::string_view sql);
  int64_t last_insert_rowid() const;
  bool in_transaction() const;
  // PRAGMA integrity_check and foreign_key_check; throws Error(data) with the first finding.
  void check_integrity();
  const std::string& path() const { return path_; }
  const Options& options() const { return options_; }
  sqlite3* handle() { return db_; }
  // For code that calls SQLite itself: throws the error that a result code of this connection stands for; doing names the attempt.
  [[noreturn]] void throw_error(int code, std::string_view doing) { fail(code, doing); }

 private:
  friend class Statement;
  friend class Transaction;
  void open();
  void close();
  void configure();
  void set_journal();
  void check_application_id();
  void require_alive() const;
  [[noreturn]] void fail(int code, std::string_view doing);  // throws the error that code stands for
  [[noreturn]] void die(const Error& error);                 // the same for one after which nothing works
  std::string path_;
  Options options_;
  sqlite3* db_ = nullptr;
  std::optional<Error> dead_;
  std::map<std::string, std::vector<sqlite3_stmt*>, std::less<>> idle_;
};

// BEGIN … COMMIT. Does not nest: a second one on the same Database throws Error(software).
class Transaction {
 public:
  // write takes the write lock at once (BEGIN IMMEDIATE), so that nothing read can change before it is acted upon; read gives several
  // SELECTs one view of the data.
  enum class Kind { write, read };
  explicit Transaction(Database& db, Kind kind = Kind::write);
  ~Transaction();  // rolls back what was not committed
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();    // durable when it returns (as the options say); throws and rolls back where it fails
  void rollback();

 private:
  Database& db_;
  bool open_ = false;
};

}  // namespace hh::store
