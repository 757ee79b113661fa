// The part of the journal that knows circular payments, and what forwards have earned.
#include "journal/journal.h"
#include "json/strict.h"

namespace hh::ln {
namespace {

constexpr const char* query = "SELECT payment_hash, node, out_channel, in_channel, amount_msat, fee_limit_msat, state, fee_msat, preimage, reason, created_ms, changed_ms FROM rebalances ";

Rebalance read(const store::Statement& row) {
  return {.hash = row.text(0), .node = row.text(1), .out_channel = row.text(2), .in_channel = row.text(3), .amount = row.msat(4), .fee_limit = row.msat(5), .state = row.text(6),
          .fee = Msat(row.optional_int64(7).value_or(0)), .preimage = row.optional_text(8).value_or(""), .reason = row.text(9), .created_ms = row.int64(10), .changed_ms = row.int64(11)};
}

}  // namespace

void Journal::start_rebalance(const Rebalance& r) {
  const Lock lock(mutex_);
  db_.statement("INSERT INTO rebalances (payment_hash, node, out_channel, in_channel, amount_msat, fee_limit_msat, state, reason, created_ms, changed_ms) "
                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'SENDING', '', ?7, ?8)")
      .run(r.hash, r.node, r.out_channel, r.in_channel, r.amount, r.fee_limit, r.created_ms, now());
}

bool Journal::end_rebalance(const std::string& hash, const std::string& state, Msat fee, const std::string& preimage, const std::string& reason) {
  const Lock lock(mutex_);
  const bool paid = state == "PAID";
  return db_.statement("UPDATE rebalances SET state = ?2, fee_msat = ?3, preimage = ?4, reason = ?5, changed_ms = ?6 WHERE payment_hash = ?1 AND state <> 'PAID'")
             .run(hash, state, paid ? std::optional(fee.count()) : std::nullopt, paid ? std::optional(preimage) : std::nullopt, json::clean_text(reason, max_reason), now()) == 1;
}

std::optional<Rebalance> Journal::rebalance_of(const std::string& hash) {
  const Lock lock(mutex_);
  auto row = db_.statement(std::string(query) + "WHERE payment_hash = ?1");
  if (!row.first(hash)) return {};
  return read(row);
}

std::vector<Rebalance> Journal::rebalances(bool open_only) {
  const Lock lock(mutex_);
  std::vector<Rebalance> out;
  auto rows = db_.statement(std::string(query) + (open_only ? "WHERE state = 'SENDING' " : "") + "ORDER BY created_ms, payment_hash");
  while (rows.step()) out.push_back(read(rows));
  return out;
}

std::vector<Rebalance> Journal::newest_rebalances(int64_t limit) {
  const Lock lock(mutex_);
  std::vector<Rebalance> out;
  auto rows = db_.statement(std::string(query) + "ORDER BY created_ms DESC, payment_hash LIMIT ?1");
  for (bool more = rows.first(limit); more; more = rows.step()) out.push_back(read(rows));
  return out;
}

Msat Journal::rebalance_fees_since(int64_t unix_ms) {
  const Lock lock(mutex_);
  auto row = db_.statement("SELECT coalesce(sum(CASE state WHEN 'PAID' THEN fee_msat WHEN 'SENDING' THEN fee_limit_msat ELSE 0 END), 0) FROM rebalances WHERE created_ms >= ?1");
  return row.first(unix_ms) ? row.msat(0) : Msat(0);
}

int64_t Journal::earned_until(const std::string& node) {
  const Lock lock(mutex_);
  auto row = db_.statement("SELECT coalesce(max(to_ns), 0) FROM fees_earned WHERE node = ?1");
  return row.first(node) ? row.int64(0) : 0;
}

// A row for each day (UTC) that they are of.
void Journal::note_earned(const std::string& node, int64_t until, const std::vector<std::pair<int64_t, Msat>>& forwards) {
  constexpr int64_t day_ns = 86'400'000'000'000;
  Work work(*this);
  int64_t from = until;
  for (size_t i = 0; i < forwards.size();) {
    int64_t count = 0, last = from;
    Msat fees;
    for (const int64_t day = forwards[i].first / day_ns; i < forwards.size() && forwards[i].first / day_ns == day; ++i)
      if (forwards[i].first > until) ++count, fees += forwards[i].second, last = forwards[i].first;
    if (count == 0) continue;
    db_.statement("INSERT INTO fees_earned (node, from_ns, to_ns, forwards, fee_msat, time_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)").run(node, from, last, count, fees, now());
    from = last;
  }
  work.commit();
}

}  // namespace hh::ln
