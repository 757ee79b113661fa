// Paying a manifest: brings every line as far as it can be brought now, and says for each where it stands.
//
// Order of work, in every run: (1) ask the node who it is; (2) ask it about every attempt whose outcome is open, of whatever manifest; (3) compare its list of
// payments with the journal, and stop where it has one that the journal does not know; (4) only then send anything new, line by line.
#pragma once
#include <functional>
#include <optional>

#include "backends/backend.h"
#include "base/clock.h"
#include "journal/journal.h"
#include "payout/settlement.h"
#include "settle/resolve.h"

namespace hh::ln {

struct SettlePolicy {
  int64_t attempts = 3;              // sends per line and run
  int64_t backoff_ms = 1000;         // before the second send of a line; doubles
  int64_t wait_ms = 30'000;          // how long to follow payments that are under way at the end of a run
  int64_t fee_limit_ppm = 5000;
  Msat fee_limit_base{10'000};
};
// base + amount · ppm / 10^6, rounded down.
Msat fee_limit(const SettlePolicy& p, Msat amount);

// The outcome of one look at one attempt.
class Reconciler {
 public:
  Reconciler(Journal& journal, Backend& backend, Identity identity);
  // Throws Error(config) where attempts are open that another node was asked to pay.
  void require_same_node();
  // Asks the node about the attempt and moves it. Returns the evidence.
  Evidence track(Attempt& attempt);
  // Takes evidence about an attempt into the journal: checks the preimage, raises alarms. The one place where PAID comes from.
  void take(Attempt& attempt, const Report& report);
  void track_open();
  // Whether the node still has its history, as far as that can be asked: without it, "not found" proves nothing. False, with an alarm and a reason
  // on the attempt, where it no longer knows a payment that it is known to have made; false as well where it does not answer.
  bool node_remembers(Attempt& attempt);
  // Compares the node's list from the cursor (or from the start) with the journal; late successes of FAILED_SAFE attempts are taken as PAID. Throws
  // Error(unavailable).
  void compare_list(bool from_the_start);
  // Throws Error(temp_fail) that says what to do where payments are not acknowledged.
  void require_no_foreign();

 private:
  std::optional<Attempt> compare_one(const Listed& listed);
  Journal& journal_;
  Backend& backend_;
  Identity identity_;
};

class Settler {
 public:
  Settler(Journal& journal, Backend& backend, Identity identity, Resolver& resolver, SettlePolicy policy, Clock& clock);
  using Print = std::function<void(const payout::Settlement&)>;
  // Pays every line of a manifest that the journal holds. print gets each line once: PAID lines as they are paid, the others at the end.
  // Returns the exit code: 0 all PAID, 75 some are still open or could not be resolved, 1 the rest failed or is held.
  int settle(const std::string& manifest_id, const Print& print);

 private:
  void advance(Line line);
  bool step(Line& line, int64_t& sends_left);
  bool resolve(Line& line);
  void refuse(const Line& line, const std::string& bolt11, const std::string& why, bool for_good);
  enum class Replace { yes, not_now, paid };
  Replace may_replace(Line& line);
  bool retry(Line& line, int64_t& sends_left);
  bool send(Line& line, int64_t& sends_left);
  bool follow(Line& line, int64_t& sends_left);
  void follow_open(const std::string& manifest_id);
  bool may_have_htlc(const Attempt& a);
  bool is_expired(const Attempt& a, int64_t margin_seconds) const;
  Journal& journal_;
  Backend& backend_;
  Identity identity_;
  Resolver& resolver_;
  SettlePolicy policy_;
  Clock& clock_;
  Reconciler reconciler_;
  bool node_gone_ = false;     // a request could not be sent: no further one is tried in this run
  bool give_up_line_ = false;  // trying this line again soon cannot help
};

payout::SettlementState line_state(const Line& line);
payout::Settlement settlement_of(const Line& line, const std::string& backend);

}  // namespace hh::ln
