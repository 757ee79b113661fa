# shellcheck shell=bash
# Real lnd nodes for tests, alone on loopback, on a bitcoind from ../support/bitcoind.
#   need_lnd                      skips with the reason where there is no lnd; fails instead where HH_REQUIRE_PEERS=1
#   start_lnd NAME BITCOIND       starts it, or starts it again with its data and ports; LND_URL, LND_CERT of NAME by lnd_url, lnd_cert
#   ln_cli NAME METHOD ARG…       lncli of that node
#   lnd_key NAME                  its public key
#   two_lnds CHAIN                bitcoind "node", lnd "payer" with money, lnd "payee", and a channel of 5,000,000 sat from payer to payee
#   bake NAME FILE                a macaroon with only the rights that hh-ln needs, in hex
# Nodes are stopped by hh_teardown, by their process ids.

need_lnd() {
  need_bitcoind || return 1
  command -v lnd >/dev/null && command -v lncli >/dev/null && return 0
  if [ "${HH_REQUIRE_PEERS:-0}" = 1 ]; then
    echo "lnd and lncli are needed (scripts/peers builds them)" >&2
    return 1
  fi
  skip "lnd is not there: scripts/peers builds it"
}

# lnd is not told the signet's challenge: it speaks to bitcoind by RPC only, and lnd 0.21 would take the network for another one.
start_lnd() {
  local name=$1 bitcoind=$2 rpc rest peer rpc_port chain folder
  mkdir -p "$T/$name.lnd"
  [ -e "$T/$name.lnd/ports" ] || echo "$(free_port) $(free_port) $(free_port)" >"$T/$name.lnd/ports"
  read -r rpc rest peer <"$T/$name.lnd/ports"
  read -r rpc_port _ chain <"$T/$bitcoind.data/ports"
  folder=$chain
  echo "$chain" >"$T/$name.lnd/chain"
  start "$name" lnd --lnddir="$T/$name.lnd" --noseedbackup --nobootstrap --bitcoin.node=bitcoind "--bitcoin.$chain" --bitcoin.defaultchanconfs=1 \
    --bitcoind.rpchost="127.0.0.1:$rpc_port" --bitcoind.rpccookie="$T/$bitcoind.data/$folder/.cookie" --bitcoind.rpcpolling --bitcoind.blockpollinginterval=500ms \
    --bitcoind.txpollinginterval=500ms --listen="127.0.0.1:$peer" --rpclisten="127.0.0.1:$rpc" --restlisten="127.0.0.1:$rest" --accept-keysend --debuglevel=warn --trickledelay=50
  if ! eventually 300 eval "ln_cli $name getinfo >$T/$name.info 2>&1"; then
    tail -n 20 "$T/$name.out" "$T/$name.err" "$T/$name.info" >&2
    return 1
  fi
}

ln_cli() {
  local name=$1 rpc
  shift
  read -r rpc _ _ <"$T/$name.lnd/ports"
  lncli --lnddir="$T/$name.lnd" --network="$(cat "$T/$name.lnd/chain")" --rpcserver="127.0.0.1:$rpc" "$@"
}

lnd_key() { ln_cli "$1" getinfo | jq -r .identity_pubkey; }

lnd_url() {
  local rest
  read -r _ rest _ <"$T/$1.lnd/ports"
  echo "https://127.0.0.1:$rest"
}

lnd_cert() { echo "$T/$1.lnd/tls.cert"; }

bake() {
  (umask 077 && ln_cli "$1" bakemacaroon uri:/routerrpc.Router/SendPaymentV2 uri:/routerrpc.Router/TrackPaymentV2 uri:/lnrpc.Lightning/GetInfo \
    uri:/lnrpc.Lightning/ListPayments uri:/lnrpc.Lightning/ListChannels >"$2")
}

# lnd NAME has seen the newest block, as it must before it opens or uses a channel.
is_synced() { [ "$(ln_cli "$1" getinfo | jq -r '"\(.synced_to_chain) \(.block_height)"')" = "true $(cli node getblockcount)" ]; }
has_channel() { ln_cli "$1" listchannels --active_only | jq -e '.channels | length == 1' >/dev/null; }
has_funds() { ln_cli payer walletbalance | jq -e '(.confirmed_balance | tonumber) > 6000000' >/dev/null; }

# A channel that both call active may not carry a payment yet: then lnd finds "insufficient balance". Its search for routes looks at the same.
can_send() { ln_cli payer queryroutes --dest "$(lnd_key payee)" --amt 1000000 >/dev/null 2>&1; }

two_lnds() {
  local peer
  start_bitcoind node "$1"
  mine node 1
  start_lnd payer node
  start_lnd payee node
  mine node 1 "addr($(ln_cli payer newaddress p2wkh | jq -r .address))"
  mine node 100
  eventually 120 is_synced payer
  eventually 120 is_synced payee
  eventually 60 has_funds
  read -r _ _ peer <"$T/payee.lnd/ports"
  ln_cli payer connect "$(lnd_key payee)@127.0.0.1:$peer" >/dev/null
  ln_cli payer openchannel --node_key "$(lnd_key payee)" --local_amt 5000000 --sat_per_vbyte 2 >/dev/null
  mine node 3
  eventually 120 has_channel payer
  eventually 120 has_channel payee
  eventually 60 can_send
}
