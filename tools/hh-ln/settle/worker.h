// One worker of a run: takes a line and brings it as far as it can be brought now. It has a backend of its own, and shares the journal with the others.
#pragma once
#include <atomic>
#include <functional>

#include "settle/pace.h"
#include "settle/reconcile.h"
#include "settle/resolve.h"

namespace hh::ln {

struct SettlePolicy {
  int64_t attempts = 3;              // sends per line and run
  int64_t backoff_ms = 1000;         // before the second send of a line; doubles, with jitter
  int64_t wait_ms = 30'000;          // how long to follow payments that are under way at the end of a run
  int64_t fee_limit_ppm = 5000;
  Msat fee_limit_base{10'000};
  int64_t batch_lines = most_batch_lines;
  int64_t batch_fee_limit_ppm = 0;   // of a batch's amount: most that all its routes may cost together; 0: each line's own limit is all
  int64_t payments_per_minute = 0;   // 0: no limit
  int64_t deadline_ms = 0;           // after a manifest was first seen; 0: only its own expiry counts
  uint64_t seed = 0;                 // of the jitter
  std::function<bool()> may_send = {};  // asked before anything new is begun, from any worker; empty: yes. What is under way is followed in any case
};
// base + amount · ppm / 10^6, rounded down.
Msat fee_limit(const SettlePolicy& p, Msat amount);
Msat millionths(Msat amount, int64_t ppm);  // rounded down, without overflow

// What the workers of one run share.
struct Shared {
  Shared(const SettlePolicy& p, Journal& journal, Clock& clock);
  // The request could not be sent, or another worker has failed: nothing further is begun in this run.
  std::atomic<bool> node_gone{false}, failed{false};
  Pace pace;
};

// A line, and what it may be paid for.
struct Task {
  Line line;
  int64_t batch = 0;                    // 0: nothing new may be sent for it, it is only followed
  Msat fee_limit;                       // its reservation in the batch
  std::optional<int64_t> due_ms;        // unix milliseconds: from then on nothing new is sent
  std::string due_reason;
};

class Worker {
 public:
  // number: of the worker, so that each has its own jitter.
  Worker(Journal& journal, Backend& backend, Identity identity, Resolver& resolver, const SettlePolicy& policy, Clock& clock, Shared& shared, uint64_t number);
  void advance(Task task);

 private:
  bool step(Task& task, int64_t& sends_left);
  bool resolve(Task& task);
  void refuse(const Line& line, const std::string& bolt11, const std::string& why, bool for_good);
  enum class Replace { yes, not_now, paid };
  Replace may_replace(Line& line);
  bool retry(Task& task, int64_t& sends_left);
  bool send(Task& task, int64_t& sends_left);
  bool follow(Task& task, int64_t& sends_left);
  void back_off(int64_t sends_left);
  bool must_stop() const;
  bool is_too_late(const Task& task);
  bool begin(Line& line, Event event, const Change& change = {});
  bool is_held_now(const Line& line);
  bool may_have_htlc(const Attempt& a);
  bool is_expired(const Attempt& a, int64_t margin_seconds) const;
  Journal& journal_;
  Backend& backend_;
  Identity identity_;
  Resolver& resolver_;
  const SettlePolicy& policy_;
  Clock& clock_;
  Shared& shared_;
  Reconciler reconciler_;
  Backoff backoff_;
  bool give_up_line_ = false;  // trying this line again soon cannot help
};

}  // namespace hh::ln
