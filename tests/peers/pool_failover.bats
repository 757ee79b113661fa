#!/usr/bin/env bats
# hh-pool over several real bitcoinds that are killed, hang, lag, reorganise and have wrong clocks. Blocks pass between them only when a test says so.
# timeout: 900

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/bitcoind
load ../support/pool
load ../support/failover

setup() {
  hh_setup
  need hh-pool hh-miner python3
  need_bitcoind
}
teardown() {
  local node
  for node in one two; do [ ! -e "$T/$node.pid" ] || resume_node "$node"; done
  hh_teardown
}

# two_nodes [ARG…]: with one chain of five blocks, a pool over both, and a miner that watches.
two_nodes() {
  add_bitcoind one regtest
  add_bitcoind two regtest
  generate one 5
  relay one two
  node_list one two
  start_pool pool regtest --failover-timeout-ms 2000 --failover-lag-ms 500 --failover-return-seconds 3 --log-level debug "$@"
  watch_jobs
  job_on "$(tip one)" 10
}

in_use() { grep '"event":"template_node"' "$T/pool.err" | tail -1 | jq -r .node; }
is_in_use() { [ "$(in_use)" = "${NODE[$1]%|*}/" ]; }

@test "bitcoind killed with SIGKILL: the next one's work within 4 s, and the first again after its time (C061 C124)" {
  two_nodes --spool "$T/spool.jsonl"
  stop one KILL
  generate two
  start=$(now_ms)
  within 4000 "$start" "$(tip two)"
  eventually 5 is_in_use two
  hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER.rig" --throttle 20 --max-blocks 1 --max-seconds 60 >>mined
  eventually 5 grep -q '"result":"accepted"' spool.jsonl
  add_bitcoind one regtest
  relay two one
  eventually 15 is_in_use one
  generate one
  start=$(now_ms)
  within 4000 "$start" "$(tip one)"
  never_back
}

@test "bitcoind hangs (SIGSTOP): a new block of the other reaches miners within 4 s, and the old tip never comes back (C124)" {
  two_nodes
  pause_node one
  generate two
  start=$(now_ms)
  within 4000 "$start" "$(tip two)"
  wait_for_log pool '"event":"bitcoind_down"' 10
  generate two
  job_on "$(tip two)" 10
  resume_node one
  wait_for_log pool '"event":"bitcoind_lags"' 10
  sleep 1
  [ "$(tips_seen | tail -1)" = "$(tip two)" ]
  relay two one
  eventually 15 is_in_use one
  never_back
}

@test "bitcoind lags, then is the only one left: the pool stays on the better tip until there is one as good (C124)" {
  two_nodes
  generate two 2
  start=$(now_ms)
  within 4000 "$start" "$(tip two)"
  best=$(tip two)
  stop two KILL
  wait_for_log pool '"event":"bitcoind_down"' 10
  FORK=one generate one
  sleep 3
  [ "$(tips_seen | tail -1)" = "$best" ]
  FORK=one generate one 2
  job_on "$(tip one)" 10
  never_back
}

@test "reorganisations 1 to 6 deep are followed at once, and no job goes back (C061 C124)" {
  add_bitcoind one regtest
  add_bitcoind two regtest
  generate one 5
  relay one two
  node_list one
  start_pool pool regtest --spool "$T/spool.jsonl" --log-level debug
  watch_jobs
  FORK=two
  for depth in 1 2 3 4 5 6; do
    generate one "$depth"
    job_on "$(tip one)" 10
    generate two $((depth + 1))  # the same blocks below, others above
    relay two one
    start=$(now_ms)
    within 4000 "$start" "$(tip two)"
    [ "$(tip one)" = "$(tip two)" ]
  done
  never_back
  hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER.rig" --throttle 20 --max-blocks 1 --max-seconds 60 >>mined
  eventually 5 grep -q '"result":"accepted"' spool.jsonl
}

@test "an empty job comes first where the template takes longer, and bitcoind takes its block, also around the halving (C061 C062 C124)" {
  add_bitcoind one regtest
  add_bitcoind two regtest
  generate one 146
  node_list one two
  # A pool that has just started does not long poll the second node: a poll brings its new tip, without a template. Blocks found: 148, 150 (the
  # first of half the subsidy), 152.
  empty=0
  for found in 148 150 152; do
    relay one two
    start_pool pool regtest --spool "$T/spool.jsonl" --template-poll-ms 200 --log-level debug
    start client env PYTHONPATH="$HH_SRC/tests/support" python3 -c '
import sys, sv1_client as sv1
c = sv1.Client(sys.argv[1]); c.login(sys.argv[2])
first = c.job()
print("ready", flush=True)
while not (c.jobs and c.jobs[-1].prev != first.prev): assert c.read_line() is not None
job = c.jobs[0]
assert job.clean
answer = c.submit(c.mine(job, block=True))
assert sv1.code(answer) == 0, answer
print(job.id)' "$POOL_PORT" "$MINER"
    eventually 10 grep -q ready client.out
    generate two
    wait_for_end client 20
    [ "$STOPPED" -eq 0 ]
    eventually 10 eval "[ \"\$(rpc two getblockcount)\" -eq $found ]"
    # The full template may be as fast as the poll that tells of the tip; then there is no empty job.
    if grep -q "\"event\":\"empty_job\",\"job\":\"$(tail -1 client.out)\"" pool.err; then empty=$((empty + 1)); fi
    relay two one
    eventually 15 eval "[ \$(grep -c '\"result\":\"accepted\"' spool.jsonl) -ge $((found - 146)) ]"  # by both nodes
    stop pool
  done
  [ "$empty" -ge 1 ]
  run ! grep '"result":"rejected"' spool.jsonl
  [ "$(jq -r 'select(.type == "block") | .subsidy_sat' spool.jsonl | tr '\n' ' ')" = "5000000000 2500000000 2500000000 " ]
}

# clock SECONDS: the pool's wall clock is that much off from now on (libfaketime reads the file at every look at the clock).
clock() { echo "$1" >"$T/clock"; }

@test "clocks that step by two hours, the pool's and the node's: work goes on and blocks are taken (C061 C124)" {
  lib=$(find /usr/lib -name libfaketimeMT.so.1 | head -1)
  [ -n "$lib" ] || skip "libfaketime is not there"
  add_bitcoind one regtest
  generate one 20
  node_list one
  clock +0
  pool_environment regtest
  start pool env LD_PRELOAD="$lib" FAKETIME_TIMESTAMP_FILE="$T/clock" FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
    hh-pool serve --spool "$T/spool.jsonl" --log-level debug --template-poll-ms 200
  POOL_PORT=$(port_of "$(wait_for_record pool pool)")
  watch_jobs
  block_is_taken() {
    local before
    before=$(grep -c '"result":"accepted"' spool.jsonl || true)
    hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER.rig" --throttle 20 --max-blocks 1 --max-seconds 60 >>mined
    eventually 5 eval "[ \$(grep -c '\"result\":\"accepted\"' spool.jsonl) -gt $before ]"
  }
  block_is_taken
  for step in +7200 -7200 +0; do
    clock "$step"
    generate one
    job_on "$(tip one)" 10
    block_is_taken
  done
  real=$(date +%s)
  # Two whole hours back, and the node would find that its own chain comes from the future.
  for step in 7200 -7100 0; do
    rpc one setmocktime $((real + step)) >/dev/null
    generate one
    job_on "$(tip one)" 10
    block_is_taken
  done
  run ! grep '"result":"rejected"' spool.jsonl
  run ! grep -q '"event":"bitcoind_down"' pool.err
  never_back
}
