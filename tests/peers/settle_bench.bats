#!/usr/bin/env bats
# scripts/bench settle does what its head says: many invoices through real lnd, several at once, all paid, beside a bare loop. HH_LONG=1: a thousand.
# timeout: 1500

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/bitcoind
load ../support/lnd

setup() {
  hh_setup
  need_lnd
}
teardown() { hh_teardown; }

@test "invoices are paid several at once through real lnd, every one, in bounded memory, beside a bare loop (L085)" {
  local count=60
  [ "${HH_LONG:-0}" = 1 ] && count=1000
  "$HH_SRC/scripts/bench.d/settle" --invoices $count --concurrency 10 --runs 1 >out
  cat out
  [ "$(jq -c 'select(.type == "bench_settle") | [.of, .invoices, .paid]' out | tr -d '\n')" = "[\"hh_ln\",$count,$count][\"router_send\",$count,$count]" ]
  [ "$(jq -c 'select(.type == "bench_settle_ratio") | [.concurrency, .all_paid, .ratio > 0, .rss_kib < 200000]' out)" = '[10,true,true,true]' ]
}
