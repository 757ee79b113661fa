#!/usr/bin/env bats
# Core Lightning through clnrest, and its faults that a real one does not show on request: whatever happens, each line is paid once.
# timeout: 600

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/settle
load ../support/fake_node

setup() {
  hh_setup
  make_keys
  fake_node cln
  (umask 077 && echo 7cKJyALVY0_LLVV-AB9oetXjipOdyt0EhOuYrSS42fM9MA== | tee cln/rune >rune)
}
teardown() { hh_teardown; }

# Amount for each: 1,000,000 sat less 1 %, divided.
sign_for() { sign_round regtest 1000000 "$@" >m; }
cln() { hh-ln "$1" --db "$T/pay" --backend cln --cln-url "http://127.0.0.1:$PORT" --cln-rune "${RUNE:-$T/rune}" "${@:2}"; }
pay() { cln settle m --key "$KEY" --lnurl-allow-loopback --backoff-ms 1 --wait-seconds 0 --timeout-seconds 1 "$@"; }
state() { hh-ln status --db pay --json | jq -r .state; }

# once FAULT…: with these faults a line is paid exactly once, and its record is PAID after at most three runs.
once() {
  [ $# = 0 ] || printf '%s\n' "$@" >cln/faults
  sign_for "a=lnaddress:honest@$LNURL"
  local run
  for run in 1 2 3; do
    pay >out 2>err && break
    touch cln/unstick
  done
  tail -1 out; cat err
  [ "$(tail -1 out | jq -r '.state + " " + .backend')" = "PAID cln" ]
  [ "$(wc -l <cln/spent)" = 1 ]
  [ ! -s cln/faults ]
  [ "$(cln audit | jq -c '[.ok, .paid, .different, .forgotten_by_node, .foreign, .paid_twice]')" = "[true,1,0,0,0,0]" ]
}

@test "paid: proof, amount and fee (L002 L022)" {
  once
  [ "$(tail -1 out | jq -c '[.amount_msat, .fee_msat]')" = "[990000000,1000]" ]
  [ "$(tail -1 out | jq -r .preimage | xxd -r -p | sha256sum | cut -d' ' -f1)" = "$(tail -1 out | jq -r .payment_hash)" ]
  pay >again
  cmp out again
}
@test "the connection ends before the request is handled" { once "xpay close"; }
@test "it is paid and the connection ends (L028)" { once "xpay paid-close"; }
@test "HTTP 500 without a code, nothing done" { once "xpay 500"; }
@test "HTTP 500 without a code after it was paid" { once "xpay paid-500"; }
@test "an error inside HTTP 201" { once "xpay 201-error"; }
@test "it is paid and the answer is no JSON" { once "xpay paid-garbage"; }
@test "it is paid and the answer is cut off" { once "xpay paid-cut"; }
@test "a wrong preimage first" { once "xpay wrong"; }
@test "errors that say nothing before it was paid (L028)" { once "xpay error--1" "xpay error--3"; }
@test "errors that say nothing after it was paid (L028)" { once "xpay paid-error--4"; }
@test "no route: tried again with the same invoice (L023)" { once "xpay fail" "xpay fail"; }
@test "a failure whose part is still out is under way (L028)" { once "xpay fail-parts"; }
@test "restarted in the middle of a payment of several parts" { once "xpay part"; }
@test "already paid, by a request whose answer got lost (L028)" { once "xpay paid-error-219"; }
@test "a failure code after it was paid: the list is right (L028)" { once "xpay paid-error-205"; }
@test "everything at once" { once "xpay close" "list close" "xpay paid-cut" "list 502" "list 404" "list empty-object"; }
@test "a list that calls everything failed for a moment: the same invoice again, which the node refuses (L028)" { once "xpay stuck" "list flicker"; }

@test "no list, no conclusion: nothing is sent again while it is missing" {
  printf 'xpay paid-close\n%s' "$(yes 'list 404' | head -50)" >cln/faults
  sign_for "a=lnaddress:honest@$LNURL"
  run --separate-stderr pay
  [ "$status" = 75 ]
  [ "$(state)" = UNKNOWN ]
  rm cln/faults
  pay >out
  [ "$(wc -l <cln/spent)" = 1 ]
}

@test "a node without an invoice is held: Core Lightning cannot pay it exactly once (L002)" {
  sign_for "a=node:03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad" "b=lnaddress:honest@$LNURL"
  run --separate-stderr pay
  echo "$output $stderr"
  [ "$status" = 1 ]
  [ "$(echo "$output" | jq -r 'select(.account == "miner:a") | .state + " " + .reason')" = "HELD Core Lightning cannot pay a node without an invoice exactly once: its keysend chooses the preimage itself. Pay this line through lnd, or ask for an invoice" ]
  [ "$(wc -l <cln/spent)" = 1 ]
}

@test "a rune that is refused, one that does not permit the amount, an old version: nothing is paid, and the reason is said (L002)" {
  sign_for "a=lnaddress:honest@$LNURL"
  (umask 077 && echo AAAA >wrong)
  RUNE=$T/wrong run --separate-stderr pay
  echo "$stderr"
  [ "$status" = 78 ]
  [[ $stderr == *"refuses the rune"* && $stderr != *AAAA* ]]
  echo v26.04 >cln/version
  run --separate-stderr pay
  [ "$status" = 78 ]
  [[ $stderr == *"v26.06 or later is needed"* ]]
  rm cln/version
  echo "xpay rune" >cln/faults
  run --separate-stderr pay
  [ "$status" = 1 ]
  [[ $(echo "$output" | tail -1 | jq -r '.state + " " + .reason') == "FAILED_SAFE the rune does not permit this payment"* ]]
  [ ! -e cln/spent ]
}

@test "a payment by hand stops everything until somebody says what it was (C129)" {
  sign_for "a=lnaddress:honest@$LNURL"
  curl -sS -H "Rune: $(cat rune)" -d "{\"invstring\":\"$("$MAKE_INVOICE" 5000 "$(printf '0%.0s' {1..64})" 3600)\"}" "http://127.0.0.1:$PORT/v1/xpay" >/dev/null
  run --separate-stderr pay
  [ "$status" = 75 ]
  [[ $stderr == *"over 5000 msat"*acknowledge* ]]
  hh-ln acknowledge --all --reason "by hand" --db pay
  pay >out
  [ "$(wc -l <cln/spent)" = 2 ]
}

@test "Core Lightning is down: exit 69; a forgotten history leaves the line to its operator (L086 C076)" {
  sign_for "a=lnaddress:honest@$LNURL" "b=lnaddress:honest@$LNURL"
  printf 'xpay ok\nxpay paid-close\n%s' "$(yes 'list 502' | head -20)" >cln/faults
  run --separate-stderr pay
  [ "$status" = 75 ]
  [ "$(wc -l <cln/spent)" = 2 ]
  rm cln/faults
  touch cln/forget
  for later in 0 7200; do
    HH_FAKE_TIME=$(($(date +%s) + later)) run --separate-stderr pay
    [ "$status" = 75 ]
    [ "$(wc -l <cln/spent)" = 2 ]
  done
  [[ $(echo "$output" | tail -1 | jq -r '.state + " " + .reason') == "UNKNOWN the node has deleted its history"* ]]
  stop cln
  run --separate-stderr pay
  [ "$status" = 69 ]
  [ -z "$output" ]
}

@test "the rune never appears in output or log" {
  sign_for "a=lnaddress:honest@$LNURL"
  pay --log-level debug >out 2>err
  stop cln
  pay --log-level debug >>out 2>>err || true
  hh-ln config --backend cln --cln-rune "$(cat rune)" >>out 2>>err || true
  [ "$(cat out err | grep -c 7cKJyALV)" = 0 ]
}
