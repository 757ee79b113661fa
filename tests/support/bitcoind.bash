# shellcheck shell=bash
# A real bitcoind for tests, alone on loopback: `load ../support/common` and `load ../support/bitcoind`.
#   need_bitcoind                 skips with the reason where there is none; fails instead where HH_REQUIRE_PEERS=1
#   start_bitcoind NAME CHAIN     CHAIN: regtest, or signet (private: challenge OP_TRUE, about 5 million hashes a block). Sets RPC_URL, RPC_COOKIE
#   cli NAME METHOD ARG…          bitcoin-cli of that node (-named works: cli n -named …)
#   mine NAME BLOCKS [DESCRIPTOR] coinbases to raw(51) (OP_TRUE: anyone can spend), with enough tries for the private signet
# Nodes are stopped by hh_teardown; stop_bitcoind and start_bitcoind again restart one with its data and ports kept.

find_bitcoind() {
  local folder
  if [ -x "$HH_SRC/scripts/peers" ] && folder=$("$HH_SRC/scripts/peers" --path 2>/dev/null); then
    PATH="$folder:$PATH"
  elif [ -d "$HOME/.cache/hyperhash/peers/bin" ]; then
    PATH="$HOME/.cache/hyperhash/peers/bin:$PATH"
  fi
  export PATH
  command -v bitcoind >/dev/null && command -v bitcoin-cli >/dev/null
}

need_bitcoind() {
  find_bitcoind && return 0
  if [ "${HH_REQUIRE_PEERS:-0}" = 1 ]; then
    echo "bitcoind and bitcoin-cli are needed (scripts/peers builds them)" >&2
    return 1
  fi
  skip "bitcoind is not there: scripts/peers builds it"
}

# start_bitcoind NAME CHAIN [ARG…]
start_bitcoind() {
  local name=$1 chain=$2 dir=$T/$1.data folder
  shift 2
  mkdir -p "$dir"
  [ -e "$dir/ports" ] || echo "$(free_port) $(free_port) $chain" >"$dir/ports"
  local rpc_port
  read -r rpc_port _ _ <"$dir/ports"
  local args=(-datadir="$dir" -rpcport="$rpc_port" -server=1 -listen=0 -connect=0 -dnsseed=0 -discover=0 -fixedseeds=0 -printtoconsole=0
    -txindex=1 -fallbackfee=0.0002 -dbcache=16 -maxmempool=50 -acceptnonstdtxn=1 -blockmintxfee=0 -minrelaytxfee=0)
  case $chain in
    regtest) args+=(-regtest) folder=regtest ;;
    signet) args+=(-signet -signetchallenge=51) folder=signet ;;
    *) echo "start_bitcoind: chain $chain?" >&2 && return 1 ;;
  esac
  start "$name" bitcoind "${args[@]}" "$@"
  RPC_URL=http://127.0.0.1:$rpc_port
  RPC_COOKIE=$dir/$folder/.cookie
  export RPC_URL RPC_COOKIE
  if ! cli "$name" -rpcwait -rpcwaittimeout=60 getblockchaininfo >"$T/$name.info"; then
    tail -n 20 "$dir/$folder/debug.log" >&2
    return 1
  fi
}

stop_bitcoind() { stop "$1" TERM 60; }

cli() {
  local name=$1 rpc_port chain
  shift
  read -r rpc_port _ chain <"$T/$name.data/ports"
  bitcoin-cli -datadir="$T/$name.data" -"$chain" -rpcport="$rpc_port" "$@"
}

mine() {
  local name=$1 blocks=$2 descriptor=${3:-"raw(51)"}
  # The tries are for all blocks together, and bitcoind says nothing when it has run out of them.
  cli "$name" -rpcclienttimeout=0 generatetodescriptor "$blocks" "$descriptor" "$((blocks * 100000000))" >"$T/$name.mined" || return 1
  [ "$(jq length "$T/$name.mined")" = "$blocks" ]
}
