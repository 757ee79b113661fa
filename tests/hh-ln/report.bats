#!/usr/bin/env bats
# hh-ln report and events: what auditors get, and that they would see what was changed; backup and restore as hh-treasury(7) says.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/settle

setup() {
  hh_setup
  make_keys
  hh-payout keygen "$T/report.pem" | jq -r .public >report.pub
}
teardown() { hh_teardown; }

# Payments of yesterday: what hh-ln sees as the time is yesterday's noon.
yesterday() { date -u -d yesterday +%F; }
noon() { date -u -d "$(yesterday) 12:00" +%s; }
settle_yesterday() { HH_FAKE_TIME=$(noon) settle "$@"; }
report() { hh-ln report --day "${DAY:-$(yesterday)}" --report-key "$T/report.pem" --db "$T/pay" "$@"; }

@test "the report of a day adds up to what was paid, in JSON and in CSV, and is signed (L030 L064)" {
  HH_FAKE_TIME=$(noon) sign_round dev 5000000 $(addresses 3) >m
  settle_yesterday m --sim-faults fail=1 >out
  report >r.jsonl
  run hh-ln report --verify r.jsonl --signer report.pub --db pay
  [ "$status" -eq 0 ]
  jq -e '.ok and (.what | endswith("row by row in the journal"))' <<<"$output"
  paid=$(jq -s '[.[] | select(.state == "PAID") | .amount_msat] | add' out)
  fees=$(jq -s '[.[] | select(.state == "PAID") | .fee_msat] | add' out)
  tail -1 r.jsonl | jq -e --argjson p "$paid" --argjson f "$fees" '.type == "payment_report" and .paid_msat == $p and .fees_msat == $f and .payouts == 3 and .failures == 1'
  # Each row is one of the journal.
  while read -r id hash; do
    [ "$(sqlite3 pay "SELECT payment_hash FROM events WHERE id = $id")" = "$hash" ]
  done < <(jq -r 'select(.type == "payment_event") | "\(.event) \(.payment_hash)"' r.jsonl)
  HH_RECORD_TAP=off report --format csv >r.csv
  hh-ln report --verify r.csv --signer "$(cat report.pub)" --db pay | jq -e .ok
  python3 - "$paid" <<'PY'
import csv, sys
rows = [r for r in csv.DictReader(l for l in open("r.csv") if not l.startswith("#"))]
assert sum(int(r["amount_msat"]) for r in rows if r["state"] == "PAID") == int(sys.argv[1]), rows
PY
}

@test "a report that was changed, cut or signed by somebody else is refused (L064)" {
  HH_FAKE_TIME=$(noon) sign_round dev 5000000 $(addresses 2) >m
  settle_yesterday m >out
  report >r
  refused() { run --separate-stderr hh-ln report --verify "$1" --signer "${2:-report.pub}"; echo "$stderr"; [ "$status" -eq "$3" ]; }
  sed '1s/"amount_msat":[0-9]*/"amount_msat":1/' r >changed
  refused changed report.pub 77
  sed 1d r >fewer
  refused fewer report.pub 77
  head -c -1 r >cut
  refused cut report.pub 65
  refused r "$KEY" 77
  sed '$s/"payouts":2/"payouts":3/' r >sums
  refused sums report.pub 77
  # Rightly signed, of another journal:
  settle m --db other >/dev/null
  run --separate-stderr hh-ln report --verify r --signer report.pub --db other
  [ "$status" -eq 65 ]
  [[ $stderr == *"is not what the report says"* ]]
}

@test "a day that is not over has no report yet; what is no day is told (L030)" {
  sign_round dev 5000000 $(addresses 1) >m
  settle m >out
  DAY=$(date -u -d tomorrow +%F) run --separate-stderr report
  [ "$status" -eq 75 ]
  DAY=2026-02-30 run --separate-stderr report
  [ "$status" -eq 64 ]
  run --separate-stderr hh-ln report --db pay
  [ "$status" -eq 64 ]
}

@test "events are the whole history of a payment (L103)" {
  sign_round dev 5000000 $(addresses 1) >m
  settle m --sim-faults reply_lost=1 >out
  hh-ln events --db pay >events
  jq -se 'map(.state) | .[0] == "RESOLVED" and .[1] == "SENDING" and .[-1] == "PAID"' events
  [ "$(wc -l <events)" = "$(sqlite3 pay 'SELECT count(*) FROM events')" ]
}

@test "backup and restore: the copy is whole, an older one pays nothing until it is reconciled, and then nothing twice (L090)" {
  sign_round dev 5000000 $(addresses 2) >first
  settle first >out
  # As hh-treasury(7) has it.
  sqlite3 pay ".backup backup.sqlite"
  [ "$(sqlite3 backup.sqlite 'PRAGMA integrity_check')" = ok ]
  hh-ln status --db backup.sqlite --json | jq -se 'length == 2 and all(.state == "PAID")'
  ROUND_BLOCK=second sign_round dev 6000000 $(addresses 3) >second
  settle second >out
  before=$(spent)
  rm pay
  cp backup.sqlite pay
  run settle second
  [ "$status" -eq 75 ]
  hh-ln reconcile --reason "restored from backup" --db pay --backend sim >reconciled || true
  run settle second
  [ "$(spent)" = "$before" ]
}

@test "the timer's unit is one that systemd takes (L064)" {
  need systemd-analyze
  for unit in hh-ln-report.service hh-ln-report.timer; do sed "s|/usr/bin/hh-ln|$(command -v true)|" "$HH_SRC/packaging/systemd/$unit" >"$unit"; done
  run systemd-analyze verify --man=no ./hh-ln-report.timer ./hh-ln-report.service
  [ "$status" -eq 0 ]
  [ -z "$output" ] || { echo "$output"; return 1; }
}
