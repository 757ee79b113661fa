#!/usr/bin/env bats
# The examples of hyperhash(7), as they stand there and in their order, are a working pool: from where a miner is paid to books that are proved.
# Those of hh-payout(1) and hh-ln(1) then run on what that pool has left. Only the node, the wallet and the port are ours, by the environment.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool

setup() {
  hh_setup
  need hh-devchain hh-pool hh-miner hh-ledger hh-payout hh-ln jq
}
teardown() { hh_teardown; }

# examples PAGE: the commands of its EXAMPLES, one a line, continued lines joined, without the prompt.
examples() {
  sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$HH_SRC/man/$1" | sed -e 's/^\.Dl //' -e 's/\\e$//' |
    awk '/^(\$ )?(hh-|jq|lncli|openssl|round=)/ { if (line) print line; sub(/^\$ /, ""); line = $0; next } /^ / { sub(/^ +/, ""); if (line) line = line " " $0; next }
      { if (line) print line; line = "" }'
}

# in_this_shell COMMAND: as typed; a variable that it sets is there for the next.
in_this_shell() {
  echo "\$ $1" >&2
  set -o pipefail
  eval "$1"
}

is_mature() { [ "$(hh-ledger watch --once --db ledger.sqlite >/dev/null; hh-ledger rounds --db ledger.sqlite | jq -r 'select(.round == 1).status')" = mature ]; }

@test "the examples of hyperhash(7), then of hh-payout(1) and hh-ln(1), run (B001 B004 C090)" {
  start_devchain --bits 1f00aaaa
  pool_environment dev
  export HH_LEDGER_RPC_URL=$RPC_URL HH_LEDGER_RPC_COOKIE_FILE=$RPC_COOKIE HH_LEDGER_MATURITY=1 HH_LN_BACKEND=sim
  examples hyperhash.7 >list
  [ "$(wc -l <list)" -eq 12 ]
  local command round="" port=""
  while read -r command <&5; do
    command=${command//bc1q.../$TREASURY}
    command=${command//3333/$port}
    case $command in
      'hh-pool serve'*' &')
        start pool bash -c "exec ${command%>/dev/null &}"
        port=$(port_of "$(wait_for_record pool pool)")
        ;;
      'hh-ledger append'*' &') start ledger bash -c "exec ${command% &}" ;;
      'hh-pool serve'*'|'*)
        # In a folder of its own, for three seconds; timeout signals the whole pipe.
        mkdir pipe
        (cd pipe && timeout 3 bash -c "$command" 2>err) || [ $? -eq 124 ]
        [ "$(hh-ledger rounds --db pipe/ledger.sqlite | jq -r .status)" = open ]
        ;;
      'hh-miner'*)
        start miner bash -c "exec ${command% &}"
        eventually 120 is_mature
        stop miner
        ;;
      *) in_this_shell "$command" >>printed ;;
    esac
  done 5<list

  # alice has mined all of it, is paid, and the books know.
  [ "$(jq -c 'select(.type == "posted") | .result' printed | sort | uniq -c | tr -s ' ')" = ' 2 "posted"' ]
  [ "$(jq -s 'map(select(.type == "books"))[0].sum_msat' printed)" = 0 ]
  [ "$(jq -s 'map(select(.account == "miner:alice"))[0].balance_msat' printed)" -gt -1000 ]
  jq -se 'map(select(.type == "verified")) | length > 5 and all(.ok)' printed

  # hh-payout(1), for this round instead of round 7; the week's node pool has a test of its own.
  : >policy.toml
  examples hh-payout.1 >list
  [ "$(wc -l <list)" -eq 11 ]
  while read -r command <&5; do
    command=${command//round 7/round $round}
    case $command in
      *' cycle '*) continue ;;
      *) in_this_shell "$command" >>payout.printed ;;
    esac
  done 5<list
  grep -q 'miner:alice' payout.printed
  [ "$(jq -rR 'fromjson? | select(.type == "posted") | .result' payout.printed | sort -u)" = already ]

  # hh-ln(1): the same manifest with another key's name; lncli is not ours.
  cp key.pub signer.pub && cp signed.json manifest.jsonl
  age-keygen -o operator.key 2>/dev/null
  age-keygen -y operator.key >operators.pub
  hh-payout keygen report.pem | jq -r .public >report.pub
  examples hh-ln.1 >list
  [ "$(wc -l <list)" -eq 18 ]
  while read -r command <&5; do
    case $command in
      lncli*) continue ;;
      *) in_this_shell "$command" >>ln.printed ;;
    esac
  done 5<list
  [ "$(jq -rR 'fromjson? | select(.type == "settlement_plan") | .already' ln.printed | sort -u)" = PAID ]
}

@test "the examples of hh-policy(5) and hh-records(5) are what they say (B004)" {
  sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$HH_SRC/man/hh-policy.5" | awk '/^\.Bd/ { ++n; next } /^\.Ed/ { next } n && /=/ { print >"policy" n ".toml" }'
  [ "$(wc -l <policy1.toml)" -eq 5 ]
  diff <(hh-payout policy --policy policy1.toml) <(hh-payout policy)
  [ "$(hh-payout policy --policy policy2.toml | jq -c '[.scheme, .pplns_factor, .operator_ppm, .min_payout_sat]')" = '["pplns",4,0,5000]' ]
  cp policy2.toml policy.toml
  in_this_shell "$(examples hh-policy.5)" >printed
  [ "$(jq -r .scheme printed)" = pplns ]

  printf '%s\n' '{"type":"job","v":1}' '{"type":"share","v":1,"miner":"bob"}' '{"type":"share","v":1,"miner":"alice"}' '{"type":"share","v":1,"miner":"bob"}' >shares.jsonl
  in_this_shell "$(examples hh-records.5 | grep '^jq -r' | sed 's/\\(dq/"/g')" >printed
  [ "$(awk '{ print $1, $2 }' printed)" = $'1 alice\n2 bob' ]
}
