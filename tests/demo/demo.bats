#!/usr/bin/env bats
# scripts/demo with programs that are built already: what it shows at the end has to be right, and nothing may be left behind.
# timeout: 900

bats_require_minimum_version 1.5.0

setup() {
  export TMPDIR=$BATS_TEST_TMPDIR/tmp NO_COLOR=1
  mkdir "$TMPDIR"
}

# number ROW COLUMN: a number of the table, by the row's first word.
number() { awk -v row="$1" -v column="$2" '$1 ~ row { print $column; exit }' <<<"$output"; }

# msat TEXT: "12.345" satoshi as an integer.
msat() { printf '%s\n' "${1/./}" | sed -E 's/^(-?)0*([0-9])/\1\2/'; }

@test "the demonstration goes from the first share to balanced books (C001 D003 C042 C044 C061 C065 C070 L022 L024 L026)" {
  run --separate-stderr "$HH_SRC/scripts/demo" --bin "$HH_BIN"
  echo "$output"
  echo "$stderr"
  [ "$status" -eq 0 ]
  [[ $output == *"books: "*"postings, sum 0"* ]]
  [[ $output == *"the second payday paid 0 lines"* ]]
  [[ $output == *"Done in "* ]]

  # Three miners with shares; what they earned, with one percent, is the subsidy, to the millisatoshi.
  local earned=0 miner
  for miner in miner:alice miner:bob miner:bcrt1; do
    [ "$(number "$miner" 2)" -gt 0 ]
    earned=$((earned + $(msat "$(number "$miner" 3)")))
  done
  subsidy=$(sed -nE 's/.*block subsidy ([0-9.]+) sat = .*/\1/p' <<<"$output")
  subsidy=$(msat "$subsidy")
  [ "$subsidy" -gt 0 ]
  one_percent=$((subsidy * 5000 / 1000000 * 2))
  [ $((earned + one_percent)) -eq "$subsidy" ]

  # Nothing is left: no folder, no process of this demonstration.
  [ -z "$(ls -A "$TMPDIR")" ]
  run bash -c 'readlink /proc/[0-9]*/cwd 2>/dev/null | grep -F "$TMPDIR/"'
  [ "$status" -ne 0 ]
}

@test "the demonstration keeps its files when asked to, and says where" {
  run --separate-stderr "$HH_SRC/scripts/demo" --bin "$HH_BIN" --keep
  [ "$status" -eq 0 ]
  dir=$(sed -nE 's/^All files are in (.*)/\1/p' <<<"$output")
  [ -d "$dir" ]
  "$HH_SRC/tests/support/validate_records.py" "$dir"/round.jsonl "$dir"/shares.jsonl "$dir"/payout.jsonl "$dir"/settlements.jsonl "$dir"/balances.jsonl
}

@test "the demonstration refuses what it does not know" {
  run --separate-stderr "$HH_SRC/scripts/demo" --reel
  [ "$status" -eq 64 ]
  [[ $stderr == *"--reel"* ]]
  run --separate-stderr "$HH_SRC/scripts/demo" --bin /nonexistent
  [ "$status" -eq 69 ]
}
