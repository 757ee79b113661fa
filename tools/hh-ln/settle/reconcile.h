// What the node says about payments, taken into the journal.
#pragma once
#include <map>
#include <optional>

#include "backends/backend.h"
#include "journal/journal.h"

namespace hh::ln {

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
  // Compares the node's list from the cursor (or from the start) with the journal; late successes of FAILED_SAFE attempts are taken as PAID. kind: for the
  // journal's table of comparisons. Throws Error(unavailable).
  Comparison compare_list(bool from_the_start, const std::string& kind = "settle");
  // Throws Error(temp_fail) that says what to do where payments are not acknowledged, or where the journal is older than what the node has done.
  void require_no_foreign();

  // For a journal that was restored from a backup: takes from the node what it has done for lines of this journal since, acknowledges all other payments that the
  // journal does not know, and holds the unpaid lines over exactly the amount of one of these. Returns what it found.
  struct Found {
    Comparison comparison;
    std::vector<Foreign> foreign;  // acknowledged now
    std::vector<Line> taken;       // are, or may yet be, PAID by what the node has done
    std::vector<Line> held;        // nobody but an operator can tell
  };
  Found reconcile(const std::string& reason);

 private:
  std::optional<Attempt> compare_one(const Listed& listed, Comparison& comparison);
  bool is_ours_unsent(const std::string& hash);
  void note_sent(Attempt& attempt, const Line& line);
  bool take_over(const Foreign& foreign, const Journal::Unsent& unsent, Found& found);
  void take_over_resolved(Found& found);
  std::vector<PaidOnChain> unknown_on_chain();
  void note_on_chain(const std::vector<PaidOnChain>& made, Comparison& comparison);
  void hold_paid_on_chain(const std::string& reason, Found& found);
  Journal& journal_;
  Backend& backend_;
  Identity identity_;
  std::optional<std::map<std::string, Journal::Unsent>> unsent_;  // made when it is first needed
};

}  // namespace hh::ln
