#!/usr/bin/env bats
# Every example of hh-ln(1), as it stands there, in order: a round of a ledger is paid by lnd (one of tests/support) and posted to the books.
# timeout: 300

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/lnd
load ../support/fake_node
load ../hh-ledger/helper

setup() {
  hh_setup
  fake_node lnd
}
teardown() { hh_teardown; }

# The commands of the EXAMPLES section, one a line, continued lines joined.
examples() {
  sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$HH_SRC/man/hh-ln.1" | sed -n '/^\.Bd/,/^\.Ed/p' | grep -v '^\.' | sed 's/\\e$//' |
    awk '/^\$ /{ if (line) print line; line = substr($0, 3); next } { sub(/^ +/, " "); line = line $0 } END { print line }'
}

# A closed round with a block, of miners with lightning addresses, and its signed manifest.
payday() {
  shares --count 30 --blocks 1 --tail 4 >spool.jsonl
  ledger append <spool.jsonl >/dev/null
  local miner
  for miner in $(ledger round 1 | jq -r '.miners[].miner'); do ledger miner set "$miner" --destination "honest@$LNURL" >/dev/null; done
  start_view
  see 200
  watch_once >/dev/null
  ledger close 1 >/dev/null || true
  [ "$(ledger round 1 | jq -r .status)" = closed ]
  hh-payout keygen key.pem | jq -r .public >signer.pub
  hh-payout keygen report.pem | jq -r .public >report.pub
  ledger round 1 | hh-payout compute | hh-payout sign --key key.pem --now --exp +1d >manifest.jsonl
  ln -s L ledger.sqlite
}

@test "the examples of the man page run, and pay (D012)" {
  need hh-ledger hh-payout
  payday
  (umask 077 && printf '\2\1\3lnd\n' >macaroon)
  # The examples rely on lnd's usual place and on the system's configuration; here both are our own.
  export HH_LN_LND_URL HH_LN_LND_MACAROON=$T/macaroon HH_LN_LNURL_ALLOW_LOOPBACK=true HH_LN_CHAIN=regtest
  HH_LN_LND_URL=http://127.0.0.1:$PORT
  examples >list
  [ "$(wc -l <list)" = 19 ]
  age-keygen -o operator.key 2>/dev/null
  age-keygen -y operator.key >operators.pub
  local n=0
  while read -r command <&3; do
    echo "\$ $command" >&2
    n=$((n + 1))
    case $command in
      lncli* | lightning-cli*) continue ;;  # the next tests
      *) bash -o pipefail -c "$command" >"$n.out" ;;
    esac
  done 3<list
  due=$(jq -s '[.[] | select(.type == "settlement_plan")] | length' 2.out)
  [ "$due" -ge 1 ]
  [ "$(wc -l <lnd/spent)" = "$due" ]
  [ "$(cut -d' ' -f1 lnd/spent | sort -u | wc -l)" = "$due" ]
  [ "$(jq -s '[.[] | select(.kind == "settlement" and .result == "posted")] | length' 1.out)" = "$due" ]
  [ "$(jq -s 'all(.[]; .would == "skip" and .already == "PAID")' 2.out)" = true ]
  [ "$(jq -s '[.[] | select(.type == "settlement" and .state == "PAID" and .simulated)] | length' 3.out)" = "$due" ]
  [ ! -s 4.out ]
  [ ! -s 5.out ]
  [ "$(jq -r '.[1]' 6.out)" = closed ]
  [ "$(jq -r 'select(.type == "reconciliation") | [.listed, .known, .taken, .acknowledged, .held] | join(" ")' 7.out)" = "$due $due 0 0 0" ]
  [ ! -s 8.out ]
  [ "$(cut -d' ' -f2- 9.out)" = "$(printf 'reconcile restored the backup of Monday\nrevoke wrong policy')" ]
  [ ! -s 10.out ]
  [ "$(jq -r .before 16.out)" = clear ]
  grep -q PAID 17.out
  export HH_LN_JOURNAL_KEY="exec:age -d -i operator.key journal.key.age"
  [ "$(awk '{ sum += $2 } END { printf "%.0f", sum }' lnd/spent)" = "$(hh-ln status --db payments.sqlite --json | jq -s 'map(.amount_msat) | add')" ]
}

@test "the macaroon of the example has the rights that the tests against real lnd get along with, and no others (D012)" {
  rights() { grep -o 'uri:/[A-Za-z0-9./]*' | sort; }
  examples | grep '^lncli' | rights >page
  [ "$(wc -l <page)" = 7 ]
  declare -f bake | rights | diff page -
  rights <"$HH_SRC/tools/hh-ln/backends/lnd.h" | diff page -
}

@test "the example of hh-ln.toml(5) is a configuration, and every setting has its paragraph there (L101)" {
  sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$HH_SRC/man/hh-ln.toml.5" | sed -n '/^\.Bd/,/^\.Ed/p' | grep -v '^\.' >hh-ln.toml
  hh-ln config --config hh-ln.toml >settings
  [ "$(jq -r 'select(.key == "lnd.macaroon") | .value' settings)" = credential:macaroon ]
  [ "$(jq -r 'select(.key == "fee_limit_ppm") | .origin' settings)" = "file hh-ln.toml" ]
  sed -n 's/^\.It Va //p' "$HH_SRC/man/hh-ln.toml.5" | sort >page
  jq -r .key settings | sort | diff page -
}

@test "the rune of the example permits the commands that are used, and no others (L002)" {
  methods() { grep -o 'method=[a-z]*' | sort; }
  examples | grep '^lightning-cli' >line
  methods <line >page
  [ "$(wc -l <page)" = 6 ]
  methods <"$HH_SRC/tools/hh-ln/backends/cln.h" | diff page -
  grep -o 'call("[a-z]*"' "$HH_SRC/tools/hh-ln/backends/cln.cpp" | sed 's/call("/method=/; s/"//' | sort | diff page -
  # The shell takes it for one word, and that word is JSON behind the "=".
  bash -c "lightning-cli() { printf '%s\n' \"\$2\"; }; $(cat line)" >word
  [ "$(sed 's/^restrictions=//' word | jq -r '.[1] | join(" ")')" = "method/xpay pinvinvstring_amount<1000000000" ]
}
