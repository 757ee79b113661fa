// What SQLite's result codes mean for the person who runs the program: which are for trying again, which for the disk, which for us.
#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>

#include "base/file.h"
#include "store/sqlite.h"

namespace hh::store {
namespace {

// SQLite remembers the errno of the last failed system call, also after calls that failed for another reason.
std::string because(sqlite3* db) {
  const int number = sqlite3_system_errno(db);
  return number == 0 ? std::string(sqlite3_errmsg(db)) : reason(number);
}

Error cannot_open(sqlite3* db, const std::string& path, Mode mode) {
  const int number = sqlite3_system_errno(db);
  if (number == EACCES || number == EPERM || number == EROFS) return Error(Exit::no_permission, fmt::format("cannot open database {}: {}", path, reason(number)));
  const Exit code = mode == Mode::create ? Exit::cant_create : Exit::no_input;
  return Error(code, fmt::format("cannot open database {} or its journal: {}", path, because(db)));
}

Error input_output(sqlite3* db, const std::string& path, int code) {
  const bool sync = code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC;
  return Error(Exit::io, fmt::format("database {}: {} failed ({}, SQLite code {}): stopping; check the disk, then start again", path,
                                     sync ? "fsync" : "reading or writing", because(db), code));
}

}  // namespace

bool ConstraintError::is_unique() const {
  return sqlite_code_ == SQLITE_CONSTRAINT_UNIQUE || sqlite_code_ == SQLITE_CONSTRAINT_PRIMARYKEY || sqlite_code_ == SQLITE_CONSTRAINT_ROWID;
}

void Database::die(const Error& error) {
  if (!dead_) {
    dead_ = error;
    if (options_.on_fatal) options_.on_fatal(error);
  }
  throw error;
}

void Database::fail(int code, std::string_view doing) {
  const std::string message = sqlite3_errmsg(db_);
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
      throw ConstraintError(fmt::format("database {}: {}", path_, message), code);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw Error(Exit::temp_fail, fmt::format("database {} is busy: another process has held its lock for {} ms; try again", path_, options_.busy_timeout_ms));
    case SQLITE_FULL:
      die(Error(Exit::io, fmt::format("database {}: disk full: nothing of this change was kept; free some space, then start again", path_)));
    case SQLITE_IOERR:
      die(input_output(db_, path_, code));
    case SQLITE_CORRUPT:
      die(Error(Exit::data, fmt::format("database {} is damaged ({}): stop, keep a copy of the file, and restore a backup", path_, message)));
    case SQLITE_NOTADB:
      die(Error(Exit::data, fmt::format("{} is no database", path_)));
    case SQLITE_CANTOPEN:
      throw cannot_open(db_, path_, options_.mode);
    case SQLITE_READONLY:
      if (options_.mode == Mode::read_only) throw Error(Exit::software, fmt::format("database {} was opened for reading only ({})", path_, doing));
      throw Error(Exit::no_permission, fmt::format("database {} cannot be written ({}): check owner and mode of the file and its folder", path_, message));
    case SQLITE_PERM:
    case SQLITE_AUTH:
      throw Error(Exit::no_permission, fmt::format("database {}: {}", path_, message));
    case SQLITE_NOMEM:
      throw Error(Exit::temp_fail, fmt::format("database {}: out of memory", path_));
    case SQLITE_INTERRUPT:
      throw Error(Exit::temp_fail, fmt::format("database {}: interrupted", path_));
    case SQLITE_TOOBIG:
      throw Error(Exit::data, fmt::format("database {}: a value is too large", path_));
    default:
      throw Error(Exit::software, fmt::format("database {}: {} (code {}): {}", path_, message, code, doing));
  }
}

}  // namespace hh::store
