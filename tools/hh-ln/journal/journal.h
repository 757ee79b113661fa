// The payment journal: what was planned, sent, proven. It is the authority; nodes forget (PAYMENTS, rule 8).
//
// One Journal is one connection in journal_mode=TRUNCATE, synchronous=EXTRA: what a call reports as done survives a power cut. Every change of an
// attempt is a conditional update on what the caller last saw (state and number of sends): `false` means that another process was first, and
// the caller reads again. The rules themselves are triggers in schema.cpp and schema_batches.cpp.
//
// Threads may share a Journal: each call is atomic, and Journal::Work makes one of several. Only database() is for whoever has the Journal to himself.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "base/clock.h"
#include "payout/manifest.h"
#include "journal/state.h"
#include "journal/vault.h"
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
  std::string bolt11;        // the invoice, or BOLT 12's; empty: keysend
  std::string payee;         // hex
  std::optional<int64_t> expires_at;  // unix seconds
};

// An output of a recorded transaction that pays a line, or has yet to (onchain/book.h).
struct OnchainClaim {
  std::string txid, address, backend;
  int64_t vout = 0;
  State state = State::sending;  // SENDING: recorded; INFLIGHT: the network has it; PAID: confirmed
  int64_t confirmations = 0;
  Msat fee;                      // the line's part of the transaction's
  std::string reason;
  int64_t changed_ms = 0;
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
  int64_t released_ms = 0;       // when an operator has released it last; 0: never
  std::optional<Attempt> attempt;  // the one that paid first, else the newest
  std::optional<OnchainClaim> onchain;
};

// Why a line is held that another transaction of the wallet than its own has paid: it is never released.
std::string paid_by_rival(const std::string& rival, const std::string& txid);
bool is_paid_by_rival(const Line& line);

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

struct BatchLine {
  int64_t line = 0;
  Msat amount, fee_limit;  // what it pays, and what its routes may cost at most
};
struct Batch {
  int64_t id = 0;
  std::string manifest_id;
  int64_t number = 0;  // of the manifest, from 1
  int64_t opened_ms = 0;
  std::optional<int64_t> closed_ms;
  bool simulated = false;
  Msat amount, fee_reserved;
  std::optional<Msat> fee_ceiling;
  int64_t paid = 0, failed = 0, held = 0;  // closed only
  std::vector<BatchLine> lines;
};
inline constexpr int64_t most_batch_lines = 50;

// What a person decided, for the audit.
struct Operator {
  int64_t uid = 0;
  std::string name;
};
Operator operator_of_process();
struct Deed {
  std::string action;       // "hold", "release", …: the command
  std::string manifest_id;  // "": of none
  std::optional<int64_t> line;
  std::string hash, reason;
  Operator who = operator_of_process();
  int64_t time_ms = 0;      // of what was read
};

// One comparison of a node's list with the journal.
struct Comparison {
  std::string kind;  // "settle", "audit", "reconcile"
  int64_t listed = 0, known = 0, foreign = 0, late = 0, stale = 0;
};

// A circular payment, which no manifest asks for.
struct Rebalance {
  std::string hash, node, out_channel, in_channel;
  Msat amount, fee_limit;
  std::string state = "SENDING";  // SENDING, PAID, FAILED
  Msat fee = {};                  // PAID only
  std::string preimage = {}, reason = {};
  int64_t created_ms = 0, changed_ms = 0;
};

// What a manifest may be paid until.
struct Term {
  int64_t first_seen_ms = 0;
  std::optional<int64_t> expires_at;  // unix seconds: the latest exp of its signatures
  std::string revoked;                // why, or "": it is not
};

class Journal {
 public:
  // create: makes the file (mode 0600) and its tables, migrates an older one. Otherwise read-only; Error(no_input) where it does not exist.
  // vfs: for tests; on_fatal: see store::Options.
  static void require_file(const std::string& path);  // throws Error(no_input) where there is none
  // key: what a sealed journal needs, and what a new one is sealed with; Error(config) where it is missing, another one, or the journal is in clear.
  Journal(const std::string& path, bool create, const Clock& clock = system_clock(), const std::string& vfs = "", const JournalKey& key = {},
          const std::function<void(const Error&)>& on_fatal = {});
  Journal(const std::string& path, bool create, const JournalKey& key) : Journal(path, create, system_clock(), "", key) {}
  // Whether the file is a sealed journal. Throws as the constructor.
  static bool is_sealed(const std::string& path);
  // Seals everything anew under a new data key, which stands under this key; all or nothing. Throws as other writes do.
  // deed: its row in the audit. What was there before can still be in pages of the file that are free: compact() writes them anew.
  void rotate(const crypto::AesGcm::Key& key, const Deed& deed);
  void compact();
  bool is_sealed() const { return vault_.is_sealing(); }

  // Several calls as one: no other thread comes between, and without commit() nothing of them stays.
  class Work {
   public:
    explicit Work(Journal& journal);
    void commit();

   private:
    std::lock_guard<std::recursive_mutex> lock_;
    std::optional<store::Transaction> tx_;  // none: inside another Work, which decides
  };

  // Records a verified manifest and its lines with pay > 0; nothing where they are there. Throws Error(data) where they are there with other terms, or
  // where another manifest has been recorded for the same block, or for the same cycle and pool (unless that one is revoked and nothing of it was ever sent), or where
  // it is revoked before the journal has seen it, or where it withdraws and is of no batch that this journal has made. Lines over exactly the amount of a recent payment that
  // this journal does not know are held.
  void add(const payout::VerifiedManifest& m);
  // Throws Error(data) where add() would: another manifest has been recorded for what this one pays out, or it is of no batch of withdrawals.
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
  void hold_anew(const std::string& manifest_id, int64_t line, const std::string& reason);  // whether it is held or not: this is the reason now
  // Holds it for this payment (hash in hex), beside what it is held for already. False: what holds it names the payment.
  bool hold_also(const std::string& manifest_id, int64_t line, const std::string& hash, const std::string& reason);
  bool release(const std::string& manifest_id, int64_t line);   // Throws Error(data) where the manifest is revoked, or another transaction has paid the line.
  Term term(const std::string& manifest_id);
  std::string jws(const std::string& manifest_id);  // as it came; throws Error(data) where the journal has no such manifest
  // Nothing new is sent for this manifest from now on: its lines that are not PAID are held. It need not be known yet. False: it is revoked already.
  bool revoke(const std::string& manifest_id, const std::string& reason);

  // Carries out a change and its row in `audit` as one; no row where it returns false. Returns what it returned.
  bool decide(const Deed& deed, const std::function<bool()>& change);
  std::vector<Deed> decisions(const std::string& manifest_id);  // oldest first; of all where it is ""

  // Lines that are to be worked together. Throws Error(software) for none, or more than most_batch_lines.
  Batch open_batch(const std::string& manifest_id, const std::vector<BatchLine>& lines, std::optional<Msat> fee_ceiling);
  std::vector<Batch> batches(const std::string& manifest_id, bool open_only = false);  // of all where it is ""
  // Where each of its lines is PAID, FAILED_SAFE or HELD, with nothing under way. False: it stays open.
  bool close_batch(const Batch& batch);
  std::vector<int64_t> sends_since(int64_t unix_ms);  // when payments were sent, oldest first

  void start_rebalance(const Rebalance& rebalance);  // before it is sent
  // False: there is none, or it is PAID already.
  bool end_rebalance(const std::string& hash, const std::string& state, Msat fee, const std::string& preimage, const std::string& reason);
  std::optional<Rebalance> rebalance_of(const std::string& hash);
  std::vector<Rebalance> rebalances(bool open_only);  // oldest first
  std::vector<Rebalance> newest_rebalances(int64_t limit);
  // What those begun since then have cost, and may yet cost where they are under way.
  Msat rebalance_fees_since(int64_t unix_ms);

  // Up to which of a node's forwards (in nanoseconds since 1970) what they earned is counted; 0: none yet.
  int64_t earned_until(const std::string& node);
  // Counts those that are later than `until`, which is what earned_until() said; they are in the order of time. Throws ConstraintError where somebody else has counted meanwhile.
  void note_earned(const std::string& node, int64_t until, const std::vector<std::pair<int64_t, Msat>>& forwards);

  // Keysend: HMAC-SHA-256(secret of this journal, manifest id ‖ line ‖ attempt). The same attempt always has the same preimage.
  Preimage keysend_preimage(const std::string& manifest_id, int64_t line, int64_t attempt);

  uint64_t cursor(const std::string& node);
  void set_cursor(const std::string& node, uint64_t last_index);
  // Inserts it, or updates its status and amount; but what may be paid or under way is FAILED only where the node has been asked about that payment.
  void note_foreign(const std::string& node, const Foreign& payment);
  void note_foreign_failed(const std::string& node, const std::string& hash);
  std::vector<Foreign> unacknowledged(const std::string& node);        // not FAILED
  // False where there is no such foreign payment or it is acknowledged already.
  bool acknowledge(const std::string& node, const std::string& hash, const std::string& reason);
  std::vector<std::string> nodes_with_foreign();
  // Holds the unpaid lines over exactly the amount of this payment, which may have been for one of them (a journal restored from a backup). Returns them: also those
  // that are held already, whose reason then names the payment too, so that nobody releases one without knowing of it.
  std::vector<Line> hold_lines_like(const Foreign& payment);
  void note_comparison(const std::string& node, const Comparison& comparison);
  bool has_transaction(const std::string& txid);  // that pays lines on chain
  // The node has paid for lines of this journal what this journal did not send, and nobody has run `reconcile` since.
  bool is_stale(const std::string& node);
  // Payments that can only be for a line of this journal though it never sent them, by hash (hex): of the invoice that the manifest brought, or of one of the
  // line's next keysends. Lines that are paid or under way have none.
  struct Unsent {
    std::string manifest_id;
    int64_t line = 0;
    Resolved resolved;
  };
  std::map<std::string, Unsent> unsent_hashes();
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
  const Vault& vault() const { return vault_; }

 private:
  friend class Work;
  void name_pots();
  void unlock(bool create, const JournalKey& key);
  Attempt read_attempt(const store::Statement& row);
  void insert(const payout::VerifiedManifest& m, const std::string& pot);
  void require_terms(const payout::VerifiedManifest& m);
  void hold_if_paid_elsewhere(const std::string& manifest_id, int64_t line, Msat pay);
  Line read_line(store::Statement& row);
  int64_t now() const { return clock_.unix_ms(); }
  using Lock = std::lock_guard<std::recursive_mutex>;
  std::recursive_mutex mutex_;  // guards db_; calls that are made of others take it again
  const Clock& clock_;
  store::Database db_;
  Vault vault_;
};

}  // namespace hh::ln
