#!/usr/bin/env bats
# Starting, being configured, losing and finding the node, ending.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool

setup() {
  hh_setup
  need hh-pool hh-devchain python3
}
teardown() { hh_teardown; }

@test "a wrong configuration is 78 and names the nearest key" {
  printf 'tresury = "x"\n' >pool.toml
  run --separate-stderr hh-pool serve --config pool.toml
  [ "$status" -eq 78 ]
  [[ $stderr == *'unknown key "tresury": did you mean "treasury"?'* ]]
  run --separate-stderr hh-pool serve
  [ "$status" -eq 78 ]
  [[ $stderr == *"treasury is not set"* ]]
  pool_environment regtest
  check() { run --separate-stderr hh-pool check "$@"; }
  check --chain regtset
  [ "$status" -eq 78 ]
  check --treasury bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4
  [ "$status" -eq 78 ]
  [[ $stderr == *"is an address of main, not of regtest"* ]]
  check --difficulty-start fast
  [ "$status" -eq 78 ]
  check --sync sometimes
  [ "$status" -eq 78 ]
  run --separate-stderr hh-pool serve --listen nowhere
  [ "$status" -eq 78 ]
  run --separate-stderr hh-pool serve --no-such-flag
  [ "$status" -eq 64 ]
  run --separate-stderr hh-pool serve --vardiff-shares-per-minute many
  [ "$status" -eq 64 ]
}

@test "config prints every setting and where it comes from" {
  printf 'treasury = "%s"\n[vardiff]\nshares_per_minute = 7\n' "$TREASURY" >pool.toml
  HH_POOL_SOURCE=north run hh-pool config --config pool.toml --chain regtest
  [ "$status" -eq 0 ]
  jq -se 'all(.type == "config" and .v == 1)' <<<"$output"
  origin() { jq -r --arg k "$1" 'select(.key == $k) | .value + " " + .origin' <<<"$output"; }
  [ "$(origin vardiff.shares_per_minute)" = "7 file pool.toml" ]
  [ "$(origin source)" = "north environment HH_POOL_SOURCE" ]
  [ "$(origin chain)" = "regtest flag" ]
  [ "$(origin sync)" = "group default" ]
}

@test "no node at the start: 69, or with --wait it waits and starts when the node comes (C124)" {
  port=$(free_port)
  pool_environment dev
  run --separate-stderr hh-pool serve --rpc-url "http://127.0.0.1:$port" --rpc-cookie-file "$T/none"
  [ "$status" -eq 69 ]
  [[ $stderr == *"--wait"* ]]
  start pool hh-pool serve --rpc-url "http://127.0.0.1:$port" --rpc-cookie-file "$T/chain/.cookie" --wait
  wait_for_log pool '"event":"waiting_for_bitcoind"'
  is_running pool
  start devchain hh-devchain --bits 1f00aaaa --datadir "$T/chain" --rpc-port "$port"
  wait_for_record devchain devchain
  wait_for_record pool pool
  stop pool
  [ "$STOPPED" -eq 0 ]
}

@test "the node goes away and comes back: miners keep their job, shares count, the pool recovers (C124)" {
  start devchain hh-devchain --bits 1f00aaaa --datadir "$T/chain" --rpc-port "$(free_port)"
  record=$(wait_for_record devchain devchain)
  RPC_URL=$(field rpc_url <<<"$record") RPC_COOKIE=$(field cookie_file <<<"$record")
  start_pool pool dev --spool "$T/spool.jsonl" --template-poll-ms 100
  stop devchain KILL
  wait_for_log pool '"event":"bitcoind_down"'
  sv1 "$MINER" <<'PY'
import sys, sv1_client as sv1
c = sv1.Client(sys.argv[1]); c.login(sys.argv[2])
assert sv1.code(c.submit(c.mine(c.job(), block=False))) == 0
assert sv1.code(c.submit(c.mine(c.job(), block=True))) == 0  # the node is not there to take it
PY
  wait_for_log pool '"event":"block_kept"'
  compgen -G "$T/spool.jsonl.block-*.hex"
  jobs=$(grep -c '"event":"job"' pool.err)
  start devchain hh-devchain --bits 1f00aaaa --datadir "$T/chain" --rpc-port "${RPC_URL##*:}"
  wait_for_record devchain devchain
  wait_for_log pool '"event":"bitcoind_up"'
  wait_for_log pool '"event":"block_accepted"' 30
  run ! compgen -G "$T/spool.jsonl.block-*.hex"
  eventually 10 eval "[ \$(grep -c '\"event\":\"job\"' pool.err) -gt $jobs ]"
}

@test "a block that no node took survives the pool and is submitted by the next one (C061)" {
  start devchain hh-devchain --bits 1f00aaaa --datadir "$T/chain" --rpc-port "$(free_port)"
  record=$(wait_for_record devchain devchain)
  RPC_URL=$(field rpc_url <<<"$record") RPC_COOKIE=$(field cookie_file <<<"$record")
  start_pool pool dev --spool "$T/spool.jsonl"
  stop devchain KILL
  sv1 "$MINER" <<'PY'
import sys, sv1_client as sv1
c = sv1.Client(sys.argv[1]); c.login(sys.argv[2])
assert sv1.code(c.submit(c.mine(c.job(), block=True))) == 0
PY
  wait_for_log pool '"event":"block_kept"'
  stop pool KILL
  start devchain hh-devchain --bits 1f00aaaa --datadir "$T/chain" --rpc-port "${RPC_URL##*:}"
  wait_for_record devchain devchain
  start_pool pool dev --spool "$T/spool.jsonl"
  submission=$(wait_for_record pool submission)
  [ "$(field result <<<"$submission")" = accepted ]
  [ "$(field hash <<<"$submission")" = "$(jq -r 'select(.type == "block") | .hash' spool.jsonl)" ]
}

@test "check says what is in order, and stops at what is not" {
  start_devchain --bits 1f00aaaa
  pool_environment dev
  run hh-pool check --spool "$T/spool.jsonl"
  [ "$status" -eq 0 ]
  [ "$(jq -r .what <<<"$output" | tr '\n' ' ')" = "treasury spool node template " ]
  run --separate-stderr hh-pool check --chain regtest
  [ "$status" -eq 78 ]
  [[ $stderr == *"is on chain dev, chain is set to regtest"* ]]
  run --separate-stderr hh-pool check --rpc-url "http://127.0.0.1:$(free_port)"
  [ "$status" -eq 69 ]
  run --separate-stderr hh-pool check --spool /nonexistent/s
  [ "$status" -eq 73 ]
}

@test "SIGHUP reloads the miners and says what needs a restart; systemd is told" {
  start_devchain --bits 1f00aaaa
  printf 'treasury = "%s"\n' "$TREASURY" >pool.toml
  python3 - >notified 3>&- <<'PY' &
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind("notify"); s.settimeout(30)
seen = ""
while "STOPPING=1" not in seen: seen += s.recv(4096).decode() + "\n"
print(seen)
PY
  listener=$!
  eventually 5 test -S notify
  NOTIFY_SOCKET=$T/notify start_pool pool dev --config pool.toml
  printf 'source = "south"\n' >>pool.toml
  kill -HUP "$(pid_of pool)"
  wait_for_log pool '"event":"needs_restart","setting":"source"'
  printf 'sauce = 1\n' >>pool.toml
  kill -HUP "$(pid_of pool)"
  wait_for_log pool '"event":"not_reloaded"'
  is_running pool
  stop pool
  [ "$STOPPED" -eq 0 ]
  wait "$listener"
  grep -q '^READY=1' notified
  grep -q '^RELOADING=1' notified
}

@test "the address in use is 69" {
  start_devchain --bits 1f00aaaa
  start_pool pool dev
  run --separate-stderr hh-pool serve --listen "127.0.0.1:$POOL_PORT"
  [ "$status" -eq 69 ]
  [[ $stderr == *"cannot listen on 127.0.0.1:$POOL_PORT"* ]]
}

@test "more connections than allowed are turned away, the others work (C125)" {
  start_devchain --bits 1f00aaaa
  start_pool pool dev --limits-connections 2
  sv1 "$MINER" <<'PY'
import sys, sv1_client as sv1
a, b = sv1.Client(sys.argv[1]), sv1.Client(sys.argv[1])
a.login(sys.argv[2]); b.login(sys.argv[2])
assert sv1.is_turned_away(sys.argv[1])
assert sv1.code(a.submit(a.mine(a.job(), block=False))) == 0
PY
}

@test "the man page's examples work (C090)" {
  mandoc -Tascii -O width=200 "$HH_SRC/man/hh-pool.8" | col -bx >page
  sed -n '/^EXAMPLES/,/^SEE ALSO/p' page >examples
  sed -n '/A configuration/,/Which settings/p' examples | sed '1d;$d' >pool.toml
  command=$(sed -n 's/^ *\$ \(hh-pool config.*\)/\1/p' examples)
  run bash -c "$command"
  [ "$status" -eq 0 ]
  [ "$(sort <<<"$output" | tr '\n' ' ')" = "chain difficulty.start source spool treasury vardiff.shares_per_minute " ]
  start_devchain --bits 1f00aaaa
  export HH_POOL_RPC_URL=$RPC_URL HH_POOL_RPC_COOKIE_FILE=$RPC_COOKIE HH_POOL_LISTEN=127.0.0.1:0
  sed -i 's/"regtest"/"dev"/' pool.toml
  command=$(sed -n 's/^ *\$ \(hh-pool check.*\)/\1/p' examples)
  run bash -c "$command"
  [ "$status" -eq 0 ]
  grep -q 'hh-pool serve --config pool.toml | hh-ledger append --db ledger.sqlite' examples
}

@test "the limit of descriptors is raised; where limits.connections does not fit, the log says so (C090)" {
  start_devchain --bits 1f00aaaa
  pool_environment dev
  start pool bash -c 'ulimit -Sn 200; ulimit -Hn 1000; exec hh-pool serve --limits-connections 800'
  wait_for_record pool pool
  [ "$(awk '/Max open files/ { print $4 }' "/proc/$(pid_of pool)/limits")" -eq 1000 ]
  run ! grep few_descriptors pool.err
  stop pool
  start pool bash -c 'ulimit -n 1000; exec hh-pool serve --limits-connections 900'
  wait_for_record pool pool
  grep -q '"event":"few_descriptors","limit":1000,"limits_connections":900,"needed":1028' pool.err
}
