#include "service/access.h"

#include <fmt/format.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/base64url.h"
#include "crypto/digest.h"
#include "crypto/totp.h"
#include "store/migration.h"

namespace hh::ln {
namespace {

constexpr int32_t access_application_id = 0x48484c41;  // "HHLA"
constexpr const char* prefix = "hhln_";                 // so that scanners find one that was published by mistake
constexpr size_t secret_bytes = 32, totp_bytes = 20;

constexpr const char* up = R"sql(
-- One row for each name that has, or had, tokens. last_step: of the newest one-time code that was used; older ones count no more.
CREATE TABLE people (
  name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 64),
  totp_secret TEXT,
  last_step INTEGER NOT NULL DEFAULT -1
) STRICT;
CREATE TABLE tokens (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL REFERENCES people,
  role TEXT NOT NULL CHECK (role IN ('treasurer', 'auditor', 'ops')),
  sha256 TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64),
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  revoked_ms INTEGER
) STRICT;
CREATE TRIGGER tokens_stay BEFORE DELETE ON tokens BEGIN SELECT RAISE(ABORT, 'tokens are revoked, not deleted'); END;
CREATE TRIGGER tokens_end BEFORE UPDATE ON tokens WHEN OLD.revoked_ms IS NOT NULL OR NEW.expires_ms > OLD.expires_ms OR NEW.role <> OLD.role OR NEW.sha256 <> OLD.sha256
  BEGIN SELECT RAISE(ABORT, 'a token only ever ends earlier'); END;
)sql";
constexpr store::Migration migrations[] = {{1, "access", up, "DROP TABLE tokens; DROP TABLE people;"}};

std::string private_file(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 && errno == ENOENT) open_file(path, O_CREAT | O_WRONLY, 0600);
  return path;
}

constexpr const char* columns = "SELECT id, name, role, created_ms, expires_ms, revoked_ms, totp_secret IS NOT NULL FROM tokens JOIN people USING (name) ";

Token read(const store::Statement& row) {
  Token t;
  t.id = row.int64(0), t.name = row.text(1), t.role = role_from_name(row.text(2)).value_or(Role::auditor);
  t.created_ms = row.int64(3), t.expires_ms = row.int64(4), t.revoked_ms = row.optional_int64(5), t.has_totp = row.boolean(6);
  return t;
}

void require_name(const std::string& name) {
  const auto is_good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'; };
  if (name.empty() || name.size() > 64 || !std::all_of(name.begin(), name.end(), is_good))
    throw Error(Exit::data, "a token's name has 1 to 64 characters of a-z, 0-9, '.', '_' and '-'");
}

bool changes_something(Role role) { return may(role, Right::pause) || may(role, Right::decide); }

}  // namespace

const char* role_name(Role role) {
  switch (role) {
    case Role::treasurer: return "treasurer";
    case Role::auditor: return "auditor";
    case Role::ops: return "ops";
  }
  return "";
}

std::optional<Role> role_from_name(std::string_view name) {
  for (const Role role : {Role::treasurer, Role::auditor, Role::ops})
    if (name == role_name(role)) return role;
  return {};
}

bool may(Role role, Right right) {
  switch (right) {
    case Right::read: return true;
    case Right::read_proofs: return role != Role::ops;
    case Right::pause: return role != Role::auditor;
    case Right::decide:
    case Right::channels: return role == Role::treasurer;
  }
  return false;
}

Access::Access(const std::string& path, Clock& clock, crypto::RandomSource& random)
    : path_(private_file(path)), clock_(clock), random_(random),
      db_(path_, {.mode = store::Mode::create, .application_id = access_application_id, .on_fatal = {}, .vfs = {}}) {
  store::Migrator(db_, migrations, clock_).migrate_on_start();
}

std::optional<Token> Access::valid(const std::string& name) {
  auto row = db_.statement(std::string(columns) + "WHERE name = ?1 AND revoked_ms IS NULL AND expires_ms > ?2 ORDER BY expires_ms DESC LIMIT 1");
  if (!row.first(name, clock_.unix_ms())) return {};
  return read(row);
}

// REQUIRES an open transaction.
NewToken Access::insert(const std::string& name, Role role, int64_t lifetime_ms) {
  NewToken out;
  out.secret = prefix + crypto::to_base64url(random_.bytes(secret_bytes));
  log::hide(out.secret);
  db_.statement("INSERT INTO tokens (name, role, sha256, created_ms, expires_ms) VALUES (?1, ?2, ?3, ?4, ?5)")
      .run(name, role_name(role), to_hex(crypto::sha256(out.secret)), clock_.unix_ms(), clock_.unix_ms() + lifetime_ms);
  auto row = db_.statement(std::string(columns) + "WHERE id = ?1");
  row.first(db_.last_insert_rowid());
  out.token = read(row);
  return out;
}

NewToken Access::add(const std::string& name, Role role, int64_t lifetime_ms) {
  require_name(name);
  store::Transaction tx(db_);
  if (valid(name)) throw Error(Exit::data, fmt::format("{} has a token: `hh-ln token rotate {}` gives another one", name, name));
  const Bytes secret = random_.bytes(totp_bytes);
  const bool with_code = changes_something(role);
  db_.statement("INSERT INTO people (name, totp_secret) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET totp_secret = excluded.totp_secret, last_step = -1")
      .run(name, with_code ? std::optional(to_hex(secret)) : std::nullopt);
  NewToken out = insert(name, role, lifetime_ms);
  if (with_code) out.otpauth = crypto::otpauth_url(secret, "hh-ln", name);
  tx.commit();
  return out;
}

NewToken Access::rotate(const std::string& name, int64_t lifetime_ms, int64_t overlap_ms) {
  store::Transaction tx(db_);
  const auto old = valid(name);
  if (!old) throw Error(Exit::data, fmt::format("{} has no valid token: `hh-ln token add {}` makes one", name, name));
  db_.statement("UPDATE tokens SET expires_ms = ?2 WHERE name = ?1 AND revoked_ms IS NULL AND expires_ms > ?2").run(name, clock_.unix_ms() + overlap_ms);
  NewToken out = insert(name, old->role, lifetime_ms);
  tx.commit();
  return out;
}

int64_t Access::revoke(const std::string& name) {
  return db_.statement("UPDATE tokens SET revoked_ms = ?2 WHERE name = ?1 AND revoked_ms IS NULL AND expires_ms > ?2").run(name, clock_.unix_ms());
}

std::vector<Token> Access::list() {
  std::vector<Token> out;
  auto rows = db_.statement(std::string(columns) + "ORDER BY id");
  while (rows.step()) out.push_back(read(rows));
  return out;
}

std::optional<Token> Access::find(std::string_view secret) {
  if (!secret.starts_with(prefix) || secret.size() > 128) return {};
  auto row = db_.statement(std::string(columns) + "WHERE sha256 = ?1");
  if (!row.first(to_hex(crypto::sha256(secret)))) return {};
  const Token t = read(row);
  return t.is_valid(clock_.unix_ms()) ? std::optional(t) : std::nullopt;
}

bool Access::take_code(const Token& token, std::string_view code) {
  auto row = db_.statement("SELECT totp_secret FROM people WHERE name = ?1 AND totp_secret IS NOT NULL");
  if (!row.first(token.name)) return false;
  const std::string hex = row.text(0);
  const auto secret = from_hex(hex);
  row.reset();
  int64_t& wrong = wrong_codes_[hex];
  if (wrong >= most_wrong_codes) return false;
  const auto step = secret ? crypto::totp_step(*secret, code, clock_.unix_seconds()) : std::nullopt;
  wrong = step ? 0 : wrong + 1;
  if (wrong == most_wrong_codes)
    log::error("codes_locked", {{"name", token.name}, {"why", "too many wrong one-time codes"}, {"hint", "revoke the token and add another; a restart lets its codes be tried again"}});
  return step && db_.statement("UPDATE people SET last_step = ?2 WHERE name = ?1 AND last_step < ?2").run(token.name, *step) == 1;
}

}  // namespace hh::ln
