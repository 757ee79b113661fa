#!/usr/bin/env bats
# The doors of a pool: several addresses with their own difficulties, a port for several processes, and what a takeover makes of them.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool

setup() {
  hh_setup
  need hh-pool hh-devchain python3
  start_devchain --bits 1e0aaaaa
}
teardown() { hh_teardown; }

# ports NAME: of all its listeners, in the order of the setting.
ports() { wait_for_record "$1" pool | jq -r '.listeners[].address | split(":") | last'; }

# difficulty PORT [ARG…]: the first that a miner gets there.
difficulty() {
  PYTHONPATH=$HH_SRC/tests/support python3 - "$MINER" "$@" <<'PY'
import sys, sv1_client as sv1
c = sv1.Client(sys.argv[2]); c.login(sys.argv[1])
print("%.9f" % c.job().difficulty)
PY
}

@test "each listener has its own range of difficulties, and the pool tells of all of them (C060 C081)" {
  export HH_POOL_LISTEN
  pool_environment dev
  start pool hh-pool serve --difficulty-max 8 --listen '127.0.0.1:0,127.0.0.1:0|min=0.00001|start=0.00002,127.0.0.1:0|max=0.0000005|min=0.00000025,[::1]:0|min=0.001' --control "$T/control"
  mapfile -t port < <(ports pool)
  [ "${#port[@]}" -eq 4 ]
  record=$(wait_for_record pool pool)
  [ "$(port_of "$record")" = "${port[0]}" ]
  jq -e '.listeners[1].difficulty_start == "0.00001999991945922374725341796875" and .listeners[3].difficulty_max == "8"' <<<"$record"
  [ "$(difficulty "${port[0]}")" = 0.000001000 ]
  [ "$(difficulty "${port[1]}")" = 0.000020000 ]
  [ "$(difficulty "${port[2]}")" = 0.000000500 ]
  # What a miner wishes for stays within the door's range.
  PYTHONPATH=$HH_SRC/tests/support python3 - "${port[1]}" "${port[3]}" "$MINER" <<'PY' 4>&-
import sys, time, sv1_client as sv1
c = sv1.Client(sys.argv[1]); c.subscribe()
c.authorize(sys.argv[3], "d=0.0000001")
assert "%.9f" % c.job().difficulty == "0.000010000", c.job().difficulty
d = sv1.Client(sys.argv[2], host="::1"); d.login(sys.argv[3])
import subprocess, json
status = json.loads(subprocess.run(["hh-pool", "status", "--json", "--control", "control"], capture_output=True, check=True, text=True).stdout)
assert [l["sessions"] for l in status["listeners"]] == [0, 1, 0, 1], status["listeners"]
PY
  HH_POOL_CONTROL=$T/control run script -qec 'hh-pool status' /dev/null
  [ "$status" -eq 0 ]
  [[ $output == *"127.0.0.1:${port[1]}: difficulty "* ]]
  run --separate-stderr hh-pool check --listen '127.0.0.1:3333|min=9|max=8'
  [ "$status" -eq 78 ]
  [[ $stderr == *'listen: "127.0.0.1:3333|min=9|max=8" has the least difficulty 9, above the largest, 8'* ]]
}

@test "a list of listeners in the file, as the manual shows it (C060)" {
  printf 'listen = ["127.0.0.1:0", "127.0.0.1:0|min=0.00001"]\n' >pool.toml
  pool_environment dev
  unset HH_POOL_LISTEN
  start pool hh-pool serve --config pool.toml
  mapfile -t port < <(ports pool)
  [ "${#port[@]}" -eq 2 ]
  [ "$(difficulty "${port[1]}")" = 0.000010000 ]
}

@test "processes that share a port are each a pool, and miners are spread over them (C124)" {
  shared=$(free_port)
  pool_environment dev
  for n in 1 2; do
    start "pool$n" hh-pool serve --listen "127.0.0.1:$shared|share" --source "pool$n" --spool "$T/spool$n.jsonl"
    wait_for_record "pool$n" pool
  done
  run --separate-stderr hh-pool serve --listen "127.0.0.1:$shared" --source other
  [ "$status" -eq 69 ]
  POOL_PORT=$shared sv1 "$MINER" <<'PY'
import sys, sv1_client as sv1
for _ in range(24):
    c = sv1.Client(sys.argv[1]); c.login(sys.argv[2])
    assert sv1.code(c.submit(c.mine(c.job(), block=False))) == 0
PY
  stop pool1
  stop pool2
  one=$(shares spool1.jsonl | wc -l) two=$(shares spool2.jsonl | wc -l)
  echo "$one and $two"
  [ "$one" -gt 0 ]
  [ "$two" -gt 0 ]
  [ $((one + two)) -eq 24 ]
}

@test "a takeover keeps the listeners that stay with their miners, opens new ones and closes those that are gone (C124)" {
  stays=$(free_port) goes=$(free_port)
  pool_environment dev
  start pool hh-pool serve --spool "$T/spool.jsonl" --listen "127.0.0.1:$stays|min=0.00001,127.0.0.1:$goes"
  wait_for_record pool pool
  comes=$(free_port)
  POOL_PORT=$stays sv1 "$goes" "$comes" "$MINER" <<'PY' 4>&-
import subprocess, sys, time, socket, sv1_client as sv1
stays, goes, comes, miner = sys.argv[1:]
clients = [sv1.Client(stays), sv1.Client(goes)]
for c in clients: c.login(miner)
next_pool = subprocess.Popen(["hh-pool", "serve", "--takeover", "--spool", "spool.jsonl", "--listen", f"127.0.0.1:{comes}|min=0.00003,127.0.0.1:{stays}|min=0.00002"],
                             stdout=open("next.out", "w"), stderr=open("next.err", "w"))
try:
    for _ in range(200):
        if open("next.out").read().startswith('{"type":"pool"'): break
        time.sleep(0.1)
    for c in clients: assert sv1.code(c.submit(c.mine(c.job(), block=False))) == 0
    fresh = [sv1.Client(stays), sv1.Client(comes)]
    for c in fresh: c.login(miner)
    assert ["%.9f" % c.job().difficulty for c in fresh] == ["0.000020000", "0.000030000"], [c.job().difficulty for c in fresh]
    try:
        socket.create_connection(("127.0.0.1", int(goes)), timeout=5)
        raise AssertionError("the old address still listens")
    except ConnectionRefusedError: pass
finally:
    next_pool.terminate()
    assert next_pool.wait(20) == 0
PY
  wait_for_end pool
  [ "$STOPPED" -eq 0 ]
  seqs spool.jsonl | is_gapless
}
