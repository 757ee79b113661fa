// The part of the journal that is about its seal: what it is opened with, and how everything is sealed anew.
#include <fmt/format.h>

#include "base/error.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "journal/journal.h"
#include "journal/schema.h"

namespace hh::ln {
namespace {

// Every sealed column, and the key of its row as read and write have it.
struct Sealed {
  const char *table, *column, *row;
};
constexpr Sealed columns[] = {{"meta", "value", "key"},
                              {"manifests", "jws", "manifest_id"},
                              {"lines", "destination_value", "manifest_id || '/' || line"},
                              {"lines", "held_reason", "manifest_id || '/' || line"},
                              {"lines", "note", "manifest_id || '/' || line"},
                              {"invoices", "bolt11", "payment_hash"},
                              {"invoices", "payee", "payment_hash"},
                              {"refused_invoices", "bolt11", "manifest_id || '/' || line"},
                              {"refused_invoices", "reason", "manifest_id || '/' || line"},
                              {"replacements", "bolt11", "manifest_id || '/' || line"},
                              {"reinvest_orders", "jws", "CAST(id AS TEXT)"}};

std::optional<std::string> wrapped_key(store::Database& db) {
  auto row = db.statement("SELECT value FROM meta WHERE key = 'data_key'");
  return row.first() ? std::optional(row.text(0)) : std::nullopt;
}

struct Trigger {
  std::string name, sql;
};
// What forbids every change of these tables, also this one.
std::vector<Trigger> triggers_of(store::Database& db) {
  std::vector<Trigger> out;
  auto rows = db.statement("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('manifests', 'lines', 'invoices', 'replacements', 'refused_invoices', 'reinvest_orders') ORDER BY name");
  while (rows.step()) out.push_back({rows.text(0), rows.text(1)});
  return out;
}

void seal_column(store::Database& db, const Sealed& c, const Vault& from, const Vault& to) {
  const std::string name = fmt::format("{}.{}", c.table, c.column);
  struct Row {
    int64_t id;
    std::string row, text;
  };
  std::vector<Row> all;
  {
    auto rows = db.statement(fmt::format("SELECT rowid, {}, {} FROM {} WHERE {} IS NOT NULL{}", c.row, c.column, c.table, c.column, std::string_view(c.table) == "meta" ? " AND key = 'keysend_secret'" : ""));
    while (rows.step()) all.push_back({rows.int64(0), rows.text(1), from.open(name, rows.text(1), rows.text(2))});
  }
  auto put = db.statement(fmt::format("UPDATE {} SET {} = ?2 WHERE rowid = ?1", c.table, c.column));
  for (const Row& r : all) put.run(r.id, to.seal(name, r.row, r.text));
}

}  // namespace

bool Journal::is_sealed(const std::string& path) {
  require_file(path);
  store::Database db(path, {.mode = store::Mode::read_only, .application_id = journal_application_id, .on_fatal = {}, .vfs = {}});
  return wrapped_key(db).has_value();
}

void Journal::unlock(bool create, const JournalKey& key) {
  const auto wrapped = wrapped_key(db_);
  if (wrapped && !key) throw Error(Exit::config, fmt::format("the journal {} is sealed: set journal_key", db_.path()));
  if (wrapped) {
    vault_ = Vault::unwrap(*wrapped, *key);
    return;
  }
  const bool is_new = db_.query_int64("SELECT count(*) FROM meta WHERE key = 'keysend_secret'") == 0;
  if (key && !is_new) throw Error(Exit::config, fmt::format("journal_key is set, but the journal {} is in clear: run `hh-ln rotate-key`", db_.path()));
  if (!create || !is_new) return;
  Work work(*this);
  if (key) {
    vault_ = Vault::with_new_key(*key);
    db_.statement("INSERT INTO meta (key, value) VALUES ('data_key', ?1)").run(vault_.wrapped());
  }
  db_.statement("INSERT INTO meta (key, value) VALUES ('keysend_secret', ?1)").run(vault_.seal("meta.value", "keysend_secret", to_hex(crypto::system_random().bytes(32))));
  work.commit();
}

void Journal::rotate(const crypto::AesGcm::Key& key, const Deed& deed) {
  const Lock lock(mutex_);
  const Vault to = Vault::with_new_key(key);
  db_.execute("PRAGMA secure_delete = ON");
  {
    Work work(*this);
    const auto triggers = triggers_of(db_);
    for (const Trigger& t : triggers) db_.execute(fmt::format("DROP TRIGGER {}", t.name));
    for (const Sealed& c : columns) seal_column(db_, c, vault_, to);
    for (const Trigger& t : triggers) db_.execute(t.sql);
    db_.statement("INSERT INTO meta (key, value) VALUES ('data_key', ?1) ON CONFLICT (key) DO UPDATE SET value = excluded.value").run(to.wrapped());
    decide(deed, [] { return true; });
    work.commit();
  }
  vault_ = to;
}

void Journal::compact() {
  const Lock lock(mutex_);
  db_.execute("VACUUM");
}

}  // namespace hh::ln
