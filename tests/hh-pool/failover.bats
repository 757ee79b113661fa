#!/usr/bin/env bats
# Several nodes: which one gives the work, how soon the next takes over, and what miners see when none is left.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool
load ../support/failover

setup() {
  hh_setup
  need hh-pool hh-devchain python3
}
teardown() {
  local node
  for node in one two; do [ ! -e "$T/$node.pid" ] || resume_node "$node"; done
  hh_teardown
}

# two_nodes [ARG…]: a pool over two nodes of one chain, and a miner that watches.
two_nodes() {
  start_chain one
  start_chain two
  generate one
  relay one two
  node_list one two
  start_pool pool dev --failover-timeout-ms 2000 --failover-lag-ms 500 --failover-return-seconds 3 --log-level debug "$@"
  watch_jobs
  job_on "$(tip one)" 10
}

@test "the first node is killed: the second one's blocks reach the miners, and the first takes back in its time (C124)" {
  two_nodes --spool "$T/spool.jsonl"
  stop one KILL
  generate two
  start=$(now_ms)
  within 4000 "$start" "$(tip two)"
  wait_for_log pool '"event":"bitcoind_down"' 10
  start_chain one
  relay two one
  wait_for_log pool '"event":"bitcoind_up"' 10
  wait_for_log pool "\"event\":\"template_node\",\"node\":\"${NODE[one]%|*}" 10
  [ $(($(logged_ms template_node one) - $(logged_ms bitcoind_up one))) -ge 3000 ]
  generate one
  start=$(now_ms)
  within 4000 "$start" "$(tip one)"
  never_back
}

@test "the first node hangs: nobody waits for it (C124)" {
  two_nodes
  pause_node one
  generate two
  start=$(now_ms)
  within 4000 "$start" "$(tip two)"  # the second one's own poll tells; the time-out of the first does not matter
  wait_for_log pool '"event":"bitcoind_down"' 10
  generate two
  lags=$(grep -c '"event":"bitcoind_lags"' pool.err || true)  # it did already while it was waited for
  resume_node one  # with an older tip than the pool's
  eventually 10 eval "[ \$(grep -c '\"event\":\"bitcoind_lags\"' pool.err) -gt $lags ]"
  job_on "$(tip two)" 10
  relay two one
  wait_for_log pool '"event":"bitcoind_in_sync"' 10
  wait_for_log pool "\"event\":\"template_node\",\"node\":\"${NODE[one]%|*}" 10
  never_back
}

@test "the first node lags: work is on the second one's tip, and stays there when that one dies (C124)" {
  two_nodes
  generate two 3
  start=$(now_ms)
  within 4000 "$start" "$(tip two)"
  best=$(tip two)
  wait_for_log pool '"event":"bitcoind_lags"' 10
  stop two KILL
  wait_for_log pool '"event":"bitcoind_down"' 10
  generate one  # still less work
  sleep 2
  [ "$(tips_seen | tail -1)" = "$best" ]
  FORK=one generate one 3  # now it knows more
  start=$(now_ms)
  within 4000 "$start" "$(tip one)"
  never_back
}

@test "equal work on different tips: the pool stays where it is (C124)" {
  two_nodes
  FORK=two
  generate one
  mine=$(tip one)
  job_on "$mine" 10
  generate two
  [ "$(tip two)" != "$mine" ]
  sleep 2
  [ "$(tips_seen | tail -1)" = "$mine" ]
  generate two
  start=$(now_ms)
  within 4000 "$start" "$(tip two)"
  never_back
}

@test "a found block goes to every node, also to one that lagged (C061 C124)" {
  two_nodes --spool "$T/spool.jsonl"
  generate one
  job_on "$(tip one)" 10
  sv1 "$MINER" <<'PY'
import sys, sv1_client as sv1
c = sv1.Client(sys.argv[1]); c.login(sys.argv[2])
assert sv1.code(c.submit(c.mine(c.job(), block=True))) == 0
PY
  wait_for_log pool '"event":"submitblock_too_early"' 5
  relay one two
  wait_for_record pool submission 10 2
  eventually 5 eval "[ \$(grep -c '\"result\":\"accepted\"' spool.jsonl) -eq 2 ]"
  [ "$(tip one)" = "$(tip two)" ]
  [ "$(tip one)" = "$(jq -r 'select(.type == "block") | .hash' spool.jsonl)" ]
  job_on "$(tip one)" 10
}

@test "no node confirms the template: keep, pause or disconnect, and an alarm (C124)" {
  for policy in keep pause disconnect; do
    rm -rf "$T/one.chain" "$T/one.port"
    start_chain one
    node_list one
    start_pool pool dev --template-max-age-seconds 5 --template-when-down "$policy" --failover-timeout-ms 500
    stop one KILL
    sv1 "$MINER" "$policy" <<'PY' &
import sys, time, sv1_client as sv1
c = sv1.Client(sys.argv[1], timeout=25); c.login(sys.argv[2])
policy = sys.argv[3]
job = c.job()
end = time.monotonic() + 12
codes = []
try:
    while time.monotonic() < end:
        codes.append(sv1.code(c.submit(c.mine(job, block=False))))
        time.sleep(0.2)
except (EOFError, BrokenPipeError, ConnectionResetError):
    codes.append("closed")
assert codes[0] == 0, codes
assert codes[-1] == {"keep": 0, "pause": 20, "disconnect": "closed"}[policy], codes
if policy == "disconnect":
    late = sv1.Client(sys.argv[1], timeout=5)
    late.login(sys.argv[2])
    assert late.is_closed() and not late.jobs
PY
    client=$!
    wait_for_log pool "\"event\":\"template_too_old\".*\"policy\":\"$policy\"" 15
    wait "$client"
    start_chain one
    wait_for_log pool '"event":"template_fresh"' 15
    watch_jobs 10  # there is work again
    stop jobs
    stop pool
    [ "$STOPPED" -eq 0 ]
    stop one
    rm -f pool.err one.err
  done
}

@test "nodes and rpc.url are one concept: only one of them is set (C124)" {
  pool_environment dev
  run --separate-stderr hh-pool check --nodes 'http://127.0.0.1:1|c' --rpc-url http://127.0.0.1:1
  [ "$status" -eq 78 ]
  [[ $stderr == *"together with nodes"* ]]
  unset HH_POOL_RPC_URL HH_POOL_RPC_COOKIE_FILE
  run --separate-stderr hh-pool check --nodes 'http://127.0.0.1:1'
  [ "$status" -eq 78 ]
  start_chain one
  start_chain two
  printf 'nodes = ["%s", "%s"]\n' "${NODE[one]}" "${NODE[two]}" >pool.toml
  run hh-pool check --config pool.toml
  [ "$status" -eq 0 ]
  [ "$(jq -r .what <<<"$output" | tr '\n' ' ')" = "treasury node template node template " ]
  run --separate-stderr hh-pool check --config pool.toml --template-when-down sleep
  [ "$status" -eq 78 ]
}

@test "ZMQ tells of a new tip before the next poll (C124)" {
  port=$(free_port)
  mkfifo hashes
  exec 9<>hashes
  start zmq bash -c 'exec python3 "$@" <hashes' - "$HH_SRC/tests/support/zmq_publisher.py" "$port"
  two_nodes --template-poll-ms 60000 --zmq "tcp://127.0.0.1:$port"
  eventually 10 grep -q subscribed zmq.out
  generate two  # which the pool does not long poll
  sleep 1
  hash=$(tip two)
  [ "$(tips_seen | tail -1)" != "$hash" ]
  start=$(now_ms)
  echo "$hash" >&9
  within 3000 "$start" "$hash"
  exec 9>&-
}
