#!/usr/bin/env bats
# SIGHUP: other settings for a pool at work, and nobody is disconnected.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool

setup() {
  hh_setup
  need hh-pool hh-devchain python3
  start_devchain --bits 1f00aaaa
}
teardown() { hh_teardown; }

# settings [KEY=VALUE…]: pool.toml, in which each KEY (TOML, flat) has this value instead of its usual one.
settings() {
  printf '%s\n' 'difficulty.start="0.000001"' 'difficulty.min="0.000001"' 'vardiff.shares_per_minute=0' 'template.refresh_seconds=200' 'template.poll_ms=100' \
    "treasury=\"$TREASURY\"" "nodes=[\"$RPC_URL|$RPC_COOKIE\"]" "$@" |
    awk -F= '{ value[$1] = $0; if (!($1 in seen)) { seen[$1] = ++n; key[n] = $1 } } END { for (i = 1; i <= n; i++) print value[key[i]] }' >pool.toml
}

start_from_file() {
  start pool hh-pool serve --chain dev --listen "${1:-127.0.0.1:0}" --spool "$T/spool.jsonl" --config pool.toml
  POOL_PORT=$(port_of "$(wait_for_record pool pool)")
}

# A script of a miner at work: step(N) lets the test write the file that step N is about and reload; it returns when the pool has.
miner() {
  cat >miner.py <<'PY'
import os, signal, subprocess, sys, time, sv1_client as sv1
PID = int(open("pool.pid").read())
def log(): return open("pool.err").read()
def reload(*changes, says='"event":"reloaded"'):
    subprocess.run(["bash", "-c", os.environ["SETTINGS"] + '; settings "$@"', "-", *changes], check=True, close_fds=True)
    seen = log().count(says)
    os.kill(PID, signal.SIGHUP)
    for _ in range(200):
        if log().count(says) > seen: return
        time.sleep(0.05)
    raise AssertionError(says)
def share(c, **more): return sv1.code(c.submit(c.mine(c.job(), block=False, **more)))
c = sv1.Client(sys.argv[1]); c.login(sys.argv[2])
PY
  cat >>miner.py
  SETTINGS=$(declare -f settings) PYTHONPATH=$HH_SRC/tests/support python3 miner.py "$POOL_PORT" "${1:-$MINER}"
}

@test "other difficulties reach the miners at work, without a disconnect (C060)" {
  settings
  start_from_file '127.0.0.1:0,127.0.0.1:0|min=0.000002|start=0.000002'
  OTHER=$(wait_for_record pool pool | jq -r '.listeners[1].address | split(":") | last') miner <<'PY'
other = sv1.Client(os.environ["OTHER"]); other.login(sys.argv[2])
assert share(c) == 0 and c.difficulty < 0.0000011
late = c.mine(c.job(), block=False)
reload('difficulty.min="0.000008"', 'difficulty.start="0.000016"')
c.next_job()
assert 0.0000079 < c.difficulty < 0.0000081 and not c.job().clean, c.difficulty
assert share(c) == 0
assert sv1.code(c.submit(late)) == 0  # judged by what its job was sent with
new = sv1.Client(sys.argv[1]); new.login(sys.argv[2]); new.job()
assert 0.0000159 < new.difficulty < 0.0000161, new.difficulty
assert share(other) == 0 and 0.0000019 < other.difficulty < 0.0000021  # its door has a range of its own
reload('difficulty.max="0.000002"', 'listen="127.0.0.1:0,127.0.0.1:0|min=0.000004|start=0.000004"')
for one in (c, new): one.next_job()
assert 0.0000019 < c.difficulty < 0.0000021 and share(c) == 0
assert 0.0000019 < new.difficulty < 0.0000021 and share(new) == 0
reload()
reload('vardiff.shares_per_minute=1')
before = c.difficulty
for _ in range(40):
    if c.difficulty > before: break
    assert share(c) == 0
assert c.difficulty >= 2 * before, c.difficulty
PY
  [ "$(jq -r 'select(.event == "connected" or .event == "closed")' pool.err)" = "" ]
}

@test "other limits of time, statistics and templates are taken at once (C060 C124)" {
  settings
  start_from_file
  miner <<'PY'
silent = sv1.Client(sys.argv[1])
share(c)
reload('limits.login_seconds=1', 'limits.idle_seconds=60', 'limits.connections=2', 'template.refresh_seconds=1', 'pool_tag="/other/"')
assert c.next_job().coinbase1.find(b"/other/".hex()) > 0
assert silent.is_closed()
one = sv1.Client(sys.argv[1]); one.login(sys.argv[2])
assert sv1.is_turned_away(sys.argv[1])
first = c.jobs[-1].id
assert c.next_job().id != first and not c.job().clean  # a second after the last
assert share(c) == 0
reload('stale.grace_ms=0', 'limits.idle_seconds=1')
assert c.is_closed()
PY
}

@test "another treasury is paid by the next job, of the same tip, and work on the job before still counts (C061)" {
  settings
  start_from_file
  miner "$TREASURY" <<'PY'
late = c.mine(c.job(), block=False)
new = "0014751e76e8199196d454941c45d1b3a323f1433bd6"
assert new not in c.job().coinbase2
reload('treasury="bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"')
job = c.next_job()
assert new in job.coinbase2 and not job.clean, job.coinbase2
assert sv1.code(c.submit(late)) == 0
assert sv1.code(c.submit(c.mine(job, block=True))) == 0
while not c.next_job().clean: pass
assert new in c.job().coinbase2
PY
  [ "$(field result <<<"$(wait_for_record pool submission)")" = accepted ]
  block=$(wait_for_record pool block)
  jq -se --arg job "$(field job <<<"$block")" '[.[] | select(.type == "job" and .job == $job)] | .[0].coinbase_suffix_treasury | contains("0014751e76e8199196d454941c45d1b3a323f1433bd6")' pool.out
  stop pool
  [ "$STOPPED" -eq 0 ]
  seqs spool.jsonl | is_gapless
}

@test "other nodes give the work and get the blocks; until they answer, those of before do (C061 C124)" {
  settings
  start_from_file
  start second hh-devchain --bits 1f00aaaa --datadir "$T/second" --rpc-port 0
  record=$(wait_for_record second devchain)
  port=$(free_port)
  AWAY="http://127.0.0.1:$port|$RPC_COOKIE" OTHER="$(field rpc_url <<<"$record")|$(field cookie_file <<<"$record")" FIRST=$(pid_of devchain) miner <<'PY'
first = c.job()
reload('nodes=["%s"]' % os.environ["AWAY"])
for _ in range(300):
    if "templates_not_changed" in log(): break
    time.sleep(0.05)
assert share(c) == 0 and c.job().id == first.id
reload('nodes=["%s"]' % os.environ["OTHER"])
job = c.next_job()
assert sv1.code(c.submit(c.mine(first, block=False))) == 0
os.kill(int(os.environ["FIRST"]), signal.SIGKILL)
assert sv1.code(c.submit(c.mine(job, block=True))) == 0
while not c.next_job().clean: pass
assert share(c) == 0
PY
  grep -q '"event":"templates_not_changed"' pool.err
  submission=$(wait_for_record pool submission)
  [ "$(field result <<<"$submission")" = accepted ]
  [ "$(field node <<<"$submission")" = "$(field rpc_url <<<"$record")/" ]
}

@test "a kept block that cannot be read stops neither a reload nor a start; the log names it (C061)" {
  settings
  start_from_file
  start second hh-devchain --bits 1f00aaaa --datadir "$T/second" --rpc-port 0
  record=$(wait_for_record second devchain)
  mkdir "$T/spool.jsonl.block-00ff.hex"
  OTHER="$(field rpc_url <<<"$record")|$(field cookie_file <<<"$record")" miner <<'PY'
assert share(c) == 0
reload('nodes=["%s"]' % os.environ["OTHER"], 'pool_tag="/other/"')
assert c.next_job().coinbase1.find(b"/other/".hex()) > 0
assert share(c) == 0
PY
  grep -q '"event":"block_not_submitted_again".*block-00ff.hex' pool.err
  run ! grep -q '"event":"not_reloaded"' pool.err
  stop pool
  [ "$STOPPED" -eq 0 ]
  start_from_file
  [ "$(grep -c '"event":"block_not_submitted_again"' pool.err)" -eq 2 ]
}

@test "a takeover while a reload's new nodes have not answered yet: nobody is disconnected, the taker's own settings hold (C061 C124)" {
  settings
  start_from_file
  port=$(free_port)
  start second hh-devchain --bits 1f00aaaa --datadir "$T/second" --rpc-port 0
  record=$(wait_for_record second devchain)
  AWAY="http://127.0.0.1:$port|$RPC_COOKIE" OTHER="$(field rpc_url <<<"$record")|$(field cookie_file <<<"$record")" miner <<'PY'
first = c.job()
late = c.mine(first, block=False)
reload('nodes=["%s"]' % os.environ["AWAY"])
assert share(c) == 0
def take_over(expected, name):
    taker = subprocess.Popen(["hh-pool", "serve", "--takeover", "--chain", "dev", "--listen", "127.0.0.1:0", "--spool", "spool.jsonl", "--config", "pool.toml"],
                             stdout=open(name + ".out", "w"), stderr=open(name + ".err", "w"))
    if expected is not None:
        assert taker.wait(20) == expected
        return None
    for _ in range(200):
        if "taken_over" in open(name + ".err").read(): return taker
        time.sleep(0.05)
    raise AssertionError(open(name + ".err").read())
# With the same settings the taker has no node either, and the owner goes on, its successor still waiting.
take_over(69, "no_node")
assert share(c) == 0
reload('nodes=["%s"]' % os.environ["AWAY"], 'pool_tag="/third/"')
assert share(c) == 0
subprocess.run(["bash", "-c", os.environ["SETTINGS"] + '; settings "$@"', "-", 'nodes=["%s"]' % os.environ["OTHER"], 'pool_tag="/taker/"'], check=True, close_fds=True)
taker = take_over(None, "taker")
try:
    assert sv1.code(c.submit(late)) == 0 and sv1.code(c.submit(late)) == 22
    subprocess.run(["hh-devchain", "generate", "1", "--datadir", "second"], check=True, stdout=subprocess.DEVNULL)
    while b"/taker/".hex() not in c.job().coinbase1: c.next_job()
    assert share(c) == 0
finally:
    taker.terminate()
    assert taker.wait(20) == 0
PY
  wait_for_end pool
  [ "$STOPPED" -eq 0 ]
  seqs spool.jsonl | is_gapless
  [ "$(shares spool.jsonl | wc -l)" -eq 5 ]
  run ! grep -q '/third/\|"event":"templates_changed"' pool.err
  # The two of them printed the spool, each what it recorded.
  cat pool.out taker.out | grep -v '^{"type":"pool"' | cmp - spool.jsonl
}

@test "a bad file leaves all as it was, and the log says why" {
  settings
  start_from_file
  miner <<'PY'
def refused(why, *changes):
    reload('difficulty.min="0.5"', 'difficulty.start="0.5"', 'log.level="debug"', 'pool_tag="/other/"', *changes, says='"event":"not_reloaded"')
    last = [line for line in log().splitlines() if "not_reloaded" in line][-1]
    assert why in last, last
refused('template.when_down', 'template.when_down="sleep"')
refused('zmq', 'zmq=["nonsense"]')
refused('cannot open /nonexistent', 'miners="/nonexistent"')
refused('log.format', 'log.format="loud"')
first = c.job()
new = sv1.Client(sys.argv[1]); new.login(sys.argv[2])
assert new.job().difficulty < 0.0000011 and new.job().id == first.id and share(c) == 0
assert '"level":"debug"' not in log()
# What had failed is no longer in the way.
reload('source="south"', 'sync="always"', 'stale.grace_ms=1000')
reload('source="south"')
PY
  [ "$(grep -c '"event":"needs_restart","setting":"source"' pool.err)" -eq 2 ]
  [ "$(grep -c '"event":"needs_restart","setting":"sync","hint":"hh-pool serve --takeover' pool.err)" -eq 1 ]
  grep -q '"event":"reloaded","changed":"stale.grace_ms"' pool.err
}

@test "who pays whom may change, but not who is let in: pay_to, and the mode of the coinbase (C061 C062)" {
  settings 'coinbase.mode="solo"' "pay_to=[\"$MINER.rig7=$TREASURY\"]"
  start_from_file
  miner <<PY
def tail(): return c.job().coinbase2
paid = sv1.Client(sys.argv[1]); paid.login(sys.argv[2] + ".rig7")
assert paid.job().coinbase2 != tail()
reload('coinbase.mode="solo"', 'pay_to=["$MINER.rig8=$TREASURY"]')
seven, eight = sv1.Client(sys.argv[1]), sv1.Client(sys.argv[1]); seven.login(sys.argv[2] + ".rig7"); eight.login(sys.argv[2] + ".rig8")
assert seven.job().coinbase2 == tail() and eight.job().coinbase2 == paid.job().coinbase2
stranger = sv1.Client(sys.argv[1]); assert sv1.code(stranger.authorize("nobody")) == 24  # still solo: without an address nobody can be paid
reload('coinbase.mode="pool"', says='"event":"not_reloaded"')
assert share(c) == 0
PY
  grep -q 'coinbase.mode: who was let in' pool.err
}
