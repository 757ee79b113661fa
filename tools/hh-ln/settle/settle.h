// Paying a manifest: brings every line as far as it can be brought now, and says for each where it stands.
//
// Order of work, in every run: (1) ask the node who it is; (2) ask it about every attempt whose outcome is open, of whatever manifest; (3) compare its list of
// payments with the journal, and stop where it has one that the journal does not know; (4) only then send anything new.
//
// Lines are worked in batches of at most 50, several lines at the same time. A batch is written down before anything of it is sent: which lines, and what their
// routes may cost at most. It is closed when each of its lines is PAID, FAILED_SAFE or HELD, so one whose payment hangs for a day stays open for a day; the
// next batch does not wait for it. After a crash the open batches are taken up first. What a batch has reserved never grows: a line is paid with its
// reservation or with what the settings allow now, whichever is less.
//
// Where the routes of a whole batch are limited (batch_fee_limit_ppm of its amount), lines join as long as all reservations fit under that ceiling; one that does
// not fit waits for the next batch. A line that fits into no batch, not even alone, is not HELD: it says so and waits, so that other settings are enough
// to pay it.
#pragma once
#include <functional>
#include <list>
#include <optional>
#include <set>

#include "payout/settlement.h"
#include "settle/crew.h"
#include "settle/worker.h"

namespace hh::ln {

// What one worker has for itself.
struct Hand {
  Backend& backend;
  Resolver& resolver;
};

class Settler {
 public:
  // As many workers as hands, at least one.
  Settler(Journal& journal, Identity identity, std::vector<Hand> hands, SettlePolicy policy, Clock& clock, Crew& crew = threads());
  using Print = std::function<void(const payout::Settlement&)>;
  // Pays every line of a manifest that the journal holds. print gets each line once, from one thread at a time: PAID lines as they are paid, the others at
  // the end. Returns the exit code: 0 all PAID, 75 some are still open or could not be resolved, 1 the rest failed or is held.
  int settle(const std::string& manifest_id, const Print& print);

 private:
  struct Run;
  void work(Run& run, size_t hand);
  std::optional<Task> next(Run& run);
  bool open_next_batch(Run& run);
  void done(Run& run, const Task& task);
  void print_paid(Run& run, const Line& line);
  void follow_open(Run& run);
  int finish(Run& run);
  Journal& journal_;
  Identity identity_;
  std::vector<Hand> hands_;
  SettlePolicy policy_;
  Clock& clock_;
  Crew& crew_;
  Shared shared_;
};

payout::SettlementState line_state(const Line& line);
payout::Settlement settlement_of(const Line& line, const std::string& backend);

}  // namespace hh::ln
