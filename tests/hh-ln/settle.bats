#!/usr/bin/env bats
# timeout: 600
# hh-ln settle with the simulated wallet: what it pays, prints and returns.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/settle

setup() {
  hh_setup
  make_keys
}
teardown() { hh_teardown; }

@test "a signed manifest is paid, line by line, with proof (C126 L020 L022 L082)" {
  sign_round dev 5000000 $(addresses 3) >m
  settle <m >out
  [ "$(head -1 out | jq -r .type)" = signed_manifest ]
  [ "$(jq -s '[.[] | select(.type == "settlement" and .state == "PAID")] | length' out)" = 3 ]
  [ "$(jq -s 'all(.[]; .simulated == true)' out)" = true ]
  [ "$(jq -s '[.[] | select(.type == "settlement") | .amount_msat] | add' out)" = "$(tail -n +2 payout.json | jq -s '[.[].pay_msat] | add')" ]
  while read -r preimage hash; do
    [ "$(printf %s "$preimage" | xxd -r -p | sha256sum | cut -d' ' -f1)" = "$hash" ]
  done < <(jq -r 'select(.type == "settlement") | "\(.preimage) \(.payment_hash)"' out)
}

@test "a second settle prints the same records and pays nothing (C075 L027)" {
  sign_round dev 5000000 $(addresses 3) >m
  settle m >first
  settle m >second
  cmp <(sort first) <(sort second)
  [ "$(spent)" = "$(printf '0 1\n1 1\n2 1')" ]
}

@test "signed again, the manifest is the same manifest and pays nothing" {
  sign_round dev 5000000 $(addresses 2) >m
  settle m >first
  sign_round dev 5000000 $(addresses 2) >again
  run ! cmp -s m again
  settle again >second
  cmp <(tail -n +2 first | sort) <(tail -n +2 second | sort)
  [ "$(spent)" = "$(printf '0 1\n1 1')" ]
}

@test "a bare JWS is a manifest too" {
  sign_round dev 5000000 $(addresses 1) | jq -r .jws >m
  settle m >out
  [ "$(jq -s '.[0].manifest_id' out)" = "$(jq -s '.[1].manifest_id' out)" ]
}

@test "two settles at the same time pay each line once (C075)" {
  sign_round dev 5000000 $(addresses 6) >m
  start one hh-ln settle m --db "$T/pay" --backend sim --key "$KEY" --sim-faults slow_ms=50
  start two hh-ln settle m --db "$T/pay" --backend sim --key "$KEY" --sim-faults slow_ms=50
  wait "$(pid_of one)"
  wait "$(pid_of two)"
  [ "$(spent | awk '$2 != 1' | wc -l)" = 0 ]
  [ "$(spent | wc -l)" = 6 ]
  [ "$(jq -s '[.[] | select(.state == "PAID")] | length' one.out)" = 6 ]
  cmp <(sort one.out) <(sort two.out)
}

@test "64 settles of one manifest at the same time send each line once (C075)" {
  sign_round dev 5000000 $(addresses 6) >m
  for n in $(seq 64); do start "s$n" hh-ln settle m --db "$T/pay" --backend sim --key "$KEY" --lock-wait-seconds 300 --sim-faults slow_ms=20; done
  for n in $(seq 64); do wait "$(pid_of "s$n")"; done
  [ "$(spent)" = "$(printf '%s 1\n' 0 1 2 3 4 5)" ]
  [ "$(sqlite3 pay "SELECT max(sends), count(*) FROM attempts")" = "1|6" ]
  [ "$(sqlite3 pay "SELECT count(*) FROM events WHERE to_state = 'SENDING'")" = 6 ]
  for n in $(seq 64); do [ "$(jq -s '[.[] | select(.state == "PAID")] | length' "s$n.out")" = 6 ]; done
}

@test "one that cannot wait for the other says who has the lock, and exits 75" {
  sign_round dev 5000000 $(addresses 1) >m
  start one hh-ln settle m --db "$T/pay" --backend sim --key "$KEY" --sim-faults slow_ms=3000
  eventually 10 test -e "$T/pay.sim"
  run --separate-stderr settle m --lock-wait-seconds 0
  [ "$status" = 75 ]
  [ -z "$output" ]
  [[ $stderr == *"$(pid_of one)"* ]]
}

@test "--dry-run shows the plan and touches nothing" {
  sign_round dev 5000000 $(addresses 2) >m
  settle m --dry-run >plan
  [ ! -e pay ]
  [ ! -e pay.sim ]
  [ "$(jq -c '[.type, .line, .would]' plan | paste -sd' ')" = '["settlement_plan",0,"pay"] ["settlement_plan",1,"pay"]' ]
  settle m >out
  settle m --dry-run >plan
  [ "$(jq -c '[.would, .already]' plan | sort -u)" = '["skip","PAID"]' ]
}

@test "a lost answer is asked about, a lost request sent again, a failure retried (L023)" {
  sign_round dev 5000000 $(addresses 4) >m
  settle m --sim-faults reply_lost=1,request_lost=1,fail=1 >out
  [ "$(spent | awk '$2 != 1' | wc -l)" = 0 ]
  [ "$(jq -s '[.[] | select(.state == "PAID")] | length' out)" = 4 ]
}

@test "what is still under way exits 75 and is finished by the next run" {
  sign_round dev 5000000 $(addresses 2) >m
  run --separate-stderr settle m --sim-faults in_flight=50
  [ "$status" = 75 ]
  [ "$(state_of 0)" = INFLIGHT ]
  for _ in $(seq 30); do settle m >out && break; done
  [ "$(jq -s '[.[] | select(.state == "PAID")] | length' out)" = 2 ]
  [ "$(spent)" = "$(printf '0 1\n1 1')" ]
}

@test "lines that fail exit 1 with the reason, and are tried again by the next run" {
  sign_round dev 5000000 $(addresses 1) >m
  run --separate-stderr settle m --sim-faults fail=99
  [ "$status" = 1 ]
  [ "$(echo "$output" | tail -1 | jq -r '.state + " " + .reason')" = "FAILED_SAFE no route" ]
  settle m >out
  [ "$(spent)" = "0 1" ]
}

@test "insufficient balance is said" {
  sign_round dev 5000000 $(addresses 1) >m
  run --separate-stderr settle m --sim-balance-msat 5
  [ "$status" = 1 ]
  [[ $output == *"insufficient balance"* ]]
}

@test "an expired invoice is asked for again, and the line paid once (L028 L084)" {
  sign_round dev 5000000 $(addresses 1) >m
  now=$(date +%s)
  run --separate-stderr settle m --sim-faults request_lost=9
  [ "$status" = 75 ]
  [ "$(state_of 0)" = UNKNOWN ]
  HH_FAKE_TIME=$((now + 7200)) settle m >out
  [ "$(tail -1 out | jq -r '"\(.state) \(.attempt)"')" = "PAID 2" ]
  [ "$(spent)" = "0 1" ]
}

@test "a wrong preimage is no proof: UNKNOWN, exit 75, an alarm in the log" {
  sign_round dev 5000000 $(addresses 1) >m
  run --separate-stderr settle m --sim-faults wrong_preimage=99
  [ "$status" = 75 ]
  [ "$(echo "$output" | tail -1 | jq -r .state)" = UNKNOWN ]
  [[ $stderr == *payment_alarm* ]]
  settle m >out
  [ "$(spent)" = "0 1" ]
}

@test "destinations of every kind are paid by the simulated wallet" {
  local key=03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad
  sign_round dev 5000000 "a=lnaddress:rig@example.com" "b=node:$key" "c=lnurl:https://example.com/pay" >m
  settle m >out
  [ "$(jq -s '[.[] | select(.state == "PAID")] | length' out)" = 3 ]
}

@test "held lines are not paid until released" {
  sign_round dev 5000000 $(addresses 2) >m
  id=$(jq -r .manifest_id m)
  run settle m --sim-faults down=1
  [ "$status" = 69 ]
  run settle m --sim-faults not_connected=9 --concurrency 1
  [ "$status" = 75 ]
  hh-ln hold "$id" 1 --reason "ask the miner" --db pay >held
  [ "$(jq -r '.state + " " + .reason' held)" = "HELD ask the miner" ]
  run --separate-stderr settle m
  [ "$status" = 1 ]
  [ "$(spent)" = "0 1" ]
  hh-ln release "$id" 1 --db pay >released
  settle m >out
  [ "$(spent)" = "$(printf '0 1\n1 1')" ]
}

@test "what is below the minimum is not paid: it stays in the miner's account (C072)" {
  "$HH_SRC/tests/support/make_round.py" dev 1000000 $(addresses 3) | jq -c '.miners[1].work = "1" | .work = "2001"' >round.json
  hh-payout compute <round.json >payout.json
  hh-payout sign --key signer.pem --now --exp +1d <payout.json >m
  [ "$(jq -c 'select(.account == "miner:rig1") | [.why, .pay_msat, .carried_out_msat > 0]' payout.json)" = '["below_minimum",0,true]' ]
  settle m --dry-run >plan
  [ "$(jq -r .account plan | paste -sd' ')" = "miner:rig0 miner:rig2" ]
  settle m >out
  [ "$(jq -r 'select(.type == "settlement") | .account' out | sort | paste -sd' ')" = "miner:rig0 miner:rig2" ]
  [ "$(spent)" = "$(printf '0 1\n2 1')" ]
}

@test "while payments are paused settle sends nothing, and says who has paused them (L043)" {
  sign_round dev 5000000 $(addresses 2) >m
  run settle m --sim-faults fail=9 --attempts 1
  hh-ln pause --reason "the books are open" --db pay 2>/dev/null
  run --separate-stderr settle m
  [ "$status" = 75 ]
  [[ $stderr == *"paused by"*"the books are open"*"hh-ln resume"* ]]
  [ -z "$(spent)" ]
  hh-ln resume --db pay 2>/dev/null
  settle m >out
  [ "$(jq -s '[.[] | select(.state == "PAID")] | length' out)" = 2 ]
}
