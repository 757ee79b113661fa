#!/usr/bin/env bats
# hh-ln settle against two real Core Lightning nodes with a channel. Nothing here builds Core Lightning: without lightningd on PATH each test says that it
# was skipped, and then what hh-ln does with it rests on tests/hh-ln/cln_faults.bats and the shapes that its documentation gives.
# timeout: 1200

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/bitcoind
load ../support/cln
load ../support/settle

setup() {
  if [ -w /dev/shm ]; then BATS_TEST_TMPDIR=/dev/shm hh_setup; else hh_setup; fi
  need_cln
  make_keys
  two_clns regtest
  rune payer "$T/rune" 1000000000
}
teardown() { hh_teardown; }

cln() { hh-ln "$1" --db "$T/pay" --backend cln --cln-url "$(cln_url payer)" --cln-tls-ca "$(cln_ca payer)" --cln-rune "$T/rune" "${@:2}"; }
pay() { cln settle --key "$KEY" --backoff-ms 200 --wait-seconds 5 --timeout-seconds 20 "$@"; }
bolt11() { cln_cli payee invoice "$1" "$(date +%s%N)" test "${2:-3600}" | jq -r .bolt11; }
received() { cln_cli payee listinvoices | jq '[.invoices[] | select(.status == "paid") | .amount_received_msat] | add // 0'; }

@test "bolt11 invoices are paid by real Core Lightning, once, with proof; a node without an invoice is held (L002 L022)" {
  sign_round regtest 300000 "a=bolt11:$(bolt11 99000000)" "b=bolt11:$(bolt11 99000000)" "c=node:$(cln_cli payee getinfo | jq -r .id)" >m
  run --separate-stderr pay m
  echo "$output $stderr"
  [ "$status" = 1 ]
  echo "$output" >out
  [ "$(jq -s '[.[] | select(.state == "PAID" and .backend == "cln")] | length' out)" = 2 ]
  [ "$(jq -s '[.[] | select(.state == "HELD")] | length' out)" = 1 ]
  while read -r preimage hash; do
    [ "$(printf %s "$preimage" | xxd -r -p | sha256sum | cut -d' ' -f1)" = "$hash" ]
  done < <(jq -r 'select(.state == "PAID") | "\(.preimage) \(.payment_hash)"' out)
  pay m >again || true
  [ "$(received)" = 198000000 ]
  [ "$(cln audit | jq -c '[.ok, .paid, .paid_msat, .foreign, .different]')" = '[true,2,198000000,0,0]' ]
}

@test "no route, a rune that does not permit the amount, a payment by hand (L002 L023)" {
  sign_round regtest 90000000 "rich=bolt11:$(bolt11 89100000000)" >rich
  run --separate-stderr pay rich
  echo "$output"
  [ "$status" = 1 ]
  [[ $output == *"rune does not permit"* ]]
  rune payer "$T/rune" 100000000000
  run --separate-stderr pay rich
  echo "$output"
  [ "$status" = 1 ]
  [[ $output == *"no route"* ]]
  [ "$(received)" = 0 ]
  cln_cli payer xpay "$(bolt11 5000)" >/dev/null
  sign_round regtest 100000 "a=bolt11:$(bolt11 99000000)" >m
  run --separate-stderr pay m
  [ "$status" = 75 ]
  [[ $stderr == *"over 5000 msat"*acknowledge* ]]
}

@test "lightningd killed in the middle, and again: no line is paid twice (L086 L028)" {
  local words=() i
  for i in $(seq 10 29); do words+=("m$i=bolt11:$(bolt11 19800000)"); done
  sign_round regtest 400000 "${words[@]}" >m
  for _ in 1 2; do
    start settle hh-ln settle m --db "$T/pay" --key "$KEY" --backend cln --cln-url "$(cln_url payer)" --cln-tls-ca "$(cln_ca payer)" --cln-rune "$T/rune" --backoff-ms 50 --wait-seconds 1
    eventually 60 eval "[ \$(grep -c PAID $T/settle.out) -ge 3 ] || ! is_running settle"
    stop payer KILL
    wait_for_end settle 120
    start_cln payer node
    eventually 120 cln_has_channel payer
  done
  eventually 120 eval "pay m >out"
  [ "$(jq -s '[.[] | select(.state == "PAID")] | length' out)" = 20 ]
  [ "$(received)" = 396000000 ]
  [ "$(cln audit | jq -c '[.ok, .paid, .alarms]')" = "[true,20,0]" ]
}

@test "an offer of Core Lightning and one of LDK are paid once, by the invoice that was stored (C126)" {
  local offers=("a=bolt12:$(cln_cli payee offer any payouts | jq -r .bolt12)")
  if command -v ldk_payee >/dev/null; then
    start_ldk
    offers+=("b=bolt12:$(curl -fsS --noproxy '*' "http://$LDK/offer/1000")")
  else
    echo "# ldk_payee is not there: only Core Lightning's own offer was tried" >&3
  fi
  sign_round regtest $((100000 * ${#offers[@]})) "${offers[@]}" >m
  eventually 120 paid_all "${#offers[@]}"
  pay m >again
  cmp <(sort out) <(sort again)
  while read -r preimage hash; do
    [ "$(printf %s "$preimage" | xxd -r -p | sha256sum | cut -d' ' -f1)" = "$hash" ]
  done < <(jq -r 'select(.state == "PAID") | "\(.preimage) \(.payment_hash)"' out)
  [ "$(received)" = 99000000 ]
  [ "${#offers[@]}" = 1 ] || eventually 30 eval "[ \"\$(curl -fsS --noproxy '*' http://$LDK/received)\" = '{\"payments\":1,\"msat\":99000000}' ]"
  [[ $(hh-ln invoices --db pay | jq -r 'select(.state == "PAID") | .bolt12' | head -1) == lni1* ]]
  [ "$(cln audit | jq -c '[.ok, .paid, .foreign, .different]')" = "[true,${#offers[@]},0,0]" ]
}

# Onion messages may need a moment after the channels: the line waits, and is tried again.
paid_all() {
  pay m >out || true
  [ "$(jq -s '[.[] | select(.state == "PAID" and .backend == "cln")] | length' out)" = "$1" ]
}

# An LDK payee with a channel from the payer; LDK is the address of its driver.
start_ldk() {
  local rpc_port port node
  port=$(free_port)
  read -r rpc_port _ <node.data/ports
  start ldk ldk_payee "$T/ldk.data" regtest "127.0.0.1:$rpc_port" "$T/node.data/regtest/.cookie" "127.0.0.1:$port"
  eventually 60 test -s ldk.out
  node=$(jq -r .node ldk.out) LDK=$(jq -r .http ldk.out)
  cln_cli payer connect "$node" 127.0.0.1 "$port" >/dev/null
  cln_cli payer fundchannel "$node" 1000000 >/dev/null
  mine node 6
  eventually 120 eval "[ \"\$(curl -fsS --noproxy '*' http://$LDK/channels)\" = 1 ]"
}
