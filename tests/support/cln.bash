# shellcheck shell=bash
# Real Core Lightning nodes for tests, alone on loopback, on a bitcoind from ../support/bitcoind. Nothing builds them: they are used where they are on PATH.
#   need_cln                      skips with the reason where there is no lightningd
#   start_cln NAME BITCOIND       starts it, with clnrest; CLN_URL and CLN_CA of NAME by cln_url, cln_ca
#   cln_cli NAME METHOD ARG…      lightning-cli of that node
#   two_clns CHAIN                bitcoind "node", lightningd "payer" with money, lightningd "payee", and a channel of 5,000,000 sat from payer to payee
#   rune NAME FILE MSAT           a rune with only the rights that hh-ln needs, for payments below MSAT

need_cln() {
  need_bitcoind || return 1
  command -v lightningd >/dev/null && command -v lightning-cli >/dev/null && return 0
  skip "lightningd is not on PATH: Core Lightning was not tried here"
}

start_cln() {
  local name=$1 bitcoind=$2 rpc_port chain
  mkdir -p "$T/$name.cln"
  [ -e "$T/$name.cln/ports" ] || echo "$(free_port) $(free_port)" >"$T/$name.cln/ports"
  read -r rest peer <"$T/$name.cln/ports"
  read -r rpc_port _ chain <"$T/$bitcoind.data/ports"
  echo "$chain" >"$T/$name.cln/chain"
  start "$name" lightningd --lightning-dir="$T/$name.cln" --network="$chain" --addr="127.0.0.1:$peer" --clnrest-port="$rest" --clnrest-host=127.0.0.1 \
    --bitcoin-rpcconnect=127.0.0.1 --bitcoin-rpcport="$rpc_port" --bitcoin-datadir="$T/$bitcoind.data" --disable-dns --log-level=info
  eventually 120 eval "cln_cli $name getinfo >$T/$name.info 2>&1"
  eventually 60 test -s "$(cln_ca "$name")"
}

cln_cli() {
  local name=$1
  shift
  lightning-cli --lightning-dir="$T/$name.cln" --network="$(cat "$T/$name.cln/chain")" "$@"
}

cln_url() {
  local rest
  read -r rest _ <"$T/$1.cln/ports"
  echo "https://127.0.0.1:$rest"
}

cln_ca() { echo "$T/$1.cln/$(cat "$T/$1.cln/chain")/ca.pem"; }

rune() {
  (umask 077 && cln_cli "$1" createrune restrictions='[["method=getinfo","method=fetchinvoice","method=xpay","method=listpays","method=listsendpays","method=listpeerchannels"],["method/xpay","pinvinvstring_amount<'"$3"'"]]' |
    jq -r .rune >"$2")
}

cln_has_funds() { cln_cli payer listfunds | jq -e '[.outputs[] | select(.status == "confirmed") | .amount_msat] | add > 6000000000' >/dev/null; }
cln_has_channel() { cln_cli "$1" listpeerchannels | jq -e '.channels | length == 1 and .[0].state == "CHANNELD_NORMAL"' >/dev/null; }
cln_can_send() { cln_cli payer getroute "$(cln_cli payee getinfo | jq -r .id)" 1000000 1 >/dev/null 2>&1; }

two_clns() {
  local peer
  start_bitcoind node "$1"
  mine node 1
  start_cln payer node
  start_cln payee node
  mine node 1 "addr($(cln_cli payer newaddr bech32 | jq -r .bech32))"
  mine node 100
  eventually 120 cln_has_funds
  read -r _ peer <"$T/payee.cln/ports"
  cln_cli payer connect "$(cln_cli payee getinfo | jq -r .id)" 127.0.0.1 "$peer" >/dev/null
  cln_cli payer fundchannel "$(cln_cli payee getinfo | jq -r .id)" 5000000 >/dev/null
  mine node 6
  eventually 120 cln_has_channel payer
  eventually 120 cln_has_channel payee
  eventually 60 cln_can_send
}
