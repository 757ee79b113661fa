#!/usr/bin/env bats
# Every example of hh-payout(1) and hh-policy(5), as it stands there, in order.

bats_require_minimum_version 1.5.0
load ../support/common
load ../hh-ledger/helper

setup() {
  hh_setup
  need hh-payout hh-ledger hh-ln
}
teardown() { hh_teardown; }

ledger() { hh-ledger "$@" --db ledger.sqlite; }

# The displayed text of a page's EXAMPLES.
displays() { sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$HH_SRC/man/$1" | sed -n '/^\.Bd/,/^\.Ed/p'; }

# Its commands, one a line, continued lines joined.
commands() { displays "$1" | grep -v '^\.' | awk '/^\$ /{ if (line) print line; line = substr($0, 3); next } { sub(/^ +/, " "); line = line $0 } END { print line }'; }

# Round 7 of a ledger, closed: the six blocks before it were orphaned, so that it counts all of their shares. Destinations for two of three miners.
ledger_with_round_7() {
  shares --count 70 --blocks 7 --tail 3 --chain dev | ledger append >/dev/null
  ledger miner set miner0 --destination alice@example.com >/dev/null
  ledger miner set miner1 --destination bob@example.com >/dev/null
  start_view
  see 300 7
  watch_once >/dev/null
  ledger close 7 >/dev/null
}

@test "the examples of hh-payout(1) run (C044 C073 D012)" {
  ledger_with_round_7
  echo 'scheme = "prop"' >policy.toml
  cp "$HH_SRC/tests/hh-payout/data/nodes.jsonl" .
  commands hh-payout.1 >list
  [ "$(wc -l <list)" -eq 11 ]
  while read -r command <&3; do
    echo "\$ $command" >&2
    case $command in
      # The page's miner has another name here, and its cycle is over.
      *--account*) command=${command/miner:alice/miner:miner0} ;;
      *cycle*) ledger close --cycle 2811 >/dev/null ;;
    esac
    bash -o pipefail -c "$command" >out
    cat out >>all
  done 3<list
  grep -q $'^miner:miner0\t[0-9]*000$' all
  grep -q 'miner:miner0 is paid' all
  jq -se 'map(select(.type == "verified")) | length == 2 and all(.ok) and (.[1].what | startswith("manifest "))' <(grep '^{' all)
  ledger balances | jq -se 'last.sum_msat == 0 and any(.account == "treasury" and .balance_msat > 0)'
  jq -se '.[0].kind == "cycle" and .[0].node_pool_msat > 0' out
}

@test "the policies of hh-policy(5) are read, and the first is the default (C070 C084 D012)" {
  displays hh-policy.5 | awk '/^\.Bd/{ n++; next } /^\.Ed/{ next } { print > ("policy" n ".toml") }'
  [ "$(echo policy*.toml)" = "policy1.toml policy2.toml" ]
  hh-payout policy --policy policy1.toml | cmp - <(hh-payout policy)
  hh-payout policy --policy policy2.toml | jq -e '.scheme == "pplns" and .pplns_factor == 4 and .operator_ppm == 0 and .min_payout_sat == 5000 and .node_pool_ppm == 5000'
  grep -qxF '.Dl $ hh-payout policy --policy policy.toml' "$HH_SRC/man/hh-policy.5"
}
