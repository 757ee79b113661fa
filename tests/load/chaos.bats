#!/usr/bin/env bats
# One client in ten is hostile: fuzzed lines, silence, single bytes, 16 MB without a newline, floods, readers that never read, connections that come and
# go. The others lose nothing. HH_LONG=1: 5,000 honest miners instead of 300. How much later their answers are is printed, not asserted.
# timeout: 900

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool
load helper

setup() {
  load_setup
  honest=300 seconds=15
  [ -z "${HH_LONG:-}" ] || honest=5000 seconds=60
}
teardown() { hh_teardown; }

# The limits hold for everybody here, as all come from loopback addresses of their own. Hostile clients come back every one or two seconds, so few
# offences ban them; and a line in pieces is given a second.
start_guarded_pool() {
  pool_environment dev
  export HH_POOL_DIFFICULTY_START=$LEAST HH_POOL_DIFFICULTY_MIN=$LEAST HH_POOL_ALLOW="" HH_POOL_LIMITS_UNFINISHED_LINE_SECONDS=1 HH_POOL_LIMITS_MESSAGES_PER_MINUTE=6000 HH_POOL_BAN_OFFENCES=5 HH_POOL_BAN_SECONDS=3
  start pool "$@"
  POOL_PORT=$(port_of "$(wait_for_record pool pool)")
}

# run_load CONNECTIONS SECONDS [ARG…]
run_load() {
  sv1_load --target "127.0.0.1:$POOL_PORT" --chain dev --connections "$1" --submits-per-minute 60 --seconds "$2" --drain 20 --server-pid "$(pid_of pool)" "${@:3}" >records 2>load.err
}
peak_kb() { awk '$1 == "VmHWM:" { print $2 }' "/proc/$(pid_of pool)/status"; }
nothing_lost() {
  record load_submits | jq -e '.accepted > 0 and .accepted == .submitted and .refused == 0 and .unanswered == 0 and .unexpected_answers == 0 and .unreadable_lines == 0 and .disconnected == 0'
}

@test "honest miners lose no connection and no share, whatever one client in ten does (C113 X052 X053)" {
  start_guarded_pool hh-pool serve --spool "$T/spool.jsonl"
  run_load "$honest" "$seconds"
  [ "$(figure load_connect logged_in)" -eq "$honest" ]
  nothing_lost
  quiet=$(record load_submits) peak=$(peak_kb)
  run_load $((honest * 10 / 9)) "$seconds" --hostile 10 --seed 2
  [ "$(figure load_connect failed)" -eq 0 ]
  nothing_lost
  [ "$(record load_hostile | jq -s 'length == 7 and all(.connects > 0)')" = true ]
  grown=$(($(peak_kb) - peak))
  guards=$(hh-pool status --spool "$T/spool.jsonl" | jq -c '{banned, turned_away, offences}')
  echo "$guards"
  jq -e '.offences.malformed > 0 and .offences.line_too_long > 0 and .offences.flood > 0 and .offences.unfinished_line > 0 and .turned_away.banned > 0' <<<"$guards"
  stop pool
  [ "$STOPPED" -eq 0 ]
  accepted=$(($(jq .accepted <<<"$quiet") + $(figure load_submits accepted)))
  [ "$(shares spool.jsonl | wc -l)" -eq "$accepted" ]
  seqs spool.jsonl | is_gapless
  record load_submits | jq -c --argjson quiet "$quiet" --argjson grown "$grown" --argjson guards "$guards" '{type: "chaos", honest: '"$honest"', submits: .accepted,
    quiet: ($quiet | {latency_p50_us, latency_p99_us, latency_max_us, server_cpu_us}), hostile: {latency_p50_us, latency_p99_us, latency_max_us, server_cpu_us}, peak_grew_kb: $grown, guards: $guards}' >&3
  # A sanitizer keeps what was freed.
  [ -n "${HH_SANITIZED:-}" ] || [ "$grown" -lt $((16384 + 4 * honest)) ]
}

@test "the disk fills up amid all this: every share that was acknowledged is in the spool, once (C060 C113)" {
  start_guarded_pool bash -c 'ulimit -f 1024; trap "" XFSZ; exec hh-pool serve --spool "$T/spool.jsonl" > >(exec cat)'
  run_load 300 "$seconds" --hostile 10
  wait_for_end pool
  [ "$STOPPED" -eq 74 ]
  grep -q 'cannot write to spool .*File too large' pool.err
  record load_submits | jq -e '.accepted > 1000 and .unexpected_answers == 0 and .unreadable_lines == 0 and all(.refusals[]; .reason == "pool cannot store shares")'
  seqs spool.jsonl | is_gapless
  [ "$(shares spool.jsonl | wc -l)" -eq "$(figure load_submits accepted)" ]
}
