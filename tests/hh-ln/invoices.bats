#!/usr/bin/env bats
# The invoices of a manifest: kept with their states, refused where they are wrong, replaced where they are stale.
# timeout: 600

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/settle
load ../support/fake_node

setup() {
  hh_setup
  make_keys
  export HH_PAYEE
  HH_PAYEE=$(printf '07%.0s' $(seq 32))
  fake_node lnd
  (umask 077 && printf '\2\1\3lnd\n' >macaroon)
}
teardown() { hh_teardown; }

pay() {
  hh-ln settle m --db "$T/pay" --key "$KEY" --lnd-url "http://127.0.0.1:$PORT" --lnd-macaroon "$T/macaroon" --lnurl-allow-loopback --backoff-ms 1 --wait-seconds 0 \
    --timeout-seconds 1
}
invoice() { "$MAKE_INVOICE" "$1" "$(printf '11%.0s' $(seq 32))" "${2:-3600}"; }

@test "invoices are shown with their states; wrong ones with the reason, as they came (C046 C076)" {
  sign_round regtest 1000000 "a=lnaddress:honest@$LNURL" "b=lnaddress:more@$LNURL" "c=lnaddress:error@$LNURL" >m
  run --separate-stderr pay
  [ "$status" = 75 ]
  run --separate-stderr pay
  hh-ln invoices --db pay >all
  cat all
  [ "$(jq -c '[.line, .result, .state, .times]' all | paste -sd' ')" = '[0,"accepted","PAID",1] [1,"refused",null,2] [2,"refused",null,2]' ]
  [ "$(sed -n 2p all | jq -r .reason)" = "the invoice asks for 330001000 msat, not 330000000" ]
  [[ $(sed -n 2p all | jq -r .bolt11) == lnbcrt3300010n1* ]]
  [ "$(sed -n 3p all | jq -r 'has("bolt11")')" = false ]
  [[ $(sed -n 3p all | jq -r .reason) == *"no such user here"* ]]
  hh-ln invoices "$(jq -r .manifest_id m)" --db pay | cmp all -
  run --separate-stderr hh-ln invoices "$(printf '00%.0s' $(seq 32))" --db pay
  [ "$status" = 65 ]
}

@test "a manifest's own invoice that has expired is held, replaced by the operator, and paid once (C076)" {
  sign_round regtest 1000000 "a=bolt11:$(invoice 990000000 1)" >m
  sleep 1.1
  run --separate-stderr pay
  [ "$status" = 1 ]
  [ "$(echo "$output" | tail -1 | jq -r .state)" = HELD ]
  id=$(jq -r .manifest_id m)
  new=$(invoice 990000000)
  hh-ln reissue "$id" 0 "$new" --reason "the miner's new one" --db pay >reissued
  [ "$(jq -r .state reissued)" = PLANNED ]
  pay >out
  [ "$(tail -1 out | jq -r .state)" = PAID ]
  pay >again
  cmp out again
  [ "$(wc -l <lnd/spent)" = 1 ]
  [ "$(hh-ln invoices --db pay | jq -r 'select(.result == "accepted") | .bolt11')" = "$new" ]
  run --separate-stderr hh-ln reissue "$id" 0 "$(invoice 990000000)" --reason again --db pay
  [ "$status" = 65 ]
  [[ $stderr == *"is paid"* ]]
}

@test "only the same payee, the exact amount, a fresh invoice of the same chain may replace one (C076)" {
  sign_round regtest 1000000 "a=bolt11:$(invoice 990000000 1)" >m
  sleep 1.1
  pay >out || true
  id=$(jq -r .manifest_id m)
  refused() { # STATUS PATTERN INVOICE
    run --separate-stderr hh-ln reissue "$id" 0 "$3" --reason x --db pay
    echo "$status $stderr"
    [ "$status" = "$1" ] && [ -z "$output" ] && [[ $stderr == *$2* ]]
  }
  refused 77 "of payee" "$(HH_PAYEE=$(printf '08%.0s' $(seq 32)) invoice 990000000)"
  refused 65 "not 990000000" "$(invoice 990000001)"
  refused 65 "too soon" "$(invoice 990000000 59)"
  refused 65 "another network" "$(HH_CURRENCY=tbs invoice 990000000)"
  refused 65 "checksum" lnbcrt1nonsense
  run --separate-stderr pay
  [ "$status" = 1 ]
  [ ! -e lnd/spent ]
}

@test "no invoice is replaced while its payment may be under way, nor where the service gives a new one by itself (C076)" {
  sign_round regtest 1000000 "a=bolt11:$(invoice 495000000)" "b=lnaddress:honest@$LNURL" >m
  printf 'send stuck\n' >lnd/faults
  HH_LN_CONCURRENCY=1 pay >out || true  # one at a time, so that it is the first line's payment that hangs
  id=$(jq -r .manifest_id m)
  run --separate-stderr hh-ln reissue "$id" 0 "$(invoice 495000000)" --reason x --db pay
  [ "$status" = 75 ]
  [[ $stderr == *INFLIGHT* ]]
  run --separate-stderr hh-ln reissue "$id" 1 "$(invoice 495000000)" --reason x --db pay
  [ "$status" = 65 ]
  [[ $stderr == *"by itself"* ]]
  touch lnd/unstick
  pay >out
  [ "$(wc -l <lnd/spent)" = 2 ]
}
