// Version 6 of the journal: circular payments, so that the comparison with the node's list knows them.
#include "journal/schema.h"

namespace hh::ln {

const char* const rebalances_up = R"sql(
-- SENDING: written before it is sent; what became of it is open until there is a preimage, or the node has given up.
CREATE TABLE rebalances (
  payment_hash TEXT PRIMARY KEY CHECK (length(payment_hash) = 64),
  node TEXT NOT NULL,
  out_channel TEXT NOT NULL,
  in_channel TEXT NOT NULL,
  amount_msat INTEGER NOT NULL CHECK (amount_msat > 0),
  fee_limit_msat INTEGER NOT NULL CHECK (fee_limit_msat >= 0),
  state TEXT NOT NULL CHECK (state IN ('SENDING', 'PAID', 'FAILED')),
  fee_msat INTEGER,
  preimage TEXT,
  reason TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL,
  CHECK ((state = 'PAID') = (preimage IS NOT NULL)),
  CHECK ((state = 'PAID') = (fee_msat IS NOT NULL))
) STRICT;
CREATE TRIGGER rebalances_start BEFORE INSERT ON rebalances BEGIN
  SELECT RAISE(ABORT, 'a rebalance starts as SENDING') WHERE NEW.state <> 'SENDING';
  SELECT RAISE(ABORT, 'the hash is that of a payment') WHERE EXISTS (SELECT 1 FROM attempts WHERE payment_hash = NEW.payment_hash);
END;
CREATE TRIGGER rebalances_stay BEFORE DELETE ON rebalances BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER rebalances_keep_their_terms BEFORE UPDATE OF payment_hash, node, out_channel, in_channel, amount_msat, fee_limit_msat, created_ms ON rebalances
  BEGIN SELECT RAISE(ABORT, 'the terms of a rebalance never change'); END;
CREATE TRIGGER rebalances_end_once BEFORE UPDATE ON rebalances WHEN OLD.state = 'PAID' OR NEW.state = 'SENDING'
  BEGIN SELECT RAISE(ABORT, 'what became of a rebalance does not change'); END;
)sql";

const char* const rebalances_down = "DROP TABLE rebalances;";

}  // namespace hh::ln
