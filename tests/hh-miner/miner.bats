#!/usr/bin/env bats
# hh-miner against hh-pool on the simulated chain.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool

setup() {
  hh_setup
  need hh-pool hh-miner hh-devchain
}
teardown() { hh_teardown; }

@test "mines shares and stops after as many as asked (C125)" {
  start_devchain --bits 1f00aaaa
  start_pool pool dev --spool "$T/spool.jsonl"
  run --separate-stderr hh-miner --url "stratum+tcp://127.0.0.1:$POOL_PORT" --user "$MINER.demo" --max-shares 5 --max-seconds 60
  [ "$status" -eq 0 ]
  [ "$(jq -c 'select(.type == "mined" and .result == "accepted")' <<<"$output" | wc -l)" -ge 5 ]
  [ "$(shares spool.jsonl | wc -l)" -ge 5 ]
}

@test "version rolling, two threads, a block (C061 C125)" {
  start_devchain --bits 1f00aaaa
  start_pool pool dev --spool "$T/spool.jsonl"
  run --separate-stderr hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER" --threads 2 --version-rolling --max-blocks 1 --max-seconds 120
  [ "$status" -eq 0 ]
  wait_for_record pool block
  jq -se '[.[] | select(.type == "share")] | map(.version) | unique | length > 1' spool.jsonl
  run ! grep -q '"result":"rejected","reason":"2[0234]' <<<"$output"
}

@test "throttle, suggested difficulty, time limit (C125)" {
  start_devchain --bits 1f00aaaa
  start_pool pool dev
  run --separate-stderr hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER" --suggest-difficulty 0.000002 --throttle 20000 --max-seconds 4
  [ "$status" -eq 0 ]
  jq -se 'length < 60 and all(.difficulty | startswith("0.0000019") or startswith("0.000002"))' <<<"$output"
}

@test "what cannot work is said: no pool 69, refused user 77, too few shares 75, usage 64 (C120)" {
  run --separate-stderr hh-miner --url "127.0.0.1:$(free_port)" --user x --max-seconds 1
  [ "$status" -eq 69 ]
  [[ $stderr == *"no connection to"* ]]
  start_devchain --bits 1f00aaaa
  start_pool pool dev
  run --separate-stderr hh-miner --url "127.0.0.1:$POOL_PORT" --user nobody
  [ "$status" -eq 77 ]
  [[ $stderr == *'refuses user "nobody"'* ]]
  run --separate-stderr hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER" --throttle 1 --max-shares 1000 --max-seconds 1
  [ "$status" -eq 75 ]
  run --separate-stderr hh-miner --url http://x:1 --user x
  [ "$status" -eq 64 ]
  run --separate-stderr hh-miner --threads 0 --url x:1 --user x
  [ "$status" -eq 64 ]
}

@test "settings come from flags, environment and file, in this order; what is wrong or missing is named (C090)" {
  run --separate-stderr hh-miner --user x
  [ "$status" -eq 78 ]
  [[ $stderr == *"url is not set: give --url, HH_MINER_URL"* ]]
  printf 'url = "file:1"\nuser = "file"\nmax_shares = 3\n' >miner.toml
  HH_MINER_USER=environment HH_MINER_MAX_SHARES=4 hh-miner config --config miner.toml --max-shares 5 >settings
  [ "$(jq -r 'select(.key == ("url", "user", "max_shares")) | .value' settings | tr '\n' ' ')" = 'file:1 environment 5 ' ]
  [ "$(jq -r 'select(.key == "user") | .origin' settings)" = 'environment HH_MINER_USER' ]
  HH_MINER_SUGGEST_DIFFICULTY=x run --separate-stderr hh-miner --config miner.toml
  [ "$status" -eq 78 ]
  [[ $stderr == *"suggest_difficulty (environment HH_MINER_SUGGEST_DIFFICULTY): \"x\" is not"* ]]
  echo 'max_share = 1' >>miner.toml
  run --separate-stderr hh-miner --config miner.toml
  [ "$status" -eq 78 ]
  [[ $stderr == *'did you mean "max_shares"'* ]]
}

@test "reconnects when the pool restarts (C125)" {
  start_devchain --bits 1f00aaaa
  start_pool pool dev --spool "$T/spool.jsonl" --listen "127.0.0.1:$(free_port)"
  start miner hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER" --throttle 100000 --max-seconds 60
  wait_for_record miner mined
  stop pool KILL
  wait_for_log miner '"event":"disconnected"'
  before=$(shares spool.jsonl | wc -l)
  start_pool pool dev --spool "$T/spool.jsonl" --listen "127.0.0.1:$POOL_PORT"
  eventually 20 eval "[ \$(shares spool.jsonl | wc -l) -gt $before ]"
  stop miner
  [ "$STOPPED" -eq 0 ]
  stop pool
  seqs spool.jsonl | is_gapless
}

@test "the man page's example works (C090 C125)" {
  command=$(mandoc -Tascii -O width=200 "$HH_SRC/man/hh-miner.1" | col -b | tr -s '\n ' ' ' | sed -n 's/.*\$ \(hh-miner .*--max-shares 10\) .*/\1/p')
  start_devchain --bits 1f00aaaa
  start_pool pool dev
  run bash -c "${command/3333/$POOL_PORT}"
  [ "$status" -eq 0 ]
  [ "$(grep -c '"result":"accepted"' <<<"$output")" -ge 10 ]
}
