#include "ledger.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "audit.h"
#include "base/error.h"
#include "base/log.h"
#include "schema.h"

namespace hh::ledger {
namespace {

constexpr int64_t lock_wait_ms = 30'000;  // the longest transactions (a million-share round being closed) take about a second

store::Options options_for(Access access) {
  store::Options o;
  o.mode = access == Access::read ? store::Mode::read_only : access == Access::write ? store::Mode::read_write : store::Mode::create;
  o.journal = store::Journal::wal;
  o.synchronous = store::Synchronous::full;
  o.busy_timeout_ms = 10'000;
  o.application_id = application_id;
  return o;
}

}  // namespace

Ledger::Ledger(const std::string& path, Access access, Clock& clock) : path_(path), clock_(clock) {
  if (access == Access::read) {
    db_ = std::make_unique<store::Database>(path, options_for(access));
    store::Migrator(*db_, migrations(), clock).require_latest();
    return;
  }
  if (access == Access::write) store::Database(path, options_for(Access::read));  // no lock file beside a database that is not there
  const store::WriterLock lock(path, lock_wait_ms, clock);  // switching to WAL and migrating are writes too
  db_ = std::make_unique<store::Database>(path, options_for(access));
  store::Migrator migrator(*db_, migrations(), clock);
  const int version = migrator.current();
  const std::string copy = migrator.migrate_on_start();
  note_migration(*db_, clock, version, migrator.latest());
  if (!copy.empty()) log::info("migrated", {{"database", path}, {"copy_of_the_old_one", copy}});
}

// SQLite checkpoints when the last connection closes. That is a write, so it may only happen under the lock; without it the WAL stays,
// which is as durable, and the next writer takes it in.
Ledger::~Ledger() {
  if (db_->options().mode == store::Mode::read_only) return;
  try {
    const store::WriterLock lock(path_, 0, clock_);
    db_.reset();
  } catch (const std::exception&) {
    if (db_) sqlite3_db_config(db_->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }
}

std::optional<Ledger::Chain> Ledger::chain() {
  auto s = db_->statement("SELECT chain, simulated FROM ledger");
  if (!s.step()) return std::nullopt;
  const auto network = bitcoin::network_from_name(s.text(0));
  if (!network) throw Error(Exit::data, fmt::format("{} is a ledger of unknown chain {}", path_, s.text(0)));
  return Chain{*network, s.boolean(1)};
}

Ledger::Chain Ledger::require_chain() {
  if (auto c = chain()) return *c;
  throw Error(Exit::data, fmt::format("ledger {} holds no shares yet: feed it with hh-ledger append", path_));
}

Change::Change(Ledger& ledger) : lock_(ledger.path(), lock_wait_ms, ledger.clock()), tx_(ledger.db()) {}

}  // namespace hh::ledger
