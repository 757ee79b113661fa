#include <fmt/format.h>
#include <sqlite3.h>

#include "store/sqlite.h"

namespace hh::store {
namespace {

const char* type_name(int type) {
  switch (type) {
    case SQLITE_INTEGER: return "an integer";
    case SQLITE_FLOAT: return "a floating point number";
    case SQLITE_TEXT: return "text";
    case SQLITE_BLOB: return "a blob";
    default: return "null";
  }
}

}  // namespace

Statement::Statement(Statement&& o) noexcept : db_(o.db_), stmt_(o.stmt_), shelf_(o.shelf_) { o.stmt_ = nullptr; }

Statement::~Statement() {
  if (stmt_ == nullptr) return;
  sqlite3_reset(stmt_);
  sqlite3_clear_bindings(stmt_);
  try {
    shelf_->push_back(stmt_);
  } catch (const std::bad_alloc&) {
    sqlite3_finalize(stmt_);
  }
}

void Statement::checked(int code) {
  if (code != SQLITE_OK) db_->fail(code, sqlite3_sql(stmt_));
}

void Statement::bind(int at, int64_t v) { checked(sqlite3_bind_int64(stmt_, at, v)); }
void Statement::bind(int at, std::nullptr_t) { checked(sqlite3_bind_null(stmt_, at)); }

void Statement::bind(int at, std::string_view v) {
  checked(sqlite3_bind_text64(stmt_, at, v.data() == nullptr ? "" : v.data(), v.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Statement::bind(int at, BytesView v) {
  if (v.empty()) return checked(sqlite3_bind_zeroblob(stmt_, at, 0));
  checked(sqlite3_bind_blob64(stmt_, at, v.data(), v.size(), SQLITE_TRANSIENT));
}

void Statement::bind_static(int at, BytesView v) {
  if (v.empty()) return bind(at, v);
  checked(sqlite3_bind_blob64(stmt_, at, v.data(), v.size(), SQLITE_STATIC));
}

void Statement::require_parameters(size_t count) const {
  const int wanted = sqlite3_bind_parameter_count(stmt_);
  if (static_cast<size_t>(wanted) != count) throw Error(Exit::software, fmt::format("{} values for {} parameters: {}", count, wanted, sqlite3_sql(stmt_)));
}

bool Statement::step() {
  db_->require_alive();
  const int code = sqlite3_step(stmt_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(stmt_);
    return false;
  }
  sqlite3_reset(stmt_);  // so that it can be bound again; the connection keeps the message
  db_->fail(code, sqlite3_sql(stmt_));
}

void Statement::reset() { sqlite3_reset(stmt_); }

int64_t Statement::run_bound() {
  const int64_t before = sqlite3_total_changes64(db_->db_);
  if (step()) {
    reset();
    throw Error(Exit::software, fmt::format("run() on a statement that returns rows: {}", sqlite3_sql(stmt_)));
  }
  // sqlite3_changes keeps its old value through statements that change no rows by themselves (CREATE TABLE).
  return sqlite3_total_changes64(db_->db_) == before ? 0 : sqlite3_changes64(db_->db_);
}

void Statement::require_type(int column, int type, const char* wanted) const {
  const int found = sqlite3_column_type(stmt_, column);
  if (found == type) return;
  const char* name = sqlite3_column_name(stmt_, column);
  throw Error(Exit::data, fmt::format("database {}: column {} holds {}, {} was expected", db_->path(), name == nullptr ? "?" : name, type_name(found), wanted));
}

int64_t Statement::int64(int column) const {
  require_type(column, SQLITE_INTEGER, "an integer");
  return sqlite3_column_int64(stmt_, column);
}

std::string_view Statement::text_view(int column) const {
  require_type(column, SQLITE_TEXT, "text");
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(stmt_, column));
  return {data, static_cast<size_t>(sqlite3_column_bytes(stmt_, column))};
}

BytesView Statement::blob_view(int column) const {
  require_type(column, SQLITE_BLOB, "a blob");
  const auto* data = static_cast<const uint8_t*>(sqlite3_column_blob(stmt_, column));
  return {data, static_cast<size_t>(sqlite3_column_bytes(stmt_, column))};
}

std::string Statement::text(int column) const { return std::string(text_view(column)); }

Bytes Statement::blob(int column) const {
  const BytesView view = blob_view(column);
  return Bytes(view.begin(), view.end());
}

bool Statement::boolean(int column) const {
  const int64_t n = int64(column);
  if (n != 0 && n != 1) throw Error(Exit::data, fmt::format("database {}: column {} holds {}, 0 or 1 was expected", db_->path(), sqlite3_column_name(stmt_, column), n));
  return n == 1;
}

bool Statement::is_null(int column) const { return sqlite3_column_type(stmt_, column) == SQLITE_NULL; }

std::optional<int64_t> Statement::optional_int64(int column) const { return is_null(column) ? std::nullopt : std::optional(int64(column)); }
std::optional<std::string> Statement::optional_text(int column) const { return is_null(column) ? std::nullopt : std::optional(text(column)); }
std::optional<Bytes> Statement::optional_blob(int column) const { return is_null(column) ? std::nullopt : std::optional(blob(column)); }

}  // namespace hh::store
