#!/usr/bin/env bats
# Lines that were paid on chain in the books: once, by one output each, with their part of the transaction's fee.
bats_require_minimum_version 1.5.0
load ../support/common
load helper
setup() {
  hh_setup
  need hh-payout
  shares --count 40 --blocks 2 --tail 3 | ledger append
  ledger miner set miner0 --destination a@example.com
  ledger miner set miner1 --destination b@example.com
  start_view
  see 300
  watch_once >/dev/null
  ledger close 1 >r1
  signed 1 >m
  mapfile -t due < <(hh-payout manifest m | jq '.lines[] | select(.pay_msat > 0) | .line')
}
teardown() { hh_teardown; }

balance() { ledger balances | jq "select(.account == \"$1\").balance_msat"; }

# onchain LINE VOUT FEE: the settlement of a line by an output.
onchain() {
  settlement m "$1" "$3" | jq -c --arg txid "$(printf 'ab%.0s' {1..32})" --argjson vout "$2" \
    'del(.payment_hash, .preimage, .simulated) + {backend: "lnd", rail: "onchain", txid: $txid, vout: $vout, address: "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", confirmations: 6}'
}

@test "a line that was paid on chain is booked once: the payout, and its part of the network's fee (L027 C070)" {
  [ "${#due[@]}" -ge 2 ]
  onchain "${due[0]}" 1 700 >s
  cat m s | ledger post --key "$PUB" | jq -se 'map(.result) == ["posted", "posted"]'
  [ "$(balance network_fees)" = 700 ]
  treasury=$(balance treasury)
  cat s s | ledger post --key "$PUB" | jq -se 'map(.result) == ["already", "already"]'
  # More confirmations are the same payment.
  jq -c '.confirmations = 99' s | ledger post --key "$PUB" | jq -e '.result == "already"'
  [ "$(balance treasury)" = "$treasury" ]
  onchain "${due[1]}" 0 699 | ledger post --key "$PUB" | jq -e '.result == "posted"'
  [ "$(balance network_fees)" = 1399 ]
  ledger balances | tail -n 1 | jq -e '.sum_msat == 0'
  ledger verify --key "$PUB"
}

@test "neither the chain nor Lightning pays a line a second time, and no output pays two lines (L027 C070)" {
  onchain "${due[0]}" 1 700 >s
  cat m s | ledger post --key "$PUB" >/dev/null
  fails_with 65 'find out at once whether it was paid twice' ledger post --key "$PUB" < <(onchain "${due[0]}" 2 700)
  fails_with 65 'find out at once whether it was paid twice' ledger post --key "$PUB" < <(settlement m "${due[0]}" 700)
  fails_with 65 'there already' ledger post --key "$PUB" < <(onchain "${due[1]}" 1 700)
  settlement m "${due[1]}" 5 >over_lightning
  ledger post --key "$PUB" over_lightning | jq -e '.result == "posted"'
  fails_with 65 'find out at once whether it was paid twice' ledger post --key "$PUB" < <(onchain "${due[1]}" 3 5)
  for change in '.confirmations = 0' '.amount_msat += 1' 'del(.txid)' '.vout = -1' '.rail = "other"' 'del(.rail)' '.fee_msat = 1'; do
    fails_with 65 'standard input, line 1' ledger post --key "$PUB" < <(jq -c "$change" s)
  done
  jq -c '.state = "INFLIGHT" | .confirmations = 2 | del(.fee_msat)' s | ledger post --key "$PUB" | jq -e '.result == "ignored"'
}

@test "verify notices a payment on chain that is written otherwise than it was booked (C070)" {
  onchain "${due[0]}" 1 700 >s
  cat m s | ledger post --key "$PUB" >/dev/null
  cp L good
  for change in "fee_msat = 701" "payment_hash = 'x'" "preimage = '00'"; do
    cp good L
    trigger=$(sqlite3 L "SELECT group_concat('DROP TRIGGER ' || name, ';') FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'settlements'")
    sqlite3 L "$trigger; UPDATE settlements SET $change"
    run --separate-stderr ledger verify
    echo "$change: $output $stderr"
    [ "$status" -eq 1 ] || [ "$status" -eq 65 ]
  done
}
