#include "journal/journal.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <fcntl.h>

#include "base/error.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "json/strict.h"
#include "payout/settlement.h"
#include "journal/schema.h"

namespace hh::ln {
namespace {

// SQLite creates files as the umask allows; the journal holds the keysend secret, so it is made private before SQLite sees it.
std::string private_file(const std::string& path, bool create) {
  struct stat info;
  if (create && stat(path.c_str(), &info) != 0 && errno == ENOENT) open_file(path, O_CREAT | O_WRONLY, 0600);
  if (!create) Journal::require_file(path);
  return path;
}

store::Options options(bool create, const std::string& vfs, const std::function<void(const Error&)>& on_fatal) {
  return {.mode = create ? store::Mode::create : store::Mode::read_only, .application_id = journal_application_id, .on_fatal = on_fatal, .vfs = vfs};
}

constexpr const char* attempt_columns =
    "a.id, a.manifest_id, a.line, a.attempt, a.payment_hash, a.backend, a.node, a.amount_msat, a.fee_limit_msat, a.state, a.seen, a.sends, "
    "a.preimage, a.fee_msat, a.reason, a.changed_ms, i.bolt11, i.payee, i.expires_at";

OnchainClaim read_claim(const store::Statement& row) {
  OnchainClaim c;
  c.txid = row.text(0), c.address = row.text(1), c.backend = row.text(2), c.vout = row.int64(3);
  const auto state = row.text_view(4);
  c.state = state == "CONFIRMED" ? State::paid : state == "BROADCAST" ? State::inflight : State::sending;
  c.confirmations = row.int64(5), c.fee = row.msat(6), c.reason = row.text(7), c.changed_ms = row.int64(8);
  return c;
}

std::string attempts_where(const char* condition) {
  return fmt::format("SELECT {} FROM attempts a JOIN invoices i USING (payment_hash) WHERE {}", attempt_columns, condition);
}

constexpr const char* line_query =
    "SELECT l.manifest_id, l.line, l.account, l.pay_msat, l.destination_kind, l.destination_value, l.held_reason, l.note, l.changed_ms, m.simulated, m.chain, "
    "(SELECT bolt11 FROM replacements r WHERE r.manifest_id = l.manifest_id AND r.line = l.line ORDER BY r.id DESC LIMIT 1), "
    "(SELECT coalesce(max(time_ms), 0) FROM audit d WHERE d.manifest_id = l.manifest_id AND d.line = l.line AND d.action IN ('release', 'reissue')) "
    "FROM lines l JOIN manifests m USING (manifest_id) ";

std::string row_of(const std::string& manifest_id, int64_t line) { return fmt::format("{}/{}", manifest_id, line); }

std::string said(const std::string& text) { return json::clean_text(text, max_reason); }

}  // namespace

Journal::Work::Work(Journal& journal) : lock_(journal.mutex_) {
  if (!journal.db_.in_transaction()) tx_.emplace(journal.db_);
}

void Journal::Work::commit() {
  if (tx_) tx_->commit();
}

void Journal::require_file(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) throw Error(Exit::no_input, fmt::format("there is no payment journal {}", path));
}

Journal::Journal(const std::string& path, bool create, const Clock& clock, const std::string& vfs, const JournalKey& key, const std::function<void(const Error&)>& on_fatal)
    : clock_(clock), db_(private_file(path, create), options(create, vfs, on_fatal)) {
  store::Migrator migrator(db_, journal_migrations(), clock_);
  if (!create) {
    migrator.require_latest();
    unlock(false, key);
    return;
  }
  migrator.migrate_on_start();
  unlock(true, key);
  name_pots();
}

Attempt Journal::read_attempt(const store::Statement& row) {
  Attempt a;
  a.id = row.int64(0), a.manifest_id = row.text(1), a.line = row.int64(2), a.number = row.int64(3), a.hash = row.text(4);
  a.backend = row.text(5), a.node = row.text(6), a.amount = row.msat(7), a.fee_limit = row.msat(8);
  const auto state = state_from_text(row.text_view(9));
  if (!state) throw Error(Exit::data, fmt::format("the journal has an attempt in the unknown state {}", row.text(9)));
  a.state = *state, a.seen = row.boolean(10), a.sends = row.int64(11);
  a.preimage = row.optional_text(12).value_or(""), a.fee = Msat(row.optional_int64(13).value_or(0));
  a.reason = row.text(14), a.changed_ms = row.int64(15);
  a.bolt11 = vault_.open("invoices.bolt11", a.hash, row.optional_text(16)).value_or(""), a.payee = vault_.open("invoices.payee", a.hash, row.text(17)), a.expires_at = row.optional_int64(18);
  return a;
}

Line Journal::read_line(store::Statement& row) {
  Line l;
  l.manifest_id = row.text(0), l.line = row.int64(1), l.account = row.text(2), l.pay = row.msat(3);
  const auto kind = payout::kind_from_name(row.text_view(4));
  if (!kind) throw Error(Exit::data, fmt::format("the journal has a destination of the unknown kind {}", row.text(4)));
  const std::string id = row_of(l.manifest_id, l.line);
  l.destination = {*kind, vault_.open("lines.destination_value", id, row.text(5))};
  l.held_reason = vault_.open("lines.held_reason", id, row.optional_text(6)), l.note = vault_.open("lines.note", id, row.text(7)), l.changed_ms = row.int64(8), l.simulated = row.boolean(9);
  l.chain = row.text(10), l.replacement = vault_.open("replacements.bolt11", id, row.optional_text(11)).value_or(""), l.released_ms = row.int64(12);
  auto attempt = db_.statement(attempts_where("a.manifest_id = ?1 AND a.line = ?2 ORDER BY a.state = 'PAID' DESC, CASE a.state WHEN 'PAID' THEN a.changed_ms END, a.attempt DESC LIMIT 1"));
  if (attempt.first(l.manifest_id, l.line)) l.attempt = read_attempt(attempt);
  auto claim = db_.statement("SELECT txid, address, backend, vout, state, confirmations, fee_msat, reason, changed_ms FROM onchain_claims WHERE manifest_id = ?1 AND line = ?2");
  if (claim.first(l.manifest_id, l.line)) l.onchain = read_claim(claim);
  return l;
}

std::vector<Line> Journal::lines(const std::string& manifest_id) {
  const Lock lock(mutex_);
  std::vector<Line> out;
  auto rows = db_.statement(std::string(line_query) + "WHERE l.manifest_id = ?1 ORDER BY l.line");
  for (bool more = rows.first(manifest_id); more; more = rows.step()) out.push_back(read_line(rows));
  return out;
}

std::vector<Line> Journal::all_lines() {
  const Lock lock(mutex_);
  std::vector<Line> out;
  auto rows = db_.statement(std::string(line_query) + "ORDER BY m.first_seen_ms, l.manifest_id, l.line");
  while (rows.step()) out.push_back(read_line(rows));
  return out;
}

Line Journal::line(const std::string& manifest_id, int64_t number) {
  const Lock lock(mutex_);
  auto row = db_.statement(std::string(line_query) + "WHERE l.manifest_id = ?1 AND l.line = ?2");
  if (!row.first(manifest_id, number)) throw Error(Exit::data, fmt::format("the journal has no line {} of manifest {} that pays something", number, manifest_id));
  return read_line(row);
}

std::vector<Attempt> Journal::open_attempts() {
  const Lock lock(mutex_);
  std::vector<Attempt> out;
  auto rows = db_.statement(attempts_where("a.state IN ('SENDING', 'INFLIGHT', 'UNKNOWN') ORDER BY a.id"));
  while (rows.step()) out.push_back(read_attempt(rows));
  return out;
}

std::vector<Attempt> Journal::failed_attempts(const Line& line) {
  const Lock lock(mutex_);
  std::vector<Attempt> out;
  auto rows = db_.statement(attempts_where("a.manifest_id = ?1 AND a.line = ?2 AND a.state = 'FAILED_SAFE' ORDER BY a.id"));
  for (bool more = rows.first(line.manifest_id, line.line); more; more = rows.step()) out.push_back(read_attempt(rows));
  return out;
}

std::optional<Attempt> Journal::attempt_of(const std::string& hash) {
  const Lock lock(mutex_);
  auto row = db_.statement(attempts_where("a.payment_hash = ?1"));
  if (!row.first(hash)) return {};
  return read_attempt(row);
}

Attempt Journal::start(const Line& line, const Resolved& r, const std::string& backend, const std::string& node, Msat fee_limit) {
  const std::string hash = to_hex(r.hash);
  Work work(*this);
  db_.statement("INSERT INTO invoices (payment_hash, bolt11, payee, expires_at, fetched_ms) VALUES (?1, ?2, ?3, ?4, ?5)")
      .run(hash, vault_.seal("invoices.bolt11", hash, r.bolt11.empty() ? std::optional<std::string>() : r.bolt11), vault_.seal("invoices.payee", hash, to_hex(r.payee)), r.expires_at, now());
  db_.statement("INSERT INTO attempts (manifest_id, line, attempt, payment_hash, backend, node, amount_msat, fee_limit_msat, state, created_ms, changed_ms) "
                "VALUES (?1, ?2, 1 + (SELECT count(*) FROM attempts WHERE manifest_id = ?1 AND line = ?2), ?3, ?4, ?5, ?6, ?7, 'RESOLVED', ?8, ?8)")
      .run(line.manifest_id, line.line, hash, backend, node, line.pay, fee_limit, now());
  work.commit();
  return *attempt_of(hash);
}

bool Journal::apply(Attempt& a, Event event, const Change& change) {
  const auto to = next(a.state, event);
  if (!to) return false;
  const Lock lock(mutex_);
  const bool paid = *to == State::paid;
  if (paid && !payout::preimage_matches(change.preimage, a.hash))
    throw Error(Exit::software, fmt::format("payment {} cannot be PAID with a preimage that is not its own", a.hash));
  const bool seen = *to != State::resolved && (a.seen || event == Event::in_flight);
  const int64_t sends = a.sends + (*to == State::sending), time = now();
  const std::string reason = said(change.reason);
  const Msat fee_limit = event == Event::retry ? change.fee_limit.value_or(a.fee_limit) : a.fee_limit;
  const auto won = db_.statement("UPDATE attempts SET state = ?1, seen = ?2, sends = ?3, preimage = ?4, fee_msat = ?5, fee_limit_msat = ?6, reason = ?7, event = ?8, changed_ms = ?9 "
                                 "WHERE id = ?10 AND state = ?11 AND sends = ?12")
                       .run(state_text(*to), seen, sends, paid ? std::optional(change.preimage) : std::nullopt, paid ? std::optional(change.fee.count()) : std::nullopt,
                            fee_limit, reason, event_text(event), time, a.id, state_text(a.state), a.sends);
  if (won != 1) return false;
  a.state = *to, a.seen = seen, a.sends = sends, a.fee_limit = fee_limit, a.reason = reason, a.changed_ms = time;
  if (paid) a.preimage = change.preimage, a.fee = change.fee;
  return true;
}

void Journal::set_note(const Line& line, const std::string& note) {
  const Lock lock(mutex_);
  const std::string id = row_of(line.manifest_id, line.line), text = said(note);
  auto row = db_.statement("SELECT note FROM lines WHERE manifest_id = ?1 AND line = ?2");
  if (!row.first(line.manifest_id, line.line) || vault_.open("lines.note", id, row.text(0)) == text) return;
  row.reset();
  db_.statement("UPDATE lines SET note = ?3, changed_ms = ?4 WHERE manifest_id = ?1 AND line = ?2").run(line.manifest_id, line.line, vault_.seal("lines.note", id, text), now());
}

bool Journal::hold(const std::string& manifest_id, int64_t line, const std::string& reason) {
  const Lock lock(mutex_);
  return db_.statement("UPDATE lines SET held_reason = ?3, changed_ms = ?4 WHERE manifest_id = ?1 AND line = ?2 AND held_reason IS NULL")
             .run(manifest_id, line, vault_.seal("lines.held_reason", row_of(manifest_id, line), said(reason)), now()) == 1;
}

void Journal::hold_anew(const std::string& manifest_id, int64_t line, const std::string& reason) {
  const Lock lock(mutex_);
  db_.statement("UPDATE lines SET held_reason = ?3, changed_ms = ?4 WHERE manifest_id = ?1 AND line = ?2")
      .run(manifest_id, line, vault_.seal("lines.held_reason", row_of(manifest_id, line), said(reason)), now());
}

bool Journal::hold_also(const std::string& manifest_id, int64_t number, const std::string& hash, const std::string& reason) {
  const Lock lock(mutex_);
  const auto old = line(manifest_id, number).held_reason;
  if (old && old->find(hash) != std::string::npos) return false;
  constexpr size_t between = 5;  // "…; "
  hold_anew(manifest_id, number, old ? json::clean_text(*old, max_reason - std::min(max_reason, reason.size() + between)) + "; " + reason : reason);
  return true;
}

std::string paid_by_rival(const std::string& rival, const std::string& txid) { return fmt::format("paid by transaction {} in place of {}", rival, txid); }

bool is_paid_by_rival(const Line& line) {
  constexpr size_t txid = 64, before = std::string_view("paid by transaction ").size(), between = std::string_view(" in place of ").size();
  const std::string reason = line.held_reason.value_or("");
  return reason.size() >= before + txid + between + txid && reason.starts_with(paid_by_rival(reason.substr(before, txid), reason.substr(before + txid + between, txid)));
}

bool Journal::release(const std::string& manifest_id, int64_t line) {
  const Lock lock(mutex_);
  if (const std::string why = term(manifest_id).revoked; !why.empty()) throw Error(Exit::data, fmt::format("manifest {} is revoked ({}): nothing of it is released", manifest_id, why));
  if (const Line held = this->line(manifest_id, line); is_paid_by_rival(held)) throw Error(Exit::data, fmt::format("line {} of manifest {} is {}: it is not released", line, manifest_id, *held.held_reason));
  return db_.statement("UPDATE lines SET held_reason = NULL, changed_ms = ?3 WHERE manifest_id = ?1 AND line = ?2 AND held_reason IS NOT NULL").run(manifest_id, line, now()) == 1;
}

Preimage Journal::keysend_preimage(const std::string& manifest_id, int64_t line, int64_t attempt) {
  const Lock lock(mutex_);
  const auto secret = from_hex(vault_.open("meta.value", "keysend_secret", db_.query_text("SELECT value FROM meta WHERE key = 'keysend_secret'")));
  if (!secret || secret->size() != 32) throw Error(Exit::data, "the journal's keysend secret is damaged");
  return crypto::hmac_sha256(*secret, as_bytes(fmt::format("{}/{}/{}", manifest_id, line, attempt)));
}

}  // namespace hh::ln
