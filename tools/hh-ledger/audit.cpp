// hash of an event = SHA-256 of its canonical JSON (RFC 8785) without the hash itself: id, time_ms, who, what, detail, previous.
// Whoever can write to the file can rebuild the whole chain; whoever noted a later head somewhere else can tell. `verify` prints the head.
#include "audit.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "json/canonical.h"
#include "ledger.h"
#include "schema.h"

namespace hh::ledger {
namespace {

std::string hash_of(int64_t id, int64_t time_ms, const std::string& who, const std::string& what, const std::string& detail, const std::string& previous) {
  const json::Json event{{"id", id}, {"time_ms", time_ms}, {"who", who}, {"what", what}, {"detail", detail}, {"previous", previous}};
  return to_hex(crypto::sha256(json::canonical(event)));
}

std::string current_user() {
  const uid_t uid = ::getuid();
  const passwd* user = ::getpwuid(uid);
  return user != nullptr ? user->pw_name : fmt::format("uid {}", uid);
}

void add_event(store::Database& db, int64_t now, const std::string& what, const json::Json& detail) {
  auto last = db.statement("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1");
  const bool any = last.step();
  const int64_t id = any ? last.int64(0) + 1 : 1;
  const std::string previous = any ? last.text(1) : "";
  const std::string who = current_user(), text = json::to_line(detail);
  db.statement("INSERT INTO audit(id, time_ms, who, what, detail, previous, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
      .run(id, now, who, what, text, previous, hash_of(id, now, who, what, text, previous));
}

}  // namespace

std::string audit_head(Ledger& ledger) {
  auto s = ledger.db().statement("SELECT hash FROM audit ORDER BY id DESC LIMIT 1");
  return s.step() ? s.text(0) : "";
}

void audit(Ledger& ledger, const std::string& what, const json::Json& detail) { add_event(ledger.db(), ledger.clock().unix_ms(), what, detail); }

void note_migration(store::Database& db, Clock& clock, int from, int to) {
  if (from < 1 || from >= audit_version || to < audit_version) return;
  const auto last = [&](const char* sql) { return db.query_int64(sql); };
  store::Transaction tx(db);
  add_event(db, clock.unix_ms(), "audit_started", {{"from", from},
                                                   {"rounds", last("SELECT coalesce(max(id), 0) FROM rounds WHERE status <> 'open'")},
                                                   {"cycles", last("SELECT coalesce(max(id), 0) FROM cycles")},
                                                   {"payouts", last("SELECT coalesce(max(id), 0) FROM payouts")},
                                                   {"postings", last("SELECT coalesce(max(id), 0) FROM postings")}});
  tx.commit();
}

int64_t verify_audit(Ledger& ledger) {
  auto s = ledger.db().statement("SELECT id, time_ms, who, what, detail, previous, hash FROM audit ORDER BY id");
  std::string previous;
  int64_t count = 0;
  while (s.step()) {
    ++count;
    const bool right = s.int64(0) == count && s.text(5) == previous && s.text(6) == hash_of(count, s.int64(1), s.text(2), s.text(3), s.text(4), previous);
    if (!right) throw Error(Exit::data, fmt::format("audit event {} does not fit into the chain", s.int64(0)));
    previous = s.text(6);
  }
  return count;
}

}  // namespace hh::ledger
