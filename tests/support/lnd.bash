# shellcheck shell=bash
# Real lnd nodes for tests, alone on loopback, on a bitcoind from ../support/bitcoind.
#   lnd_setup                     hh_setup, need_lnd and make_keys (settle.bash), for a test's setup
#   need_lnd                      skips with the reason where there is no lnd; fails instead where HH_REQUIRE_PEERS=1
#   start_lnd NAME BITCOIND       starts it, or starts it again with its data and ports; LND_URL, LND_CERT of NAME by lnd_url, lnd_cert
#                                 LND_ANNOUNCED=1: its address is in the graph
#   ln_cli NAME METHOD ARG…       lncli of that node
#   lnd_key NAME                  its public key
#   start_lnds CHAIN NAME…        bitcoind "node" and lnds with money
#   lnd_line CHAIN NAME NAME…     the same in a line: a channel of CHANNEL_SAT (5,000,000) from each to the next
#   two_lnds CHAIN                the same with "payer" and "payee"
#   lnd_two_sides                 payer, hub and payee on regtest, channels from hub to payee and from payee to payer: the third side is the test's to open
#   bake NAME FILE                a macaroon with only the rights that hh-ln needs, in hex
#   bake_onchain NAME FILE        one that may also pay on chain
# Nodes are stopped by hh_teardown, by their process ids.

# In memory where there is such a place: lnd makes thousands of fsyncs, and takes minutes to start on a busy disk.
lnd_setup() {
  if [ -w /dev/shm ]; then BATS_TEST_TMPDIR=/dev/shm hh_setup; else hh_setup; fi
  need_lnd
  make_keys
}

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
  local name=$1 bitcoind=$2 rpc rest peer rpc_port chain folder more=()
  mkdir -p "$T/$name.lnd"
  [ -e "$T/$name.lnd/ports" ] || echo "$(free_port) $(free_port) $(free_port)" >"$T/$name.lnd/ports"
  read -r rpc rest peer <"$T/$name.lnd/ports"
  read -r rpc_port _ chain <"$T/$bitcoind.data/ports"
  folder=$chain
  [ "${LND_ANNOUNCED:-0}" = 0 ] || more=(--externalip="127.0.0.1:$peer")
  echo "$chain" >"$T/$name.lnd/chain"
  start "$name" lnd --lnddir="$T/$name.lnd" --noseedbackup --nobootstrap --bitcoin.node=bitcoind "--bitcoin.$chain" --bitcoin.defaultchanconfs=1 \
    --bitcoind.rpchost="127.0.0.1:$rpc_port" --bitcoind.rpccookie="$T/$bitcoind.data/$folder/.cookie" --bitcoind.rpcpolling --bitcoind.blockpollinginterval=500ms \
    --bitcoind.txpollinginterval=500ms --listen="127.0.0.1:$peer" --rpclisten="127.0.0.1:$rpc" --restlisten="127.0.0.1:$rest" --accept-keysend --debuglevel=warn --trickledelay=50 "${more[@]}"
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
    uri:/lnrpc.Lightning/ListPayments uri:/lnrpc.Lightning/ListChannels \
    uri:/lnrpc.Lightning/WalletBalance uri:/lnrpc.Lightning/ChannelBalance >"$2")
}

bake_onchain() {
  (umask 077 && ln_cli "$1" bakemacaroon uri:/routerrpc.Router/SendPaymentV2 uri:/routerrpc.Router/TrackPaymentV2 uri:/lnrpc.Lightning/GetInfo \
    uri:/lnrpc.Lightning/ListPayments uri:/lnrpc.Lightning/ListChannels uri:/lnrpc.Lightning/WalletBalance uri:/lnrpc.Lightning/ChannelBalance uri:/lnrpc.Lightning/GetTransactions \
    uri:/walletrpc.WalletKit/EstimateFee uri:/walletrpc.WalletKit/ListAddresses uri:/walletrpc.WalletKit/FundPsbt uri:/walletrpc.WalletKit/FinalizePsbt \
    uri:/walletrpc.WalletKit/ReleaseOutput uri:/walletrpc.WalletKit/BumpFee uri:/walletrpc.WalletKit/PublishTransaction >"$2")
}

# lnd NAME has seen the newest block, as it must before it opens or uses a channel.
is_synced() { [ "$(ln_cli "$1" getinfo | jq -r '"\(.synced_to_chain) \(.block_height)"')" = "true $(cli node getblockcount)" ]; }
# has_channel NAME [COUNT]
has_channel() { ln_cli "$1" listchannels --active_only | jq -e --argjson n "${2:-1}" '.channels | length == $n' >/dev/null; }
has_funds() { ln_cli "$1" walletbalance | jq -e '(.confirmed_balance | tonumber) > 20000000' >/dev/null; }

# can_send FROM TO [SAT]. A channel that both call active may not carry a payment yet: then lnd finds "insufficient balance". Its search for
# routes looks at the same.
can_send() { ln_cli "$1" queryroutes --dest "$(lnd_key "$2")" --amt "${3:-1000000}" >/dev/null 2>&1; }

connect() {
  local peer
  read -r _ _ peer <"$T/$2.lnd/ports"
  ln_cli "$1" connect "$(lnd_key "$2")@127.0.0.1:$peer" >/dev/null
}

# open_channel FROM TO SAT: it stands after the next blocks.
open_channel() { ln_cli "$1" openchannel --node_key "$(lnd_key "$2")" --local_amt "$3" --sat_per_vbyte 2 >/dev/null; }

start_lnds() {
  local chain=$1 name
  shift
  start_bitcoind node "$chain"
  mine node 1
  for name; do start_lnd "$name" node; done
  for name; do mine node 1 "addr($(ln_cli "$name" newaddress p2wkh | jq -r .address))"; done
  mine node 100
  for name; do eventually 120 is_synced "$name" && eventually 60 has_funds "$name"; done
}

# Six blocks: from then on a channel is announced, and nodes that are not its ends can use it.
lnd_line() {
  local names=("${@:2}") i last
  last=$((${#names[@]} - 1))
  start_lnds "$@"
  for ((i = 0; i < last; i++)); do
    connect "${names[i]}" "${names[i + 1]}"
    open_channel "${names[i]}" "${names[i + 1]}" "${CHANNEL_SAT:-5000000}"
  done
  mine node 6
  for i in "${!names[@]}"; do eventually 120 has_channel "${names[i]}" $((i > 0 && i < last ? 2 : 1)); done
  eventually 60 can_send "${names[0]}" "${names[last]}"
}

two_lnds() { lnd_line "$1" payer payee; }

lnd_two_sides() {
  start_lnds regtest payer hub payee
  connect hub payee
  connect payee payer
  open_channel hub payee 5000000
  open_channel payee payer 3000000
  mine node 6
  eventually 120 has_channel payee 2
  eventually 120 has_channel payer
}
