# shellcheck shell=bash
# A pool for tests: `load ../support/common` first.
#   start_pool NAME CHAIN [ARG…]   for the node in RPC_URL and RPC_COOKIE; sets POOL_PORT. Share difficulty 0.000001 (4,300 hashes) unless given.
#   sv1 [ARG…] <<'PY' … PY         a python script with sv1_client as sv1; sys.argv[1] is POOL_PORT
#   shares FILE; seqs FILE         share records; sequence numbers of shares and blocks

# P2WSH of OP_TRUE (anyone can spend what it holds), and the key of BIP173's examples.
export TREASURY=bcrt1qft5p2uhsdcdc3l2ua4ap5qqfg4pjaqlp250x7us7a8qqhrxrxfsqseac85
export TREASURY_TB=tb1qft5p2uhsdcdc3l2ua4ap5qqfg4pjaqlp250x7us7a8qqhrxrxfsqaqh7jw
export MINER=bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080
export MINER_TB=tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx

# Defaults come by the environment, so that a test's flags go before them.
pool_environment() {
  export HH_POOL_LISTEN=127.0.0.1:0 HH_POOL_CHAIN=$1 HH_POOL_TREASURY=$TREASURY HH_POOL_RPC_URL=${RPC_URL:-} HH_POOL_RPC_COOKIE_FILE=${RPC_COOKIE:-} \
    HH_POOL_DIFFICULTY_START=0.000001 HH_POOL_DIFFICULTY_MIN=0.000001 HH_POOL_VARDIFF_SHARES_PER_MINUTE=0 HH_POOL_TEMPLATE_REFRESH_SECONDS=1
  [ "$1" != signet ] || export HH_POOL_TREASURY=$TREASURY_TB
}

start_pool() {
  local name=$1 record
  pool_environment "$2"
  shift 2
  start "$name" hh-pool serve "$@"
  record=$(wait_for_record "$name" pool) || return 1
  # shellcheck disable=SC2034  # for the test
  POOL_PORT=$(port_of "$record")
}

sv1() { PYTHONPATH=$HH_SRC/tests/support python3 - "$POOL_PORT" "$@"; }

shares() { grep -a '^{"type":"share"' "$1"; }
seqs() { jq -r 'select(.type == "share" or .type == "block") | .seq' "$1"; }

# Whether the numbers on stdin are 1, 2, 3 …
is_gapless() { awk '$1 != NR { exit 1 }'; }
