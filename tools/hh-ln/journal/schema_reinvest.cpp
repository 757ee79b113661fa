// Version 7 of the journal: what forwarding has earned, how it is divided, and what nodes withdraw of it. The rules, whatever program writes:
//
//   - orders (a policy, a node's preference, a withdrawal) are kept as they were signed, numbered without gaps for each subject; nothing of them changes
//   - a forward is there once (node and nanosecond name it), and belongs to one sweep for ever
//   - a sweep exists only with its seal, and is sealed only where it holds all that its forwards earned, to the msat: reserve + what nodes may withdraw
//   - a withdrawal is ordered in parts, never more than its amount, than the node is owed, than the policy in force allows at once and in a day, nor than the
//     wallet has above its reserve
//   - a manifest of withdrawals is taken only where its id is that of a batch made here, so each batch is paid by one manifest, and that by the rules of lines
#include "journal/schema.h"

namespace hh::ln {

const char* const reinvest_up = R"sql(
DROP TRIGGER manifests_never_change;
ALTER TABLE manifests RENAME COLUMN kind TO old_kind;
ALTER TABLE manifests ADD COLUMN kind TEXT NOT NULL DEFAULT 'round' CHECK (kind IN ('round', 'cycle', 'withdrawal'));
UPDATE manifests SET kind = old_kind;
ALTER TABLE manifests DROP COLUMN old_kind;
CREATE TRIGGER manifests_never_change BEFORE UPDATE OF manifest_id, chain, simulated, kind, number, pay_msat, jws, first_seen_ms ON manifests
  BEGIN SELECT RAISE(ABORT, 'manifests never change'); END;

CREATE TABLE reinvest_orders (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('policy', 'preference', 'withdrawal')),
  node TEXT NOT NULL,               -- '': of the whole treasury
  sequence INTEGER NOT NULL CHECK (sequence >= 1),
  kid TEXT NOT NULL CHECK (length(kid) = 43),
  signed_at INTEGER NOT NULL,       -- unix seconds
  accepted_ms INTEGER NOT NULL,
  accepted_by TEXT NOT NULL,
  jws TEXT NOT NULL,
  UNIQUE (kind, node, sequence),
  CHECK ((kind = 'policy') = (node = ''))
) STRICT;
CREATE TABLE reinvest_policies (
  sequence INTEGER PRIMARY KEY,
  order_id INTEGER NOT NULL UNIQUE REFERENCES reinvest_orders,
  chain TEXT NOT NULL,
  reinvest_ppm INTEGER NOT NULL,
  least_reinvest_ppm INTEGER NOT NULL,
  most_reinvest_ppm INTEGER NOT NULL,
  min_withdrawal_msat INTEGER NOT NULL CHECK (min_withdrawal_msat >= 1000),
  max_withdrawal_msat INTEGER NOT NULL CHECK (max_withdrawal_msat >= 0),
  max_day_msat INTEGER NOT NULL CHECK (max_day_msat >= 0),
  reserve_msat INTEGER NOT NULL CHECK (reserve_msat >= 0),
  CHECK (0 <= least_reinvest_ppm AND least_reinvest_ppm <= reinvest_ppm AND reinvest_ppm <= most_reinvest_ppm AND most_reinvest_ppm <= 1000000)
) STRICT;
CREATE TABLE reinvest_nodes (
  policy INTEGER NOT NULL REFERENCES reinvest_policies,
  node TEXT NOT NULL CHECK (length(node) > 0),
  weight INTEGER NOT NULL CHECK (weight BETWEEN 1 AND 1000000),
  key TEXT NOT NULL,                -- public key of the node, or '': only the treasurer speaks for it
  PRIMARY KEY (policy, node)
) STRICT, WITHOUT ROWID;
CREATE TABLE reinvest_preferences (
  order_id INTEGER PRIMARY KEY REFERENCES reinvest_orders,
  node TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  reinvest_ppm INTEGER NOT NULL CHECK (reinvest_ppm BETWEEN 0 AND 1000000),
  UNIQUE (node, sequence)
) STRICT;
CREATE TABLE withdrawals (
  order_id INTEGER PRIMARY KEY REFERENCES reinvest_orders,
  node TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  amount_msat INTEGER NOT NULL CHECK (amount_msat > 0 AND amount_msat % 1000 = 0),
  at_once INTEGER NOT NULL CHECK (at_once IN (0, 1)),  -- its destination is an invoice, which takes all or nothing
  UNIQUE (node, sequence)
) STRICT;

-- The forwards of a node, as its own log has them.
CREATE TABLE forwards (
  node TEXT NOT NULL,
  timestamp_ns INTEGER NOT NULL CHECK (timestamp_ns > 0),
  chan_in TEXT NOT NULL,
  chan_out TEXT NOT NULL,
  htlc_in INTEGER NOT NULL,
  htlc_out INTEGER NOT NULL,
  in_msat INTEGER NOT NULL,
  out_msat INTEGER NOT NULL,
  fee_msat INTEGER NOT NULL CHECK (fee_msat >= 0 AND fee_msat = in_msat - out_msat),
  seen_ms INTEGER NOT NULL,
  sweep INTEGER REFERENCES fee_sweeps,
  PRIMARY KEY (node, timestamp_ns)
) STRICT, WITHOUT ROWID;
CREATE INDEX forwards_of_sweep ON forwards (sweep);
-- What the node once listed and does not list any more.
CREATE TABLE missing_forwards (
  node TEXT NOT NULL,
  timestamp_ns INTEGER NOT NULL,
  noticed_ms INTEGER NOT NULL,
  PRIMARY KEY (node, timestamp_ns),
  FOREIGN KEY (node, timestamp_ns) REFERENCES forwards
) STRICT, WITHOUT ROWID;

CREATE TABLE fee_sweeps (
  id INTEGER PRIMARY KEY REFERENCES fee_sweep_seals (sweep) DEFERRABLE INITIALLY DEFERRED,
  node TEXT NOT NULL,
  number INTEGER NOT NULL CHECK (number >= 1),
  policy INTEGER NOT NULL REFERENCES reinvest_policies,
  forwards INTEGER NOT NULL CHECK (forwards >= 1),
  earned_msat INTEGER NOT NULL CHECK (earned_msat > 0),
  reserve_msat INTEGER NOT NULL CHECK (reserve_msat >= 0),
  record TEXT NOT NULL,
  UNIQUE (node, number)
) STRICT;
CREATE TABLE fee_parts (
  sweep INTEGER NOT NULL REFERENCES fee_sweeps,
  node TEXT NOT NULL,
  part_msat INTEGER NOT NULL CHECK (part_msat >= 0),
  reinvest_ppm INTEGER NOT NULL CHECK (reinvest_ppm BETWEEN 0 AND 1000000),
  withdrawable_msat INTEGER NOT NULL,
  PRIMARY KEY (sweep, node),
  -- floor(part · (10^6 - ppm) / 10^6), without overflow
  CHECK (withdrawable_msat = part_msat / 1000000 * (1000000 - reinvest_ppm) + part_msat % 1000000 * (1000000 - reinvest_ppm) / 1000000)
) STRICT, WITHOUT ROWID;
CREATE INDEX fee_parts_of_node ON fee_parts (node);
CREATE TABLE fee_sweep_seals (sweep INTEGER PRIMARY KEY REFERENCES fee_sweeps) STRICT;

CREATE TABLE withdrawal_batches (
  number INTEGER PRIMARY KEY CHECK (number >= 1),
  manifest_id TEXT NOT NULL UNIQUE CHECK (length(manifest_id) = 64),
  chain TEXT NOT NULL,
  simulated INTEGER NOT NULL CHECK (simulated IN (0, 1)),
  policy INTEGER NOT NULL REFERENCES reinvest_policies,
  spendable_msat INTEGER NOT NULL CHECK (spendable_msat >= 0),  -- what the wallet had above its reserve and above all that it owed
  created_ms INTEGER NOT NULL,
  day INTEGER NOT NULL,
  CHECK (day = created_ms / 86400000)
) STRICT;
CREATE TABLE withdrawal_lines (
  batch INTEGER NOT NULL REFERENCES withdrawal_batches,
  line INTEGER NOT NULL CHECK (line >= 0),
  order_id INTEGER NOT NULL REFERENCES withdrawals,
  node TEXT NOT NULL,
  carried_msat INTEGER NOT NULL,    -- what the node was owed before
  amount_msat INTEGER NOT NULL CHECK (amount_msat > 0 AND amount_msat % 1000 = 0),
  PRIMARY KEY (batch, line),
  UNIQUE (batch, node)
) STRICT, WITHOUT ROWID;
CREATE INDEX withdrawal_lines_of_order ON withdrawal_lines (order_id);
CREATE INDEX withdrawal_lines_of_node ON withdrawal_lines (node);
-- All but those of batches whose manifest was revoked before it was ever taken, which it then never is: what they ordered is free again.
CREATE VIEW live_withdrawals AS
  SELECT l.*, b.manifest_id, b.day FROM withdrawal_lines l JOIN withdrawal_batches b ON b.number = l.batch
  WHERE EXISTS (SELECT 1 FROM manifests m WHERE m.manifest_id = b.manifest_id) OR NOT EXISTS (SELECT 1 FROM revocations r WHERE r.manifest_id = b.manifest_id);
-- What each node may withdraw and has not ordered yet.
CREATE VIEW yields AS
  SELECT node, sum(msat) AS msat FROM (SELECT node, withdrawable_msat AS msat FROM fee_parts UNION ALL SELECT node, -amount_msat FROM live_withdrawals) GROUP BY node;
CREATE VIEW withdrawal_states AS
  SELECT w.order_id, w.node, w.sequence, w.amount_msat, w.at_once,
    coalesce((SELECT sum(amount_msat) FROM live_withdrawals l WHERE l.order_id = w.order_id), 0) AS ordered_msat,
    coalesce((SELECT sum(l.amount_msat) FROM live_withdrawals l WHERE l.order_id = w.order_id
      AND (EXISTS (SELECT 1 FROM attempts a WHERE a.manifest_id = l.manifest_id AND a.line = l.line AND a.state = 'PAID')
        OR EXISTS (SELECT 1 FROM onchain_claims c WHERE c.manifest_id = l.manifest_id AND c.line = l.line AND c.state = 'CONFIRMED'))), 0) AS paid_msat
  FROM withdrawals w;

CREATE TRIGGER reinvest_orders_stay BEFORE DELETE ON reinvest_orders BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER reinvest_orders_never_change BEFORE UPDATE ON reinvest_orders BEGIN SELECT RAISE(ABORT, 'orders never change'); END;
CREATE TRIGGER reinvest_policies_stay BEFORE DELETE ON reinvest_policies BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER reinvest_policies_never_change BEFORE UPDATE ON reinvest_policies BEGIN SELECT RAISE(ABORT, 'orders never change'); END;
CREATE TRIGGER reinvest_nodes_stay BEFORE DELETE ON reinvest_nodes BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER reinvest_nodes_never_change BEFORE UPDATE ON reinvest_nodes BEGIN SELECT RAISE(ABORT, 'orders never change'); END;
CREATE TRIGGER reinvest_preferences_stay BEFORE DELETE ON reinvest_preferences BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER reinvest_preferences_never_change BEFORE UPDATE ON reinvest_preferences BEGIN SELECT RAISE(ABORT, 'orders never change'); END;
CREATE TRIGGER withdrawals_stay BEFORE DELETE ON withdrawals BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER withdrawals_never_change BEFORE UPDATE ON withdrawals BEGIN SELECT RAISE(ABORT, 'orders never change'); END;
CREATE TRIGGER forwards_stay BEFORE DELETE ON forwards BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER missing_forwards_stay BEFORE DELETE ON missing_forwards BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER missing_forwards_never_change BEFORE UPDATE ON missing_forwards BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER fee_sweeps_stay BEFORE DELETE ON fee_sweeps BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER fee_sweeps_never_change BEFORE UPDATE ON fee_sweeps BEGIN SELECT RAISE(ABORT, 'sweeps never change'); END;
CREATE TRIGGER fee_parts_stay BEFORE DELETE ON fee_parts BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER fee_parts_never_change BEFORE UPDATE ON fee_parts BEGIN SELECT RAISE(ABORT, 'sweeps never change'); END;
CREATE TRIGGER fee_sweep_seals_stay BEFORE DELETE ON fee_sweep_seals BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER fee_sweep_seals_never_change BEFORE UPDATE ON fee_sweep_seals BEGIN SELECT RAISE(ABORT, 'sweeps never change'); END;
CREATE TRIGGER withdrawal_batches_stay BEFORE DELETE ON withdrawal_batches BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER withdrawal_batches_never_change BEFORE UPDATE ON withdrawal_batches BEGIN SELECT RAISE(ABORT, 'batches never change'); END;
CREATE TRIGGER withdrawal_lines_stay BEFORE DELETE ON withdrawal_lines BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER withdrawal_lines_never_change BEFORE UPDATE ON withdrawal_lines BEGIN SELECT RAISE(ABORT, 'batches never change'); END;

CREATE TRIGGER reinvest_orders_count BEFORE INSERT ON reinvest_orders BEGIN
  SELECT RAISE(ABORT, 'orders are numbered from 1 without gaps')
    WHERE NEW.sequence <> 1 + (SELECT count(*) FROM reinvest_orders WHERE kind = NEW.kind AND node = NEW.node);
  SELECT RAISE(ABORT, 'there is no policy yet') WHERE NEW.kind <> 'policy' AND NOT EXISTS (SELECT 1 FROM reinvest_policies);
END;
CREATE TRIGGER reinvest_policies_keep_the_chain BEFORE INSERT ON reinvest_policies
  WHEN EXISTS (SELECT 1 FROM reinvest_policies WHERE chain <> NEW.chain) BEGIN SELECT RAISE(ABORT, 'the policy is for another chain'); END;

CREATE TRIGGER forwards_start BEFORE INSERT ON forwards WHEN NEW.sweep IS NOT NULL BEGIN SELECT RAISE(ABORT, 'a forward is swept later'); END;
CREATE TRIGGER forwards_never_change BEFORE UPDATE ON forwards BEGIN
  SELECT RAISE(ABORT, 'a forward never changes') WHERE (NEW.node, NEW.timestamp_ns, NEW.chan_in, NEW.chan_out, NEW.htlc_in, NEW.htlc_out, NEW.in_msat, NEW.out_msat, NEW.fee_msat, NEW.seen_ms)
    IS NOT (OLD.node, OLD.timestamp_ns, OLD.chan_in, OLD.chan_out, OLD.htlc_in, OLD.htlc_out, OLD.in_msat, OLD.out_msat, OLD.fee_msat, OLD.seen_ms);
  SELECT RAISE(ABORT, 'a forward is swept once') WHERE OLD.sweep IS NOT NULL OR NEW.sweep IS NULL;
  SELECT RAISE(ABORT, 'the sweep is of another node, or sealed') WHERE NEW.node IS NOT (SELECT node FROM fee_sweeps WHERE id = NEW.sweep)
    OR EXISTS (SELECT 1 FROM fee_sweep_seals WHERE sweep = NEW.sweep);
END;
CREATE TRIGGER fee_sweeps_count BEFORE INSERT ON fee_sweeps BEGIN
  SELECT RAISE(ABORT, 'sweeps of a node are numbered from 1 without gaps') WHERE NEW.number <> 1 + (SELECT count(*) FROM fee_sweeps WHERE node = NEW.node);
  SELECT RAISE(ABORT, 'a sweep follows the policy in force') WHERE NEW.policy <> (SELECT max(sequence) FROM reinvest_policies);
END;
CREATE TRIGGER fee_parts_before_the_seal BEFORE INSERT ON fee_parts BEGIN
  SELECT RAISE(ABORT, 'the sweep is sealed') WHERE EXISTS (SELECT 1 FROM fee_sweep_seals WHERE sweep = NEW.sweep);
  SELECT RAISE(ABORT, 'the node has no part by the policy, or another rate than it allows') WHERE NOT EXISTS (SELECT 1 FROM fee_sweeps s JOIN reinvest_policies p ON p.sequence = s.policy
    JOIN reinvest_nodes n ON n.policy = p.sequence WHERE s.id = NEW.sweep AND n.node = NEW.node AND NEW.reinvest_ppm BETWEEN p.least_reinvest_ppm AND p.most_reinvest_ppm);
END;
CREATE TRIGGER fee_sweep_seals_on_balance BEFORE INSERT ON fee_sweep_seals BEGIN
  SELECT RAISE(ABORT, 'the sweep is not what its forwards earned') WHERE NOT EXISTS (SELECT 1 FROM fee_sweeps s WHERE s.id = NEW.sweep
    AND s.forwards = (SELECT count(*) FROM forwards WHERE sweep = s.id) AND s.earned_msat = (SELECT coalesce(sum(fee_msat), 0) FROM forwards WHERE sweep = s.id));
  SELECT RAISE(ABORT, 'the sweep does not add up') WHERE NOT EXISTS (SELECT 1 FROM fee_sweeps s WHERE s.id = NEW.sweep
    AND s.earned_msat = s.reserve_msat + (SELECT coalesce(sum(withdrawable_msat), 0) FROM fee_parts WHERE sweep = s.id)
    AND s.earned_msat = (SELECT coalesce(sum(part_msat), s.earned_msat) FROM fee_parts WHERE sweep = s.id));
END;

CREATE TRIGGER withdrawal_batches_count BEFORE INSERT ON withdrawal_batches BEGIN
  SELECT RAISE(ABORT, 'batches are numbered from 1 without gaps') WHERE NEW.number <> 1 + (SELECT count(*) FROM withdrawal_batches);
  SELECT RAISE(ABORT, 'a batch follows the policy in force') WHERE NEW.policy <> (SELECT max(sequence) FROM reinvest_policies);
  SELECT RAISE(ABORT, 'the batch before has no manifest yet')
    WHERE EXISTS (SELECT 1 FROM live_withdrawals l WHERE NOT EXISTS (SELECT 1 FROM manifests m WHERE m.manifest_id = l.manifest_id));
END;
CREATE TRIGGER withdrawal_lines_within_limits BEFORE INSERT ON withdrawal_lines BEGIN
  SELECT RAISE(ABORT, 'the batch has its manifest') WHERE EXISTS (SELECT 1 FROM manifests m JOIN withdrawal_batches b USING (manifest_id) WHERE b.number = NEW.batch);
  SELECT RAISE(ABORT, 'the order is of another node') WHERE NEW.node IS NOT (SELECT node FROM withdrawals WHERE order_id = NEW.order_id);
  SELECT RAISE(ABORT, 'more than was ordered, or not all of it where it must be all')
    WHERE NOT EXISTS (SELECT 1 FROM withdrawal_states w WHERE w.order_id = NEW.order_id AND NEW.amount_msat <= w.amount_msat - w.ordered_msat AND (NOT w.at_once OR NEW.amount_msat = w.amount_msat));
  SELECT RAISE(ABORT, 'more than the node is owed')
    WHERE NEW.carried_msat IS NOT (SELECT msat FROM yields WHERE node = NEW.node) OR NEW.amount_msat > NEW.carried_msat;
  SELECT RAISE(ABORT, 'more than the policy allows at once') WHERE NEW.amount_msat > (SELECT max_withdrawal_msat FROM reinvest_policies ORDER BY sequence DESC LIMIT 1);
  SELECT RAISE(ABORT, 'more than the policy allows in a day') WHERE NEW.amount_msat > (SELECT max_day_msat FROM reinvest_policies ORDER BY sequence DESC LIMIT 1)
    - (SELECT coalesce(sum(l.amount_msat), 0) FROM live_withdrawals l WHERE l.day = (SELECT day FROM withdrawal_batches WHERE number = NEW.batch));
  SELECT RAISE(ABORT, 'the wallet would go below its reserve') WHERE NEW.amount_msat > (SELECT spendable_msat FROM withdrawal_batches WHERE number = NEW.batch)
    - (SELECT coalesce(sum(amount_msat), 0) FROM withdrawal_lines WHERE batch = NEW.batch);
END;
CREATE TRIGGER manifests_of_withdrawals BEFORE INSERT ON manifests WHEN NEW.kind = 'withdrawal' BEGIN
  SELECT RAISE(ABORT, 'the manifest is revoked') WHERE EXISTS (SELECT 1 FROM revocations WHERE manifest_id = NEW.manifest_id);
  SELECT RAISE(ABORT, 'no batch of withdrawals of this journal has this manifest') WHERE NOT EXISTS (SELECT 1 FROM withdrawal_batches b WHERE b.manifest_id = NEW.manifest_id
    AND b.number = NEW.number AND NEW.pay_msat = (SELECT sum(amount_msat) FROM withdrawal_lines WHERE batch = b.number));
END;
)sql";

const char* const reinvest_down = R"sql(
CREATE TEMP TABLE must_be_empty (n INTEGER CHECK (n = 0));
INSERT INTO must_be_empty SELECT count(*) FROM manifests WHERE kind = 'withdrawal';
DROP TABLE must_be_empty;
DROP TRIGGER manifests_of_withdrawals;
DROP VIEW withdrawal_states;
DROP VIEW yields;
DROP VIEW live_withdrawals;
DROP TABLE withdrawal_lines;
DROP TABLE withdrawal_batches;
DROP TABLE fee_parts;
DROP TABLE missing_forwards;
DROP TABLE forwards;
DROP TABLE fee_sweeps;
DROP TABLE fee_sweep_seals;
DROP TABLE withdrawals;
DROP TABLE reinvest_preferences;
DROP TABLE reinvest_nodes;
DROP TABLE reinvest_policies;
DROP TABLE reinvest_orders;
DROP TRIGGER manifests_never_change;
ALTER TABLE manifests RENAME COLUMN kind TO new_kind;
ALTER TABLE manifests ADD COLUMN kind TEXT NOT NULL DEFAULT 'round' CHECK (kind IN ('round', 'cycle'));
UPDATE manifests SET kind = new_kind;
ALTER TABLE manifests DROP COLUMN new_kind;
CREATE TRIGGER manifests_never_change BEFORE UPDATE OF manifest_id, chain, simulated, kind, number, pay_msat, jws, first_seen_ms ON manifests
  BEGIN SELECT RAISE(ABORT, 'manifests never change'); END;
)sql";

}  // namespace hh::ln
