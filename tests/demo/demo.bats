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

# No folder, no process of this demonstration.
nothing_is_left() {
  [ -z "$(ls -A "$TMPDIR")" ] || return 1
  ! readlink /proc/[0-9]*/cwd 2>/dev/null | grep -F "$TMPDIR/"
}

@test "the demonstration goes from the first share to balanced books (C001 D003 D033 C042 C044 C061 C065 C070 L022 L024 L026)" {
  # One time in thirty the first block is found before each of the three has a share: then once more.
  for attempt in 1 2 3; do
    run --separate-stderr "$HH_SRC/scripts/demo" --bin "$HH_BIN"
    echo "$output"
    echo "$stderr"
    [ "$status" -eq 0 ]
    [ "$attempt" -lt 3 ] && [ "$(grep -c '^ *miner:' <<<"$output")" -lt 3 ] || break
  done
  [[ $output == *"books: "*"postings, sum 0"* ]]
  [[ $output == *"the second payday paid 0 lines"* ]]
  [[ $output == *"Done in "* ]]

  # Three miners with shares; what they earned, with one percent, is the subsidy, to the millisatoshi.
  local earned=0 shares=0 miner
  for miner in miner:alice miner:bob miner:bcrt1; do
    [ "$(number "$miner" 2)" -gt 0 ]
    shares=$((shares + $(number "$miner" 2)))
    earned=$((earned + $(msat "$(number "$miner" 3)")))
  done
  [ "$(sed -nE 's/^ *round 1: ([0-9]+) shares, up to block 1, found by .*/\1/p' <<<"$output")" -eq "$shares" ]
  subsidy=$(sed -nE 's/.*block subsidy ([0-9.]+) sat = .*/\1/p' <<<"$output")
  subsidy=$(msat "$subsidy")
  [ "$subsidy" -gt 0 ]
  one_percent=$((subsidy * 5000 / 1000000 * 2))
  [ $((earned + one_percent)) -eq "$subsidy" ]

  nothing_is_left
}

@test "two demonstrations at once do not meet; --keep keeps the files and says where (D003)" {
  # One takes the programs from a folder that it is told relative to the current one.
  (cd "$HH_BIN/.." && exec "$HH_SRC/scripts/demo" --bin "$(basename "$HH_BIN")") >"$BATS_TEST_TMPDIR/other" 2>&1 3>&- &
  local other=$! dir
  run --separate-stderr "$HH_SRC/scripts/demo" --bin "$HH_BIN" --keep
  [ "$status" -eq 0 ]
  wait "$other" || { cat "$BATS_TEST_TMPDIR/other"; return 1; }
  dir=$(sed -nE 's/^All files are in (.*)/\1/p' <<<"$output")
  [ "$(echo "$TMPDIR"/*)" = "$dir" ]
  "$HH_SRC/tests/support/validate_records.py" "$dir"/round.jsonl "$dir"/shares.jsonl "$dir"/payout.jsonl "$dir"/settlements.jsonl "$dir"/balances.jsonl
}

# ended_by SIGNAL TARGET: its exit status where that signal comes in the midst of mining. TARGET: "group", as a terminal does it, or "itself".
ended_by() {
  local pid i=0 status=0
  python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.setsid()
os.execv(sys.argv[1], sys.argv[1:])' "$HH_SRC/scripts/demo" --bin "$HH_BIN" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
  pid=$!
  until grep -q 'Shares, and a block' "$BATS_TEST_TMPDIR/out"; do
    ((++i < 600)) || return 1
    sleep 0.1
  done
  sleep 1
  if [ "$2" = group ]; then kill -s "$1" -- "-$pid"; else kill -s "$1" "$pid"; fi
  wait "$pid" || status=$?
  echo "$status"
}

@test "Ctrl-C or a signal end the demonstration, and nothing stays behind (D003)" {
  [ "$(ended_by INT group)" -eq 130 ]
  nothing_is_left
  [ "$(ended_by TERM itself)" -eq 143 ]
  nothing_is_left
}

@test "the demonstration refuses what it does not know" {
  run --separate-stderr "$HH_SRC/scripts/demo" --reel
  [ "$status" -eq 64 ]
  [[ $stderr == *"--reel"* ]]
  run --separate-stderr "$HH_SRC/scripts/demo" --bin /nonexistent
  [ "$status" -eq 69 ]
}
