// Version 3 of the journal: batches, what operators decided, revoked manifests, and how often the node's list was compared with the journal.
//
//   - a batch has at most 50 lines, none of which is in another batch that is open; it is closed once and never changes otherwise
//   - nothing new is sent for a revoked manifest, and a revocation is for ever
//   - what a manifest pays out is paid by another one only where the first is revoked and nothing of it was ever sent: where money may have moved for
//     one of its lines, there is no telling which line of a successor would pay it again
#include "journal/schema.h"

namespace hh::ln {

const char* const batches_up = R"sql(
DROP INDEX one_manifest_per_pot;
CREATE INDEX manifests_by_pot ON manifests (chain, pot);
-- Unix seconds: the latest exp of its signatures. Null: recorded by version 2 and not signed again since.
ALTER TABLE manifests ADD COLUMN expires_at INTEGER;
CREATE TRIGGER manifests_expire_later BEFORE UPDATE OF expires_at ON manifests WHEN NEW.expires_at IS NULL OR NEW.expires_at <= OLD.expires_at
  BEGIN SELECT RAISE(ABORT, 'a manifest expires as its latest signature says'); END;

-- No reference to manifests: one may be revoked before the journal has seen it.
CREATE TABLE revocations (
  manifest_id TEXT PRIMARY KEY CHECK (length(manifest_id) = 64),
  reason TEXT NOT NULL CHECK (length(reason) > 0),
  time_ms INTEGER NOT NULL
) STRICT;
CREATE TRIGGER revocations_stay BEFORE DELETE ON revocations BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER revocations_never_change BEFORE UPDATE ON revocations BEGIN SELECT RAISE(ABORT, 'a revocation is for ever'); END;
CREATE TRIGGER manifests_revoked BEFORE INSERT ON manifests BEGIN
  SELECT RAISE(ABORT, 'the manifest is revoked') WHERE EXISTS (SELECT 1 FROM revocations WHERE manifest_id = NEW.manifest_id);
END;
CREATE TRIGGER attempts_of_revoked_start BEFORE INSERT ON attempts BEGIN
  SELECT RAISE(ABORT, 'the manifest is revoked') WHERE EXISTS (SELECT 1 FROM revocations WHERE manifest_id = NEW.manifest_id);
END;
CREATE TRIGGER attempts_of_revoked_move BEFORE UPDATE ON attempts WHEN NEW.state IN ('RESOLVED', 'SENDING') BEGIN
  SELECT RAISE(ABORT, 'the manifest is revoked') WHERE EXISTS (SELECT 1 FROM revocations WHERE manifest_id = NEW.manifest_id);
END;

-- Manifests for what another one still pays, or has begun to pay, are not taken.
CREATE VIEW manifests_in_force AS
  SELECT manifest_id, chain, pot FROM manifests m WHERE pot IS NOT NULL
    AND (NOT EXISTS (SELECT 1 FROM revocations r WHERE r.manifest_id = m.manifest_id)
      OR EXISTS (SELECT 1 FROM attempts a WHERE a.manifest_id = m.manifest_id AND (a.sends > 0 OR a.state = 'PAID')));
CREATE TRIGGER manifests_one_for_a_pot BEFORE INSERT ON manifests WHEN NEW.pot IS NOT NULL BEGIN
  SELECT RAISE(ABORT, 'another manifest pays this out') WHERE EXISTS (SELECT 1 FROM manifests_in_force WHERE chain = NEW.chain AND pot = NEW.pot AND manifest_id <> NEW.manifest_id);
END;
CREATE TRIGGER manifests_one_named_for_a_pot BEFORE UPDATE OF pot ON manifests WHEN NEW.pot IS NOT NULL AND OLD.pot IS NULL BEGIN
  SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM manifests WHERE chain = NEW.chain AND pot = NEW.pot AND manifest_id <> NEW.manifest_id);
END;

-- Lines that are worked together. The reservation is what their routes may cost at most; null ceiling: only each line's own limit counts.
CREATE TABLE batches (
  id INTEGER PRIMARY KEY,
  manifest_id TEXT NOT NULL REFERENCES manifests,
  number INTEGER NOT NULL CHECK (number >= 1),
  opened_ms INTEGER NOT NULL,
  lines INTEGER NOT NULL CHECK (lines BETWEEN 1 AND 50),
  amount_msat INTEGER NOT NULL CHECK (amount_msat > 0),
  fee_reserved_msat INTEGER NOT NULL CHECK (fee_reserved_msat >= 0),
  fee_ceiling_msat INTEGER CHECK (fee_reserved_msat <= fee_ceiling_msat),
  closed_ms INTEGER,
  paid INTEGER, failed INTEGER, held INTEGER,
  UNIQUE (manifest_id, number),
  CHECK ((closed_ms IS NULL) = (paid IS NULL) AND (closed_ms IS NULL) = (failed IS NULL) AND (closed_ms IS NULL) = (held IS NULL)),
  CHECK (closed_ms IS NULL OR paid + failed + held = lines)
) STRICT;
CREATE INDEX open_batches ON batches (manifest_id) WHERE closed_ms IS NULL;
CREATE TABLE batch_lines (
  batch INTEGER NOT NULL REFERENCES batches,
  manifest_id TEXT NOT NULL,
  line INTEGER NOT NULL,
  fee_limit_msat INTEGER NOT NULL CHECK (fee_limit_msat >= 0),
  PRIMARY KEY (batch, line),
  FOREIGN KEY (manifest_id, line) REFERENCES lines
) STRICT;
CREATE TRIGGER batches_stay BEFORE DELETE ON batches BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER batches_keep_their_terms BEFORE UPDATE OF id, manifest_id, number, opened_ms, lines, amount_msat, fee_reserved_msat, fee_ceiling_msat ON batches
  BEGIN SELECT RAISE(ABORT, 'the terms of a batch never change'); END;
CREATE TRIGGER batches_close_once BEFORE UPDATE ON batches WHEN OLD.closed_ms IS NOT NULL BEGIN SELECT RAISE(ABORT, 'the batch is closed'); END;
CREATE TRIGGER batch_lines_stay BEFORE DELETE ON batch_lines BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER batch_lines_never_change BEFORE UPDATE ON batch_lines BEGIN SELECT RAISE(ABORT, 'the terms of a batch never change'); END;
CREATE TRIGGER batch_lines_join BEFORE INSERT ON batch_lines BEGIN
  SELECT RAISE(ABORT, 'the batch is closed, of another manifest, or full') WHERE NOT EXISTS (SELECT 1 FROM batches b WHERE b.id = NEW.batch AND b.closed_ms IS NULL
    AND b.manifest_id = NEW.manifest_id AND (SELECT count(*) FROM batch_lines WHERE batch = NEW.batch) < b.lines);
  SELECT RAISE(ABORT, 'the line is in another batch that is open') WHERE EXISTS (SELECT 1 FROM batches b JOIN batch_lines l ON l.batch = b.id
    WHERE b.manifest_id = NEW.manifest_id AND b.closed_ms IS NULL AND l.line = NEW.line);
END;

-- What people decided: who (the user's id and name, or whose token it was), what, about what, and why.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  time_ms INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  name TEXT NOT NULL,
  action TEXT NOT NULL CHECK (length(action) > 0),
  manifest_id TEXT,
  line INTEGER,
  payment_hash TEXT,
  reason TEXT NOT NULL
) STRICT;
CREATE INDEX audit_of_line ON audit (manifest_id, line);
CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'what was decided never changes'); END;

-- Each comparison of the node's list with the journal that had something to compare.
CREATE TABLE reconciliations (
  id INTEGER PRIMARY KEY,
  time_ms INTEGER NOT NULL,
  node TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('settle', 'audit', 'reconcile')),
  listed INTEGER NOT NULL,
  known INTEGER NOT NULL,
  foreign_payments INTEGER NOT NULL,
  late INTEGER NOT NULL,            -- taken for failed, and paid after all
  stale INTEGER NOT NULL,           -- of this journal's lines, but not sent by it: it is older than what the node has done
  result TEXT NOT NULL CHECK (result IN ('agrees', 'foreign', 'stale'))
) STRICT;
CREATE INDEX reconciliations_of_node ON reconciliations (node, id);
CREATE TRIGGER reconciliations_stay BEFORE DELETE ON reconciliations BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER reconciliations_never_change BEFORE UPDATE ON reconciliations BEGIN SELECT RAISE(ABORT, 'reconciliations never change'); END;

-- Payments that came to nothing, and invoices that were not taken.
CREATE VIEW failures AS
  SELECT time_ms, manifest_id, line, 'payment' AS what, payment_hash, reason, 1 AS times FROM events WHERE to_state = 'FAILED_SAFE'
  UNION ALL SELECT last_ms, manifest_id, line, 'invoice', NULL, reason, times FROM refused_invoices;
-- For the rate of payments.
CREATE INDEX sends_by_time ON events (time_ms) WHERE to_state = 'SENDING';
)sql";

const char* const batches_down = R"sql(
DROP INDEX sends_by_time;
DROP VIEW failures;
DROP TABLE reconciliations;
DROP TABLE audit;
DROP TABLE batch_lines;
DROP TABLE batches;
DROP TRIGGER manifests_one_named_for_a_pot;
DROP TRIGGER manifests_one_for_a_pot;
DROP VIEW manifests_in_force;
DROP TRIGGER attempts_of_revoked_move;
DROP TRIGGER attempts_of_revoked_start;
DROP TRIGGER manifests_revoked;
DROP TABLE revocations;
DROP TRIGGER manifests_expire_later;
ALTER TABLE manifests DROP COLUMN expires_at;
DROP INDEX manifests_by_pot;
CREATE UNIQUE INDEX one_manifest_per_pot ON manifests (chain, pot);
)sql";

}  // namespace hh::ln
