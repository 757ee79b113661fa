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

#include "backends/backend.h"
#include "base/clock.h"
#include "payout/manifest.h"
#include "journal/state.h"
#include "store/sqlite.h"

namespace hh::ln {

// Reasons come from services, nodes and command lines, and go into records: they may not break one, nor fill a disk.
inline constexpr size_t max_reason = 500;  // bytes

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
  std::string chain;             // of the manifest
  std::string replacement;       // BOLT11 destinations: the invoice that an operator has accepted instead, or ""
  std::optional<Attempt> attempt;  // the one that paid first, else the newest
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

// An invoice (or the lack of one) for a line, and what became of it.
struct InvoiceEntry {
  std::string manifest_id;
  int64_t line = 0;
  std::string account;
  bool simulated = false;
  bool accepted = false;
  Msat amount;                         // of the line
  std::string bolt11;                  // "": keysend, or nothing came that could be read
  std::string reason;                  // why refused, or why the payment is where it is
  int64_t times = 1, first_ms = 0, last_ms = 0;
  std::string hash, payee;             // accepted only
  int64_t attempt = 0;                 // accepted only
  std::optional<State> state;          // accepted only
  std::optional<int64_t> expires_at;   // unix seconds
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
  static void require_file(const std::string& path);  // throws Error(no_input) where there is none
  Journal(const std::string& path, bool create, const Clock& clock = system_clock(), const std::string& vfs = "");

  // Records a verified manifest and its lines with pay > 0; nothing where they are there. Throws Error(data) where they are there with other terms, or
  // where another manifest has been recorded for the same block, or for the same cycle and pool. Lines over exactly the amount of a recent payment that
  // this journal does not know are held.
  void add(const payout::VerifiedManifest& m);
  // Throws Error(data) where another manifest has been recorded for what this one pays out.
  void require_only_manifest(const payout::VerifiedManifest& m);
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
  // Keeps that asking for an invoice gave none that can be paid. bolt11: what came instead, or "".
  void note_refused(const Line& line, const std::string& bolt11, const std::string& reason);
  // From now on the line is paid with this invoice; it is no longer held.
  void replace_invoice(const Line& line, const std::string& bolt11, const std::string& reason);
  // All invoices of a manifest, or of all where it is "": accepted ones and refusals, by line and time.
  void each_invoice(const std::string& manifest_id, const std::function<void(const InvoiceEntry&)>& each);
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
  // Holds the unpaid lines over exactly the amount of this payment, which may have been for one of them (a journal restored from a backup). Returns them.
  std::vector<Line> hold_lines_like(const Foreign& payment);
  // A payment that the attempt's node must know as long as it keeps its history: one that was PAID, as near as possible before this attempt.
  std::optional<std::string> witness(const Attempt& attempt);

  struct Summary {
    int64_t manifests = 0, alarms = 0, unacknowledged = 0;
    int64_t paid_twice = 0;        // lines with more than one PAID attempt: what should never be
    Msat paid, fees, reserved;  // reserved: amounts and fee limits of open attempts
  };
  Summary summary();
  bool is_paid_twice(const std::string& manifest_id, int64_t line);
  store::Database& database() { return db_; }

 private:
  void name_pots();
  void hold_if_paid_elsewhere(const std::string& manifest_id, int64_t line, Msat pay);
  Line read_line(store::Statement& row);
  int64_t now() const { return clock_.unix_ms(); }
  const Clock& clock_;
  store::Database db_;
};

}  // namespace hh::ln
