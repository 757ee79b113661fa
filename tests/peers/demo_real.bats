#!/usr/bin/env bats
# scripts/demo --real: the whole way with bitcoind on a private signet and two lnd nodes, through to payments over their channels.
# timeout: 1500

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/bitcoind

setup() {
  hh_setup
  need_bitcoind
  if ! command -v lnd lncli >/dev/null; then
    [ "${HH_REQUIRE_PEERS:-0}" != 1 ] || { echo "lnd is needed (scripts/peers builds it)" >&2; return 1; }
    skip "lnd is not there: scripts/peers builds it"
  fi
  export TMPDIR=$T NO_COLOR=1
}
teardown() { hh_teardown; }

@test "shares on real jobs become real Lightning payments, once (C061 C062 C126 L022 L024 L026 L082)" {
  run --separate-stderr "$HH_SRC/scripts/demo" --real --keep --bin "$HH_BIN"
  echo "$output"
  echo "$stderr"
  [ "$status" -eq 0 ]
  [[ $output == *"the second payday paid 0 lines"* ]]
  [[ $output == *"postings, sum 0"* ]]
  [[ $output == *"lnd's own list and the books agree to the msat"* ]]
  dir=$(sed -nE 's/^All files are in (.*)/\1/p' <<<"$output")
  [ -d "$dir" ]
  # Nothing of it is simulated.
  run grep -l simulated "$dir"/round.jsonl "$dir"/payout.jsonl "$dir"/settlements.jsonl
  [ "$status" -eq 1 ]
  # alice and bob, so far as they have shares in a round that is short by luck, are paid by lnd; carol has no destination and is owed her part.
  local due
  due=$(jq -s 'map(select(.type == "payout_line" and .pay_msat > 0)) | length' "$dir/payout.jsonl")
  [ "$due" -ge 1 ]
  jq -se --argjson due "$due" 'map(select(.type == "settlement")) | length == $due and all(.state == "PAID" and .backend == "lnd")' "$dir/settlements.jsonl"
  jq -se 'map(select(.type == "payout_line" and (.account | startswith("miner:tb1")))) | length == 1 and all(.why == "no_destination" and .carried_out_msat > 0)' "$dir/payout.jsonl"
  # The fees of the real transaction went to the finder.
  jq -se '.[0].fees_msat >= 12345000' "$dir/payout.jsonl"
  "$HH_SRC/tests/support/validate_records.py" "$dir"/round.jsonl "$dir"/shares.jsonl "$dir"/payout.jsonl "$dir"/settlements.jsonl "$dir"/balances.jsonl
}
