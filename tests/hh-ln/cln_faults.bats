#!/usr/bin/env bats
# Core Lightning through clnrest, and its faults that a real one does not show on request: whatever happens, each line is paid once.
# timeout: 600

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/settle
load ../support/fake_node
load ../support/faults

setup() {
  hh_setup
  make_keys
  export HH_PAYEE # of offers
  HH_PAYEE=$(printf '07%.0s' $(seq 32))
  fake_node cln
  (umask 077 && echo 7cKJyALVY0_LLVV-AB9oetXjipOdyt0EhOuYrSS42fM9MA== | tee cln/rune >rune)
}
teardown() { hh_teardown; }

SEND=xpay TRACK=list
by_node() { hh-ln "$1" --db "$T/pay" --backend cln --cln-url "http://127.0.0.1:$PORT" --cln-rune "${RUNE:-$T/rune}" "${@:2}"; }

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

@test "no list, no conclusion: nothing is sent again while it is missing" { no_answer_no_conclusion 404; }

# once_for_offer FAULT…: with these faults of fetchinvoice nothing is paid until they are over, and then once.
once_for_offer() {
  [ $# = 0 ] || printf 'offer %s\n' "$@" >cln/faults
  sign_for "a=bolt12:$("$MAKE_INVOICE" offer)"
  for _ in "$@"; do
    run --separate-stderr pay
    echo "$output $stderr"
    [ "$status" = 75 ]
    [ "$(echo "$output" | tail -1 | jq -r .state)" = PLANNED ]
    [ ! -e cln/spent ]
  done
  pay >out
  cat out
  [ "$(tail -1 out | jq -r '.state + " " + .backend')" = "PAID cln" ]
  [ "$(wc -l <cln/spent)" = 1 ]
}

@test "an offer: its invoice is asked for, stored and paid once, with proof (C126)" {
  once_for_offer
  [ "$(tail -1 out | jq -c '[.amount_msat, .fee_msat]')" = "[990000000,1000]" ]
  [ "$(tail -1 out | jq -r .preimage | xxd -r -p | sha256sum | cut -d' ' -f1)" = "$(tail -1 out | jq -r .payment_hash)" ]
  pay >again
  cmp out again
  [ "$(wc -l <cln/spent)" = 1 ]
  hh-ln invoices --db pay >invoices
  [[ $(jq -r .bolt12 invoices) == lni1* ]]
  [ "$(jq -c '[.result, .state, .payee, has("bolt11")]' invoices)" = '["accepted","PAID","02989c0b76cb563971fdc9bef31ec06c3560f3249d6ee9e5d83c57625596e05f6f",false]' ]
  [ "$(by_node audit | jq -c '[.ok, .paid, .different, .forgotten_by_node, .foreign]')" = "[true,1,0,0,0]" ]
}
@test "an offer whose payee is away, refuses, or cannot be reached (C126)" { once_for_offer error-1005 error-1004 error-1003 close 502; }
@test "an offer's invoice over another amount, of another request or payee, for another offer, about to expire, or of another kind is refused (C126 C076)" {
  once_for_offer more note payee other stale bolt11
  hh-ln invoices --db pay | jq -r 'select(.result == "refused") | .reason' >reasons
  cat reasons
  grep -q "asks for 990001000 msat, not 990000000" reasons
  grep -q "answers another request" reasons
  grep -q "who is not the offer's issuer" reasons
  grep -q "for another offer" reasons
  grep -q "does not start with lni1" reasons
  [ "$(hh-ln invoices --db pay | jq -r 'select(.result == "refused") | .bolt12 // .bolt11' | grep -c lni1)" = 5 ]
}
@test "a rune that does not permit fetchinvoice says so (C126)" {
  once_for_offer rune
  [[ $(hh-ln invoices --db pay | jq -r .reason) == *"refuses the rune for fetchinvoice"* ]]
}
@test "an offer's invoice whose answer got lost when it was paid: the same invoice, never a new one (L028 C126)" {
  printf 'xpay paid-close\nlist 502\n' >cln/faults
  sign_for "a=bolt12:$("$MAKE_INVOICE" offer)"
  run --separate-stderr pay
  [ "$status" = 75 ]
  [ "$(state)" = UNKNOWN ]
  pay >out
  [ "$(tail -1 out | jq -r .state)" = PAID ]
  [ "$(wc -l <cln/spent)" = 1 ]
  [ "$(hh-ln invoices --db pay | wc -l)" = 1 ]
}
@test "one invoice for two offers' lines: the second is refused (C126)" {
  offer=$("$MAKE_INVOICE" offer)
  sign_for "a=bolt12:$offer" "b=bolt12:$offer"
  printf 'offer none\noffer same\n' >cln/faults
  run --separate-stderr pay --concurrency 1
  echo "$output"
  [ "$status" = 75 ]
  [ "$(wc -l <cln/spent)" = 1 ]
  [[ $output == *"answers another request"* ]]
}
@test "an offer that cannot be paid is held with the reason: of another network, or broken (C126)" {
  # The specification's examples: for Bitcoin's main chain, and one with an unknown feature.
  sign_for "a=bolt12:lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese" \
    "b=bolt12:lno1pgx9getnwss8vetrw3hhyucvzqzqqqqqqqqqqqqqqqqqqqqqqqqpvggzamrjghtt05kvkvpcp0a79gmy3nt6jsn98ad2xs8de6sl9qmgvcvs"
  run --separate-stderr pay
  echo "$output"
  [ "$status" = 1 ]
  [ "$(echo "$output" | jq -r 'select(.state == "HELD") | .reason' | sort | paste -sd/)" = "the offer is not for the network regtest/the offer needs feature 122, which is unknown" ]
  [ ! -e cln/spent ]
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

@test "a payment by hand that is under way is not taken for failed because its newest part has (C129)" {
  sign_for "a=lnaddress:honest@$LNURL"
  local invoice
  invoice=$("$MAKE_INVOICE" 5000 "$(printf '0%.0s' {1..64})" 3600)
  by_hand() { curl -sS -H "Rune: $(cat rune)" -d "{\"invstring\":\"$invoice\"}" "http://127.0.0.1:$PORT/v1/xpay" >/dev/null; }
  echo "xpay stuck" >cln/faults && by_hand
  run --separate-stderr pay
  [ "$status" = 75 ]
  echo "xpay failed-part" >cln/faults && by_hand
  run --separate-stderr pay
  [ "$status" = 75 ]
  [[ $stderr == *"over 5000 msat"*acknowledge* ]]
  [ ! -e cln/spent ]
}

@test "Core Lightning that has deleted its history is not paid through again: the line waits for its operator (C076)" { history_is_gone; }
@test "the rune never appears in output or log" {
  never_shown 7cKJyALV
  hh-ln config --backend cln --cln-rune "$(cat rune)" >out 2>err || true
  [ "$(cat out err | grep -c 7cKJyALV)" = 0 ]
}

@test "Core Lightning is down: exit 69, nothing on stdout (L086)" {
  sign_for "a=lnaddress:honest@$LNURL"
  stop cln
  run --separate-stderr pay
  [ "$status" = 69 ]
  [ -z "$output" ]
}
