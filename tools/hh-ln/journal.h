// The payment journal: what was planned, sent, proven. It is the authority; nodes forget (PAYMENTS, rule 8).
//
// One Journal is one connection in journal_mode=TRUNCATE, synchronous=EXTRA: what a call reports as done survives a power cut. Every change of an
// attempt is a conditional update on what the caller last saw (state and number of sends): `false` means that another process was first, and
// the caller reads again. The rules themselves are triggers in schema.cpp.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backend.h"
#include "base/clock.h"
#include "payout/manifest.h"
#include "state.h"
#include "store/sqlite.h"

namespace hh::ln {

struct Attempt {
  int64_t id = 0;
  std::string manifest_id;
  int64_t line = 0;
  int64_t number = 0;        // of the line, from 1
  std::string hash;          // hex
  std::string backend, node;
  Msat amount, fee_limit;
  State state = State::resolved;
  bool seen = false;         // the node has confirmed that it knows this hash
  int64_t sends = 0;
  std::string preimage;      // hex; PAID only
  Msat fee;                  // PAID only
  std::string reason;
  int64_t changed_ms = 0;
  std::string bolt11;        // empty: keysend
  std::string payee;         // hex
  std::optional<int64_t> expires_at;  // unix seconds
};

struct Line {
  std::string manifest_id;
  int64_t line = 0;
  std::string account;
  Msat pay;
  payout::Destination destination;
  std::optional<std::string> held_reason;
  std::string note;              // why resolving failed last
  int64_t changed_ms = 0;
  bool simulated = false;        // the manifest is
  std::optional<Attempt> attempt;  // the one that paid, else the newest
};

// What an attempt is made from.
struct Resolved {
  std::string bolt11;  // empty: keysend
  PaymentHash hash{};
  NodeKey payee{};
  std::optional<int64_t> expires_at;
};

struct Change {
  std::string reason;
  std::string preimage;  // Event::settled
  Msat fee;              // Event::settled
  std::optional<Msat> fee_limit;  // Event::retry: the new reservation
};

struct Foreign {
  std::string hash;
  Msat amount;
  std::string status;
  int64_t created_ms = 0;
};

class Journal {
 public:
  // create: makes the file (mode 0600) and its tables, migrates an older one. Otherwise read-only; Error(no_input) where it does not exist.
  // vfs: for tests, see store::Options.
  Journal(const std::string& path, bool create, const Clock& clock = system_clock(), const std::string& vfs = "");

  // Records a verified manifest and its lines with pay > 0; nothing where they are there. Throws Error(data) where they are there with other terms.
  void add(const payout::VerifiedManifest& m);
  std::vector<Line> lines(const std::string& manifest_id);
  std::vector<Line> all_lines();
  Line line(const std::string& manifest_id, int64_t number);
  std::vector<Attempt> open_attempts();                       // SENDING, INFLIGHT, UNKNOWN
  std::vector<Attempt> failed_attempts(const Line& line);     // FAILED_SAFE, oldest first
  std::optional<Attempt> attempt_of(const std::string& hash); // hex

  // A new attempt in RESOLVED with its invoice. Throws ConstraintError where the hash is known already or the line has an open attempt.
  Attempt start(const Line& line, const Resolved& resolved, const std::string& backend, const std::string& node, Msat fee_limit);
  // Moves the attempt along next(state, event); Event::in_flight also sets `seen`. False: somebody else has moved it meanwhile, or the machine has no such move. Throws Error(software) for
  // a preimage that is not the hash's.
  bool apply(Attempt& attempt, Event event, const Change& change = {});

  void set_note(const Line& line, const std::string& note);
  bool hold(const std::string& manifest_id, int64_t line, const std::string& reason);  // false: there is no such line, or it is held already
  bool release(const std::string& manifest_id, int64_t line);

  // Keysend: HMAC-SHA-256(secret of this journal, manifest id ‖ line ‖ attempt). The same attempt always has the same preimage.
  Preimage keysend_preimage(const std::string& manifest_id, int64_t line, int64_t attempt);

  uint64_t cursor(const std::string& node);
  void set_cursor(const std::string& node, uint64_t last_index);
  void note_foreign(const std::string& node, const Foreign& payment);  // inserts or updates its status
  std::vector<Foreign> unacknowledged(const std::string& node);        // not FAILED
  // False where there is no such foreign payment or it is acknowledged already.
  bool acknowledge(const std::string& node, const std::string& hash, const std::string& reason);
  std::vector<std::string> nodes_with_foreign();

  struct Summary {
    int64_t manifests = 0, alarms = 0, unacknowledged = 0;
    Msat paid, fees, reserved;  // reserved: amounts and fee limits of open attempts
  };
  Summary summary();
  store::Database& database() { return db_; }

 private:
  Line read_line(store::Statement& row);
  int64_t now() const { return clock_.unix_ms(); }
  const Clock& clock_;
  store::Database db_;
};

}  // namespace hh::ln
