#!/usr/bin/env bats
# Every example of hh-ledger(1), as it stands there, in order. Those that run for ever are stopped; hh-pool's has tests of its own.
bats_require_minimum_version 1.5.0
load ../support/common
load helper
setup() { hh_setup; }
teardown() { hh_teardown; }

# The commands of the EXAMPLES section, one a line, continued lines joined.
examples() {
  sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$HH_SRC/man/hh-ledger.1" | sed -n '/^\.Bd/,/^\.Ed/p' | grep -v '^\.' |
    awk '/^\$ /{ if (line) print line; line = substr($0, 3); next } { sub(/^ +/, " "); line = line $0 } END { print line }'
}

@test "the examples of the man page run (B004 D012)" {
  need hh-payout hh-ln
  shares --count 30 --blocks 1 --tail 4 --chain dev >spool.jsonl
  hh-payout keygen key.pem | jq -r .public >key.pub
  # The example relies on bitcoind's usual place; here it is a view of our own.
  hh-ledger append --follow spool.jsonl --once --db L >/dev/null
  start_view
  see 200
  export HH_LEDGER_RPC_URL=${RPC[1]} HH_LEDGER_RPC_COOKIE_FILE=${RPC[3]}
  examples >list
  [ "$(wc -l <list)" -ge 12 ]
  while read -r command <&3; do
    echo "\$ $command" >&2
    case $command in
      *hh-pool*) continue ;;
      *--follow*--once*) bash -c "$command" ;;
      *--follow*)
        start follow bash -c "exec $command"
        sleep 1
        stop follow
        [ "$STOPPED" -eq 0 ]
        ;;
      *) bash -o pipefail -c "$command" ;;
    esac
  done 3<list
  [ "$(jq -r .status round.json)" = closed ]
  [ "$(wc -l <round.csv)" -gt 20 ]
}
