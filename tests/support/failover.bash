# shellcheck shell=bash
# Several nodes under one pool: `load` common, pool (and bitcoind) first.
#   start_chain NAME [ARG…]       an hh-devchain; again with the same name: with its data and port. NODE[NAME] is URL|COOKIE then, as in the pool's `nodes`
#   add_bitcoind NAME CHAIN       start_bitcoind, and NODE[NAME]
#   node_list NAME…               HH_POOL_NODES of these (and no rpc.url)
#   rpc NAME METHOD [JSON…]       a call; relay FROM TO: blocks
#   generate NAME [COUNT]         new blocks of that node alone
#   tip NAME                      its best block's hash
#   watch_jobs [SECONDS]          a miner that writes each job to $T/jobs.out;   job_on HASH SECONDS: until there is one on that block
#   pause_node NAME; resume_node NAME     SIGSTOP and SIGCONT

declare -gA NODE  # load runs in a function

nodes_py() { python3 "$HH_SRC/tests/support/nodes.py" "$@"; }

start_chain() {
  local name=$1 record
  shift
  [ -e "$T/$name.port" ] || free_port >"$T/$name.port"
  start "$name" hh-devchain --bits 1f00aaaa --datadir "$T/$name.chain" --rpc-port "$(cat "$T/$name.port")" "$@"
  record=$(wait_for_record "$name" devchain) || return 1
  NODE[$name]="$(field rpc_url <<<"$record")|$(field cookie_file <<<"$record")"
}

add_bitcoind() {
  start_bitcoind "$@" || return 1
  NODE[$1]="$RPC_URL|$RPC_COOKIE"
  unset RPC_URL RPC_COOKIE
}

# Call it before start_pool, in the same shell.
node_list() {
  local name list=
  for name; do list=${list:+$list,}${NODE[$name]}; done
  export HH_POOL_NODES=$list RPC_URL='' RPC_COOKIE=''
}

rpc() {
  local name=$1
  shift
  nodes_py call "${NODE[$name]}" "$@"
}
relay() { nodes_py relay "${NODE[$1]}" "${NODE[$2]}"; }
tip() { rpc "$1" getbestblockhash; }

# The coinbase's address differs between nodes, so that blocks of the same height and second do, too.
generate() {
  local to=$MINER
  [ "$1" != "${FORK:-}" ] || to=$TREASURY
  rpc "$1" generatetoaddress "${2:-1}" "\"$to\"" >/dev/null
}

watch_jobs() {
  start jobs env PYTHONPATH="$HH_SRC/tests/support" python3 "$HH_SRC/tests/support/job_watch.py" "$POOL_PORT" "$MINER.watch" "${1:-600}"
  eventually 10 grep -q '"job"' "$T/jobs.out"
}

job_on() {
  if ! eventually "$2" grep -q "\"prev\": \"$1\"" "$T/jobs.out"; then
    echo "no job on $1 within $2 s; jobs:" >&2
    cat "$T/jobs.out" >&2
    return 1
  fi
}

# Tips in the order in which miners were put on them, each named once in a row.
tips_seen() { jq -r 'select(.job) | .prev' "$T/jobs.out" | uniq; }

# Once left, a tip is never gone back to.
never_back() {
  local again
  again=$(tips_seen | sort | uniq -d)
  [ -z "$again" ] && return 0
  echo "went back to $again:" >&2
  cat "$T/jobs.out" >&2
  return 1
}

pause_node() { kill -s STOP "$(pid_of "$1")"; }
resume_node() { kill -s CONT "$(pid_of "$1")"; }

# Milliseconds now; and from then until the first job on a block.
now_ms() { date +%s%3N; }
ms_until_job() { echo $(($(jq -r --arg h "$1" 'select(.prev == $h) | .at_ms' "$T/jobs.out" | head -1) - $2)); }

# within MILLISECONDS START HASH: the first job on that block came that soon after START.
within() {
  local took
  job_on "$3" 20 || return 1
  took=$(ms_until_job "$3" "$2")
  echo "# job on the new tip after $took ms" >>"$T/times"
  [ "$took" -le "$1" ] && return 0
  echo "the job came after $took ms, not $1" >&2
  return 1
}

# logged_ms EVENT NODE: when the pool last logged that of the node.
logged_ms() {
  jq -r --arg e "$1" --arg n "${NODE[$2]%|*}/" 'select(.event == $e and .node == $n) | .ts | (.[0:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber)' "$T/pool.err" | tail -1
}
