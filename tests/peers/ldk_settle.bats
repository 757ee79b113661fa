#!/usr/bin/env bats
# hh-ln settle against a payee of another implementation: LDK (tests/support/ldk_payee), paid by a real lnd.
# timeout: 600

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/bitcoind
load ../support/lnd
load ../support/settle

setup() {
  if [ -w /dev/shm ]; then BATS_TEST_TMPDIR=/dev/shm hh_setup; else hh_setup; fi
  need_lnd
  if ! command -v ldk_payee >/dev/null; then
    [ "${HH_REQUIRE_PEERS:-0}" = 1 ] && echo "ldk_payee is needed (scripts/peers builds it)" >&2 && return 1
    skip "ldk_payee is not there: scripts/peers builds it"
  fi
  make_keys
  start_lnds regtest payer
  local rpc_port port
  port=$(free_port)
  read -r rpc_port _ <node.data/ports
  start ldk ldk_payee "$T/ldk.data" regtest "127.0.0.1:$rpc_port" "$T/node.data/regtest/.cookie" "127.0.0.1:$port"
  eventually 60 test -s ldk.out
  NODE=$(jq -r .node ldk.out) LDK=$(jq -r .http ldk.out)
  ln_cli payer connect "$NODE@127.0.0.1:$port" >/dev/null
  ln_cli payer openchannel --private --node_key "$NODE" --local_amt 5000000 --sat_per_vbyte 2 >/dev/null
  mine node 6
  eventually 60 has_channel payer
  eventually 60 has_usable_channel
  eventually 60 has_route  # lnd may call the channel active before it pays through it
  bake payer "$T/macaroon"
}
teardown() { hh_teardown; }

ldk() { curl -fsS --noproxy '*' "http://$LDK/$1"; }
has_received() { [ "$(ldk received)" = "{\"payments\":$1,\"msat\":$2}" ]; }
has_route() { ln_cli payer queryroutes --dest "$NODE" --amt 99000 >/dev/null 2>&1; }
has_usable_channel() { [ "$(ldk channels)" = 1 ]; }
pay() {
  hh-ln settle --db "$T/pay" --key "$KEY" --lnd-url "$(lnd_url payer)" --lnd-tls-cert "$(lnd_cert payer)" --lnd-macaroon "$T/macaroon" --backoff-ms 200 --wait-seconds 5 \
    --timeout-seconds 20 "$@"
}

@test "LDK's invoices and keysend to LDK are paid once with proof; an expired invoice is held, nothing is paid for it (L083 C126)" {
  # 99,000,000 msat for each of three after one percent.
  sign_round regtest 300000 "a=bolt11:$(ldk invoice/99000000/3600)" "b=bolt11:$(ldk invoice/99000000/3600)" "c=node:$NODE" >m
  run --separate-stderr pay m
  echo "$output" | tee out
  [ "$status" = 0 ]
  [ "$(jq -s '[.[] | select(.state == "PAID" and .amount_msat == 99000000)] | length' out)" = 3 ]
  while read -r preimage hash; do
    [ "$(printf %s "$preimage" | xxd -r -p | sha256sum | cut -d' ' -f1)" = "$hash" ]
  done < <(jq -r 'select(.type == "settlement") | "\(.preimage) \(.payment_hash)"' out)
  pay m >again
  cmp <(sort out) <(sort again)  # lines that are paid at the same time are printed as they come
  eventually 30 has_received 3 297000000

  sign_round regtest 100000 "d=bolt11:$(ldk invoice/99000000/1)" >late
  sleep 2
  run --separate-stderr pay late
  echo "$output"
  [ "$status" = 1 ]
  [ "$(echo "$output" | jq -r 'select(.type == "settlement") | .state')" = HELD ]
  has_received 3 297000000

  # LDK's own offer is read and understood, and still nothing is sent for it: lnd cannot pay it.
  sign_round regtest 100000 "e=bolt12:$(ldk offer/1000)" >offer
  run --separate-stderr pay offer
  echo "$output"
  [ "$status" = 1 ]
  [[ $(echo "$output" | jq -r 'select(.type == "settlement") | .state + " " + .reason') == "HELD lnd cannot pay offers"* ]]
  sign_round regtest 100000 "f=bolt12:$(ldk offer/99000001)" >dear
  run --separate-stderr pay dear
  [[ $(echo "$output" | jq -r 'select(.type == "settlement") | .reason') == "the offer asks for 99000001 msat or more, not 99000000" ]]
  has_received 3 297000000
}
