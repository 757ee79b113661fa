#!/usr/bin/env bats
# The books: manifests and settlements booked once, always zero, by the database's own doing.
bats_require_minimum_version 1.5.0
load ../support/common
load helper
setup() {
  hh_setup
  need hh-payout
}
teardown() { hh_teardown; }

# closed_round [OPTION…]: a ledger with its first round closed.
closed_round() {
  shares --count 40 --blocks 2 --tail 3 "$@" | ledger append
  ledger miner set miner0 --destination a@example.com
  ledger miner set miner1 --destination b@example.com
  start_view
  see 300
  watch_once >/dev/null
  ledger close 1 >r1
}
balance() { ledger balances | jq "select(.account == \"$1\").balance_msat"; }
zero() { ledger balances | tail -n 1 | jq -e '.type == "books" and .sum_msat == 0'; }

@test "a manifest is booked once; treasury, operator, pool and miners add up to zero (C070, L024)" {
  closed_round
  signed 1 >m
  [ "$(ledger post --key "$PUB" <m | jq -r .result)" = posted ]
  [ "$(ledger post --key "$PUB" <m | jq -r .result)" = already ]
  # Signed again the payload is the same, so it is the same manifest.
  ledger round 1 | hh-payout compute | hh-payout sign --key k.pem --iat 1700000001 --exp 4000000000 --jti other | ledger post --key "$PUB" | jq -e '.result == "already"'
  jq -r .jws m | ledger post --key "$PUB" | jq -e '.result == "already"'
  [ "$(balance operator)" -eq -25000000000 ]
  [ "$(balance node_pool)" -eq -25000000000 ]
  fees=$(jq 'if .block.fee_to == "manifest" then .block.fees_sat * 1000 else 0 end' r1)
  [ "$(balance treasury)" -eq $((5000000000000 + fees)) ]
  zero
  ledger verify --key "$PUB"
}

@test "an expired manifest is still booked; an altered, foreign or other one is not (C070, L021)" {
  closed_round
  make_key
  ledger round 1 | hh-payout compute >p
  hh-payout sign --key k.pem --iat 1000 --exp 2000 --jti old p >expired
  hh-payout keygen other.pem >/dev/null
  hh-payout sign --key other.pem --iat 1700000000 --exp 4000000000 --jti o p >foreign
  fails_with 77 'key' ledger post --key "$PUB" foreign
  jws=$(jq -r .jws expired)
  printf '%s\n' "${jws%.*}.$(head -c 64 /dev/zero | base64 -w0 | tr '+/' '-_' | tr -d =)" >altered
  fails_with 77 'signature' ledger post --key "$PUB" altered
  # Rightly signed, adds up, but not what this ledger's round gives.
  jq -c 'if .round then (.block.confirmations = 100) | .miners[0].carried_msat = 5000 else . end' r1 | hh-payout compute | hh-payout sign --key k.pem --iat 1700000000 --exp 4000000000 --jti l >lie
  fails_with 65 'is not what round 1 of this ledger gives' ledger post --key "$PUB" lie
  [ "$(ledger balances | jq -s length)" -eq 1 ]
  ledger post --key "$PUB" expired | jq -e '.result == "posted"'
  fails_with 65 'round 1 has been posted with another manifest' ledger post --key "$PUB" < <(printf '[pay]\n' >/dev/null; hh-payout compute r1 --policy <(echo 'min_payout_sat = 2000') | hh-payout sign --key k.pem --iat 1700000000 --exp 4000000000 --jti p2)
  fails_with 75 'round 2, which is mature, not closed' ledger post --key "$PUB" < <(jq -c '.round = 2' r1 | hh-payout compute | hh-payout sign --key k.pem --iat 1700000000 --exp 4000000000 --jti r2)
}

@test "a settlement is booked once, with proof, for its line and amount; fees fall to the operator's cost account (C070, L027)" {
  closed_round
  signed 1 >m
  n=$(hh-payout manifest m | jq '[.lines[] | select(.pay_msat > 0) | .line][0]')
  settlement m "$n" 1234 >s
  fails_with 65 'has not been posted here' ledger post --key "$PUB" s
  cat m s | ledger post --key "$PUB" >out
  [ "$(jq -sc 'map(.result)' out)" = '["posted","posted"]' ]
  account=$(jq -r .account s) amount=$(jq .amount_msat s)
  [ "$(balance network_fees)" -eq 1234 ]
  treasury=$(balance treasury) rest=$(balance "$account")
  cat m s s | ledger post --key "$PUB" | jq -se 'map(.result) == ["already", "already", "already"]'
  [ "$(balance treasury)" -eq "$treasury" ]
  [ "$(balance "$account")" = "$rest" ]
  # Another payment that claims the same line.
  settlement m "$n" 1234 2 >twice
  fails_with 65 'find out at once whether it was paid twice' ledger post --key "$PUB" twice
  for change in '.amount_msat += 1' '.account = "miner:x"' '.line = 77' '.preimage = ("00" * 32)' 'del(.preimage)' '.fee_msat = -1' '.fee_msat = 1' '.amount_msat = "1"'; do
    fails_with 65 'standard input, line 1' ledger post --key "$PUB" < <(jq -c "$change" s)
  done
  jq -c '.state = "FAILED_SAFE" | del(.preimage) | .fee_msat = 0' s | ledger post --key "$PUB" | jq -e '.result == "ignored"'
  [ "$(balance treasury)" -eq "$treasury" ]
  zero
  ledger verify
}

@test "what a manifest has ordered is not carried into the next, whether it is paid yet or not (C070, C073)" {
  closed_round
  signed 1 >m1
  ledger post --key "$PUB" m1
  ledger close 2 >r2
  # Nothing of round 1 has been settled, and yet only what it did not order is carried.
  hh-payout manifest m1 | jq -S '[.lines[] | select(.carried_out_msat > 0) | {(.account[6:]): .carried_out_msat}] | add' >expected
  jq -S '[.miners[] | select(.carried_msat > 0) | {(.miner): .carried_msat}] | add' r2 | diff expected -
  hh-payout compute r2 | jq -se '[.[] | select(.type == "payout_line")] | all(.carried_in_msat + .earned_msat + .fees_msat == .pay_msat + .carried_out_msat)'
  # The same once it has been settled.
  for n in $(hh-payout manifest m1 | jq '.lines[] | select(.pay_msat > 0).line'); do settlement m1 "$n"; done >s
  ledger post --key "$PUB" s
  post_round 2
  ledger balances | jq -se 'map(select(.account | startswith("miner:")?)) | all(.balance_msat <= 0)'
  zero
}

@test "hh-payout works every manifest out again from the exported shares: orphans merged, windows, several sources (C044, C072)" {
  shares --count 60 --sources 3 --blocks 3 --addresses 1 --tail 6 | ledger append
  start_view
  see 300 2 3
  watch_once >/dev/null
  make_key
  ledger close 2 >r2
  jq -e '.cuts | all(.first_seq == 1)' r2
  ledger export --round 2 >e2
  [ "$(grep -c '"type":"block"' e2)" -eq 2 ]
  signed 2 >m2
  hh-payout replay --shares e2 --round-record r2 --manifest m2
  ledger post --key "$PUB" m2
  hh-ledger close 3 --scheme pplns --db L >r3
  printf 'scheme = "pplns"\npplns_factor = 2\n' >policy
  hh-payout compute --policy policy r3 | hh-payout sign --key k.pem --iat 1700000000 --exp 4000000000 --jti r3 >m3
  ledger export --round 3 >e3
  hh-payout replay --policy policy --shares e3 --round-record r3 --manifest m3
  ledger post --key "$PUB" m3
  ledger verify --shares --key "$PUB"
}

@test "books cannot be unbalanced from outside: entries, seals, updates, deletes, replaces (C070, C047, S017)" {
  closed_round
  post_round 1
  ledger balances >before
  refused() {
    run sqlite3 L "$1"
    [ "$status" -ne 0 ] || { echo "accepted: $1" >&2 && return 1; }
  }
  refused "UPDATE entries SET amount_msat = 1"
  refused "DELETE FROM entries"
  refused "DELETE FROM postings"
  refused "DELETE FROM posting_seals"
  refused "UPDATE posting_seals SET posting_id = 5"
  refused "INSERT INTO entries(posting_id, account_id, amount_msat) VALUES (1, 1, 5)"
  refused "INSERT OR REPLACE INTO entries(id, posting_id, account_id, amount_msat) VALUES (1, 1, 1, 5)"
  refused "INSERT OR REPLACE INTO postings(id, kind, time_ms) VALUES (1, 'round', 0)"
  refused "REPLACE INTO accounts(id, name) VALUES (1, 'mine')"
  refused "UPDATE accounts SET name = 'mine' WHERE id = 1"
  refused "INSERT INTO postings(id, kind, time_ms) VALUES (50, 'round', 0); INSERT INTO entries(posting_id, account_id, amount_msat) VALUES (50, 1, 5); INSERT INTO posting_seals VALUES (50)"
  refused "INSERT INTO posting_seals VALUES (51)"
  # With foreign keys, which programs turn on, an unsealed posting cannot even be committed.
  refused "PRAGMA foreign_keys = ON; BEGIN; INSERT INTO postings(id, kind, time_ms) VALUES (52, 'round', 0); INSERT INTO entries(posting_id, account_id, amount_msat) VALUES (52, 1, 5); COMMIT"
  # Without, it counts for nobody, and verify finds it.
  ledger balances | diff <(head -n -1 before) <(ledger balances | head -n -1)
  zero
  fails_with 65 '' ledger verify
  grep -q '"what":"books","ok":false' <<<"$output"
}

@test "every append-only table refuses UPDATE, DELETE and REPLACE by the sqlite3 shell (C040, C042, C047, S016)" {
  closed_round
  post_round 1
  settled=$(hh-payout manifest <(signed 1) | jq '[.lines[] | select(.pay_msat > 0).line][0]')
  signed 1 >m
  settlement m "$settled" | ledger post --key "$PUB"
  for table in ledger jobs workers shares blocks segments round_cuts round_miners postings entries posting_seals accounts payouts payout_lines settlements audit; do
    [ "$(sqlite3 L "SELECT count(*) > 0 FROM $table")" = 1 ]
    column=$(sqlite3 L "SELECT name FROM pragma_table_info('$table') LIMIT 1")
    run ! sqlite3 L "UPDATE $table SET $column = $column"
    run ! sqlite3 L "DELETE FROM $table"
    [ "$table" = shares ] || run ! sqlite3 L "INSERT OR REPLACE INTO $table SELECT * FROM $table"
  done
  run ! sqlite3 L "DELETE FROM rounds"
  run ! sqlite3 L "UPDATE rounds SET work = '9' WHERE status = 'closed'"
  run ! sqlite3 L "UPDATE sources SET last_seq = 1"
  run ! sqlite3 L "DELETE FROM miners"
  ledger verify --shares --key "$PUB"
}

# finds WHAT SQL: that check fails on a copy of L in which the SQL was run without any trigger in its way; the triggers are put back, so that
# the check of the schema does not give it away.
finds() {
  cp L X
  sqlite3 X "SELECT sql || ';' FROM sqlite_schema WHERE type = 'trigger'" >triggers
  sqlite3 X "SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_schema WHERE type = 'trigger'" >drops
  sqlite3 -bail X "PRAGMA foreign_keys = OFF;" ".read drops" "$2" ".read triggers" "SELECT changes()" >/dev/null
  run hh-ledger verify --shares --db X
  [ "$status" -eq 65 ] && grep -q "\"what\":\"$1\",\"ok\":false" <<<"$output" && grep -q '"what":"schema","ok":true' <<<"$output" || { echo "not found: $2; $output" >&2 && return 1; }
  rm -f X*
}

@test "verify finds what was changed behind the triggers' back (C042, C047)" {
  closed_round --sources 2
  post_round 1
  sqlite3 L "PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null
  finds segments "INSERT OR REPLACE INTO shares SELECT id, time_ms + 1, job_id, worker_id, work, proof FROM shares WHERE id % 7 = 3"
  finds segments "UPDATE shares SET worker_id = (SELECT min(worker_id) FROM shares)"
  finds segments "UPDATE sources SET name = 'pool-z' WHERE id = 2"
  finds segments "UPDATE sources SET segment_first = segment_first - 1"
  finds shares "INSERT OR REPLACE INTO shares SELECT id, time_ms, job_id, worker_id, work * 1000000, proof FROM shares WHERE id % 7 = 3"
  finds sequence "INSERT INTO shares SELECT id + 1000, time_ms, job_id, worker_id, work, proof FROM shares LIMIT 1"
  finds sequence "INSERT INTO shares SELECT (77 << 40) | 1, time_ms, job_id, worker_id, work, proof FROM shares LIMIT 1"
  finds sequence "DELETE FROM shares WHERE id = (SELECT min(id) FROM shares)"
  finds sequence "DELETE FROM workers"
  finds rounds "UPDATE round_miners SET work = '1' WHERE miner_id = 1"
  finds rounds "DELETE FROM round_miners WHERE miner_id = 1"
  finds rounds "UPDATE round_cuts SET last_seq = last_seq + 1"
  finds rounds "UPDATE rounds SET merkle_root = replace(merkle_root, 'a', 'b') WHERE id = 1"
  finds audit "UPDATE audit SET who = 'nobody' WHERE id = 2"
  finds audit "DELETE FROM audit WHERE id = 2"
  cp L X
  sqlite3 X "DROP TRIGGER entries_no_delete"
  run hh-ledger verify --db X
  [ "$status" -eq 65 ] && grep -q '"what":"schema","ok":false' <<<"$output"
  cp L X
  sqlite3 X "CREATE TABLE mine (x)"
  run hh-ledger verify --db X
  [ "$status" -eq 65 ] && grep -q '"what":"schema","ok":false' <<<"$output"
}

@test "verify finds a block that was given to another miner, or made worth more (C042, C047)" {
  closed_round
  sqlite3 L "PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null
  hh-ledger verify --db L --shares
  finds blocks "UPDATE blocks SET line = replace(line, '\"miner\":\"', '\"miner\":\"x') WHERE id = (SELECT max(id) FROM blocks)"
  finds blocks "UPDATE blocks SET line = replace(line, '\"fees_sat\":', '\"fees_sat\":9') WHERE id = (SELECT max(id) FROM blocks)"
  finds blocks "UPDATE blocks SET height = height + 1"
  # Block and job say the same, only the audit log knows better.
  finds history "UPDATE blocks SET line = replace(line, '\"fees_sat\":', '\"fees_sat\":9'); UPDATE jobs SET line = replace(line, '\"fees_sat\":', '\"fees_sat\":9')"
}

@test "verify finds a round, a cycle or a miner whose rows were changed where no trigger forbids it (C047, C070)" {
  closed_round
  post_round 1
  ledger close --cycle 2000 >/dev/null
  sqlite3 L "PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null
  hh-ledger verify --db L
  finds history "UPDATE miners SET destination_value = 'thief@example.com' WHERE name = 'miner0'"
  finds history "UPDATE miners SET address = 'bcrt1q50vpzumpzrjhsx7ve6nfva3wvytvd6wf6hvqke' WHERE name = 'miner2'"
  finds history "UPDATE rounds SET status = 'orphaned' WHERE id = 2"
  finds history "UPDATE round_miners SET destination_value = 'thief@example.com' WHERE destination_value IS NOT NULL"
  finds history "UPDATE cycles SET node_pool_msat = node_pool_msat - 1000"
  finds history "UPDATE ledger SET chain = 'main'"
  finds history "DELETE FROM audit"
}

@test "verify finds money moved between accounts, though the books add up to zero (C047, C070)" {
  closed_round
  signed 1 >m
  ledger post --key "$PUB" m
  settlement m "$(hh-payout manifest m | jq '[.lines[] | select(.pay_msat > 0).line][0]')" 7 | ledger post --key "$PUB"
  sqlite3 L "PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null
  hh-ledger verify --db L --key "$PUB"
  finds manifests "UPDATE entries SET amount_msat = amount_msat + iif(id = (SELECT max(id) FROM entries WHERE posting_id = 1), 5000, -5000) WHERE posting_id = 1 AND id IN (SELECT id FROM entries WHERE posting_id = 1 ORDER BY id DESC LIMIT 2)"
  finds manifests "UPDATE payout_lines SET pay_msat = pay_msat - 1000 WHERE line = (SELECT max(line) FROM payout_lines WHERE pay_msat > 0 AND line NOT IN (SELECT line FROM settlements))"
  finds manifests "UPDATE accounts SET name = name || 'x' WHERE name LIKE 'miner:%'"
  finds manifests "UPDATE round_miners SET carried_msat = 7"
  finds books "UPDATE entries SET amount_msat = amount_msat + 1 WHERE id = 1"
  finds books "UPDATE settlements SET fee_msat = 8"
  finds books "UPDATE settlements SET preimage = payment_hash"
  finds books "INSERT INTO postings(id, kind, time_ms) VALUES (9, 'round', 0); INSERT INTO entries VALUES (90, 9, 1, 5), (91, 9, 2, -5); INSERT INTO posting_seals VALUES (9)"
  finds history "UPDATE audit SET detail = replace(detail, '\"line\":', '\"line\":1') WHERE what = 'settlement_posted'"
}

@test "post needs a key, some input and a ledger that can be written; it refuses what is no payment (C070)" {
  closed_round
  signed 1 >m
  fails_with 78 'key is not set' ledger post m
  fails_with 65 'the input is empty' ledger post --key "$PUB" </dev/null
  fails_with 65 'neither a signed manifest, a settlement nor a fee sweep' ledger post --key "$PUB" r1
  fails_with 65 'plan of a dry run' ledger post --key "$PUB" < <(echo '{"type":"settlement_plan","v":1}')
  fails_with 65 'line 1' ledger post --key "$PUB" < <(echo '{"type":"settlement"')
  fails_with 66 'cannot open database nope' hh-ledger post --db nope --key "$PUB" m
  fails_with 66 'nofile' ledger post --key "$PUB" nofile
}
