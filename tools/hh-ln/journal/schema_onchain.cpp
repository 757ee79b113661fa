// The journal's tables of payments on chain. The rules, whatever program writes:
//
//   - a transaction is recorded whole, with its inputs and lines, before it is sent; nothing of that ever changes, so that it can only be sent again
//   - a line is in one batch that is not CONFLICTED, over exactly its amount, and only while no attempt over Lightning has been or may yet be paid
//     and its manifest is not revoked
//   - from then on the line is held, which keeps every attempt from starting or being sent, and cannot be released
//   - CONFLICTED, the proof that the transaction can never be confirmed, gives its lines back; CONFIRMED is the end
#include "journal/schema.h"

namespace hh::ln {

const char* const onchain_up = R"sql(
-- An operator's word that a line is to be paid on chain. In force while the line is held for the reason 'to be paid on chain (order ID)'.
CREATE TABLE onchain_orders (
  id INTEGER PRIMARY KEY,
  manifest_id TEXT NOT NULL,
  line INTEGER NOT NULL,
  address TEXT,                     -- null: the line's own
  reason TEXT NOT NULL CHECK (length(reason) > 0),
  time_ms INTEGER NOT NULL,
  FOREIGN KEY (manifest_id, line) REFERENCES lines
) STRICT;
CREATE INDEX onchain_orders_of_line ON onchain_orders (manifest_id, line);

CREATE TABLE onchain_batches (
  id INTEGER PRIMARY KEY,
  txid TEXT NOT NULL UNIQUE CHECK (length(txid) = 64),
  raw_tx TEXT NOT NULL CHECK (length(raw_tx) > 0),
  backend TEXT NOT NULL,
  node TEXT NOT NULL,
  chain TEXT NOT NULL,
  lines INTEGER NOT NULL CHECK (lines >= 1),
  amount_sat INTEGER NOT NULL CHECK (amount_sat > 0),
  fee_sat INTEGER NOT NULL CHECK (fee_sat >= 0),
  vsize INTEGER NOT NULL CHECK (vsize > 0),
  change_vout INTEGER,
  change_sat INTEGER CHECK ((change_sat IS NULL) = (change_vout IS NULL)),
  height INTEGER NOT NULL,          -- of the chain when it was built
  state TEXT NOT NULL CHECK (state IN ('RECORDED', 'BROADCAST', 'CONFIRMED', 'CONFLICTED')),
  broadcasts INTEGER NOT NULL DEFAULT 0 CHECK (broadcasts >= 0),
  confirmations INTEGER NOT NULL DEFAULT 0 CHECK (confirmations >= 0),
  reason TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL,
  CHECK (state <> 'CONFIRMED' OR confirmations > 0)
) STRICT;
CREATE TABLE onchain_inputs (
  batch INTEGER NOT NULL REFERENCES onchain_batches,
  txid TEXT NOT NULL CHECK (length(txid) = 64),
  vout INTEGER NOT NULL CHECK (vout >= 0),
  value_sat INTEGER NOT NULL CHECK (value_sat > 0),
  PRIMARY KEY (batch, txid, vout)
) STRICT;
CREATE INDEX onchain_inputs_by_coin ON onchain_inputs (txid, vout);
CREATE TABLE onchain_lines (
  batch INTEGER NOT NULL REFERENCES onchain_batches,
  vout INTEGER NOT NULL CHECK (vout >= 0),
  manifest_id TEXT NOT NULL,
  line INTEGER NOT NULL,
  address TEXT NOT NULL,
  amount_sat INTEGER NOT NULL CHECK (amount_sat > 0),
  fee_msat INTEGER NOT NULL CHECK (fee_msat >= 0),
  PRIMARY KEY (batch, vout),
  UNIQUE (manifest_id, line, batch),
  FOREIGN KEY (manifest_id, line) REFERENCES lines
) STRICT;
CREATE TABLE onchain_bumps (
  id INTEGER PRIMARY KEY,
  batch INTEGER NOT NULL REFERENCES onchain_batches,
  vout INTEGER NOT NULL,
  sat_per_vbyte INTEGER NOT NULL CHECK (sat_per_vbyte > 0),
  budget_sat INTEGER NOT NULL CHECK (budget_sat > 0),
  time_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE onchain_events (
  id INTEGER PRIMARY KEY,
  time_ms INTEGER NOT NULL,
  batch INTEGER NOT NULL,
  txid TEXT NOT NULL,
  from_state TEXT NOT NULL,
  to_state TEXT NOT NULL,
  alarm INTEGER NOT NULL CHECK (alarm IN (0, 1)),
  reason TEXT NOT NULL
) STRICT;
-- Lines that a transaction pays, or has yet to pay.
CREATE VIEW onchain_claims AS
  SELECT l.manifest_id, l.line, b.id AS batch, b.txid, l.vout, l.address, l.amount_sat, l.fee_msat, b.state, b.confirmations, b.reason, b.backend, b.changed_ms
  FROM onchain_lines l JOIN onchain_batches b ON b.id = l.batch WHERE b.state <> 'CONFLICTED';

CREATE TRIGGER onchain_orders_stay BEFORE DELETE ON onchain_orders BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER onchain_orders_never_change BEFORE UPDATE ON onchain_orders BEGIN SELECT RAISE(ABORT, 'orders never change'); END;
CREATE TRIGGER onchain_batches_stay BEFORE DELETE ON onchain_batches BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER onchain_inputs_stay BEFORE DELETE ON onchain_inputs BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER onchain_inputs_never_change BEFORE UPDATE ON onchain_inputs BEGIN SELECT RAISE(ABORT, 'a recorded transaction never changes'); END;
CREATE TRIGGER onchain_lines_stay BEFORE DELETE ON onchain_lines BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER onchain_lines_never_change BEFORE UPDATE ON onchain_lines BEGIN SELECT RAISE(ABORT, 'a recorded transaction never changes'); END;
CREATE TRIGGER onchain_bumps_stay BEFORE DELETE ON onchain_bumps BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER onchain_bumps_never_change BEFORE UPDATE ON onchain_bumps BEGIN SELECT RAISE(ABORT, 'bumps never change'); END;
CREATE TRIGGER onchain_events_stay BEFORE DELETE ON onchain_events BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER onchain_events_never_change BEFORE UPDATE ON onchain_events BEGIN SELECT RAISE(ABORT, 'events never change'); END;

CREATE TRIGGER onchain_batches_start BEFORE INSERT ON onchain_batches WHEN NEW.state <> 'RECORDED' OR NEW.broadcasts <> 0 OR NEW.confirmations <> 0
  BEGIN SELECT RAISE(ABORT, 'a batch starts as RECORDED'); END;
CREATE TRIGGER onchain_inputs_are_free BEFORE INSERT ON onchain_inputs BEGIN
  SELECT RAISE(ABORT, 'the batch has been sent') WHERE (SELECT broadcasts FROM onchain_batches WHERE id = NEW.batch) <> 0;
  SELECT RAISE(ABORT, 'another transaction that is not settled spends this coin') WHERE EXISTS
    (SELECT 1 FROM onchain_inputs i JOIN onchain_batches b ON b.id = i.batch WHERE i.txid = NEW.txid AND i.vout = NEW.vout AND b.state <> 'CONFLICTED');
END;
CREATE TRIGGER onchain_lines_join BEFORE INSERT ON onchain_lines BEGIN
  SELECT RAISE(ABORT, 'the batch has been sent, or is full') WHERE (SELECT broadcasts FROM onchain_batches WHERE id = NEW.batch) <> 0
    OR (SELECT count(*) FROM onchain_lines WHERE batch = NEW.batch) >= (SELECT lines FROM onchain_batches WHERE id = NEW.batch);
  SELECT RAISE(ABORT, 'an output pays exactly the amount of its line')
    WHERE NEW.amount_sat * 1000 IS NOT (SELECT pay_msat FROM lines WHERE manifest_id = NEW.manifest_id AND line = NEW.line);
  SELECT RAISE(ABORT, 'the line is of another chain, or simulated') WHERE NOT EXISTS (SELECT 1 FROM manifests m JOIN onchain_batches b ON b.chain = m.chain
    WHERE m.manifest_id = NEW.manifest_id AND b.id = NEW.batch AND m.simulated = 0);
  SELECT RAISE(ABORT, 'the manifest is revoked') WHERE EXISTS (SELECT 1 FROM revocations WHERE manifest_id = NEW.manifest_id);
  SELECT RAISE(ABORT, 'the line is paid, or may yet be paid, over Lightning') WHERE EXISTS
    (SELECT 1 FROM attempts WHERE manifest_id = NEW.manifest_id AND line = NEW.line AND state <> 'FAILED_SAFE');
  SELECT RAISE(ABORT, 'the line is paid on chain') WHERE EXISTS (SELECT 1 FROM onchain_claims WHERE manifest_id = NEW.manifest_id AND line = NEW.line);
  SELECT RAISE(ABORT, 'a line that is paid on chain is held') WHERE NOT EXISTS
    (SELECT 1 FROM lines WHERE manifest_id = NEW.manifest_id AND line = NEW.line AND held_reason IS NOT NULL);
END;
CREATE TRIGGER onchain_batches_keep_their_terms
  BEFORE UPDATE OF id, txid, raw_tx, backend, node, chain, lines, amount_sat, fee_sat, vsize, change_vout, change_sat, height, created_ms ON onchain_batches
  BEGIN SELECT RAISE(ABORT, 'a recorded transaction never changes'); END;
CREATE TRIGGER onchain_batches_move BEFORE UPDATE ON onchain_batches BEGIN
  SELECT RAISE(ABORT, 'illegal transition') WHERE OLD.state || '>' || NEW.state NOT IN ('RECORDED>RECORDED', 'RECORDED>BROADCAST', 'RECORDED>CONFIRMED',
    'RECORDED>CONFLICTED', 'BROADCAST>BROADCAST', 'BROADCAST>CONFIRMED', 'BROADCAST>CONFLICTED');
  SELECT RAISE(ABORT, 'the batch is not whole') WHERE (SELECT count(*) FROM onchain_lines WHERE batch = NEW.id) <> NEW.lines
    OR (SELECT sum(amount_sat) FROM onchain_lines WHERE batch = NEW.id) <> NEW.amount_sat OR (SELECT sum(fee_msat) FROM onchain_lines WHERE batch = NEW.id) <> NEW.fee_sat * 1000
    OR NOT EXISTS (SELECT 1 FROM onchain_inputs WHERE batch = NEW.id);
  SELECT RAISE(ABORT, 'each sending is counted') WHERE NEW.broadcasts < OLD.broadcasts OR NEW.broadcasts > OLD.broadcasts + 1;
END;
CREATE TRIGGER onchain_batches_recorded AFTER INSERT ON onchain_batches BEGIN
  INSERT INTO onchain_events (time_ms, batch, txid, from_state, to_state, alarm, reason) VALUES (NEW.changed_ms, NEW.id, NEW.txid, '', NEW.state, 0, '');
END;
CREATE TRIGGER onchain_batches_moved AFTER UPDATE ON onchain_batches WHEN OLD.state <> NEW.state OR OLD.broadcasts <> NEW.broadcasts OR OLD.reason <> NEW.reason BEGIN
  INSERT INTO onchain_events (time_ms, batch, txid, from_state, to_state, alarm, reason)
    VALUES (NEW.changed_ms, NEW.id, NEW.txid, OLD.state, NEW.state, NEW.state = 'CONFLICTED' AND OLD.state <> 'CONFLICTED', NEW.reason);
END;

CREATE TRIGGER attempts_of_onchain_start BEFORE INSERT ON attempts BEGIN
  SELECT RAISE(ABORT, 'the line is paid on chain') WHERE EXISTS (SELECT 1 FROM onchain_claims WHERE manifest_id = NEW.manifest_id AND line = NEW.line);
END;
CREATE TRIGGER attempts_of_onchain_move BEFORE UPDATE ON attempts WHEN NEW.state IN ('RESOLVED', 'SENDING') BEGIN
  SELECT RAISE(ABORT, 'the line is paid on chain') WHERE EXISTS (SELECT 1 FROM onchain_claims WHERE manifest_id = NEW.manifest_id AND line = NEW.line);
END;
-- What a revoked manifest has begun to pay on chain, another one does not pay either.
DROP VIEW manifests_in_force;
CREATE VIEW manifests_in_force AS
  SELECT manifest_id, chain, pot FROM manifests m WHERE pot IS NOT NULL
    AND (NOT EXISTS (SELECT 1 FROM revocations r WHERE r.manifest_id = m.manifest_id)
      OR EXISTS (SELECT 1 FROM attempts a WHERE a.manifest_id = m.manifest_id AND (a.sends > 0 OR a.state = 'PAID'))
      OR EXISTS (SELECT 1 FROM onchain_lines l WHERE l.manifest_id = m.manifest_id));
CREATE TRIGGER lines_on_chain_stay_held BEFORE UPDATE OF held_reason ON lines BEGIN
  SELECT RAISE(ABORT, 'the line is paid on chain') WHERE EXISTS (SELECT 1 FROM onchain_claims WHERE manifest_id = NEW.manifest_id AND line = NEW.line);
END;
)sql";

const char* const onchain_down = R"sql(
DROP TRIGGER lines_on_chain_stay_held;
DROP VIEW manifests_in_force;
CREATE VIEW manifests_in_force AS
  SELECT manifest_id, chain, pot FROM manifests m WHERE pot IS NOT NULL
    AND (NOT EXISTS (SELECT 1 FROM revocations r WHERE r.manifest_id = m.manifest_id)
      OR EXISTS (SELECT 1 FROM attempts a WHERE a.manifest_id = m.manifest_id AND (a.sends > 0 OR a.state = 'PAID')));
DROP TRIGGER attempts_of_onchain_move;
DROP TRIGGER attempts_of_onchain_start;
DROP VIEW onchain_claims;
DROP TABLE onchain_events;
DROP TABLE onchain_bumps;
DROP TABLE onchain_lines;
DROP TABLE onchain_inputs;
DROP TABLE onchain_batches;
DROP TABLE onchain_orders;
)sql";

}  // namespace hh::ln
