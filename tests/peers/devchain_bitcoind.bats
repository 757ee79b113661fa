#!/usr/bin/env bats
# hh-devchain beside a real bitcoind: the same good and broken blocks get the same answers from both.
# timeout: 300

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/bitcoind

setup() {
  hh_setup
  need hh-devchain python3
  need_bitcoind
}
teardown() { hh_teardown; }

@test "blocks are refused by hh-devchain with the words of bitcoind (C061 X067)" {
  start_bitcoind node regtest
  python3 "$HH_SRC/tests/hh-devchain/answers.py" "$RPC_URL" "$RPC_COOKIE" >bitcoind.answers
  start_devchain serve --datadir "$T/chain" --bits 207fffff
  python3 "$HH_SRC/tests/hh-devchain/answers.py" "$RPC_URL" "$RPC_COOKIE" >devchain.answers
  [ "$(wc -l <bitcoind.answers)" -gt 40 ]
  diff bitcoind.answers devchain.answers
}
