// The ledger's database: shares as they were accepted, rounds as they were closed, and the books. [C040][C041][C042][C047][C048]
//
// Durability. What the ledger acknowledges is on disk: journal_mode=WAL with synchronous=FULL syncs the WAL at every commit. WAL, and not a
// rollback journal, because `balances` and `round` must be able to read a million shares while `append` goes on committing ten times a
// second; a rollback journal makes readers and the writer wait for each other, and syncs three times where the WAL syncs once.
// SQLite before 3.51.3 has a bug (WAL reset) that can damage a file when two connections write or checkpoint at the same instant. So no
// two ever do: every write transaction, with the checkpoint that its commit may start, happens under an flock of its own
// (store::WriterLock), readers open the file read-only and cannot checkpoint, and closing checkpoints only under that lock (ledger.cpp).
//
// Append-only is a property of the file, not of this program: triggers refuse UPDATE and DELETE, and INSERT of a key that is there (INSERT
// OR REPLACE deletes rows without asking DELETE triggers). `hh-ledger verify` checks that the triggers are those of this file.
// Two tables have no such insert guard: shares, because a trigger for each row of the hot path makes an insert a third dearer (measured), and a
// replaced share is found by `verify` from the Merkle roots that were taken when it arrived; and the few rows that say where we are
// (sources, rounds that are not closed, miners' settings, follow), which change by nature.
//
// Double entry. An entry can only be inserted into a posting without a seal. A seal can only be inserted where the posting's entries sum to
// zero. A posting refers to its seal by a deferred foreign key, so a transaction that leaves one unsealed cannot commit; and since the
// sqlite3 shell does not enforce foreign keys unless asked, the view `balances` counts sealed postings only. So whoever writes to this file
// with whatever program: the books that anyone reads add up to zero.
//
// Shares are kept in 6 columns and some 50 bytes: the names that repeat (job; miner, worker and where the fees go) are numbers of rows in
// `jobs` and `workers`; `proof` is extranonce1, extranonce2, ntime, nonce, version (lengths in the job). The canonical line comes back
// from these exactly. They carry no foreign key clauses for speed; `verify` looks for shares without a job or worker.
//
// The task register's table of invoices is not here: an invoice belongs to a payment attempt, whose journal is hh-ln's database.
#include "schema.h"

namespace hh::ledger {
namespace {

// clang-format off
#define NEVER_CHANGED(table)                                                                                                              \
  "CREATE TRIGGER " table "_no_update BEFORE UPDATE ON " table " BEGIN SELECT RAISE(ABORT, '" table " is append-only'); END;\n"           \
  "CREATE TRIGGER " table "_no_delete BEFORE DELETE ON " table " BEGIN SELECT RAISE(ABORT, '" table " is append-only'); END;\n"
#define NEVER_REPLACED(table, same)                                                                                                       \
  "CREATE TRIGGER " table "_no_replace BEFORE INSERT ON " table " WHEN EXISTS (SELECT 1 FROM " table " WHERE " same ")"                   \
  " BEGIN SELECT RAISE(ABORT, '" table ": that row is there already'); END;\n"
#define APPEND_ONLY(table, same) NEVER_CHANGED(table) NEVER_REPLACED(table, same)
// clang-format on

constexpr const char* up_1 =
    R"(
CREATE TABLE ledger (                     -- one row, made by the first job
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  chain      TEXT NOT NULL,
  simulated  INTEGER NOT NULL CHECK (simulated IN (0, 1))
) STRICT;

CREATE TABLE sources (                    -- where shares come from, and how far we are
  id             INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 8388607),
  name           TEXT NOT NULL UNIQUE,
  last_seq       INTEGER NOT NULL CHECK (last_seq BETWEEN 0 AND 1099511627775),
  segment_first  INTEGER NOT NULL,        -- the open round's first seq of this source
  segment_log    BLOB NOT NULL            -- Merkle frontier of its shares since (crypto::MerkleLog::save)
) STRICT;

CREATE TABLE jobs (
  id         INTEGER PRIMARY KEY,
  source_id  INTEGER NOT NULL REFERENCES sources(id),
  job        TEXT NOT NULL,
  line       TEXT NOT NULL,               -- canonical
  UNIQUE (source_id, job)
) STRICT;

CREATE TABLE miners (                     -- account names; who has not been set up has neither address nor destination
  id                 INTEGER PRIMARY KEY,
  name               TEXT NOT NULL UNIQUE,
  address            TEXT,
  destination_kind   TEXT,
  destination_value  TEXT,
  CHECK ((destination_kind IS NULL) = (destination_value IS NULL))
) STRICT;

CREATE TABLE workers (                    -- to whom a share is credited: all of it that repeats
  id         INTEGER PRIMARY KEY,
  miner_id   INTEGER NOT NULL REFERENCES miners(id),
  worker     TEXT NOT NULL,
  fee_to     INTEGER NOT NULL CHECK (fee_to IN (0, 1)),   -- 0 coinbase, 1 manifest
  address    TEXT NOT NULL,               -- "" or the alias's address at that time
  simulated  INTEGER NOT NULL CHECK (simulated IN (0, 1)),
  UNIQUE (miner_id, worker, fee_to, address, simulated)
) STRICT;

CREATE TABLE shares (
  id         INTEGER PRIMARY KEY,         -- source_id << 40 | seq
  time_ms    INTEGER NOT NULL,
  job_id     INTEGER NOT NULL,
  worker_id  INTEGER NOT NULL,
  work       INTEGER NOT NULL,
  proof      BLOB NOT NULL                -- extranonce1, extranonce2, ntime, nonce, version
) STRICT;

CREATE TABLE blocks (
  id      INTEGER PRIMARY KEY,            -- source_id << 40 | seq
  hash    TEXT NOT NULL UNIQUE,
  height  INTEGER NOT NULL,
  line    TEXT NOT NULL                   -- canonical
) STRICT;

CREATE TABLE rounds (                     -- rounds.cpp tells how status changes
  id             INTEGER PRIMARY KEY,
  status         TEXT NOT NULL CHECK (status IN ('open', 'confirming', 'mature', 'closed', 'orphaned')),
  block_id       INTEGER UNIQUE REFERENCES blocks(id),
  confirmations  INTEGER NOT NULL DEFAULT 0,
  shares         INTEGER,                 -- from here on: set by close
  work           TEXT,
  merkle_root    TEXT,
  scheme         TEXT,
  pplns_factor   INTEGER,
  window_work    TEXT,
  cut_share_work TEXT,
  closed_ms      INTEGER,
  CHECK ((status = 'open') = (block_id IS NULL)),
  CHECK ((status = 'closed') = (merkle_root IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX one_open_round ON rounds(status) WHERE status = 'open';
CREATE TRIGGER rounds_closed_is_frozen BEFORE UPDATE ON rounds WHEN OLD.status = 'closed' BEGIN SELECT RAISE(ABORT, 'a closed round is frozen'); END;
CREATE TRIGGER rounds_no_delete BEFORE DELETE ON rounds BEGIN SELECT RAISE(ABORT, 'rounds are never deleted'); END;
CREATE TRIGGER rounds_no_replace BEFORE INSERT ON rounds WHEN EXISTS (SELECT 1 FROM rounds WHERE id = NEW.id OR block_id = NEW.block_id OR (status = 'open' AND NEW.status = 'open'))
  BEGIN SELECT RAISE(ABORT, 'rounds: that row is there already'); END;
INSERT INTO rounds(id, status) VALUES (1, 'open');

CREATE TABLE segments (                   -- each source's shares from one block to the next, as they were when the block came
  round_id   INTEGER NOT NULL REFERENCES rounds(id),
  source_id  INTEGER NOT NULL REFERENCES sources(id),
  first_seq  INTEGER NOT NULL,
  last_seq   INTEGER NOT NULL,
  shares     INTEGER NOT NULL,
  root       TEXT NOT NULL,
  PRIMARY KEY (round_id, source_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE round_cuts (                 -- frozen at close
  round_id   INTEGER NOT NULL REFERENCES rounds(id),
  source_id  INTEGER NOT NULL REFERENCES sources(id),
  first_seq  INTEGER NOT NULL,
  last_seq   INTEGER NOT NULL,
  PRIMARY KEY (round_id, source_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE round_miners (               -- frozen at close
  round_id           INTEGER NOT NULL REFERENCES rounds(id),
  miner_id           INTEGER NOT NULL REFERENCES miners(id),
  shares             INTEGER NOT NULL,
  work               TEXT NOT NULL,
  carried_msat       INTEGER NOT NULL CHECK (carried_msat >= 0),
  destination_kind   TEXT,
  destination_value  TEXT,
  PRIMARY KEY (round_id, miner_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE alarms (                     -- a closed round whose block left the chain
  round_id  INTEGER PRIMARY KEY REFERENCES rounds(id),
  time_ms   INTEGER NOT NULL
) STRICT;

CREATE TABLE nodes (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;   -- known from manifests
CREATE TABLE cycles (                     -- closed ones; open ones are computed
  id              INTEGER PRIMARY KEY,
  node_pool_msat  INTEGER NOT NULL CHECK (node_pool_msat >= 0),
  closed_ms       INTEGER NOT NULL
) STRICT;
CREATE TABLE cycle_nodes (
  cycle_id      INTEGER NOT NULL REFERENCES cycles(id),
  node_id       INTEGER NOT NULL REFERENCES nodes(id),
  carried_msat  INTEGER NOT NULL CHECK (carried_msat >= 0),
  PRIMARY KEY (cycle_id, node_id)
) STRICT, WITHOUT ROWID;
)" NEVER_CHANGED("shares")
    APPEND_ONLY("ledger", "one = NEW.one")
    APPEND_ONLY("jobs", "id = NEW.id OR (source_id = NEW.source_id AND job = NEW.job)")
    APPEND_ONLY("workers", "id = NEW.id OR (miner_id = NEW.miner_id AND worker = NEW.worker AND fee_to = NEW.fee_to AND address = NEW.address AND simulated = NEW.simulated)")
    APPEND_ONLY("blocks", "id = NEW.id OR hash = NEW.hash")
    APPEND_ONLY("segments", "round_id = NEW.round_id AND source_id = NEW.source_id")
    APPEND_ONLY("round_cuts", "round_id = NEW.round_id AND source_id = NEW.source_id")
    APPEND_ONLY("round_miners", "round_id = NEW.round_id AND miner_id = NEW.miner_id")
    APPEND_ONLY("alarms", "round_id = NEW.round_id")
    APPEND_ONLY("nodes", "id = NEW.id OR name = NEW.name")
    APPEND_ONLY("cycles", "id = NEW.id")
    APPEND_ONLY("cycle_nodes", "cycle_id = NEW.cycle_id AND node_id = NEW.node_id")
    R"(
CREATE TRIGGER round_cuts_frozen BEFORE INSERT ON round_cuts WHEN (SELECT status FROM rounds WHERE id = NEW.round_id) = 'closed'
  BEGIN SELECT RAISE(ABORT, 'a closed round is frozen'); END;
CREATE TRIGGER round_miners_frozen BEFORE INSERT ON round_miners WHEN (SELECT status FROM rounds WHERE id = NEW.round_id) = 'closed'
  BEGIN SELECT RAISE(ABORT, 'a closed round is frozen'); END;
CREATE TRIGGER sources_no_delete BEFORE DELETE ON sources BEGIN SELECT RAISE(ABORT, 'sources are never deleted'); END;
CREATE TRIGGER sources_only_forward BEFORE UPDATE ON sources WHEN NEW.id <> OLD.id OR NEW.name <> OLD.name OR NEW.last_seq < OLD.last_seq OR NEW.segment_first < OLD.segment_first
  BEGIN SELECT RAISE(ABORT, 'a source only goes forward'); END;
CREATE TRIGGER sources_no_replace BEFORE INSERT ON sources WHEN EXISTS (SELECT 1 FROM sources WHERE id = NEW.id OR name = NEW.name)
  BEGIN SELECT RAISE(ABORT, 'sources: that row is there already'); END;
CREATE TRIGGER miners_no_delete BEFORE DELETE ON miners BEGIN SELECT RAISE(ABORT, 'miners are never deleted'); END;
CREATE TRIGGER miners_keep_name BEFORE UPDATE ON miners WHEN NEW.id <> OLD.id OR NEW.name <> OLD.name BEGIN SELECT RAISE(ABORT, 'an account keeps its name'); END;
CREATE TRIGGER miners_no_replace BEFORE INSERT ON miners WHEN EXISTS (SELECT 1 FROM miners WHERE id = NEW.id OR name = NEW.name)
  BEGIN SELECT RAISE(ABORT, 'miners: that row is there already'); END;

CREATE TABLE follow (                     -- how far `append --follow` has read a spool
  path    TEXT PRIMARY KEY,
  device  INTEGER NOT NULL,
  inode   INTEGER NOT NULL,
  offset  INTEGER NOT NULL,
  head    TEXT NOT NULL                   -- SHA-256 of the file's first bytes, so that a new file with an old inode number is not mistaken for it
) STRICT, WITHOUT ROWID;
)";

constexpr const char* down_1 = R"(
DROP TABLE follow; DROP TABLE cycle_nodes; DROP TABLE cycles; DROP TABLE nodes; DROP TABLE alarms; DROP TABLE round_miners; DROP TABLE round_cuts;
DROP TABLE segments; DROP TABLE rounds; DROP TABLE blocks; DROP TABLE shares; DROP TABLE workers; DROP TABLE miners; DROP TABLE jobs;
DROP TABLE sources; DROP TABLE ledger;
)";

constexpr const char* up_2 =
    R"(
CREATE TABLE accounts (                   -- treasury, operator, node_pool, network_fees, miner:M, node:N
  id    INTEGER PRIMARY KEY,
  name  TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE postings (
  id       INTEGER PRIMARY KEY REFERENCES posting_seals(posting_id) DEFERRABLE INITIALLY DEFERRED,
  kind     TEXT NOT NULL CHECK (kind IN ('round', 'cycle', 'settlement')),
  time_ms  INTEGER NOT NULL
) STRICT;

CREATE TABLE entries (                    -- positive: held (assets, expenses); negative: owed, or income
  id           INTEGER PRIMARY KEY,
  posting_id   INTEGER NOT NULL REFERENCES postings(id),
  account_id   INTEGER NOT NULL REFERENCES accounts(id),
  amount_msat  INTEGER NOT NULL CHECK (amount_msat <> 0 AND abs(amount_msat) <= 9007199254740991),
  UNIQUE (posting_id, account_id)
) STRICT;
CREATE INDEX entries_of_account ON entries(account_id, posting_id, amount_msat);

CREATE TABLE posting_seals (posting_id INTEGER PRIMARY KEY REFERENCES postings(id)) STRICT;

CREATE TRIGGER entries_only_before_seal BEFORE INSERT ON entries
  WHEN NOT EXISTS (SELECT 1 FROM postings WHERE id = NEW.posting_id) OR EXISTS (SELECT 1 FROM posting_seals WHERE posting_id = NEW.posting_id)
  BEGIN SELECT RAISE(ABORT, 'entries: the posting is sealed or unknown'); END;
CREATE TRIGGER seals_only_on_zero BEFORE INSERT ON posting_seals
  WHEN NOT EXISTS (SELECT 1 FROM postings WHERE id = NEW.posting_id) OR (SELECT coalesce(sum(amount_msat), 1) FROM entries WHERE posting_id = NEW.posting_id) <> 0
  BEGIN SELECT RAISE(ABORT, 'the posting does not add up to zero'); END;

CREATE VIEW balances AS
  SELECT a.name AS account, sum(e.amount_msat) AS balance_msat FROM accounts a JOIN entries e ON e.account_id = a.id JOIN posting_seals s ON s.posting_id = e.posting_id GROUP BY a.id;

CREATE TABLE payouts (                    -- manifests that were posted
  id           INTEGER PRIMARY KEY,
  manifest_id  TEXT NOT NULL UNIQUE,
  round_id     INTEGER UNIQUE REFERENCES rounds(id),
  cycle_id     INTEGER UNIQUE REFERENCES cycles(id),
  jws          TEXT NOT NULL,
  posting_id   INTEGER UNIQUE REFERENCES postings(id),   -- null: a cycle that divided nothing
  posted_ms    INTEGER NOT NULL,
  CHECK ((round_id IS NULL) <> (cycle_id IS NULL))
) STRICT;

CREATE TABLE payout_lines (
  payout_id   INTEGER NOT NULL REFERENCES payouts(id),
  line        INTEGER NOT NULL,
  account_id  INTEGER NOT NULL REFERENCES accounts(id),
  pay_msat    INTEGER NOT NULL CHECK (pay_msat >= 0),
  PRIMARY KEY (payout_id, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX payout_lines_of_account ON payout_lines(account_id);

CREATE TABLE settlements (                -- lines that were paid
  payout_id     INTEGER NOT NULL,
  line          INTEGER NOT NULL,
  amount_msat   INTEGER NOT NULL CHECK (amount_msat > 0),
  fee_msat      INTEGER NOT NULL CHECK (fee_msat >= 0),
  payment_hash  TEXT NOT NULL UNIQUE,
  preimage      TEXT NOT NULL,
  backend       TEXT NOT NULL,
  posting_id    INTEGER NOT NULL UNIQUE REFERENCES postings(id),
  PRIMARY KEY (payout_id, line),
  FOREIGN KEY (payout_id, line) REFERENCES payout_lines(payout_id, line)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER settlements_pay_their_line BEFORE INSERT ON settlements
  WHEN NEW.amount_msat IS NOT (SELECT pay_msat FROM payout_lines WHERE payout_id = NEW.payout_id AND line = NEW.line)
  BEGIN SELECT RAISE(ABORT, 'settlements: the amount is not what the manifest line says'); END;

CREATE VIEW outstanding AS                -- ordered by a posted manifest, not (yet) paid: neither carried nor free to be ordered again
  SELECT l.account_id, sum(l.pay_msat) AS msat FROM payout_lines l LEFT JOIN settlements s ON s.payout_id = l.payout_id AND s.line = l.line
  WHERE s.line IS NULL AND l.pay_msat > 0 GROUP BY l.account_id;
)" APPEND_ONLY("accounts", "id = NEW.id OR name = NEW.name")
    APPEND_ONLY("postings", "id = NEW.id")
    APPEND_ONLY("entries", "id = NEW.id OR (posting_id = NEW.posting_id AND account_id = NEW.account_id)")
    APPEND_ONLY("posting_seals", "posting_id = NEW.posting_id")
    APPEND_ONLY("payouts", "id = NEW.id OR manifest_id = NEW.manifest_id OR round_id = NEW.round_id OR cycle_id = NEW.cycle_id OR posting_id = NEW.posting_id")
    APPEND_ONLY("payout_lines", "payout_id = NEW.payout_id AND line = NEW.line")
    APPEND_ONLY("settlements", "(payout_id = NEW.payout_id AND line = NEW.line) OR payment_hash = NEW.payment_hash OR posting_id = NEW.posting_id");

constexpr const char* down_2 = R"(
DROP VIEW outstanding; DROP VIEW balances; DROP TABLE settlements; DROP TABLE payout_lines; DROP TABLE payouts; DROP TABLE posting_seals;
DROP TABLE entries; DROP TABLE postings; DROP TABLE accounts;
)";

constexpr const char* up_3 =
    R"(
CREATE TABLE audit (                      -- who did what and when; each row's hash covers the one before (audit.cpp)
  id        INTEGER PRIMARY KEY,
  time_ms   INTEGER NOT NULL,
  who       TEXT NOT NULL,
  what      TEXT NOT NULL,
  detail    TEXT NOT NULL,                -- JSON object
  previous  TEXT NOT NULL,
  hash      TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_is_a_chain BEFORE INSERT ON audit
  WHEN NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM audit) OR NEW.previous IS NOT coalesce((SELECT hash FROM audit ORDER BY id DESC LIMIT 1), '')
  BEGIN SELECT RAISE(ABORT, 'audit: not the next link of the chain'); END;
)" NEVER_CHANGED("audit");

constexpr const char* down_3 = "DROP TABLE audit;";

// Sweeps of routing fees, and manifests of withdrawals. `kind` and the checks of payouts know more than before; a column is exchanged where that is enough, and
// `payouts`, whose check is the table's, is copied.
constexpr const char* up_4 =
    R"(
DROP TRIGGER postings_no_update;
ALTER TABLE postings RENAME COLUMN kind TO old_kind;
ALTER TABLE postings ADD COLUMN kind TEXT NOT NULL DEFAULT 'round' CHECK (kind IN ('round', 'cycle', 'settlement', 'sweep'));
UPDATE postings SET kind = old_kind;
ALTER TABLE postings DROP COLUMN old_kind;
CREATE TRIGGER postings_no_update BEFORE UPDATE ON postings BEGIN SELECT RAISE(ABORT, 'postings is append-only'); END;

DROP TRIGGER payouts_no_update;
DROP TRIGGER payouts_no_delete;
DROP TRIGGER payouts_no_replace;
CREATE TABLE payouts_4 (
  id           INTEGER PRIMARY KEY,
  manifest_id  TEXT NOT NULL UNIQUE,
  round_id     INTEGER UNIQUE REFERENCES rounds(id),
  cycle_id     INTEGER UNIQUE REFERENCES cycles(id),
  withdrawal   INTEGER,                   -- number of a batch of withdrawals; each treasury counts its own
  jws          TEXT NOT NULL,
  posting_id   INTEGER UNIQUE REFERENCES postings(id),   -- null: a cycle that divided nothing, and withdrawals, which pay what is owed already
  posted_ms    INTEGER NOT NULL,
  CHECK ((round_id IS NOT NULL) + (cycle_id IS NOT NULL) + (withdrawal IS NOT NULL) = 1),
  CHECK (withdrawal IS NULL OR posting_id IS NULL)
) STRICT;
INSERT INTO payouts_4 SELECT id, manifest_id, round_id, cycle_id, NULL, jws, posting_id, posted_ms FROM payouts;
DROP TABLE payouts;
ALTER TABLE payouts_4 RENAME TO payouts;

CREATE TABLE fee_sweeps (                 -- routing fees that were divided
  node        TEXT NOT NULL,              -- the Lightning node
  number      INTEGER NOT NULL CHECK (number >= 1),
  sweep_id    TEXT NOT NULL UNIQUE,
  record      TEXT NOT NULL,              -- canonical
  posting_id  INTEGER NOT NULL UNIQUE REFERENCES postings(id),
  PRIMARY KEY (node, number)
) STRICT, WITHOUT ROWID;
)" APPEND_ONLY("payouts", "id = NEW.id OR manifest_id = NEW.manifest_id OR round_id = NEW.round_id OR cycle_id = NEW.cycle_id OR posting_id = NEW.posting_id")
    APPEND_ONLY("fee_sweeps", "(node = NEW.node AND number = NEW.number) OR sweep_id = NEW.sweep_id OR posting_id = NEW.posting_id")
    R"(
CREATE TRIGGER withdrawals_of_what_is_owed BEFORE INSERT ON payout_lines WHEN (SELECT withdrawal FROM payouts WHERE id = NEW.payout_id) IS NOT NULL BEGIN
  SELECT RAISE(ABORT, 'a withdrawal is from an account of yield') WHERE (SELECT name NOT GLOB 'yield:*' FROM accounts WHERE id = NEW.account_id);
  SELECT RAISE(ABORT, 'a withdrawal of more than the account is owed') WHERE NEW.pay_msat >
    (SELECT -coalesce(sum(e.amount_msat), 0) FROM entries e JOIN posting_seals USING (posting_id) WHERE e.account_id = NEW.account_id)
    - coalesce((SELECT msat FROM outstanding WHERE account_id = NEW.account_id), 0);
END;
)";

// Only while nothing of it was used: what it holds cannot be said in the tables of before.
constexpr const char* down_4 =
    R"(
CREATE TEMP TABLE must_be_empty (n INTEGER CHECK (n = 0));
INSERT INTO must_be_empty SELECT (SELECT count(*) FROM fee_sweeps) + (SELECT count(*) FROM payouts WHERE withdrawal IS NOT NULL);
DROP TABLE must_be_empty;
DROP TRIGGER withdrawals_of_what_is_owed;
DROP TABLE fee_sweeps;
DROP TRIGGER payouts_no_update;
DROP TRIGGER payouts_no_delete;
DROP TRIGGER payouts_no_replace;
CREATE TABLE payouts_2 (
  id           INTEGER PRIMARY KEY,
  manifest_id  TEXT NOT NULL UNIQUE,
  round_id     INTEGER UNIQUE REFERENCES rounds(id),
  cycle_id     INTEGER UNIQUE REFERENCES cycles(id),
  jws          TEXT NOT NULL,
  posting_id   INTEGER UNIQUE REFERENCES postings(id),
  posted_ms    INTEGER NOT NULL,
  CHECK ((round_id IS NULL) <> (cycle_id IS NULL))
) STRICT;
INSERT INTO payouts_2 SELECT id, manifest_id, round_id, cycle_id, jws, posting_id, posted_ms FROM payouts;
DROP TABLE payouts;
ALTER TABLE payouts_2 RENAME TO payouts;
DROP TRIGGER postings_no_update;
ALTER TABLE postings RENAME COLUMN kind TO new_kind;
ALTER TABLE postings ADD COLUMN kind TEXT NOT NULL DEFAULT 'round' CHECK (kind IN ('round', 'cycle', 'settlement'));
UPDATE postings SET kind = new_kind;
ALTER TABLE postings DROP COLUMN new_kind;
CREATE TRIGGER postings_no_update BEFORE UPDATE ON postings BEGIN SELECT RAISE(ABORT, 'postings is append-only'); END;
)" APPEND_ONLY("payouts", "id = NEW.id OR manifest_id = NEW.manifest_id OR round_id = NEW.round_id OR cycle_id = NEW.cycle_id OR posting_id = NEW.posting_id");

constexpr store::Migration all[] = {
    {1, "shares_and_rounds", up_1, down_1},
    {2, "books", up_2, down_2},
    {3, "audit", up_3, down_3},
    {4, "yield", up_4, down_4},
};

}  // namespace

std::span<const store::Migration> migrations() { return all; }

}  // namespace hh::ledger
