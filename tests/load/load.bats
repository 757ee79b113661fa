#!/usr/bin/env bats
# The instrument before the measurements: sv1_load counts what really happened, and scripts/bench pool runs.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool
load helper

setup() { load_setup; }
teardown() { hh_teardown; }

run_load() { sv1_load --target "127.0.0.1:${PORT:-$POOL_PORT}" --chain dev "$@" >records 2>load.err; }

# Through a proxy that spoils answers to submits: relay NTH_DOUBLED NTH_DROPPED; 0: none. Sets PORT.
start_relay() {
  start relay python3 "$HH_SRC/tests/load/relay.py" "$POOL_PORT" "$@"
  eventually 10 grep -q . "$T/relay.out"
  PORT=$(head -n 1 relay.out)
}

@test "what sv1_load counts as accepted is what the spool holds: shares, miners and weight" {
  start_easy_pool pool
  run_load --connections 40 --submits-per-minute 1200 --seconds 3 --idle 1 --server-pid "$(pid_of pool)"
  stop pool
  [ "$(figure load_connect logged_in)" -eq 40 ]
  accepted=$(figure load_submits accepted)
  [ "$accepted" -gt 1500 ]                                  # 2,400 are planned
  [ "$(figure load_submits submitted)" -eq "$accepted" ]
  [ "$(shares spool.jsonl | wc -l)" -eq "$accepted" ]
  [ "$(shares spool.jsonl | jq -r .miner | sort -u | wc -l)" -eq 40 ]
  [ "$(shares spool.jsonl | jq -r '[.extranonce1, .extranonce2, .nonce] | join(" ")' | sort | uniq -d | wc -l)" -eq 0 ]
  record load_submits | jq -e '.refused == 0 and .unanswered == 0 and .unexpected_answers == 0 and .unreadable_lines == 0 and .disconnected == 0'
  record load_submits | jq -e '0 < .latency_p50_us and .latency_p50_us <= .latency_p99_us and .latency_p99_us <= .latency_max_us and .latency_max_us < 3000000'
  record load_submits | jq -e '.server_cpu_us > 0 and .server_cpu_us_per_1000_submits > 0'
  figure load_idle 'resident_bytes_per_connection > 0'
}

@test "flat out: a full pipeline on each connection, every answer counted" {
  start_easy_pool pool
  run_load --connections 20 --pipeline 8 --submits 20000 --seconds 60
  stop pool
  [ "$(figure load_submits accepted)" -eq 20000 ]
  [ "$(shares spool.jsonl | wc -l)" -eq 20000 ]
  record load_submits | jq -e '.refused == 0 and .unanswered == 0 and .unexpected_answers == 0'
}

@test "doubled and missing answers are noticed, each one" {
  start_easy_pool pool
  start_relay 7 0
  run_load --connections 5 --submits-per-minute 1200 --seconds 2 --drain 1
  eventually 10 grep -q '^doubled' relay.out
  stop relay
  doubled=$(awk '$1 == "doubled" { n = $2 } END { print n }' relay.out)
  [ "$doubled" -gt 10 ]
  [ "$(figure load_submits unexpected_answers)" -eq "$doubled" ]
  [ "$(figure load_submits accepted)" -eq "$(figure load_submits submitted)" ]
  figure load_submits 'unanswered == 0'

  start_relay 0 11
  run_load --connections 5 --submits-per-minute 1200 --seconds 2 --drain 1
  stop relay
  dropped=$(awk '$1 == "dropped" { n = $2 } END { print n }' relay.out)
  [ "$dropped" -gt 5 ]
  [ "$(figure load_submits unanswered)" -eq "$dropped" ]
  [ "$(($(figure load_submits accepted) + dropped))" -eq "$(figure load_submits submitted)" ]
  figure load_submits 'unexpected_answers == 0'
}

@test "a new block: every connection's notify is timed, from the moment the node was told" {
  start quarry hh-devchain --datadir quarry --bits 1e0aaaaa   # mines the block beforehand, for another node of the same chain
  wait_for_record quarry devchain
  hh-devchain call getblock "$(hh-devchain generate 1 --datadir quarry)" 0 --datadir quarry >blocks
  stop quarry
  start_easy_pool pool --stale-grace-ms 0
  run_load --connections 30 --submits-per-minute 600 --seconds 3 --late 100 --block-at-ms 1500 --blocks blocks --rpc-url "$RPC_URL" --rpc-cookie "$RPC_COOKIE"
  stop pool
  record load_block | jq -e '.receivers == 30 and .connections == 30 and 0 < .tip_to_first_us and .tip_to_first_us + .first_to_last_us == .tip_to_last_us'
  [ "$(record load_block | wc -l)" -eq 1 ]
  run ! record load_blocks_missing
  [ "$(($(figure load_submits accepted) + $(figure load_submits refused)))" -eq "$(figure load_submits submitted)" ]
  record load_submits | jq -e '[.refusals[] | select(.sent == "after_notify")] == []'
  record load_submits | jq -e '[.refusals[] | select(.sent == "late") | .count] | add > 10'   # of 30, those that had sent a share before
  record load_submits | jq -e 'all(.refusals[]; .code == 21 and (.reason | startswith("Stale")))'
}

@test "connections that fail are counted by how they failed" {
  start_easy_pool pool --limits-connections 10
  run_load --connections 25 --ramp 0 --login-seconds 3
  record load_connect | jq -e '.logged_in == 10 and .failed == 15 and .closed_at_login + .refused_connects + .slow_logins == 15'
  run_load --user nobody --connections 3
  record load_connect | jq -e '.refused_logins == 3 and (.reason | contains("nobody") | not)'
  stop pool
  run_load --connections 4
  record load_connect | jq -e '.refused_connects == 4 and .failed == 4'
}

@test "hostile clients are there, and the honest ones still count right" {
  start_easy_pool pool
  run_load --connections 60 --hostile 20 --submits-per-minute 600 --seconds 3
  stop pool
  [ "$(record load_hostile | jq -s 'map(.clients) | add')" -eq 12 ]
  record load_hostile | jq -se 'all(.connects > 0)'
  [ "$(figure load_submits accepted)" -eq "$(figure load_submits submitted)" ]
  [ "$(shares spool.jsonl | wc -l)" -eq "$(figure load_submits accepted)" ]
}

@test "only loopback is loaded, and options that make no sense are refused" {
  refused() { run -64 sv1_load "$@"; }
  refused --target 192.0.2.1:3333
  refused --target 10.0.0.1:3333
  refused --target localhost:3333
  refused --target 127.0.0.1
  refused --target 127.0.0.1:0
  refused --target 127.0.0.1:1 --block-at-ms 100
  refused --target 127.0.0.1:1 --block-at-ms 100 --blocks b --rpc-url http://192.0.2.1:1 --rpc-cookie c
  refused --target 127.0.0.1:1 --connections 99999
  refused --target 127.0.0.1:1 --chain moon
}

@test "scripts/bench pool --quick: every scenario gives its figures, nothing is lost" {
  XDG_CACHE_HOME=$T/cache HH_BIN=$HH_BIN "$HH_SRC/scripts/bench.d/pool" --quick --node dev --pools hh_pool --seconds 1 >bench
  jq -se '[.[] | select(.type == "bench") | .record | select(.type == "load_submits")] | length == 5 and all(.accepted > 0 and .accepted + .refused == .submitted and .unexpected_answers == 0)' bench
  jq -se '[.[] | select(.name == "pool_figure") | .scenario] | unique | length == 7' bench
  jq -se '[.[] | select(.name == "pool_figure")] | all(has("hh_pool"))' bench
  # Of those that were given to the node: at a hundred thousand shares a second now and then one of flat_out's is a block, too.
  jq -se '[.[] | .record // empty | select(.type == "load_block" and has("tip_to_last_us"))] | length == 2 and all(.receivers == .connections)' bench
}
