#!/usr/bin/env bats
# A new hh-pool takes the miners over from the one that runs: nobody is disconnected, no share is lost or counted twice.
# timeout: 300

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool
load helper

setup() { load_setup; }
teardown() { hh_teardown; }

# upgrade N: pool N takes over from pool N-1, which ends by itself.
upgrade() {
  start "pool$1" hh-pool serve --takeover --spool "$T/spool.jsonl" --difficulty-start $LEAST --difficulty-min $LEAST
  wait_for_record "pool$1" pool >record
  wait_for_end "pool$(($1 - 1))"
  [ "$STOPPED" -eq 0 ]
  [ "$(port_of "$(cat record)")" = "$POOL_PORT" ]
}

@test "ten upgrades under the load of 1,000 miners: no disconnect, no share lost, doubled or refused (C124)" {
  start_easy_pool pool0
  start load sv1_load --target "127.0.0.1:$POOL_PORT" --chain dev --connections 1000 --submits-per-minute 120 --seconds 25 --drain 10
  wait_for_record load load_connect 60
  for n in 1 2 3 4 5 6 7 8 9 10; do
    # A process that has just been taken over from may still be leaving its place.
    eventually 10 test -S "$T/spool.jsonl.takeover"
    sleep 0.8
    upgrade "$n"
  done
  wait_for_end load 90
  [ "$STOPPED" -eq 0 ]
  cp load.out records
  grep '^{"type":"load_submits"' records | jq -e '.disconnected == 0 and .refused == 0 and .unanswered == 0 and .unexpected_answers == 0 and .unreadable_lines == 0'
  stop pool10
  [ "$STOPPED" -eq 0 ]
  accepted=$(figure load_submits accepted)
  [ "$accepted" -gt 20000 ]
  [ "$(shares spool.jsonl | wc -l)" -eq "$accepted" ]
  seqs spool.jsonl | is_gapless
  [ "$(shares spool.jsonl | jq -r '[.extranonce1, .extranonce2, .nonce, .ntime, .job] | join(" ")' | sort | uniq -d | wc -l)" -eq 0 ]
  # Each process printed what it recorded itself, and all of them together printed the spool.
  cat pool?.out pool10.out | grep -v '^{"type":"pool"' | cmp - spool.jsonl
  grep -c '"event":"taken_over"' pool?.err pool10.err | awk -F: '{ n += $2 } END { exit n != 10 }'
}

@test "a new process that is not ready in time leaves the miners where they are (C124)" {
  start_easy_pool pool0
  start load sv1_load --target "127.0.0.1:$POOL_PORT" --chain dev --connections 100 --submits-per-minute 600 --seconds 10 --drain 10
  wait_for_record load load_connect 60
  eventually 10 test -S "$T/spool.jsonl.takeover"
  # Another source, a pool that cannot reach its node, one that asks and goes away, one that takes everything and says nothing.
  run --separate-stderr hh-pool serve --takeover --spool "$T/spool.jsonl" --source other
  [ "$status" -eq 75 ]
  [[ $stderr == *'its source is "other", not "pool"'* ]]
  run --separate-stderr env HH_POOL_RPC_URL=http://127.0.0.1:1 hh-pool serve --takeover --spool "$T/spool.jsonl"
  [ "$status" -eq 69 ]
  python3 - "$T/spool.jsonl.takeover" <<'PY'
import json, socket, sys, time
def ask(greeting):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(sys.argv[1])
    s.sendall(greeting + b"\n")
    return s
good = json.dumps({"state_version": 3, "source": "pool", "chain": "dev"}).encode()
for bad in (b"{}", b"not json", b'{"state_version":0,"source":"pool","chain":"dev"}', b'{"state_version":3,"source":"pool","chain":"main"}', b"[1]", b'"x"', b"7"):
    answer = ask(bad).recv(4096)
    assert answer.startswith(b"no "), (bad, answer)
ask(good).close()
s = ask(good)
s.recv(3)
time.sleep(1)
s.close()
s = ask(good)
s.sendall(b"nonsense\n")
while s.recv(65536): pass
PY
  wait_for_end load 60
  grep '^{"type":"load_submits"' load.out | jq -e '.disconnected == 0 and .refused == 0 and .unanswered == 0 and .accepted > 4000'
  [ "$(grep -c handover_failed pool0.err)" -ge 3 ]
  upgrade 1
  stop pool1
  seqs spool.jsonl | is_gapless
  [ "$(shares spool.jsonl | wc -l)" -eq "$(grep '^{"type":"load_submits"' load.out | jq .accepted)" ]
}
