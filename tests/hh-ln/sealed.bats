#!/usr/bin/env bats
# timeout: 600
# A journal that is sealed: the same payments, no destination or invoice in its file, and a key from wherever secrets come from.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/settle

setup() {
  hh_setup
  make_keys
  new_key key
}
teardown() { hh_teardown; }

new_key() { (umask 077 && openssl rand -hex 32 >"$1"); }
# No destination and no invoice in the journal's files, as they are or as a manifest has them.
nothing_to_read() {
  local text
  for text in rig0@example.com rig1@example.com lndev lnbcrt eyJ; do
    if grep -qaF "$text" pay pay-journal 2>/dev/null; then echo "found: $text"; return 1; fi
  done
}

@test "a new journal is sealed where journal_key is set; without the key, or with another, exit 78 (L072)" {
  sign_round dev 5000000 $(addresses 2) >m
  settle m --journal-key key --sim-faults request_lost=1 >out
  [ "$(jq -s '[.[] | select(.state == "PAID")] | length' out)" = 2 ]
  nothing_to_read
  hh-ln invoices --db pay --journal-key key | jq -r .bolt11 >invoices
  [ "$(wc -l <invoices)" = 2 ]
  run ! grep -aFf invoices pay
  run --separate-stderr hh-ln status --db pay
  [ "$status" = 78 ]
  [[ $stderr == *"set journal_key"* ]]
  run --separate-stderr settle m
  [ "$status" = 78 ]
  [ -z "$output" ]
  new_key other
  run --separate-stderr settle m --journal-key other
  [ "$status" = 78 ]
  [[ $stderr == *"not the key of this journal"* ]]
  echo weak-secret >weak && chmod 600 weak
  run --separate-stderr settle m --journal-key weak
  [ "$status" = 78 ]
  [[ $stderr == *"openssl rand"* ]]
  [[ $stderr != *weak-secret* ]]
}

@test "a journal in clear is sealed by rotate-key, and its key changed by --to; payments go on (L072)" {
  sign_round dev 5000000 $(addresses 3) >m
  run settle m --sim-faults not_connected=1 --concurrency 1
  run ! nothing_to_read
  run --separate-stderr settle m --journal-key key
  [ "$status" = 78 ]
  [[ $stderr == *"rotate-key"* ]]
  [ "$(hh-ln rotate-key --db pay --journal-key key | jq -r .before)" = clear ]
  nothing_to_read
  new_key next
  [ "$(hh-ln rotate-key --db pay --journal-key key --to next | jq -r .before)" = sealed ]
  run --separate-stderr settle m --journal-key key
  [ "$status" = 78 ]
  settle m --journal-key next >out
  [ "$(spent)" = "$(printf '0 1\n1 1\n2 1')" ]
  nothing_to_read
  [ "$(hh-ln decisions --db pay --journal-key next | jq -r .action | paste -sd' ')" = "rotate-key rotate-key" ]
}

@test "killed at any moment, neither the journal nor its rollback file has anything to read, and nothing is paid twice (L072)" {
  for delay in 05 10 15 20 30; do
    sign_round dev "50000$delay" $(addresses 6) >m
    rm -f pay pay.sim
    start victim hh-ln settle m --db "$T/pay" --backend sim --key "$KEY" --journal-key key --sim-faults slow_ms=20
    sleep "0.$delay"
    kill -9 "$(pid_of victim)" 2>/dev/null || true
    wait "$(pid_of victim)" 2>/dev/null || true
    nothing_to_read
    for _ in 1 2 3; do settle m --journal-key key >out && break; done
    [ "$(spent | awk '$2 != 1' | wc -l)" = 0 ]
    [ "$(spent | wc -l)" = 6 ]
  done
}

@test "the key comes from age, and from sops where it is on PATH (L072)" {
  sign_round dev 5000000 $(addresses 2) >m
  age-keygen -o identity 2>/dev/null
  recipient=$(age-keygen -y identity)
  age -r "$recipient" -o key.age key
  settle m --journal-key "exec:age -d -i $T/identity $T/key.age" >out
  [ "$(jq -s '[.[] | select(.state == "PAID")] | length' out)" = 2 ]
  nothing_to_read
  hh-ln status --db pay --journal-key key --json >status  # the same key
  [ "$(wc -l <status)" = 2 ]
  run --separate-stderr hh-ln status --db pay --journal-key "exec:age -d -i $T/identity $T/nothing.age"
  [ "$status" = 78 ]
  if command -v sops >/dev/null; then
    sops encrypt --age "$recipient" --input-type binary --output key.sops key
    SOPS_AGE_KEY_FILE=$T/identity hh-ln status --db pay --json --journal-key "exec:sops decrypt --output-type binary $T/key.sops" | cmp status -
  fi
}

@test "config says where a journal is in clear (L072)" {
  run --separate-stderr hh-ln config
  [[ $stderr == *journal_in_clear* ]]
  run --separate-stderr hh-ln config --journal-key key
  [[ $stderr != *journal_in_clear* ]]
}

@test "the service pays from a sealed journal too (L072)" {
  load ../support/service
  mkdir inbox
  serve s --inbox "$T/inbox" --journal-key key
  sign_round dev 5000000 $(addresses 2) >m
  mv m inbox/one.jsonl
  is_paid() { [ "$(jq -s '[.[] | select(.type == "settlement" and .state == "PAID")] | length' s.out)" = 2 ]; }
  eventually 30 is_paid
  nothing_to_read
  [ "$(hh-ln status --db "$T/pay" --journal-key key --json | jq -r .state | sort -u)" = PAID ]
  stop s
}

@test "reports and events are made from a sealed journal as from one in clear (L072)" {
  sign_round dev 5000000 $(addresses 2) >m
  settle m --journal-key key >out
  hh-ln events --db pay --journal-key key >events
  [ -s events ]
  run --separate-stderr hh-ln events --db pay
  [ "$status" = 78 ]
}
