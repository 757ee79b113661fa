// The service's desk: where the HTTPS interface, the control socket and /metrics learn how things stand and leave what they want, while the settling
// thread works. Every call is atomic; any thread may call.
//
// It has a connection of its own to the journal. That is safe for the reason for which two processes are: every change is a conditional update, and in
// journal_mode=TRUNCATE a second connection has no part in the defect of SQLite's WAL.
#pragma once
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "backends/backend.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "channels/keeper.h"
#include "crypto/ed25519.h"
#include "journal/journal.h"
#include "journal/pause.h"
#include "json/strict.h"
#include "metrics/histogram.h"
#include "service/figures.h"

namespace hh::ln {

// What the settling thread says of the wallet.
struct NodeView {
  bool is_up = false;
  std::string problem;  // why it is not, or why nothing is sent: for people
  Identity identity;    // as last seen; node "": never
  int64_t seen_ms = 0;  // unix
  std::optional<Balances> balances;
  int64_t balances_ms = 0;
};

// What the channel keeper says.
struct ChannelsView {
  bool is_kept = false;                     // somebody looks after them
  Identity identity;
  LiquidityPolicy policy;
  std::optional<ChannelKeeper::Seen> seen;  // none: the node has not told yet
  int64_t time_ms = 0;                      // when it told
  std::string problem;                      // why it does not now, or ""
  std::string not_done;                     // why a rebalance that somebody wanted did not begin, or ""
};

// A rebalance that somebody wants; the keeper's thread makes it, since it takes as long as a payment.
struct RebalanceWish {
  std::string from, to;  // both or neither
  Sat amount;            // zero: up to the middle of both
  int64_t max_fee_ppm = 0;
  std::string reason;
  Operator who;
};

// With its row among the decisions. resume: says nothing where it is not paused.
void pause(Journal& journal, const std::string& reason, const Operator& by, const Clock& clock);
void resume(Journal& journal, const std::string& reason, const Operator& by);

// Counted since the start of the service. Whoever has something to count puts it here; /metrics prints all of it.
struct Counters {
  std::atomic<int64_t> manifests_taken{0}, manifests_refused{0};
  std::atomic<int64_t> source_failures{0};
  std::atomic<int64_t> journal_write_ms{0};                 // how long the last probe waited until it was durable
  metrics::DurationHistogram payment_seconds;               // from invoice to proof
};

class Desk {
 public:
  Desk(const std::string& db, std::string chain, bool simulated, crypto::KeySet keys, Clock& clock = system_clock(), const JournalKey& journal_key = {});

  // A line that is a signed manifest, as hh-ln settle verifies it. Durable when this returns.
  struct Taken {
    std::string manifest_id;
    bool is_new = false;
    int64_t lines = 0;
  };
  // Throws Refused; Error(temp_fail, io) where the journal cannot take it now.
  struct Refused : Error {
    Refused(Exit code, std::string why_name, const std::string& sentence) : Error(code, sentence), name(std::move(why_name)) {}
    std::string name;  // "bad_signature", …; "other_chain", "conflict"
  };
  // keep: false checks all and keeps nothing, for files of several manifests of which one bad one refuses all.
  // counted: among those refused, where it is.
  Taken take_manifest(std::string_view line, bool keep = true, bool counted = true);
  void set_keys(crypto::KeySet keys);

  // Durable: a service that starts again is still paused.
  std::optional<Pause> paused();
  // Asked by every worker at every step, so it waits for nobody.
  bool may_send() const { return !is_paused_; }
  // A command has run on another connection of this process: looks at the journal again, and rings.
  void look_again();
  void pause(const std::string& reason, const Operator& by);
  void resume(const std::string& reason, const Operator& by);

  // Runs f(Journal&) with nobody else at the desk.
  template <class F>
  auto with_journal(F f) {
    const std::lock_guard lock(mutex_);
    return f(journal_);
  }

  // Throws the error after which this connection to the journal is dead, if there was one: then the whole service has to end.
  void require_alive();

  NodeView node();
  void set_node(const std::function<void(NodeView&)>& change);

  ChannelsView channels();
  void set_channels(const std::function<void(ChannelsView&)>& change);
  bool want(RebalanceWish wish);  // false: another one waits already
  std::optional<RebalanceWish> take_wish();
  // Whether nothing is paid or waits to be paid, and payments could be made: when a rebalance is in nobody's way.
  bool is_idle();

  // For the settling thread: something has changed (a manifest, a release, resume). Others ring, it waits.
  void ring();
  // True: somebody rang (since the last time).
  bool rang() { return rung_.exchange(false); }
  int bell() const { return bell_.get(); }  // readable while somebody rang; drained by quiet()
  void quiet();

  bool simulated() const { return simulated_; }
  const std::string& chain() const { return chain_; }
  Clock& clock() const { return clock_; }
  // Held by whoever reads the program's settings while others may run, or reads them anew.
  std::mutex settings;
  Counters counters;

 private:
  std::mutex mutex_;
  Clock& clock_;
  std::mutex broken_mutex_;
  std::optional<Error> broken_;
  Journal journal_;
  std::string chain_;  // "": the wallet's
  bool simulated_;
  crypto::KeySet keys_;
  NodeView node_;
  ChannelsView channels_;
  std::optional<RebalanceWish> wish_;
  std::atomic<bool> is_paused_{false}, rung_{false};
  FileHandle bell_;
};

}  // namespace hh::ln
