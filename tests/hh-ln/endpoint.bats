#!/usr/bin/env bats
# Nodes hand in invoices over mutual TLS (hh-invoice-endpoint(5)), and whatever an endpoint answers, only an invoice that was asked for is paid, once.
# timeout: 600

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/settle
load ../support/service
load ../support/fake_node
load ../support/faults

setup() {
  hh_setup
  make_keys
  make_certificates
  export HH_PAYEE
  HH_PAYEE=$(printf '07%.0s' $(seq 32))
  PAYEE=02989c0b76cb563971fdc9bef31ec06c3560f3249d6ee9e5d83c57625596e05f6f # public key of that
  fake_node lnd
  mkdir "$T/node"
  endpoint node server
  (umask 077 && echo 00aa00bb >macaroon)
}
teardown() { hh_teardown; }

# endpoint NAME CERTIFICATE [TLS_VERSION]: an endpoint with tls/CERTIFICATE; sets AT to its address.
endpoint() {
  start "$1" "$HH_SRC/tests/support/invoice_endpoint.py" "$MAKE_INVOICE" "$T/tls/$2.cert" "$T/tls/$2.key" "$T/tls/ca.cert" "$T/node" "${@:3}"
  eventually 90 test -s "$T/$1.out"
  AT=https://127.0.0.1:$(cat "$T/$1.out")
}
by_node() { hh-ln "$1" --db "$T/pay" --lnd-url "http://127.0.0.1:$PORT" --lnd-macaroon "$T/macaroon" --endpoint-timeout-seconds 2 "${@:2}"; }
pay_certified() { pay --endpoint-ca "$T/tls/ca.cert" --endpoint-certificate "$T/tls/core.cert" --endpoint-key "$T/tls/core.key" "$@"; }

# waits PATTERN [ARG…]: nothing is paid, the line is to be tried again, and says why.
waits() {
  local pattern=$1
  shift
  run --separate-stderr pay_certified "$@"
  echo "$status: $output $stderr"
  [ "$status" = 75 ]
  [[ $(echo "$output" | tail -1 | jq -r '.state + " " + .reason') == "PLANNED "*$pattern* ]]
  [ ! -e lnd/spent ]
}

@test "a node's invoice is asked for with our certificate, checked, stored and paid once (C074)" {
  sign_for "a=endpoint:$AT/honest#$PAYEE" "b=endpoint:$AT/honest" "c=lnaddress:honest@$LNURL"
  pay_certified >out
  cat out
  [ "$(jq -s '[.[] | select(.state == "PAID")] | length' out)" = 3 ]
  pay_certified >again
  cmp <(sort out) <(sort again)
  [ "$(wc -l <lnd/spent)" = 3 ]
  [ "$(wc -l <node/asked)" = 2 ]
  [ "$(cut -d' ' -f1,2 node/asked | sort -u)" = "/honest commonName=core" ]
  id=$(jq -r .manifest_id m)
  grep -o '{.*' node/asked | jq -e --arg id "$id" '.type == "invoice_request" and .v == 1 and .chain == "regtest" and .manifest_id == $id and .attempt == 1
    and .amount_msat == 330000000 and .description == "Hyper Hash payout \($id)/\(.line)/1" and .expiry_seconds == 3600 and (.account | startswith("miner:"))' >/dev/null
  hh-ln invoices --db pay | jq -r .bolt11 | sort >kept
  [ "$(sort node/made | comm -12 - kept | wc -l)" = 2 ]
}

@test "an answer that got lost: the same invoice is asked for again, and paid once (C074)" {
  sign_for "a=endpoint:$AT/lost"
  waits "127.0.0.1"
  pay_certified >out
  [ "$(tail -1 out | jq -r .state)" = PAID ]
  [ "$(wc -l <node/made)" = 1 ]
  [ "$(wc -l <node/asked)" = 2 ]
  [ "$(cut -d' ' -f3- node/asked | sort -u | wc -l)" = 1 ]
  [ "$(wc -l <lnd/spent)" = 1 ]
}

@test "another amount (C074)" { sign_for "a=endpoint:$AT/more"; waits "the invoice asks for 990001000 msat, not 990000000"; }
@test "another network (C074)" { sign_for "a=endpoint:$AT/network"; waits "another network (lntbs, not lnbcrt)"; }
@test "about to expire (C074)" { sign_for "a=endpoint:$AT/stale"; waits "the invoice expire"; }
@test "of another line (C074)" { sign_for "a=endpoint:$AT/line"; waits "not for this line"; }
@test "of another attempt (C074)" { sign_for "a=endpoint:$AT/attempt"; waits "not for this line"; }
@test "of another node (C074)" {
  sign_for "a=endpoint:$AT/honest#03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad"
  waits "the invoice is of node $PAYEE, not 03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad"
  [ "$(hh-ln invoices --db pay | jq -r .bolt11)" = "$(cat node/made)" ]
}
@test "a body without end (C074)" { sign_for "a=endpoint:$AT/huge"; waits "larger than 16384"; }
@test "a byte now and then, and none at all (C074)" {
  sign_for "a=endpoint:$AT/slow"
  SECONDS=0
  waits "127.0.0.1"
  [ "$SECONDS" -lt 20 ]
  sign_for "b=endpoint:$AT/stuck"
  waits "127.0.0.1"
  [ "$SECONDS" -lt 40 ]
}
@test "a redirect is not followed (C074)" {
  sign_for "a=endpoint:$AT/redirect"
  waits "HTTP status 302"
  [ "$(cut -d' ' -f1 node/asked)" = /redirect ]
}
@test "garbage, nothing, a refusal with and without a reason (C074)" {
  for way in "garbage:no good invoice" "empty:no good invoice" "error:HTTP status 503: lnd is away" "gone:HTTP status 404"; do
    sign_for "a=endpoint:$AT/${way%%:*}"
    waits "${way#*:}"
  done
}
@test "one invoice for two lines: the second is refused (C074)" {
  sign_for "a=endpoint:$AT/once" "b=endpoint:$AT/once"
  run --separate-stderr pay_certified --concurrency 1
  echo "$output"
  [ "$status" = 75 ]
  [ "$(wc -l <lnd/spent)" = 1 ]
  [[ $output == *"not for this line"* ]]
}

@test "a server that the authority does not vouch for, one for another name, one whose certificate has expired: none of them gets the request (C074)" {
  (
    cd tls
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=x -addext subjectAltName=IP:127.0.0.1 -CA stranger.cert -CAkey stranger.key -keyout forged.key -out forged.cert
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=x -addext subjectAltName=DNS:node.example.com -CA ca.cert -CAkey ca.key -keyout named.key -out named.cert
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -addext subjectAltName=IP:127.0.0.1 -keyout old.key -out old.csr
    openssl x509 -req -in old.csr -CA ca.cert -CAkey ca.key -days -1 -copy_extensions copy -out old.cert
  ) 2>/dev/null
  for certificate in forged named old; do
    endpoint "$certificate" "$certificate"
    sign_for "a=endpoint:$AT/honest"
    waits "127.0.0.1"
    [[ $output == *ertificate* ]]
  done
  [ ! -e node/asked ]
}

@test "a client that the endpoint does not know gets nothing; without settings the line waits and the others are paid (C074)" {
  sign_for "a=endpoint:$AT/honest"
  waits "127.0.0.1" --endpoint-certificate "$T/tls/stranger-core.cert" --endpoint-key "$T/tls/stranger-core.key"
  waits "127.0.0.1" --endpoint-ca "$T/tls/stranger.cert"
  waits "private key file: '$T/none'" --endpoint-key "$T/none"
  [ ! -e node/asked ]
  sign_for "a=endpoint:$AT/honest" "c=lnaddress:honest@$LNURL"
  run --separate-stderr pay
  echo "$output"
  [ "$status" = 75 ]
  [[ $output == *"needs the settings endpoint.ca, endpoint.certificate and endpoint.key"* ]]
  [ "$(wc -l <lnd/spent)" = 1 ]
}

@test "TLS 1.2 and 1.3 are spoken (C074)" {
  for version in 1.2 1.3; do
    endpoint "v$version" server "$version"
    sign_for "v$version=endpoint:$AT/honest"
    pay_certified >out
    [ "$(tail -1 out | jq -r .state)" = PAID ]
  done
}

@test "what is no endpoint is refused when the manifest is made; a key that is no point is held (C074)" {
  for bad in "http://127.0.0.1/i" "https://node/i" "$AT/i#00"; do
    run sign_round regtest 1000000 "a=endpoint:$bad"
    [ "$status" != 0 ]
  done
  sign_for "a=endpoint:$AT/honest#02$(printf 'ff%.0s' $(seq 32))"
  run --separate-stderr pay_certified
  echo "$output"
  [ "$status" = 1 ]
  [[ $(echo "$output" | tail -1 | jq -r '.state + " " + .reason') == "HELD "*"not a point of secp256k1" ]]
}
