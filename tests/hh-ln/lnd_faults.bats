#!/usr/bin/env bats
# Faults of lnd and of the way to it that a real lnd does not show on request: whatever happens, each line is paid once.
# timeout: 600

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/settle
load ../support/fake_node
load ../support/faults

setup() {
  hh_setup
  make_keys
  fake_node lnd
  (umask 077 && echo 00aa00bb >macaroon)
}
teardown() { hh_teardown; }

SEND=send TRACK=track
by_node() { hh-ln "$1" --db "$T/pay" --lnd-url "http://127.0.0.1:$PORT" --lnd-macaroon "$T/macaroon" "${@:2}"; }

@test "the connection ends before the request is handled" { once "send close"; }
@test "it is paid and the connection ends" { once "send paid-close"; }
@test "HTTP 500, nothing done" { once "send 500"; }
@test "HTTP 500 after it was paid" { once "send paid-500"; }
@test "HTTP 200 with an error inside" { once "send 200-error"; }
@test "it is paid and the answer is no JSON" { once "send paid-garbage"; }
@test "it is paid and the answer is cut off" { once "send paid-cut"; }
@test "a web page instead of an answer" { once "send html"; }
@test "the answer is about another payment" { once "send other"; }
@test "SUCCEEDED with a wrong preimage first" { once "send wrong"; }
@test "a final failure is retried with the same invoice" { once "send fail" "send fail"; }
@test "updates out of order: SUCCEEDED, then IN_FLIGHT" { once "send reordered"; }
@test "updates that are cut off after the first" { once "send cut-updates"; }
@test "409 about a payment that was made, and whose first answer got lost (L028)" { once "send paid-409"; }
@test "everything at once" { once "send close" "track close" "send paid-cut" "track 502" "track 404"; }

@test "the gateway's own Not Found is not taken for a lost payment: nothing is sent again on its word" { no_answer_no_conclusion 404; }

@test "FAILED with an HTLC still out is under way, not failed; it settles later and is paid once" {
  echo "send fail-stuck" >lnd/faults
  sign_for "a=lnaddress:honest@$LNURL"
  run --separate-stderr pay
  [ "$status" = 75 ]
  [ "$(state)" = INFLIGHT ]
  touch lnd/unstick
  pay >out
  [ "$(tail -1 out | jq -r .state)" = PAID ]
  [ "$(spent_hashes)" = "1 " ]
}

@test "insufficient balance is tried once and said" {
  printf 'send broke\nsend broke\n' >lnd/faults
  sign_for "a=lnaddress:honest@$LNURL"
  run --separate-stderr pay
  [ "$status" = 1 ]
  [[ $output == *"insufficient balance"* ]]
  [ "$(wc -l <lnd/faults)" = 1 ]
}

@test "a payment that hangs stays INFLIGHT through restarts of everything and is never sent again" {
  echo "send stuck" >lnd/faults
  sign_for "a=lnaddress:honest@$LNURL"
  for _ in 1 2 3; do
    run --separate-stderr pay
    [ "$status" = 75 ]
    [ "$(echo "$output" | tail -1 | jq -r .state)" = INFLIGHT ]
  done
  touch lnd/unstick
  pay >out
  [ "$(spent_hashes)" = "1 " ]
}

@test "restarted in the middle of a payment of several parts: followed, not sent again (L028)" {
  printf 'send part\ntrack close\ntrack 502\n' >lnd/faults
  sign_for "a=lnaddress:honest@$LNURL"
  run --separate-stderr pay
  [ "$status" = 75 ]
  run --separate-stderr pay
  [ "$status" = 75 ]
  [ "$(state)" = INFLIGHT ]
  touch lnd/unstick
  pay >out
  [ "$(spent_hashes)" = "1 " ]
}

@test "an HTLC that is held for a day, long after its invoice has expired, is waited for (L028)" {
  echo "send stuck" >lnd/faults
  sign_for "a=lnaddress:honest@$LNURL"
  for later in 0 7200 86400; do
    HH_FAKE_TIME=$(($(date +%s) + later)) run --separate-stderr pay
    [ "$status" = 75 ]
    [ "$(state)" = INFLIGHT ]
  done
  [ "$(hh-ln invoices --db pay | wc -l)" = 1 ]
  touch lnd/unstick
  HH_FAKE_TIME=$(($(date +%s) + 86500)) pay >out
  [ "$(spent_hashes)" = "1 " ]
}

@test "FAILED, then SUCCEEDED: taken as paid, and paid once (L028)" {
  echo "send lie" >lnd/faults
  sign_for "a=lnaddress:honest@$LNURL"
  run --separate-stderr pay --attempts 1
  [ "$status" = 1 ]
  [ "$(state)" = FAILED_SAFE ]
  touch lnd/unstick
  pay >out
  [ "$(tail -1 out | jq -r .state)" = PAID ]
  [ "$(spent_hashes)" = "1 " ]
}

@test "lnd is down at the start: exit 69, nothing on stdout; down in the middle: exit 75 and resumed (L086)" {
  sign_for "a=lnaddress:honest@$LNURL" "b=lnaddress:honest@$LNURL"
  echo "send stuck" >lnd/faults
  run --separate-stderr pay
  [ "$status" = 75 ]
  touch lnd/unstick
  pay >out
  [ "$(wc -l <lnd/spent)" = 2 ]
  stop lnd
  run --separate-stderr pay
  [ "$status" = 69 ]
  [ -z "$output" ]
}

@test "cheating services get nothing, each with a reason (L022)" {
  local users=(more less stale same same hash huge error nonsense silent elsewhere) words=() i
  for i in "${!users[@]}"; do words+=("m$(printf %02d "$i")=lnaddress:${users[i]}@$LNURL"); done
  sign_for "${words[@]}"
  run --separate-stderr pay
  echo "$output"
  [ "$status" = 75 ]
  [ "$(echo "$output" | jq -s '[.[] | select(.state == "PAID")] | length')" = 1 ]
  [ "$(echo "$output" | jq -s '[.[] | select(.type == "settlement" and .state == "PLANNED" and (.reason // "") != "")] | length')" = 10 ]
  [ "$(wc -l <lnd/spent)" = 1 ]
}

@test "an lnd that has deleted its history is not paid through again: the line waits for its operator (C076)" { history_is_gone; }
@test "the macaroon never appears in output or log" { never_shown 00aa00bb; }

@test "an offer is held: lnd cannot pay it, and nothing is sent (C126)" {
  sign_for "a=bolt12:$(HH_PAYEE=$(printf '07%.0s' $(seq 32)) "$MAKE_INVOICE" offer)" "b=lnaddress:honest@$LNURL"
  run --separate-stderr pay
  echo "$output"
  [ "$status" = 1 ]
  [ "$(echo "$output" | jq -r 'select(.account == "miner:a") | .state + " " + .reason')" = \
    "HELD lnd cannot pay offers (BOLT 12): pay this line through Core Lightning, or ask for an invoice" ]
  [ "$(wc -l <lnd/spent)" = 1 ]
}

@test "a journal that is older than a transaction which paid its lines pays nothing, and reconcile holds them (L022 L090)" {
  sign_for "a=lnaddress:honest@$LNURL"
  local sat
  sat=$(($(pay --dry-run | jq .amount_msat) / 1000))
  jq -nc --arg sat "$sat" '[{tx_hash: ("e" * 64), num_confirmations: 1, time_stamp: (now | floor | tostring), label: "hh-ln: lines paid on chain",
    previous_outpoints: [{outpoint: ("d" * 64 + ":0")}], output_details: [{amount: $sat, pk_script: ("0014" + "ab" * 20)}, {amount: "777", pk_script: ("0014" + "cd" * 20)}]}]' >lnd/transactions
  run --separate-stderr pay
  echo "$output $stderr"
  [ "$status" = 75 ]
  [[ $stderr == *"hh-ln reconcile"* ]]
  run --separate-stderr hh-ln reconcile --reason restored --db "$T/pay" --lnd-url "http://127.0.0.1:$PORT" --lnd-macaroon macaroon
  [ "$status" = 1 ]
  [ "$(echo "$output" | jq -rs 'map(select(.type == "foreign_payment"))[0] | [.payment_hash[:2], .status] | join(" ")')" = "ee ON_CHAIN" ]
  run --separate-stderr pay
  [ "$status" = 1 ]
  [[ $(echo "$output" | tail -1 | jq -r '.state + " " + .reason') == "HELD "*eeeeee* ]]
  [ ! -e lnd/spent ]
}

@test "an LNURL service on this machine is refused unless it was allowed" {
  sign_for "a=lnaddress:honest@$LNURL"
  run --separate-stderr hh-ln settle m --db pay --key "$KEY" --lnd-url "http://127.0.0.1:$PORT" --lnd-macaroon macaroon --backoff-ms 1
  [ "$status" = 75 ]
  [ ! -e lnd/spent ]
  [ "$(echo "$output" | tail -1 | jq -r .state)" = PLANNED ]
}
