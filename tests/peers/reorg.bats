#!/usr/bin/env bats
# A found block is orphaned by a longer chain, on two real bitcoinds that do not know each other until the second one's chain is handed over:
# nothing is paid for it, its shares count in the round that follows, and the books stay at zero.
# timeout: 900

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/bitcoind
load ../support/pool

setup() {
  hh_setup
  need hh-pool hh-miner hh-ledger hh-payout hh-ln jq
  need_bitcoind
}
teardown() { hh_teardown; }

ledger() { local command=$1; shift; hh-ledger "$command" --db "$T/ledger.sqlite" "$@"; }
watch() { ledger watch --once --maturity 2 --rpc-url "$MAIN_URL" --rpc-cookie-file "$MAIN_COOKIE"; }
# find_block: a miner works until the pool has one more block, and the spool's records are in the ledger.
find_block() {
  hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER_TB.rig" --threads 2 --max-blocks 1 --max-seconds 300 >>mined
  eventually 20 eval "[ \$(grep -c '\"type\":\"submission\"' spool.jsonl) -ge $1 ]"
  ledger append --follow spool.jsonl --once >>appended
}
# hand_over FROM TO: the blocks of FROM's best chain that TO does not have yet, through submitblock.
hand_over() {
  local height hash
  for height in $(seq 1 "$(cli "$1" getblockcount)"); do
    hash=$(cli "$1" getblockhash "$height")
    cli "$2" getblockheader "$hash" >/dev/null 2>&1 || cli "$2" -stdin submitblock <<<"$(cli "$1" getblock "$hash" 0)"
  done
}

@test "an orphaned block pays nothing, its shares go on into the next round, the books stay at zero (C043 C061 C044)" {
  start_bitcoind other signet
  start_bitcoind main signet
  MAIN_URL=$RPC_URL MAIN_COOKIE=$RPC_COOKIE
  start_pool pool signet --spool "$T/spool.jsonl" --difficulty-start 0.00005

  find_block 1
  watch >watched
  [ "$(jq -r 'select(.round == 1) | .status' watched)" = confirming ]
  lost=$(ledger round 1 | jq .shares)
  [ "$lost" -gt 1 ]

  # Meanwhile another chain of the same length and one more; then main learns of it.
  mine other 2
  hand_over other main
  [ "$(cli main getblockcount)" = 2 ]
  watch >watched
  [ "$(jq -r 'select(.round == 1) | .status' watched)" = orphaned ]
  [ "$(ledger round 1 | jq -r .status)" = orphaned ]
  run --separate-stderr ledger close 1 --maturity 2
  [ "$status" -ne 0 ]
  ledger round 1 >orphan
  run --separate-stderr hh-payout compute orphan
  [ "$status" -eq 65 ]

  find_block 2
  mine main 2
  watch >watched
  [ "$(jq -r 'select(.round == 2) | .status' watched)" = mature ]
  ledger close 2 --maturity 2 >round
  # Every share of both rounds, the winning ones included, is paid for once. What the miner still got in after the second block is of round 3.
  last=$(jq -s '[.[] | select(.type == "block")][1].seq' spool.jsonl)
  paid=$(jq -s --argjson last "$last" 'map(select(.type == "share" and .seq < $last)) | length' spool.jsonl)
  [ "$(jq .shares round)" = "$paid" ]
  [ "$(jq .shares round)" -gt "$lost" ]

  hh-payout keygen key.pem | jq -r .public >key.pub
  hh-payout compute round | hh-payout sign --key key.pem --iat 1700000000 --exp 4000000000 --jti reorg >signed
  jq -r '.jws | split(".")[1]' signed >payload
  ledger post --key key.pub <signed >posted
  [ "$(jq -r .result posted)" = posted ]
  ledger balances >balances
  [ "$(jq -r 'select(.type == "books") | .sum_msat' balances)" = 0 ]
  # One subsidy came in, not two.
  subsidy=$(jq '.block.subsidy_sat' round)
  fees=$(jq 'if .block.fee_to == "manifest" then .block.fees_sat else 0 end' round)
  [ "$(jq 'select(.account == "treasury") | .balance_msat' balances)" = $(((subsidy + fees) * 1000)) ]
  [ "$(jq 'select(.account == "miner:'"$MINER_TB"'") | -.balance_msat' balances)" -gt 0 ]
  ledger verify >verified
  ledger export --round 2 >shares.jsonl
  hh-payout replay --shares shares.jsonl --round-record round --manifest signed >replayed
}
