#!/usr/bin/env bats
# Limits and bans by address: what a stranger does costs him, and not the others. Every address of 127.0.0.0/8 is one's own to connect from.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool

setup() {
  hh_setup
  need hh-pool hh-devchain python3 curl
  start_devchain --bits 1f00aaaa
}
teardown() { hh_teardown; }

start_limited() { start_pool pool dev --spool "$T/spool.jsonl" --allow 127.0.0.9 "$@"; }
status() { hh-pool status --spool "$T/spool.jsonl" | jq -e "$1"; }

# strangers [ARG…] <<'PY': a script as of sv1, with what these tests need: ends as soon as something is not so.
strangers() {
  {
    cat <<'PY'
import itertools, socket, sys, time, sv1_client as sv1
port, miner = sys.argv[1], sys.argv[2]
def come(source): return sv1.Client(port, source=source)
def closed(c):
    """Reads until the pool closes."""
    try:
        while c.read_line() is not None: pass
    except ConnectionError: pass
    return True
def is_let_in(source):
    """Whether a connection gets an answer."""
    try:
        c = come(source)
        c.send_raw('{"id":1,"method":"mining.ping","params":[]}\n')
        return c.read_line() is not None
    except ConnectionError:
        return False
def offend(source):
    c = come(source)
    c.send_raw("GET / HTTP/1.1\n")
    closed(c)
def mine(c, user):
    c.login(user)
    assert sv1.code(c.submit(c.mine(c.job(), block=False))) == 0
PY
    cat
  } >strangers.py
  PYTHONPATH=$HH_SRC/tests/support python3 strangers.py "$POOL_PORT" "$MINER.rig" "$@"
}

@test "an address has so many connections; others, and those that are there, notice nothing (C113 X052)" {
  start_limited --limits-per-address 3 --http 127.0.0.1:0
  strangers <<'PY'
held = [come("127.0.0.2") for _ in range(3)]
for c in held: c.subscribe()
for _ in range(5): assert not is_let_in("127.0.0.2")
assert is_let_in("127.0.0.3")
for _ in range(5): held.append(come("127.0.0.9")); held[-1].subscribe()   # allowed
mine(held[0], miner)
held[1].socket.close()
while not is_let_in("127.0.0.2"): time.sleep(0.05)
PY
  status '.turned_away.per_address >= 5 and .turned_away.banned == 0 and .offences.malformed == 0'
  grep '"event":"turned_away"' pool.err | head -n 1 | jq -e '.reason == "per_address" and .address == "127.0.0.2"'
  wait_for_log pool '"event":"http"'
  curl -sS --max-time 20 "http://$(jq -r 'select(.event == "http") | .address' pool.err)/metrics" >metrics
  grep -qE '^hh_pool_turned_away_total\{reason="per_address"\} [1-9]' metrics
  run ! grep -q '127\.0\.0\.' metrics
}

@test "a line that is begun must end: one byte at a time, or no more at all (C113 X053)" {
  start_limited --limits-unfinished-line-seconds 1
  strangers <<'PY'
good = come("127.0.0.3")
mine(good, miner)
stuck, slow = come("127.0.0.2"), come("127.0.0.2")
stuck.send_raw('{"id":1,"meth')
text = itertools.cycle('{"id":1,"method":"mining.subscribe","params":["slow"]} ')
slow.socket.settimeout(0.02)
for c in text:
    try:
        slow.send_raw(c)
        if slow.socket.recv(1) == b"": break
    except TimeoutError: pass
    except ConnectionError: break
assert closed(stuck)
mine(good, miner)
PY
  status '.offences == {"malformed": 0, "line_too_long": 0, "flood": 0, "unfinished_line": 2}'
}

@test "a flood closes the connection that sends it, and no other of its address (C113 X053)" {
  start_limited --limits-messages-per-minute 600
  strangers <<'PY'
neighbour = come("127.0.0.2")
neighbour.subscribe()
flood = come("127.0.0.2")
answers = 0
try:
    flood.send_raw('{"id":1,"method":"mining.ping","params":[]}\n' * 2000)
    while flood.read_line() is not None: answers += 1
except ConnectionError: pass
assert answers <= 700, answers
mine(neighbour, miner)
allowed = come("127.0.0.9")
allowed.send_raw('{"id":1,"method":"mining.ping","params":[]}\n' * 2000)
for _ in range(2000): assert allowed.read_line()["result"] == "pong"
PY
  status '.offences.flood == 1'
}

@test "16 MB without a newline are cut off at 16 KiB (C113 X053)" {
  start_limited
  before=$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$(pid_of pool)/status")
  strangers <<'PY'
held = [come("127.0.0.2") for _ in range(20)]
for c in held:
    try:
        for _ in range(256): c.send_raw(b"a" * 65536)
        raise SystemExit("nobody minded")
    except ConnectionError: pass
PY
  status '.offences.line_too_long == 20'
  after=$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$(pid_of pool)/status")
  [ $((after - before)) -lt 16384 ]
}

@test "offences ban an address: its connections are closed and turned away, also after a restart and a takeover (C113 X053 C124)" {
  start_limited --ban-offences 3 --ban-seconds 600
  strangers <<'PY'
silent = come("127.0.0.2")
silent.subscribe()
for _ in range(3): offend("127.0.0.2")
assert closed(silent)
assert not is_let_in("127.0.0.2")
assert is_let_in("127.0.0.3")
PY
  hh-pool bans --spool "$T/spool.jsonl" >bans
  jq -se --argjson now "$(date +%s)000" 'length == 1 and .[0].address == "127.0.0.2" and .[0].reason == "malformed" and .[0].times == 1 and (.[0].until_ms - $now > 500000)' bans
  status '.banned == 1 and .offences.malformed == 3 and .turned_away.banned >= 1'
  grep -q '"event":"banned","address":"127.0.0.2","reason":"malformed","seconds":600,"times":1' pool.err
  stop pool
  start_limited
  strangers <<'PY'
assert not is_let_in("127.0.0.2")
PY
  start next hh-pool serve --takeover --spool "$T/spool.jsonl" --allow 127.0.0.9
  wait_for_end pool
  wait_for_log next '"event":"control"'
  strangers <<'PY'
assert not is_let_in("127.0.0.2")
assert is_let_in("127.0.0.3")
PY
  run script -qec "$HH_BIN/hh-pool bans --spool $T/spool.jsonl" /dev/null
  [[ $output == *"address"*"reason"*"ends in"*"127.0.0.2"*"malformed"* ]]
  hh-pool unban 127.0.0.2 --spool "$T/spool.jsonl"
  strangers <<'PY'
assert is_let_in("127.0.0.2")
PY
  run --separate-stderr hh-pool unban 127.0.0.2 --spool "$T/spool.jsonl"
  [ "$status" -eq 66 ]
  [[ $stderr == *"127.0.0.2 is not banned"* ]]
}

@test "who mines is not banned for what others behind his address do (C113)" {
  start_limited --ban-offences 3
  strangers <<'PY'
good = come("127.0.0.2")
mine(good, miner)
for _ in range(20): offend("127.0.0.2")
mine(good, miner)
assert is_let_in("127.0.0.2")
good.socket.close()
time.sleep(0.2)
for _ in range(3): offend("127.0.0.2")
assert not is_let_in("127.0.0.2")
PY
  status '.banned == 1 and .offences.malformed == 23'
}

@test "an operator bans an address, its miners go, and the examples of the man page work (C113 C093)" {
  start_limited
  strangers <<'PY' &
c = come("127.0.0.2")
mine(c, miner)
print("mines", flush=True)
assert closed(c)
assert not is_let_in("127.0.0.2")
PY
  waiting=$!
  eventually 20 eval '[ "$(hh-pool status --spool "$T/spool.jsonl" | jq .accepted)" -eq 1 ]'
  hh-pool ban 127.0.0.2 3600 --spool "$T/spool.jsonl" >ban
  jq -e '.type == "ban" and .address == "127.0.0.2" and .reason == "operator"' ban
  wait "$waiting"
  mandoc -Tascii -O width=200 "$HH_SRC/man/hh-pool.8" | col -bx | sed -n '/^EXAMPLES/,/^SEE ALSO/p' >page
  mapfile -t examples < <(sed -n 's/^ *\$ \(hh-pool \(bans\|ban\|unban\) .*\)/\1/p' page | sed "s|north.jsonl|$T/spool.jsonl|")
  [ "${#examples[@]}" -eq 3 ]
  [[ ${examples[1]} == "hh-pool ban 203.0.113.7 3600"* ]]
  eval "${examples[1]}" >ban
  [ "$(jq -r .address ban)" = 203.0.113.7 ]
  jq -c '.reason = "flood"' ban >flood
  [ "$(sed 's/^[^|]*|/cat flood |/' <<<"${examples[0]}" | bash | cut -f 1)" = 203.0.113.7 ]
  [ -z "$(eval "${examples[0]}")" ]
  eval "${examples[2]}"
  [ "$(hh-pool bans --spool "$T/spool.jsonl" | jq -r .address)" = 127.0.0.2 ]
  [ "$(hh-pool ban 2001:db8::7 --spool "$T/spool.jsonl" | jq -r .address)" = 2001:db8::/64 ]
  refused() { run --separate-stderr hh-pool ban "${@:2}" --spool "$T/spool.jsonl"; [ "$status" -eq "$1" ]; }
  refused 65 nowhere
  refused 65 10.0.0.0/8
  refused 65 10.0.0.1 0
  refused 78 127.0.0.9
  [[ $stderr == *"the setting allow names it"* ]]
}

@test "strangers do not fill the log: no line for each attempt (C113 C083)" {
  start_limited --ban-offences 200
  strangers <<'PY'
for i in range(400): offend("127.0.0.%d" % (10 + i % 2))   # the last ones are turned away
c = come("127.0.0.3")
for i in range(99):
    c.send_raw('{"id":1,"method":"mining.authorize","params":["nobody","x"]}\n')
    c.read_line()
time.sleep(1.2)
offend("127.0.0.4")
PY
  status '.offences.malformed >= 300'
  [ "$(grep -c '"event":"closed"' pool.err)" -lt 100 ]
  [ "$(grep -c '"event":"authorize_refused"' pool.err)" -lt 80 ]
  [ "$(jq -s 'map(select(.event == "lines_left_out" and .of == "closed") | .count) | add' pool.err)" -gt 200 ]
}

@test "a reload changes limits and whom they spare (C113 C090)" {
  pool_environment dev
  printf 'spool = "%s"\nallow = ["127.0.0.9"]\n[limits]\nper_address = 2\n' "$T/spool.jsonl" >pool.toml
  start pool hh-pool serve --config pool.toml
  POOL_PORT=$(port_of "$(wait_for_record pool pool)")
  strangers <<'PY'
held = [come("127.0.0.2") for _ in range(2)]
for c in held: c.subscribe()
assert not is_let_in("127.0.0.2")
PY
  printf 'spool = "%s"\nallow = ["127.0.0.2"]\n[limits]\nper_address = 1\n' "$T/spool.jsonl" >pool.toml
  kill -HUP "$(pid_of pool)"
  wait_for_log pool '"event":"reloaded"'
  strangers <<'PY'
held = [come("127.0.0.2") for _ in range(9)]
for c in held: c.subscribe()
held = [come("127.0.0.9")]
held[0].subscribe()
assert not is_let_in("127.0.0.9")
PY
  run ! grep -q needs_restart pool.err
}

@test "ranges that are none, and limits that would cut off honest miners, are 78 (C113 C090)" {
  pool_environment dev
  refused() { run --separate-stderr hh-pool serve "${@:2}"; [ "$status" -eq 78 ] && [[ $stderr == *"$1"* ]]; }
  refused 'allow: "10.0.0.1/8" has bits behind its prefix: is 10.0.0.0/8 meant?' --allow 10.0.0.1/8
  refused 'allow: "localhost"' --allow 127.0.0.1,localhost
  refused 'limits.messages_per_minute' --limits-messages-per-minute 399 --vardiff-shares-per-minute 20
  run --separate-stderr hh-pool config --allow "" --limits-messages-per-minute 400
  [ "$status" -eq 0 ]
}
