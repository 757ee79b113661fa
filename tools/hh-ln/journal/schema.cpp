// Every rule of the state machine that can be said in SQL is said here, so that a defect of the program, a second process or a person with the
// sqlite3 shell cannot break it unnoticed:
//   - a line of a manifest exists once; its amount, account and destination never change; nothing is ever deleted
//   - a payment hash belongs to one attempt for ever; a line has at most one attempt whose outcome is open; none after it was paid
//   - an attempt starts as RESOLVED with exactly the line's amount, and moves only along the arrows of state.h
//   - what a node has once confirmed (`seen`) is never sent again while its outcome is open
//   - PAID has preimage and fee, and is the end
//   - each change of state leaves a row in `events`, written by a trigger
#include "journal/schema.h"

namespace hh::ln {
namespace {

constexpr const char* first_up = R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE manifests (
  manifest_id TEXT PRIMARY KEY CHECK (length(manifest_id) = 64),
  chain TEXT NOT NULL,
  simulated INTEGER NOT NULL CHECK (simulated IN (0, 1)),
  kind TEXT NOT NULL CHECK (kind IN ('round', 'cycle')),
  number INTEGER NOT NULL,
  pay_msat INTEGER NOT NULL CHECK (pay_msat >= 0),
  jws TEXT NOT NULL,
  first_seen_ms INTEGER NOT NULL
) STRICT;

-- Lines that pay something. held_reason: the operator's (or ours, for what can never be paid). note: why resolving failed last.
CREATE TABLE lines (
  manifest_id TEXT NOT NULL REFERENCES manifests,
  line INTEGER NOT NULL CHECK (line >= 0),
  account TEXT NOT NULL,
  pay_msat INTEGER NOT NULL CHECK (pay_msat > 0),
  destination_kind TEXT NOT NULL,
  destination_value TEXT NOT NULL,
  held_reason TEXT,
  note TEXT NOT NULL DEFAULT '',
  changed_ms INTEGER NOT NULL,
  PRIMARY KEY (manifest_id, line)
) STRICT;

CREATE TABLE invoices (
  payment_hash TEXT PRIMARY KEY CHECK (length(payment_hash) = 64),
  bolt11 TEXT,                      -- null: keysend, the hash is our own
  payee TEXT NOT NULL,
  expires_at INTEGER,               -- unix seconds; null: never
  fetched_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE attempts (
  id INTEGER PRIMARY KEY,
  manifest_id TEXT NOT NULL,
  line INTEGER NOT NULL,
  attempt INTEGER NOT NULL CHECK (attempt >= 1),
  payment_hash TEXT NOT NULL UNIQUE REFERENCES invoices,
  backend TEXT NOT NULL,
  node TEXT NOT NULL,               -- the node that it is sent to: only its word about this hash counts
  amount_msat INTEGER NOT NULL CHECK (amount_msat > 0),
  fee_limit_msat INTEGER NOT NULL CHECK (fee_limit_msat >= 0),
  state TEXT NOT NULL CHECK (state IN ('RESOLVED', 'SENDING', 'INFLIGHT', 'UNKNOWN', 'PAID', 'FAILED_SAFE')),
  seen INTEGER NOT NULL DEFAULT 0 CHECK (seen IN (0, 1)),
  sends INTEGER NOT NULL DEFAULT 0 CHECK (sends >= 0),
  preimage TEXT CHECK (length(preimage) = 64),
  fee_msat INTEGER CHECK (fee_msat >= 0),
  reason TEXT NOT NULL DEFAULT '',
  event TEXT NOT NULL DEFAULT 'resolved',
  created_ms INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL,
  UNIQUE (manifest_id, line, attempt),
  FOREIGN KEY (manifest_id, line) REFERENCES lines,
  CHECK ((state = 'PAID') = (preimage IS NOT NULL)),
  CHECK ((state = 'PAID') = (fee_msat IS NOT NULL)),
  CHECK (state NOT IN ('INFLIGHT', 'UNKNOWN', 'SENDING') OR sends > 0)
) STRICT;
CREATE UNIQUE INDEX one_open_attempt_per_line ON attempts (manifest_id, line) WHERE state IN ('RESOLVED', 'SENDING', 'INFLIGHT', 'UNKNOWN');
CREATE INDEX open_attempts ON attempts (state) WHERE state IN ('SENDING', 'INFLIGHT', 'UNKNOWN');

CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  time_ms INTEGER NOT NULL,
  manifest_id TEXT NOT NULL,
  line INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  payment_hash TEXT NOT NULL,
  event TEXT NOT NULL,
  from_state TEXT NOT NULL,
  to_state TEXT NOT NULL,
  alarm INTEGER NOT NULL CHECK (alarm IN (0, 1)),
  reason TEXT NOT NULL
) STRICT;
CREATE INDEX events_of_line ON events (manifest_id, line);

-- Outgoing payments of a node that this journal did not make. They stop settlement until there is an acknowledgement, unless they failed.
CREATE TABLE foreign_payments (
  node TEXT NOT NULL,
  payment_hash TEXT NOT NULL,
  amount_msat INTEGER NOT NULL,
  status TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL,
  PRIMARY KEY (node, payment_hash)
) STRICT;
CREATE TABLE acknowledgements (
  node TEXT NOT NULL,
  payment_hash TEXT NOT NULL,
  reason TEXT NOT NULL CHECK (length(reason) > 0),
  time_ms INTEGER NOT NULL,
  PRIMARY KEY (node, payment_hash),
  FOREIGN KEY (node, payment_hash) REFERENCES foreign_payments
) STRICT;
-- Up to which entry of the node's payment list everything is known.
CREATE TABLE cursors (node TEXT PRIMARY KEY, last_index INTEGER NOT NULL) STRICT;

CREATE TRIGGER manifests_never_change BEFORE UPDATE ON manifests BEGIN SELECT RAISE(ABORT, 'manifests never change'); END;
CREATE TRIGGER manifests_stay BEFORE DELETE ON manifests BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER lines_stay BEFORE DELETE ON lines BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER lines_keep_their_terms BEFORE UPDATE OF manifest_id, line, account, pay_msat, destination_kind, destination_value ON lines
  BEGIN SELECT RAISE(ABORT, 'the terms of a line never change'); END;
CREATE TRIGGER invoices_stay BEFORE DELETE ON invoices BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER invoices_never_change BEFORE UPDATE ON invoices BEGIN SELECT RAISE(ABORT, 'invoices never change'); END;
CREATE TRIGGER attempts_stay BEFORE DELETE ON attempts BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER events_never_change BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events never change'); END;
CREATE TRIGGER acknowledgements_stay BEFORE DELETE ON acknowledgements BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER acknowledgements_never_change BEFORE UPDATE ON acknowledgements BEGIN SELECT RAISE(ABORT, 'acknowledgements never change'); END;

CREATE TRIGGER attempts_start BEFORE INSERT ON attempts BEGIN
  SELECT RAISE(ABORT, 'an attempt starts as RESOLVED') WHERE NEW.state <> 'RESOLVED' OR NEW.seen <> 0 OR NEW.sends <> 0;
  SELECT RAISE(ABORT, 'an attempt pays exactly the amount of its line')
    WHERE NEW.amount_msat IS NOT (SELECT pay_msat FROM lines WHERE manifest_id = NEW.manifest_id AND line = NEW.line);
  SELECT RAISE(ABORT, 'the line is paid')
    WHERE EXISTS (SELECT 1 FROM attempts WHERE manifest_id = NEW.manifest_id AND line = NEW.line AND state = 'PAID');
  SELECT RAISE(ABORT, 'the line is held')
    WHERE EXISTS (SELECT 1 FROM lines WHERE manifest_id = NEW.manifest_id AND line = NEW.line AND held_reason IS NOT NULL);
  SELECT RAISE(ABORT, 'attempts are numbered from 1 without gaps')
    WHERE NEW.attempt <> 1 + (SELECT count(*) FROM attempts WHERE manifest_id = NEW.manifest_id AND line = NEW.line);
END;

CREATE TRIGGER attempts_keep_their_terms BEFORE UPDATE OF id, manifest_id, line, attempt, payment_hash, backend, node, amount_msat, created_ms ON attempts
  BEGIN SELECT RAISE(ABORT, 'the terms of an attempt never change'); END;
CREATE TRIGGER attempts_move BEFORE UPDATE ON attempts BEGIN
  SELECT RAISE(ABORT, 'illegal transition') WHERE OLD.state || '>' || NEW.state NOT IN (
    'RESOLVED>SENDING', 'SENDING>SENDING', 'UNKNOWN>SENDING',
    'SENDING>INFLIGHT', 'UNKNOWN>INFLIGHT', 'INFLIGHT>INFLIGHT',
    'SENDING>UNKNOWN', 'INFLIGHT>UNKNOWN', 'UNKNOWN>UNKNOWN',
    'SENDING>PAID', 'INFLIGHT>PAID', 'UNKNOWN>PAID', 'FAILED_SAFE>PAID',
    'RESOLVED>FAILED_SAFE', 'SENDING>FAILED_SAFE', 'INFLIGHT>FAILED_SAFE', 'UNKNOWN>FAILED_SAFE',
    'FAILED_SAFE>RESOLVED');
  SELECT RAISE(ABORT, 'what the node has confirmed is not sent again')
    WHERE NEW.state = 'SENDING' AND OLD.state <> 'RESOLVED' AND OLD.seen = 1;
  SELECT RAISE(ABORT, 'each sending is counted') WHERE NEW.sends <> OLD.sends + (NEW.state = 'SENDING');
  SELECT RAISE(ABORT, 'a confirmation is forgotten only by a retry') WHERE OLD.seen = 1 AND NEW.seen = 0 AND NEW.state <> 'RESOLVED';
  SELECT RAISE(ABORT, 'the reservation changes only with a retry') WHERE NEW.fee_limit_msat <> OLD.fee_limit_msat AND NEW.state <> 'RESOLVED';
  SELECT RAISE(ABORT, 'the line is held')
    WHERE (NEW.state = 'RESOLVED' OR (NEW.state = 'SENDING' AND OLD.state = 'RESOLVED'))
      AND EXISTS (SELECT 1 FROM lines WHERE manifest_id = NEW.manifest_id AND line = NEW.line AND held_reason IS NOT NULL);
  SELECT RAISE(ABORT, 'the line is paid')
    WHERE NEW.state IN ('RESOLVED', 'SENDING')
      AND EXISTS (SELECT 1 FROM attempts WHERE manifest_id = NEW.manifest_id AND line = NEW.line AND state = 'PAID' AND id <> NEW.id);
END;

CREATE TRIGGER attempts_started AFTER INSERT ON attempts BEGIN
  INSERT INTO events (time_ms, manifest_id, line, attempt, payment_hash, event, from_state, to_state, alarm, reason)
    VALUES (NEW.changed_ms, NEW.manifest_id, NEW.line, NEW.attempt, NEW.payment_hash, NEW.event, 'PLANNED', NEW.state, 0, NEW.reason);
END;
CREATE TRIGGER attempts_moved AFTER UPDATE ON attempts WHEN OLD.state <> NEW.state OR OLD.sends <> NEW.sends BEGIN
  INSERT INTO events (time_ms, manifest_id, line, attempt, payment_hash, event, from_state, to_state, alarm, reason)
    VALUES (NEW.changed_ms, NEW.manifest_id, NEW.line, NEW.attempt, NEW.payment_hash, NEW.event, OLD.state, NEW.state,
      NEW.state = 'PAID' AND (OLD.state = 'FAILED_SAFE' OR EXISTS (SELECT 1 FROM attempts
        WHERE manifest_id = NEW.manifest_id AND line = NEW.line AND state = 'PAID' AND id <> NEW.id)), NEW.reason);
END;
)sql";

constexpr const char* first_down = R"sql(
DROP TABLE cursors;
DROP TABLE acknowledgements;
DROP TABLE foreign_payments;
DROP TABLE events;
DROP TABLE attempts;
DROP TABLE invoices;
DROP TABLE lines;
DROP TABLE manifests;
DROP TABLE meta;
)sql";

// The reward of a block (or of a cycle's pool) belongs to one manifest: `pot` names it. Rows of version 1 get theirs from the program, once.
// Nothing is sent for a held line, also not again. What was asked for an invoice and did not give a good one is kept, and so is the invoice that an
// operator accepts in place of one that a manifest brought.
constexpr const char* second_up = R"sql(
DROP TRIGGER manifests_never_change;
ALTER TABLE manifests ADD COLUMN pot TEXT;
CREATE UNIQUE INDEX one_manifest_per_pot ON manifests (chain, pot);
CREATE TRIGGER manifests_never_change BEFORE UPDATE OF manifest_id, chain, simulated, kind, number, pay_msat, jws, first_seen_ms ON manifests
  BEGIN SELECT RAISE(ABORT, 'manifests never change'); END;
CREATE TRIGGER manifests_keep_their_pot BEFORE UPDATE OF pot ON manifests WHEN OLD.pot IS NOT NULL
  BEGIN SELECT RAISE(ABORT, 'manifests never change'); END;

CREATE TRIGGER attempts_of_held_lines BEFORE UPDATE ON attempts WHEN NEW.state = 'SENDING' BEGIN
  SELECT RAISE(ABORT, 'the line is held')
    WHERE EXISTS (SELECT 1 FROM lines WHERE manifest_id = NEW.manifest_id AND line = NEW.line AND held_reason IS NOT NULL);
END;

-- One row for each reason, however often it came: a service that is down for a month does not fill the disk.
CREATE TABLE refused_invoices (
  manifest_id TEXT NOT NULL,
  line INTEGER NOT NULL,
  reason TEXT NOT NULL,
  bolt11 TEXT,                      -- the last one of them; null: there was no invoice at all
  times INTEGER NOT NULL CHECK (times >= 1),
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  PRIMARY KEY (manifest_id, line, reason),
  FOREIGN KEY (manifest_id, line) REFERENCES lines
) STRICT;
CREATE TABLE replacements (
  id INTEGER PRIMARY KEY,
  manifest_id TEXT NOT NULL,
  line INTEGER NOT NULL,
  bolt11 TEXT NOT NULL UNIQUE,
  reason TEXT NOT NULL CHECK (length(reason) > 0),
  time_ms INTEGER NOT NULL,
  FOREIGN KEY (manifest_id, line) REFERENCES lines
) STRICT;
CREATE TRIGGER refused_invoices_stay BEFORE DELETE ON refused_invoices BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER replacements_stay BEFORE DELETE ON replacements BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER replacements_never_change BEFORE UPDATE ON replacements BEGIN SELECT RAISE(ABORT, 'replacements never change'); END;
)sql";

constexpr const char* second_down = R"sql(
DROP TABLE replacements;
DROP TABLE refused_invoices;
DROP TRIGGER attempts_of_held_lines;
DROP TRIGGER manifests_keep_their_pot;
DROP TRIGGER manifests_never_change;
DROP INDEX one_manifest_per_pot;
ALTER TABLE manifests DROP COLUMN pot;
CREATE TRIGGER manifests_never_change BEFORE UPDATE ON manifests BEGIN SELECT RAISE(ABORT, 'manifests never change'); END;
)sql";

}  // namespace

std::span<const store::Migration> journal_migrations() {
  static const store::Migration migrations[] = {
      {1, "journal", first_up, first_down}, {2, "pots_and_invoices", second_up, second_down}, {3, "batches_and_decisions", batches_up, batches_down},
      {4, "onchain", onchain_up, onchain_down}, {5, "sealing", sealing_up, sealing_down}, {6, "rebalances", rebalances_up, rebalances_down},
      {7, "reinvest", reinvest_up, reinvest_down}, {8, "figures", figures_up, figures_down}};
  return migrations;
}

}  // namespace hh::ln
