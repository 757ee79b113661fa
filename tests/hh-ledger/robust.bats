#!/usr/bin/env bats
# Full and read-only disks, wrong files, other versions, readers beside a writer, backups, migrations, usage.
bats_require_minimum_version 1.5.0
load ../support/common
load helper
setup() { hh_setup; }
teardown() {
  [ ! -e "$T/mounted" ] || umount "$T/small"
  hh_teardown
}

count() { sqlite3 L "SELECT count(*) FROM shares"; }

@test "a full disk: exit 74, what was acknowledged stays, and it goes on when there is room (C042, S014)" {
  shares --count 20000 --jobs-every 5000 >in
  head -n 1000 in | ledger append
  run --separate-stderr bash -c "trap '' XFSZ; ulimit -f 700; hh-ledger append --db L <in"
  [ "$status" -eq 74 ]
  [[ $stderr =~ L ]]
  acknowledged=$(jq '.last[0].seq' <<<"$output")
  [ "$(count)" -eq "$acknowledged" ]
  ledger verify
  ledger append <in
  [ "$(count)" -eq 20000 ]
  ledger verify --shares
}

@test "a full file system (tmpfs) (C042, S014)" {
  [ "$(id -u)" -eq 0 ] || skip "needs root to mount a tmpfs"
  mkdir small
  mount -t tmpfs -o size=1m tmpfs small 2>/dev/null || skip "no tmpfs here"
  touch mounted
  shares --count 20000 --jobs-every 5000 >in
  fails_with 74 'small/L' hh-ledger append --db small/L <in
  acknowledged=$(jq '.last[0].seq // 0' <<<"$output")
  mount -o remount,size=64m small
  [ "$(sqlite3 small/L "SELECT count(*) FROM shares")" -eq "$acknowledged" ]
  hh-ledger append --db small/L <in
  hh-ledger verify --db small/L
}

@test "a ledger that may only be read can be read, and is not written (C042)" {
  shares --count 20 --blocks 1 --tail 2 | ledger append
  chmod 0440 L
  if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
    chmod 0755 . .. ../.. ../../.. 2>/dev/null
    chown -R 65534:65534 "$T"
    as=(env HH_RECORD_TAP=off setpriv --reuid 65534 --regid 65534 --clear-groups)
    "${as[@]}" true || skip "cannot become another user"
    "${as[@]}" test -x "$HH_BIN/hh-ledger" || skip "the build folder is not open to others"
  else
    as=()
  fi
  fails_with 77 'cannot (be written|open database L: Permission denied)' "${as[@]}" hh-ledger append --db L < <(shares --count 25)
  "${as[@]}" hh-ledger rounds --db L | jq -se 'length == 2'
}

@test "a share that another program has put in the way: exit 65, nothing of that change is kept, verify finds it (C042)" {
  shares --count 100 >in
  head -n 50 in | ledger append
  sqlite3 L "INSERT INTO shares SELECT id + 40, time_ms, job_id, worker_id, work, proof FROM shares WHERE id & 1048575 = 49"
  fails_with 65 'changed by another program' ledger append <in
  fails_with 65 'changed by another program' ledger append --skip-bad <in
  [ "$(count)" -eq 50 ]
  [ "$(sqlite3 L "SELECT last_seq FROM sources")" -eq 49 ]
  fails_with 65 '' ledger verify
}

@test "wrong files: none, a folder, text, another program's database, a damaged one (C040)" {
  fails_with 66 'cannot open database nope: No such file' hh-ledger rounds --db nope
  fails_with 66 'nope' hh-ledger close --db nope
  [ ! -e nope ]
  [ ! -e nope.lock ]
  mkdir folder
  fails_with 66 'folder' hh-ledger append --db folder </dev/null
  seq 1000 >text
  fails_with 65 'text is no database' hh-ledger append --db text </dev/null
  sqlite3 other "PRAGMA application_id = 5; CREATE TABLE t(x)"
  fails_with 65 'another program' hh-ledger append --db other </dev/null
  fails_with 65 'another program' hh-ledger rounds --db other
  shares --count 3000 | ledger append
  sqlite3 L "PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null
  python3 -c 'f = open("L", "r+b"); f.seek(60 * 4096 + 100); f.write(bytes(range(200)) * 20)'
  fails_with 65 '' ledger verify
  fails_with 73 'cannot create no/such/folder/L' hh-ledger append --db no/such/folder/L </dev/null
}

@test "a ledger of a newer version is left alone (C041)" {
  shares --count 3 | ledger append
  sqlite3 L "PRAGMA user_version = 99"
  for command in "append" "rounds" "close" "verify" "miner show"; do
    # shellcheck disable=SC2086
    fails_with 78 'newer' ledger $command </dev/null
  done
}

@test "migrate goes down and up again, and says what it would do (C041)" {
  shares --count 3 | ledger append
  ledger migrate --status | jq -e '.from == .to'
  version=$(ledger migrate --status | jq .to)
  ledger migrate --to 2 | jq -e ".from == $version and .to == 2"
  fails_with 78 'run the migration' ledger rounds
  # What going down loses is in the copy that it kept.
  [ "$(sqlite3 L "SELECT count(*) FROM sqlite_schema WHERE name = 'audit'")" -eq 0 ]
  [ "$(sqlite3 L.v"$version"-*.backup "SELECT count(*) > 0 FROM audit")" -eq 1 ]
  ledger migrate >out
  jq -e ".to == $version" out
  [ -s "$(jq -r .copy out)" ]
  ledger rounds >/dev/null
  # The log begins anew and says so.
  [ "$(sqlite3 L "SELECT what FROM audit WHERE id = 1")" = audit_started ]
  ledger verify | jq -se 'map(select(.what == "history"))[0] | .ok and (.reaches_back | not)'
  # The same where a command that writes does it by itself.
  ledger migrate --to 2 >/dev/null
  shares --count 8 --blocks 1 --tail 2 --seed 2 --sources 3 | grep pool-c | ledger append 2>/dev/null
  [ "$(sqlite3 L "SELECT what FROM audit WHERE id = 1")" = audit_started ]
  ledger verify
}

@test "readers see whole commits while a writer works (C042)" {
  shares --count 6000 --blocks 6 --jobs-every 500 >in
  head -n 100 in | ledger append
  start append bash -c 'while read -r line; do echo "$line"; done <in | exec hh-ledger append --commit-ms 5 --db L'
  for i in $(seq 1 15); do
    ledger rounds | jq -se 'map(.shares) | add >= 99'
    ledger balances | jq -se '.[-1].sum_msat == 0'
  done
  wait_for_end append 60
  [ "$STOPPED" -eq 0 ]
  [ "$(count)" -eq 6000 ]
}

@test "a backup is whole, taken while the ledger is written to, and never replaces a file (C105 S057)" {
  shares --count 8000 --jobs-every 500 >in
  head -n 2000 in | ledger append
  start append bash -c 'exec hh-ledger append --commit-ms 5 --db L <in'
  ledger backup copy >out
  jq -e '.type == "backup" and .bytes > 0' out
  hh-ledger verify --db copy
  [ "$(sqlite3 copy "SELECT count(*) FROM shares")" -ge 1900 ]
  fails_with 73 'copy' ledger backup copy
  wait_for_end append 60
  hh-ledger append --db copy <in
  diff <(hh-ledger export --db copy) <(ledger export)
}

@test "miners: names, addresses and destinations are checked (C043)" {
  fails_with 65 'give --chain' ledger miner set alice --address bcrt1q50vpzumpzrjhsx7ve6nfva3wvytvd6wf6hvqke
  ledger miner set alice --chain regtest --address bcrt1q50vpzumpzrjhsx7ve6nfva3wvytvd6wf6hvqke --destination alice@example.com
  ledger miner show alice | jq -e '.destination == {"kind": "lnaddress", "value": "alice@example.com"} and .address[:4] == "bcrt"'
  shares --count 3 | ledger append
  fails_with 65 'bc1q' ledger miner set bob --address bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4
  fails_with 65 'has a dot' ledger miner set a.b --destination a@example.com
  fails_with 65 'name' ledger miner set 'a b' --destination a@example.com
  fails_with 65 '' ledger miner set bob --destination 'not a place'
  fails_with 65 '' ledger miner set bob --kind cash --destination x
  fails_with 65 'is an address itself' ledger miner set bcrt1q50vpzumpzrjhsx7ve6nfva3wvytvd6wf6hvqke --address bcrt1q50vpzumpzrjhsx7ve6nfva3wvytvd6wf6hvqke
  fails_with 64 'nothing to set' ledger miner set bob
  fails_with 65 'knows no miner' ledger miner show bob
  ledger miner set alice --destination ''
  ledger miner show alice | jq -e 'has("destination") | not'
  ledger miner show | jq -se 'length > 1'
}

@test "usage: help for each command, unknown options and settings, exit codes (C090)" {
  for command in "" append rounds round close cycle post balances miner "miner set" "miner show" watch verify export prove backup migrate config; do
    # shellcheck disable=SC2086
    run --separate-stderr hh-ledger $command --help
    [ "$status" -eq 0 ]
    [ -n "$output" ]
    [ -z "$stderr" ]
  done
  fails_with 64 '' hh-ledger
  fails_with 64 '' hh-ledger nonsense
  fails_with 64 '' ledger round
  fails_with 64 '' ledger round x
  fails_with 64 '' ledger round -1
  fails_with 64 '' ledger rounds --nonsense
  fails_with 64 '--once goes with --follow' ledger append --once
  fails_with 64 'maturity' ledger watch --maturity 0
  fails_with 78 'db is not set' hh-ledger rounds
  shares --count 3 | ledger append
  fails_with 78 'neither prop nor pplns' env HH_LEDGER_SCHEME=best hh-ledger rounds --db L
  echo 'schem = "prop"' >c.toml
  fails_with 78 'did you mean "scheme"' ledger rounds --config c.toml
  HH_LEDGER_MATURITY=7 hh-ledger config | jq -se 'map(select(.key == "maturity"))[0] | .value == "7" and (.origin | startswith("environment"))'
  fails_with 66 'spool' hh-ledger append --follow nospool --once --db M
}

@test "csv: a header, one row for each share, fields quoted" {
  shares --count 12 --sources 2 | ledger append
  ledger export --csv >out
  [ "$(head -n 1 out)" = "source,seq,time_ms,job,miner,worker,work,fee_to" ]
  [ "$(wc -l <out)" -eq 13 ]
  python3 -c 'import csv; rows = list(csv.DictReader(open("out"))); assert len(rows) == 12 and {r["source"] for r in rows} == {"pool-a", "pool-b"}'
}

@test "each exit status in the man page is seen in a test here, and no other (D012)" {
  sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/s/^\.It \([0-9]*\)$/\1/p' "$HH_SRC/man/hh-ledger.1" | sort -u >documented
  { echo 0 && grep -ho 'fails_with [0-9][0-9]*' "$HH_SRC"/tests/hh-ledger/*.bats | cut -d' ' -f2; } | sort -u | diff documented -
}
