#!/usr/bin/env bats
# timeout: 600
# What operators look at and decide: held lines, revoked manifests, batches, and a journal that was restored from a backup.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/settle

setup() {
  hh_setup
  make_keys
}
teardown() { hh_teardown; }

@test "held lines are listed with the reason, as a table and as records (L023)" {
  sign_round dev 5000000 $(addresses 3) >m
  id=$(jq -r .manifest_id m)
  run settle m --sim-faults not_connected=9 --concurrency 1
  hh-ln hold "$id" 2 --reason "ask the miner" --db pay >/dev/null
  run --separate-stderr hh-ln held --db pay
  [[ $output == *"miner:rig2"*"ask the miner"* ]]
  [ "$(wc -l <<<"$output")" = 2 ]
  [ "$(hh-ln held "$id" --json --db pay | jq -r '"\(.line) \(.state) \(.reason)"')" = "2 HELD ask the miner" ]
  hh-ln release "$id" 2 --reason "it is all right" --db pay >/dev/null
  [ -z "$(hh-ln held --db pay)" ]
  [ "$(hh-ln decisions "$id" --db pay | jq -r '"\(.action) \(.line) \(.uid) \(.reason)"')" = "$(printf 'hold 2 %s ask the miner\nrelease 2 %s it is all right' "$(id -u)" "$(id -u)")" ]
}

@test "120 lines are paid in batches of at most 50, whose records say what they cost (L023)" {
  sign_round dev 50000000 $(addresses 120) >m
  settle m --sim-faults fail=3 >out
  [ "$(spent | awk '$2 != 1' | wc -l)" = 0 ]
  [ "$(jq -s '[.[] | select(.state == "PAID")] | length' out)" = 120 ]
  hh-ln batches --db pay >batches
  [ "$(jq -r '"\(.batch) \(.state) \(.lines | length) \(.paid)"' batches)" = "$(printf '1 closed 50 50\n2 closed 50 50\n3 closed 20 20')" ]
  [ "$(jq -s 'map(.amount_msat) | add' batches)" = "$(jq -s '[.[] | select(.type == "settlement") | .amount_msat] | add' out)" ]
  [ "$(jq -s 'map(.fee_reserved_msat) | add' batches)" -ge "$(jq -s '[.[] | select(.type == "settlement") | .fee_msat] | add' out)" ]
}

@test "what is revoked stays revoked, with the reason on each line" {
  ROUND_BLOCK=one sign_round dev 5000000 $(addresses 2) >m
  ROUND_BLOCK=one sign_round dev 4000000 $(addresses 2) >next
  id=$(jq -r .manifest_id m)
  run settle m --sim-faults not_connected=9 --concurrency 1
  hh-ln revoke "$id" --reason "wrong policy" --db pay >revoked
  [ "$(jq -r .state revoked | sort -u | paste -sd' ')" = "HELD UNKNOWN" ]
  run --separate-stderr settle m
  [ "$status" = 75 ]
  [ -z "$(spent)" ]
  run --separate-stderr hh-ln release "$id" 1 --db pay
  [ "$status" = 65 ]
  [[ $stderr == *revoked* ]]
  run --separate-stderr hh-ln revoke "$id" --reason "wrong policy" --db pay
  [ "$status" = 65 ]
  run --separate-stderr settle next  # something was sent
  [ "$status" = 65 ]
  [[ $stderr == *"paid out twice"* ]]
  run --separate-stderr hh-ln revoke nonsense --reason "wrong policy" --db pay
  [ "$status" = 64 ]
}

@test "a manifest that is revoked before anything was sent leaves its block to another one" {
  ROUND_BLOCK=one sign_round dev 5000000 $(addresses 2) >m
  ROUND_BLOCK=one sign_round dev 4000000 $(addresses 2) >next
  sign_round dev 3000000 $(addresses 1) >other
  settle other >out
  hh-ln revoke "$(jq -r .manifest_id m)" --reason "wrong policy" --db pay >revoked
  [ ! -s revoked ]
  run --separate-stderr settle m
  [ "$status" = 65 ]
  [[ $stderr == *"is revoked: wrong policy"* ]]
  settle next >out
  [ "$(jq -s '[.[] | select(.state == "PAID")] | length' out)" = 2 ]
}

@test "a journal restored from a backup refuses to pay until it is reconciled, and then pays nothing twice (L090 C075)" {
  local key=03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad
  sign_round dev 5000000 "a=lnaddress:rig@example.com" "b=node:$key" >m
  run settle m --sim-faults not_connected=1 --concurrency 1
  sqlite3 pay ".backup backup"
  settle m >out
  cp backup pay
  for _ in 1 2; do
    run --separate-stderr settle m
    [ "$status" = 75 ]
    [[ $stderr == *"hh-ln reconcile"* ]]
    [ -z "$(jq -r 'select(.type == "settlement")' <<<"$output")" ]
  done
  hh-ln acknowledge --all --reason "all known" --db pay >/dev/null  # is not enough
  run --separate-stderr settle m
  [ "$status" = 75 ]
  [ "$(state_of 1)" = HELD ]
  cp backup pay
  hh-ln reconcile --reason "restored" --db pay --backend sim >found
  [ "$(jq -r 'select(.type == "settlement") | "\(.line) \(.state)"' found)" = "1 PAID" ]
  [ "$(jq -r 'select(.type == "reconciliation") | "\(.listed) \(.known) \(.taken) \(.acknowledged) \(.held)"' found)" = "2 1 1 0 0" ]
  settle m >again
  cmp <(jq -c 'del(.time_ms)' out | sort) <(jq -c 'del(.time_ms)' again | sort)
  [ "$(spent)" = "$(printf '0 1\n1 1')" ]
  [ "$(hh-ln decisions --db pay | jq -r .action)" = reconcile ]
}

spent_is() { [ "$(spent 2>/dev/null | wc -l)" = "$1" ]; }

@test "not more payments in a minute than the settings allow, also over several runs (L074)" {
  sign_round dev 5000000 $(addresses 4) >m
  start slow hh-ln settle m --db "$T/pay" --backend sim --key "$KEY" --payments-per-minute 3
  eventually 20 spent_is 3
  kill -TERM "$(pid_of slow)"
  wait "$(pid_of slow)" || [ $? = 75 ]
  [ "$(spent | wc -l)" = 3 ]
  start again hh-ln settle m --db "$T/pay" --backend sim --key "$KEY" --payments-per-minute 3
  sleep 2
  [ "$(spent | wc -l)" = 3 ]
  kill -TERM "$(pid_of again)"
  wait "$(pid_of again)" || [ $? = 75 ]
  settle m >out
  [ "$(spent | wc -l)" = 4 ]
}
