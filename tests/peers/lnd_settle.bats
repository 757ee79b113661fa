#!/usr/bin/env bats
# hh-ln settle against two real lnd nodes with a channel: every kind of destination, proof, books that agree to the msat, lnd gone in the middle.
# HH_LND_CHAIN=signet runs it on the private signet; regtest, whose blocks cost nothing, is the default (the demonstration's test runs on signet).
# timeout: 1500

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/bitcoind
load ../support/lnd
load ../support/settle

chain=${HH_LND_CHAIN:-regtest}

setup() {
  lnd_setup
  two_lnds "$chain"
  bake payer "$T/macaroon"
  lnurl
}
teardown() { hh_teardown; }

lnurl() {
  cat >"$T/invoice" <<END
#!/bin/sh
exec lncli --lnddir="$T/payee.lnd" --network=$chain --rpcserver=127.0.0.1:$(cut -d' ' -f1 "$T/payee.lnd/ports") addinvoice --amt_msat "\$1" --description_hash "\$2" --expiry "\$3" | jq -r .payment_request
END
  chmod +x "$T/invoice"
  start lnurl "$HH_SRC/tests/support/lnurl_server.py" "$T/invoice"
  eventually 90 test -s "$T/lnurl.out"
  LNURL=127.0.0.1:$(cat "$T/lnurl.out")
}

pay() {
  hh-ln settle --db "$T/pay" --key "$KEY" --lnd-url "$(lnd_url payer)" --lnd-tls-cert "${CERT:-$(lnd_cert payer)}" --lnd-macaroon "${MACAROON:-$T/macaroon}" --lnurl-allow-loopback \
    --backoff-ms 200 --wait-seconds 5 --timeout-seconds 20 "$@"
}

audit() { hh-ln audit --db "$T/pay" --lnd-url "$(lnd_url payer)" --lnd-tls-cert "$(lnd_cert payer)" --lnd-macaroon "$T/macaroon"; }

bolt11() { ln_cli payee addinvoice --amt_msat "$1" --expiry "${2:-3600}" | jq -r .payment_request; }

# What the payee says that it received, in msat.
received() { ln_cli payee listinvoices --max_invoices 1000 | jq '[.invoices[] | select(.state == "SETTLED") | .amt_paid_msat | tonumber] | add // 0'; }
sent() { ln_cli payer listpayments --include_incomplete | jq '[.payments[] | select(.status == "SUCCEEDED") | .value_msat | tonumber] | add // 0'; }

@test "bolt11, keysend, lightning address and LNURL are paid by real lnd, once, with proof (L022 L027 L083 C075 C126)" {
  # 400,000 sat of subsidy leave 99,000,000 msat for each of four miners after 1 %.
  sign_round "$chain" 400000 "a=bolt11:$(bolt11 99000000)" "b=node:$(lnd_key payee)" "c=lnaddress:honest@$LNURL" "d=lnurl:http://$LNURL/.well-known/lnurlp/other" >m
  pay m >out
  cat out
  [ "$(jq -s '[.[] | select(.state == "PAID" and .backend == "lnd" and .amount_msat == 99000000)] | length' out)" = 4 ]
  [ "$(grep -c simulated out)" = 0 ]
  while read -r preimage hash; do
    [ "$(printf %s "$preimage" | xxd -r -p | sha256sum | cut -d' ' -f1)" = "$hash" ]
  done < <(jq -r 'select(.type == "settlement") | "\(.preimage) \(.payment_hash)"' out)
  pay m >again
  cmp <(sort out) <(sort again)  # lines are printed as they are paid, several at once
  [ "$(received)" = 396000000 ]
  [ "$(sent)" = 396000000 ]
  [ "$(audit | jq -c '[.ok, .paid, .paid_msat, .foreign, .different, .forgotten_by_node]')" = '[true,4,396000000,0,0,0]' ]

  # A payment by hand is one that the journal does not know: nothing is paid until somebody says what it was.
  ln_cli payer payinvoice --force "$(bolt11 5000)" >/dev/null
  sign_round "$chain" 100000 "e=lnaddress:honest@$LNURL" >next
  run --separate-stderr pay next
  [ "$status" = 75 ]
  [[ $stderr == *acknowledge* ]]
  hh-ln acknowledge --all --reason "paid by hand" --db pay
  pay next >out
  [ "$(tail -1 out | jq -r .state)" = PAID ]
}

@test "services that cheat get nothing from real lnd either; insufficient balance is said (L022)" {
  local users=(more less stale same same hash huge error nonsense silent elsewhere) words=() i
  for i in "${!users[@]}"; do words+=("m$(printf %02d "$i")=lnaddress:${users[i]}@$LNURL"); done
  sign_round "$chain" 1100000 "${words[@]}" >m
  run --separate-stderr pay m
  echo "$output"
  [ "$status" = 75 ]
  # Of the two lines that got the same invoice one is paid, and nobody else.
  [ "$(echo "$output" | jq -s '[.[] | select(.state == "PAID")] | length')" = 1 ]
  [ "$(echo "$output" | jq -s '[.[] | select(.type == "settlement" and .state != "PAID" and (.reason // "") == "")] | length')" = 0 ]
  [ "$(received)" = 99000000 ]

  sign_round "$chain" 90000000 "rich=bolt11:$(bolt11 89100000000)" >rich
  run --separate-stderr pay rich
  echo "$output"
  [ "$status" = 1 ]
  [[ $output == *"insufficient balance"* ]]
}

# A further run leaves nothing open but what lnd reports to be in flight.
agrees_with_lnd() {
  pay m >out || true
  jq -r 'select(.type == "settlement" and .state != "PAID") | .state + " " + .payment_hash' out | sort >ours
  ln_cli payer listpayments --include_incomplete | jq -r '.payments[] | select(.status == "IN_FLIGHT") | "INFLIGHT " + .payment_hash' | sort >lnds
  cmp -s ours lnds
}

@test "lnd killed in the middle, and again: resumed, no line is paid twice, and all are paid but what lnd itself still holds (L086)" {
  local words=() i had
  for i in $(seq 10 69); do words+=("m$i=lnaddress:honest@$LNURL"); done
  sign_round "$chain" 600000 "${words[@]}" >m
  # Two at a time: ten would have paid them all before lnd is killed for the third time.
  for _ in 1 2 3; do
    had=$(hh-ln status --db "$T/pay" --json 2>/dev/null | grep -c '"PAID"' || true)
    start settle hh-ln settle m --db "$T/pay" --key "$KEY" --lnd-url "$(lnd_url payer)" --lnd-tls-cert "$(lnd_cert payer)" --lnd-macaroon "$T/macaroon" --lnurl-allow-loopback \
      --concurrency 2 --backoff-ms 50 --wait-seconds 1 --timeout-seconds 10
    eventually 60 eval "[ \$(grep -c PAID $T/settle.out) -ge $((had + 3)) ] || ! is_running settle"
    stop payer KILL
    wait_for_end settle 120
    [ "$STOPPED" = 75 ]
    run --separate-stderr pay m
    [ "$status" = 69 ]
    start_lnd payer node
    eventually 120 has_channel payer
    eventually 60 can_send payer payee 100000
  done
  # lnd 0.21.1, killed between noting an attempt and handing it to its channel, was seen to report IN_FLIGHT for good afterwards, with no HTLC
  # in any channel. Such a line must stay INFLIGHT here and may not be paid another way; every other line must be paid.
  eventually 120 agrees_with_lnd
  paid=$(jq -s '[.[] | select(.state == "PAID")] | length' out)
  jq -c 'select(.type == "settlement" and .state != "PAID")' out
  [ "$paid" = $((60 - $(wc -l <ours))) ]
  [ "$paid" -ge 54 ]  # three kills, at most the two lines each that were being paid
  [ "$(received)" = "$(jq -s '[.[] | select(.state == "PAID") | .amount_msat] | add' out)" ]
  [ "$(sent)" = "$(received)" ]
  [ "$(audit | jq -c '[.ok, .paid, .alarms]')" = "[true,$paid,0]" ]
}

@test "a wrong certificate, a wrong macaroon, a macaroon without the right, another chain: nothing is paid" {
  sign_round "$chain" 100000 "a=lnaddress:honest@$LNURL" >m
  CERT=$(lnd_cert payee) run --separate-stderr pay m
  echo "$status $stderr"
  [ "$status" = 69 ]
  [ -z "$output" ]
  (umask 077 && printf 00112233 >wrong && ln_cli payer bakemacaroon invoices:read >weak)
  MACAROON=$T/wrong run --separate-stderr pay m
  echo "$stderr"
  [ "$status" = 78 ]
  [ -z "$output" ]
  MACAROON=$T/weak run --separate-stderr pay m
  echo "$stderr"
  [ "$status" = 78 ]
  [[ $stderr != *"$(cat weak)"* ]]
  sign_round testnet4 100000 "a=lnaddress:honest@$LNURL" >other
  run --separate-stderr pay other
  [ "$status" = 65 ]
  sign_round "$chain" 100000 "a=lnaddress:honest@$LNURL" | sed 's/"v":1,/"v":1,"simulated":true,/' >lie
  run --separate-stderr pay lie
  [ "$status" = 65 ]
  [ "$(sent)" = 0 ]
}
