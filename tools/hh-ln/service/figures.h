// What the journal can be asked for in numbers: the queue, and counters that go on from one run of the service to the next because the journal counts them
// itself, as things happen (journal/schema_figures.cpp). Nothing here reads all lines. Only reads.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/amount.h"
#include "store/sqlite.h"

namespace hh::ln {

struct QueueFigures {
  std::map<std::string, int64_t> lines;      // by state: PLANNED … HELD
  int64_t waiting = 0;                       // neither PAID nor HELD
  Msat waiting_amount;
  std::optional<int64_t> oldest_waiting_ms;  // when the journal first saw the manifest of the oldest of these
  std::optional<int64_t> oldest_open_ms;     // when the oldest payment was made whose outcome is open
};
QueueFigures queue_figures(store::Database& journal);

struct SumFigures {
  std::map<std::string, int64_t> counters;  // paid, failed_safe, paid_msat, fees_msat, alarms, refusals, rebalances_paid …: schema_figures.cpp has them all
  int64_t manifests = 0, unacknowledged = 0;
  Msat reserved;                            // amounts and fee limits of what is under way, on chain too
  int64_t transactions = 0, transaction_lines = 0;  // on chain, not confirmed as deeply as it takes
  Sat transaction_amount;
  std::optional<int64_t> oldest_transaction_ms;
};
SumFigures sum_figures(store::Database& journal);

struct ManifestFigures {
  std::string id, chain, kind;
  bool simulated = false;
  int64_t number = 0, first_seen_ms = 0, lines = 0, paid = 0, held = 0;
  Msat pay, paid_amount, fees;
};
// In the order in which they came, after the one named (or from the first where it is ""). Of one: where only is not "".
std::vector<ManifestFigures> manifest_figures(store::Database& journal, const std::string& after, const std::string& only, int64_t limit);

// Lines of a manifest that pay something, from this number on.
std::vector<int64_t> line_numbers(store::Database& journal, const std::string& manifest_id, int64_t from, int64_t limit);

// Manifests with lines that something can still be done for: not PAID and not HELD, or with a payment whose outcome is open.
std::vector<std::string> unfinished(store::Database& journal);

// Lines that became PAID, in order, from the row of `events` after this.
struct PaidEvent {
  int64_t event = 0;
  std::string manifest_id;
  int64_t line = 0, took_ms = 0;  // from invoice to proof
};
std::vector<PaidEvent> paid_after(store::Database& journal, int64_t event);

// The same for lines whose transaction became CONFIRMED, from the row of `onchain_events` after this.
struct ConfirmedEvent {
  int64_t event = 0;
  std::string manifest_id;
  int64_t line = 0;
};
std::vector<ConfirmedEvent> confirmed_after(store::Database& journal, int64_t event);

// What the service keeps in the journal for itself. nullopt: not there.
std::optional<std::string> remembered(store::Database& journal, const std::string& key);
void remember(store::Database& journal, const std::string& key, const std::optional<std::string>& value);

}  // namespace hh::ln
