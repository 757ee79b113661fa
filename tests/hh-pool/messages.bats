#!/usr/bin/env bats
# What an operator tells miners: hh-pool message and hh-pool reconnect.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool

setup() {
  hh_setup
  need hh-pool hh-devchain python3
  start_devchain --bits 1f00aaaa
  start_pool pool dev --spool "$T/spool.jsonl"
}
teardown() { hh_teardown; }

# listeners N: that many miners, the first for another account, who write what they are told to heard.N, once there is an end.
listen_to() {
  PYTHONPATH=$HH_SRC/tests/support python3 - "$POOL_PORT" "$MINER" "$TREASURY" >heard 3>&- 4>&- <<'PY' &
import sys, json, sv1_client as sv1
port, *names = sys.argv[1:]
all = [sv1.Client(port) for _ in range(3)]
for i, c in enumerate(all): c.login(names[i != 0]); c.job()
new = sv1.Client(port); new.subscribe()  # has not logged in: nobody to talk to
print("ready", flush=True)
def until_end(c):
    while not any(n["params"] == ["end"] for n in c.notices): assert c.read_line() is not None
for i, c in enumerate(all):
    until_end(c)
    for n in c.notices:
        if n["method"].startswith("client.show") or n["method"] == "client.reconnect": print(i, n["method"], json.dumps(n["params"]), flush=True)
PY
  MINERS=$!
  eventually 20 grep -q ready heard
}

told() { jq -c '[.type, .command, .connections, .miners]' <<<"$output"; }

@test "miners at work get a message, or those of one account, and the answer says how many (C060 C081)" {
  listen_to
  run --separate-stderr hh-pool message 'maintenance at 12:00 UTC "soon"' --spool "$T/spool.jsonl"
  [ "$(told)" = '["told","message",3,2]' ]
  run --separate-stderr hh-pool message 'yours alone' --miner "$MINER" --spool "$T/spool.jsonl"
  [ "$(told)" = '["told","message",1,1]' ]
  run --separate-stderr hh-pool message 'nobody' --miner alice --spool "$T/spool.jsonl"
  [ "$status" -eq 66 ]
  for bad in '' $'two\nlines' "$(printf 'x%.0s' {1..257})"; do
    run --separate-stderr hh-pool message "$bad" --spool "$T/spool.jsonl"
    [ "$status" -eq 65 ]
  done
  hh-pool message end --spool "$T/spool.jsonl"
  wait "$MINERS"
  [ "$(grep -c 'maintenance at 12:00 UTC \\"soon\\"' heard)" -eq 3 ]
  [ "$(grep 'yours alone' heard)" = '0 client.show_message ["yours alone"]' ]
}

@test "miners are asked to connect again; to another host only where that is meant (C060)" {
  listen_to
  run --separate-stderr hh-pool reconnect --spool "$T/spool.jsonl"
  [ "$(told)" = '["told","reconnect",3,2]' ]
  run --separate-stderr hh-pool reconnect pool.example.org:3334 --in 5 --spool "$T/spool.jsonl"
  [ "$status" -eq 64 ]
  [[ $stderr == *"--yes"* ]]
  run --separate-stderr hh-pool reconnect pool.example.org:3334 --in 5 --yes --miner "$MINER" --spool "$T/spool.jsonl"
  [ "$(told)" = '["told","reconnect",1,1]' ]
  for bad in pool.example.org pool.example.org:0 'a@b:1' pool:1/x ':3333' '[::1]'; do
    run --separate-stderr hh-pool reconnect "$bad" --yes --spool "$T/spool.jsonl"
    [ "$status" -eq 64 ]
  done
  run --separate-stderr hh-pool reconnect --in 5 --spool "$T/spool.jsonl"
  [ "$status" -eq 64 ]
  hh-pool message end --spool "$T/spool.jsonl"
  wait "$MINERS"
  [ "$(grep -c 'client.reconnect \[\]' heard)" -eq 3 ]
  [ "$(grep 'example' heard)" = '0 client.reconnect ["pool.example.org", 3334, 5]' ]
}

@test "the examples of the man page work (C093)" {
  mandoc -Tascii -O width=200 "$HH_SRC/man/hh-pool.8" | col -bx | sed -n "/^EXAMPLES/,/^SEE ALSO/p" >page
  mapfile -t examples < <(sed -n 's/^ *\$ \(hh-pool \(message\|reconnect\) .*\)/\1/p' page | sed "s|north.jsonl|$T/spool.jsonl|")
  [ "${#examples[@]}" -eq 2 ]
  for example in "${examples[@]}"; do eval "$example" | jq -e '.connections == 0'; done
  # On a terminal it is a sentence.
  run script -qec "$HH_BIN/hh-pool message hello --spool $T/spool.jsonl" /dev/null
  [[ $output == *"told 0 connections of 0 miners"* ]]
}
