#!/usr/bin/env bats
# hh-pool and hh-miner with a real bitcoind: jobs, real transactions and their fees, blocks that bitcoind judges and takes.
# timeout: 900

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/bitcoind
load ../support/pool

setup() {
  hh_setup
  need hh-pool hh-miner python3
  need_bitcoind
}
teardown() { hh_teardown; }

# transactions NODE COUNT: real ones into its mempool; the sum of their fees in $FEES.
transactions() {
  local port chain
  read -r port _ chain <"$T/$1.data/ports"
  FEES=$(python3 "$HH_SRC/tests/support/tx.py" --cli "bitcoin-cli -datadir=$T/$1.data -$chain -rpcport=$port" --count "$2" --chain 2 | jq .fees_sat)
}

# coinbase_is NODE BLOCK_RECORD TREASURY_ADDRESS MINER_ADDRESS: the block on the node has the outputs that the record promises.
coinbase_is() {
  local block=$2 tx subsidy fees
  tx=$(cli "$1" getblock "$(field hash <<<"$block")" 2 | jq -c '.tx[0]')
  subsidy=$(field subsidy_sat <<<"$block")
  fees=$(field fees_sat <<<"$block")
  [ "$(field txid <<<"$tx")" = "$(field coinbase_txid <<<"$block")" ]
  jq -e --arg t "$3" --arg m "$4" --argjson s "$subsidy" --argjson f "$fees" '
    (.vout[0].scriptPubKey.address == $t) and ((.vout[0].value * 1e8 | round) == $s) and
    (.vout[1].scriptPubKey.address == $m) and ((.vout[1].value * 1e8 | round) == $f) and
    (.vout[2].scriptPubKey.hex | startswith("6a24aa21a9ed")) and (.vout | length) == 3' <<<"$tx"
}

@test "regtest: real transactions, a block whose fees go to its finder, judged by proposal before and taken after (C061 C062 C124 C125)" {
  start_bitcoind node regtest
  mine node 110
  transactions node 3
  [ "$FEES" -gt 0 ]
  start_pool pool regtest --spool "$T/spool.jsonl" --template-propose --log-level debug
  wait_for_log pool '"event":"proposal_accepted"'
  # bitcoind may give a template that is some seconds old: wait for the one with the transactions.
  eventually 30 eval "grep -q '\"fees_sat\":$FEES,' spool.jsonl"
  hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER.rig" --throttle 20 --max-blocks 2 --max-seconds 60 >mined
  eventually 10 eval "[ \$(grep -c '\"type\":\"submission\"' spool.jsonl) -ge 2 ]"
  block=$(grep '"type":"block"' spool.jsonl | jq -c --argjson f "$FEES" 'select(.fees_sat == $f)')
  [ "$(field fee_to <<<"$block")" = coinbase ]
  coinbase_is node "$block" "$TREASURY" "$MINER"
  jq -se '[.[] | select(.type == "submission")] | length >= 2 and all(.result == "accepted")' spool.jsonl
  [ "$(cli node getblockcount)" -ge 112 ]
  # A block without fees has no fee output: it goes to the treasury alone.
  empty=$(grep '"type":"block"' spool.jsonl | jq -c 'select(.fees_sat == 0)' | head -1)
  [ "$(field fee_to <<<"$empty")" = manifest ]
  [ "$(cli node getblock "$(field hash <<<"$empty")" 2 | jq '.tx[0].vout | length')" -eq 2 ]
}

@test "regtest: a solo pool's block pays its finder subsidy and fees but for the treasury's part, and bitcoind takes it (C061 C062)" {
  start_bitcoind node regtest
  mine node 110
  transactions node 3
  start_pool pool regtest --spool "$T/spool.jsonl" --template-propose --coinbase-mode solo --coinbase-solo-fee-ppm 20000
  eventually 30 eval "grep -q '\"fees_sat\":$FEES,' spool.jsonl"
  hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER.rig" --throttle 20 --max-blocks 2 --max-seconds 60 >mined
  eventually 10 eval "[ \$(grep -c '\"type\":\"submission\"' spool.jsonl) -ge 2 ]"
  jq -se '[.[] | select(.type == "submission")] | length >= 2 and all(.result == "accepted")' spool.jsonl
  for f in "$FEES" 0; do
    block=$(grep '"type":"block"' spool.jsonl | jq -c --argjson f "$f" 'select(.fees_sat == $f)' | head -1)
    cli node getblock "$(field hash <<<"$block")" 2 | jq -e --argjson b "$block" --arg t "$TREASURY" --arg m "$MINER" '.tx[0].vout as $o | ($b.subsidy_sat + $b.fees_sat) as $all |
      $b.subsidy_to == "miner" and $b.treasury_sat == ($all / 50 | floor) and ($o | length) == 3 and
      $o[0].scriptPubKey.address == $t and ($o[0].value * 1e8 | round) == $b.treasury_sat and
      $o[1].scriptPubKey.address == $m and ($o[1].value * 1e8 | round) == $all - $b.treasury_sat'
  done
}

@test "regtest: the node restarts and the pool finds it again; a reorganisation is followed (C124)" {
  start_bitcoind node regtest
  mine node 5
  start_pool pool regtest --template-poll-ms 200
  stop_bitcoind node
  wait_for_log pool '"event":"bitcoind_down"'
  start_bitcoind node regtest
  wait_for_log pool '"event":"bitcoind_up"'
  mine node 1
  wait_for_log pool '"height":7,"new_tip":"true"'
  cli node invalidateblock "$(cli node getblockhash 5)"
  wait_for_log pool '"height":5,"new_tip":"true"'
  mine node 1 "raw(5151)"
  hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER" --throttle 20 --max-blocks 1 --max-seconds 60 >>mined
  [ "$(cli node getblockcount)" -ge 6 ]
}

@test "private signet: many shares a block, version rolling, blocks that bitcoind takes (C060 C061 C062 C124 C125)" {
  start_bitcoind node signet
  start_pool pool signet --spool "$T/spool.jsonl" --difficulty-start 0.0001 --template-propose --log-level debug
  wait_for_log pool '"event":"proposal_accepted"'
  hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER_TB" --version-rolling --max-blocks 1 --max-seconds 600 >mined
  wait_for_log pool '"height":2,"new_tip":"true"'
  hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER_TB" --version-rolling --max-blocks 1 --max-seconds 600 >>mined
  eventually 10 eval "[ \$(cli node getblockcount) -ge 2 ]"
  # Two blocks of one tip within a millisecond are rare, and the second one only comes too late.
  eventually 10 eval "[ \$(grep -c '\"type\":\"submission\"' spool.jsonl) -ge 2 ]"
  jq -se '[.[] | select(.type == "submission")] | all(.result == "accepted" or .reason == "inconclusive")' spool.jsonl
  seqs spool.jsonl | is_gapless
  [ "$(shares spool.jsonl | wc -l)" -gt 4 ]  # about eleven a block
  grep '"type":"block"' spool.jsonl | grep -q "$(cli node getbestblockhash)"
}

# 103 blocks of 5 million hashes each: two minutes on two cores that have nothing else to do.
@test "private signet: what the pool mined is spent again, and its fees go to the finder (C061 C062 C124 C125)" {
  [ -n "${HH_LONG:-}" ] || skip "HH_LONG=1 runs it: half a billion hashes"
  start_bitcoind node signet
  start_pool pool signet --spool "$T/spool.jsonl" --difficulty-start 0.0001
  start miner hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER_TB" --threads 2 --max-blocks 103 --max-seconds 800
  wait_for_end miner 800
  [ "$STOPPED" -eq 0 ]
  [ "$(cli node getblockcount)" -ge 102 ]
  transactions node 1
  stop pool
  start_pool pool signet --spool "$T/spool.jsonl" --difficulty-start 0.0001 --template-propose --log-level debug
  eventually 60 eval "grep -q '\"fees_sat\":$FEES,' spool.jsonl"
  hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER_TB" --threads 2 --version-rolling --max-blocks 1 --max-seconds 200 >mined
  block=$(grep '"type":"block"' spool.jsonl | tail -1)
  [ "$(field fees_sat <<<"$block")" -eq "$FEES" ]
  coinbase_is node "$block" "$TREASURY_TB" "$MINER_TB"
  seqs spool.jsonl | is_gapless
}
