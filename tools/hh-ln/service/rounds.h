// The settling thread of the service: asks the node how it is, takes what it says into the journal, and lets the Settler work on the manifests that are due,
// round after round. [C129, L086]
//
// A round is what one run of `hh-ln settle` is, in the same order: who is the node, what became of open payments, has it payments that the journal does not
// know, and only then something new is sent. A node that is away is asked again after 1, 2, 4 … 60 seconds, and when it is back everything that waits is due at
// once. A manifest whose payments are under way is looked at again after 1, 2, 4 … 30 seconds, one with lines that failed after `retry_seconds`, which
// doubles up to `retry_most_seconds`, until the Settler holds what is past its deadline.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/config.h"
#include "hands.h"
#include "service/desk.h"

namespace hh::ln {

class Rounds {
 public:
  Rounds(const Settings& settings, Desk& desk);
  ~Rounds();
  // Until hh::stop_requested(). Throws what nobody can go on after: the journal or standard output fails.
  void run();

 private:
  struct Due {
    int64_t at_ms = 0, tries = 0;
  };
  std::vector<std::string> due_now();
  void round();
  Identity reconcile();
  void make_hands(const Identity& identity);
  void settle(const std::string& manifest_id, const Identity& identity);
  bool refuse_other_chain(const std::string& manifest_id, const Identity& identity);
  void schedule(const std::string& manifest_id, int code);
  void ask_balances();
  void print_paid();
  Line print(const std::string& manifest_id, int64_t line);
  void mark_printed();
  void unless_busy(const std::function<void()>& change);
  void down(const Error& e);
  void wait();
  int64_t now() const;
  const Settings& settings_;
  Desk& desk_;
  const int64_t retry_ms_, retry_most_ms_;
  const SettlePolicy policy_;
  const std::function<std::unique_ptr<Backend>()> make_;
  std::unique_ptr<Backend> backend_;
  Journal journal_;  // the workers' too
  Journal outbox_;   // what was printed: a connection that no worker uses, since print_paid() is called while they work
  std::unique_ptr<Hands> hands_;
  std::string hands_node_;  // whom they pay through
  std::map<std::string, Due> due_;
  std::set<std::string> introduced_;  // manifests that were printed
  int64_t next_round_ms_ = 0, next_balances_ms_ = 0, failures_ = 0;
  int64_t printed_ = 0, marked_ = 0, marked_ms_ = 0;  // the last event that was printed, and that the journal knows as such
  int64_t printed_onchain_ = 0, marked_onchain_ = 0;  // the same of onchain_events
  bool node_was_up_ = true, balances_refused_ = false;
};

}  // namespace hh::ln
