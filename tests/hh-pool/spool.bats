#!/usr/bin/env bats
# What was acknowledged is kept, once: through kill -9, restarts, full, slow and nearly full disks, and readers that go away.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool

setup() {
  hh_setup
  need hh-pool hh-devchain python3 curl
  start_devchain --bits 1f00aaaa
}
teardown() { hh_teardown; }

# Sends shares until the pool is gone or there are $2; one line "EXTRANONCE2 NONCE" for each that was acknowledged.
send_shares() {
  sv1 "$MINER" "${1:-1000000}" <<'PY'
import sys, sv1_client as sv1
try:
    c = sv1.Client(sys.argv[1]); c.login(sys.argv[2])
    for _ in range(int(sys.argv[3])):
        share = c.mine(c.job(), block=False)
        answer = c.submit(share)
        if sv1.code(answer) == 0: print(c.extranonce1, share[2], share[4], flush=True)
        elif sv1.code(answer) != 21: print("refused", answer["error"], file=sys.stderr); break
except (EOFError, ConnectionError, AssertionError): pass
PY
}

spooled() { shares "$1" | jq -r '[.extranonce1, .extranonce2, .nonce] | join(" ")' | sort; }

@test "kill -9 while shares flow: each acknowledged share is in the spool exactly once; the numbers go on (C060)" {
  : >acknowledged
  for round in 1 2 3; do
    start_pool pool dev --spool "$T/spool.jsonl"
    had=$(shares spool.jsonl | wc -l)
    send_shares >>acknowledged &
    client=$!
    eventually 30 eval "[ \$(shares spool.jsonl | wc -l) -ge $((had + 5)) ]"
    stop pool KILL
    wait "$client"
  done
  [ "$(wc -l <acknowledged)" -ge 10 ]
  cp spool.jsonl before
  start_pool pool dev --spool "$T/spool.jsonl"   # cuts a torn line, if there is one
  stop pool
  seqs spool.jsonl | is_gapless
  spooled spool.jsonl >have
  sort acknowledged >want
  [ -z "$(uniq -d have)" ]
  [ -z "$(comm -13 have want)" ]
}

@test "a torn last line is cut away and said (C060)" {
  start_pool pool dev --spool "$T/spool.jsonl"
  send_shares 2
  stop pool
  [ "$(seqs spool.jsonl | tail -1)" -eq 2 ]
  printf '{"type":"share","v":1,"source":"pool","seq":3,"ti' >>spool.jsonl
  start_pool pool dev --spool "$T/spool.jsonl"
  grep -q '"event":"spool_repaired".*"torn_bytes":49' pool.err
  send_shares 1
  stop pool
  seqs spool.jsonl | is_gapless
  [ "$(seqs spool.jsonl | wc -l)" -eq 3 ]
  # Job ids are never used again.
  [ -z "$(jq -r 'select(.type == "job") | .job' spool.jsonl | sort | uniq -d)" ]
}

@test "sync always answers after fsync and loses nothing either (C060)" {
  start_pool pool dev --spool "$T/spool.jsonl" --sync always
  send_shares 3 >acknowledged
  stop pool KILL
  [ "$(wc -l <acknowledged)" -eq 3 ]
  [ "$(spooled spool.jsonl)" = "$(sort acknowledged)" ]
}

@test "a full spool: shares are refused with a reason, what is in the spool is whole and was acknowledged (C060)" {
  pool_environment dev
  start pool bash -c 'ulimit -f 8; trap "" XFSZ; exec hh-pool serve --spool "$T/spool.jsonl" --template-refresh-seconds 60 > >(exec cat)'
  POOL_PORT=$(port_of "$(wait_for_record pool pool)")
  run --separate-stderr send_shares
  [[ $stderr == *"pool cannot store shares"* ]]
  wait_for_end pool
  grep -q 'cannot write to spool .*File too large' pool.err
  [ "$(tail -c 1 spool.jsonl | xxd -p)" = 0a ]
  seqs spool.jsonl | is_gapless
  [ "$(spooled spool.jsonl)" = "$(sort <<<"$output")" ]
}

@test "the exit status of a full spool is 74, and blocks still get to the node (C060 C061 S014)" {
  pool_environment dev
  start pool bash -c 'ulimit -f 4; trap "" XFSZ; exec hh-pool serve --spool "$T/spool.jsonl" --template-refresh-seconds 60 > >(exec cat)'
  POOL_PORT=$(port_of "$(wait_for_record pool pool)")
  sv1 "$MINER" <<'PY'
import sys, sv1_client as sv1
c = sv1.Client(sys.argv[1]); c.login(sys.argv[2])
job = c.job()
block = c.mine(job, block=True)
while sv1.code(c.submit(c.mine(job, block=False))) == 0: pass
answer = c.submit(block)
assert sv1.code(answer) == 20 and "cannot store" in answer["error"][1], answer
PY
  wait_for_end pool
  [ "$STOPPED" -eq 74 ]
  grep -q '"event":"block_accepted"' pool.err
}

@test "a reader that goes away ends the pool with 74 (C060)" {
  pool_environment dev
  mkfifo pipe
  head -n 1 pipe >first &
  status=0
  HH_RECORD_TAP=off timeout 30 hh-pool serve >pipe 2>pool.err 3>&- || status=$?
  [ "$status" -eq 74 ]
  grep -q 'standard output' pool.err
  grep -q '^{"type":"pool"' first
}

@test "a second pool does not take the same spool (C060)" {
  start_pool pool dev --spool "$T/spool.jsonl"
  run --separate-stderr hh-pool serve --spool "$T/spool.jsonl"
  [ "$status" -eq 75 ]
  [[ $stderr == *"in use by another process"* ]]
}

@test "without a spool every run is a source of its own (C060)" {
  start_pool pool dev
  first=$(jq -r .source <<<"$(wait_for_record pool pool)")
  send_shares 1
  stop pool
  [ "$STOPPED" -eq 0 ]
  [ "$(shares pool.out | wc -l)" -eq 1 ]
  start_pool pool dev
  second=$(jq -r .source <<<"$(wait_for_record pool pool)")
  [[ $first == pool.* && $second == pool.* && $first != "$second" ]]
}

# refusing PYTHON: c is a client that is logged in, answers() its shares and what the pool says to each.
refusing() {
  sv1 "$MINER" <<PY
import os, sys, time, sv1_client as sv1
c = sv1.Client(sys.argv[1]); c.login(sys.argv[2])
def answers():
    """Of shares that are no blocks, one after the other; none may take longer than a second."""
    while True:
        share = c.mine(c.job(), block=False)
        began = time.monotonic()
        answer = c.submit(share)
        assert time.monotonic() - began < 1, "the pool made a miner wait"
        yield share, answer
$1
PY
}

@test "a hung fdatasync: shares are taken until the limit, then refused with the reason and an alarm, until it ends; blocks get through (C060 C061 C081)" {
  "${CC:-cc}" -shared -fPIC -O1 -o slow_disk.so "$HH_SRC/tests/support/slow_disk.c" || skip "no C compiler"
  pool_environment dev
  export HH_SLOW_DISK="$T/slow"
  start pool bash -c 'LD_PRELOAD=$T/slow_disk.so exec hh-pool serve --spool "$T/spool.jsonl" --spool-limit-kib 8 --http 127.0.0.1:0 --template-refresh-seconds 60 > >(exec cat)'
  POOL_PORT=$(port_of "$(wait_for_record pool pool)")
  wait_for_log pool '"event":"http"'
  address=$(jq -r 'select(.event == "http") | .address' pool.err)
  touch slow
  refusing '
taken = 0
for share, answer in answers():
    if sv1.code(answer) != 0: break
    taken += 1
    assert taken <= 40, "no limit"
assert answer["error"][:2] == [20, "pool cannot store shares now: its disk is too slow"], answer
assert 10 <= taken, taken
block = c.mine(c.job(), block=True)
assert sv1.code(c.submit(block)) == 0
open("taken", "w").write(str(taken + 1))'
  wait_for_log pool '"event":"block_accepted"'
  wait_for_log pool '"event":"store_refuses".*"reason":"slow_sync"'
  run hh-pool status --spool "$T/spool.jsonl"
  jq -e '.store_refuses == "slow_sync" and .store_waiting_bytes >= 8192 and .blocks == 1' <<<"$output"
  [ "$(curl -sS --max-time 20 -o health -w '%{http_code}' "http://$address/healthz")" = 503 ]
  grep -q 'its disk is too slow' health
  curl -sS --max-time 20 "http://$address/metrics" >metrics
  grep -qx 'hh_pool_store_refusing{reason="slow_sync"} 1' metrics
  [ "$(shares spool.jsonl | wc -l)" -eq "$(<taken)" ]
  [ "$(grep -c '^{"type":"block"' spool.jsonl)" -eq 1 ]
  rm slow
  refusing '
end = time.monotonic() + 20
for share, answer in answers():
    if sv1.code(answer) == 0: break
    assert time.monotonic() < end, "the refusals do not end"
    assert "too slow" in answer["error"][1], answer
assert sv1.code(c.submit(share)) == 22'
  wait_for_log pool '"event":"store_takes_shares"'
  [ "$(curl -sS --max-time 20 -o health -w '%{http_code}' "http://$address/healthz")" = 200 ]
  [ "$(grep -c '"event":"store_refuses"' pool.err)" -eq 1 ]
  stop pool
  [ "$STOPPED" -eq 0 ]
  seqs spool.jsonl | is_gapless
  [ "$(shares spool.jsonl | wc -l)" -eq $(($(<taken) + 1)) ]
}

@test "too little space on the spool's disk: shares are refused before a write fails, blocks are not (C060 C061)" {
  start_pool pool dev --spool "$T/spool.jsonl" --spool-reserve-mib 1000000000 --template-refresh-seconds 60
  wait_for_log pool '"event":"store_refuses".*"reason":"little_space"'
  refusing '
share, answer = next(answers())
assert answer["error"][:2] == [20, "pool cannot store shares now: its disk is nearly full"], answer
assert sv1.code(c.submit(c.mine(c.job(), block=True))) == 0'
  wait_for_log pool '"event":"block_accepted"'
  [ "$(grep -c '^{"type":"block"' spool.jsonl)" -eq 1 ]
  run hh-pool status --spool "$T/spool.jsonl"
  jq -e '.store_refuses == "little_space" and .spool_free_bytes > 0' <<<"$output"
  stop pool
  [ "$STOPPED" -eq 0 ]
}
