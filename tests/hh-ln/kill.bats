#!/usr/bin/env bats
# timeout: 900
# kill -9 at any moment: started again, every line is paid exactly once.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/settle

setup() {
  hh_setup
  make_keys
}
teardown() { hh_teardown; }

@test "killed at random moments, 40 times: each line is paid exactly once (C075 L027 L086)" {
  RANDOM=${HH_SEED:-4711}
  for round in $(seq 10); do
    rm -f pay pay.sim pay.lock
    sign_round dev $((5000000 + round)) $(addresses 8) >m
    for _ in 1 2 3 4; do
      start victim hh-ln settle m --db "$T/pay" --backend sim --key "$KEY" --backoff-ms 1 --wait-seconds 0 --sim-faults "slow_ms=$((RANDOM % 20)),reply_lost=$((RANDOM % 3)),request_lost=$((RANDOM % 2))"
      sleep "0.$(printf %03d $((RANDOM % 400)))"
      kill -9 "$(pid_of victim)" 2>/dev/null || true
      wait "$(pid_of victim)" 2>/dev/null || true
    done
    for _ in $(seq 10); do settle m >out && break; done
    [ "$(jq -s '[.[] | select(.state == "PAID")] | length' out)" = 8 ]
    [ "$(spent | wc -l)" = 8 ]
    [ "$(spent | awk '$2 != 1' | wc -l)" = 0 ]
    [ "$(sqlite3 pay "SELECT sum(amount_msat + fee_msat) FROM attempts WHERE state = 'PAID'")" = "$(sqlite3 pay.sim "SELECT sum(amount_msat + fee_msat) FROM spent")" ]
    [ "$(sqlite3 pay "SELECT count(*) FROM events WHERE alarm = 1")" = 0 ]
  done
}
