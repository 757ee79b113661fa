// The part of the journal that is about batches, and about what people decided.
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "base/error.h"
#include "journal/journal.h"
#include "json/strict.h"

namespace hh::ln {

Operator operator_of_process() {
  const uid_t uid = ::getuid();
  passwd entry{}, *found = nullptr;
  std::array<char, 4096> space{};
  if (::getpwuid_r(uid, &entry, space.data(), space.size(), &found) != 0 || found == nullptr) return {static_cast<int64_t>(uid), ""};
  return {static_cast<int64_t>(uid), json::clean_text(found->pw_name, 100)};
}

bool Journal::decide(const Deed& d, const std::function<bool()>& change) {
  Work work(*this);
  if (!change()) return false;
  const auto or_null = [](const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); };
  db_.statement("INSERT INTO audit (time_ms, uid, name, action, manifest_id, line, payment_hash, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
      .run(now(), d.who.uid, d.who.name, d.action, or_null(d.manifest_id), d.line, or_null(d.hash), json::clean_text(d.reason, max_reason));
  work.commit();
  return true;
}

std::vector<Deed> Journal::decisions(const std::string& manifest_id) {
  const Lock lock(mutex_);
  std::vector<Deed> out;
  auto rows = db_.statement("SELECT time_ms, uid, name, action, manifest_id, line, payment_hash, reason FROM audit WHERE ?1 = '' OR manifest_id = ?1 ORDER BY id");
  for (bool more = rows.first(manifest_id); more; more = rows.step())
    out.push_back({.action = rows.text(3), .manifest_id = rows.optional_text(4).value_or(""), .line = rows.optional_int64(5), .hash = rows.optional_text(6).value_or(""),
                   .reason = rows.text(7), .who = {rows.int64(1), rows.text(2)}, .time_ms = rows.int64(0)});
  return out;
}

Batch Journal::open_batch(const std::string& manifest_id, const std::vector<BatchLine>& lines, std::optional<Msat> fee_ceiling) {
  if (lines.empty() || lines.size() > most_batch_lines) throw Error(Exit::software, fmt::format("a batch cannot have {} lines", lines.size()));
  Work work(*this);
  Msat amount, reserved;
  for (const BatchLine& l : lines) amount += l.amount, reserved += l.fee_limit;
  db_.statement("INSERT INTO batches (manifest_id, number, opened_ms, lines, amount_msat, fee_reserved_msat, fee_ceiling_msat) "
                "VALUES (?1, 1 + (SELECT count(*) FROM batches WHERE manifest_id = ?1), ?2, ?3, ?4, ?5, ?6)")
      .run(manifest_id, now(), lines.size(), amount, reserved, fee_ceiling);
  const int64_t id = db_.last_insert_rowid();
  for (const BatchLine& l : lines) db_.statement("INSERT INTO batch_lines (batch, manifest_id, line, fee_limit_msat) VALUES (?1, ?2, ?3, ?4)").run(id, manifest_id, l.line, l.fee_limit);
  work.commit();
  Batch b;
  b.id = id, b.manifest_id = manifest_id, b.opened_ms = now(), b.amount = amount, b.fee_reserved = reserved, b.fee_ceiling = fee_ceiling, b.lines = lines;
  return b;
}

std::vector<Batch> Journal::batches(const std::string& manifest_id, bool open_only) {
  const Lock lock(mutex_);
  std::vector<Batch> out;
  auto rows = db_.statement("SELECT b.id, b.manifest_id, b.number, b.opened_ms, b.closed_ms, b.amount_msat, b.fee_reserved_msat, b.fee_ceiling_msat, coalesce(b.paid, 0), coalesce(b.failed, 0), "
                            "coalesce(b.held, 0), m.simulated OR EXISTS (SELECT 1 FROM attempts a WHERE a.manifest_id = b.manifest_id AND a.backend = 'sim') "
                            "FROM batches b JOIN manifests m USING (manifest_id) WHERE (?1 = '' OR b.manifest_id = ?1) AND (b.closed_ms IS NULL OR NOT ?2) ORDER BY b.id");
  for (bool more = rows.first(manifest_id, open_only); more; more = rows.step()) {
    Batch b;
    b.id = rows.int64(0), b.manifest_id = rows.text(1), b.number = rows.int64(2), b.opened_ms = rows.int64(3), b.closed_ms = rows.optional_int64(4);
    b.amount = rows.msat(5), b.fee_reserved = rows.msat(6), b.paid = rows.int64(8), b.failed = rows.int64(9), b.held = rows.int64(10), b.simulated = rows.boolean(11);
    if (const auto ceiling = rows.optional_int64(7)) b.fee_ceiling = Msat(*ceiling);
    auto of_batch = db_.statement("SELECT l.line, l.pay_msat, b.fee_limit_msat FROM batch_lines b JOIN lines l USING (manifest_id, line) WHERE b.batch = ?1 ORDER BY l.line");
    for (bool line = of_batch.first(b.id); line; line = of_batch.step()) b.lines.push_back({of_batch.int64(0), of_batch.msat(1), of_batch.msat(2)});
    out.push_back(std::move(b));
  }
  return out;
}

bool Journal::close_batch(const Batch& b) {
  Work work(*this);
  int64_t paid = 0, failed = 0, held = 0;
  for (const BatchLine& at : b.lines) {
    const Line l = line(b.manifest_id, at.line);
    if (l.attempt && is_open(l.attempt->state)) return false;
    if (l.attempt && l.attempt->state == State::paid) ++paid;
    else if (l.held_reason) ++held;
    else if (l.attempt && l.attempt->state == State::failed_safe) ++failed;
    else return false;
  }
  const bool closed = db_.statement("UPDATE batches SET closed_ms = ?2, paid = ?3, failed = ?4, held = ?5 WHERE id = ?1 AND closed_ms IS NULL").run(b.id, now(), paid, failed, held) == 1;
  work.commit();
  return closed;
}

std::vector<int64_t> Journal::sends_since(int64_t unix_ms) {
  const Lock lock(mutex_);
  std::vector<int64_t> out;
  auto rows = db_.statement("SELECT time_ms FROM events WHERE to_state = 'SENDING' AND time_ms >= ?1 ORDER BY time_ms");
  for (bool more = rows.first(unix_ms); more; more = rows.step()) out.push_back(rows.int64(0));
  return out;
}

}  // namespace hh::ln
