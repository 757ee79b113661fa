# shellcheck shell=bash
# shellcheck disable=SC2154 # status, output and stderr are those of run
# What the tests of lnd's and of Core Lightning's faults share. `load ../support/common`, `load ../support/settle` and `load ../support/fake_node` first; the test
# file has a function by_node COMMAND ARG… for its node, and says with SEND and TRACK what the fake node calls the two.
#   sign_for MINER=KIND:VALUE…     a signed manifest $T/m over 1,000,000 sat less 1 %, divided
#   pay ARG…                       settles it, quickly
#   state                          of its lines
#   once FAULT…                    with these faults a line is paid exactly once, and its record is PAID after at most three runs
#   no_answer_no_conclusion FAULT  as long as tracking fails so, nothing is sent again
#   history_is_gone                a node that has forgotten its payments is not paid through again
#   never_shown SECRET             neither in output nor in the log

sign_for() { sign_round regtest 1000000 "$@" >m; }
pay() { by_node settle m --key "$KEY" --lnurl-allow-loopback --backoff-ms 1 --wait-seconds 0 --timeout-seconds 1 "$@"; }
state() { hh-ln status --db pay --json | jq -r .state; }

once() {
  [ $# = 0 ] || printf '%s\n' "$@" >"$FAKE/faults"
  sign_for "a=lnaddress:honest@$LNURL"
  for _ in 1 2 3; do
    pay >out 2>err && break
    touch "$FAKE/unstick"
  done
  tail -1 out; cat err
  [ "$(tail -1 out | jq -r '.state + " " + .backend')" = "PAID $FAKE" ]
  [ "$(wc -l <"$FAKE/spent")" = 1 ]
  [ ! -s "$FAKE/faults" ]
  [ "$(by_node audit | jq -c '[.ok, .paid, .different, .forgotten_by_node, .foreign, .paid_twice]')" = "[true,1,0,0,0,0]" ]
}

no_answer_no_conclusion() {
  printf '%s paid-close\n%s' "$SEND" "$(yes "$TRACK $1" | head -50)" >"$FAKE/faults"
  sign_for "a=lnaddress:honest@$LNURL"
  run --separate-stderr pay
  [ "$status" = 75 ]
  [ "$(state)" = UNKNOWN ]
  [ "$(grep -c "$SEND" "$FAKE/faults")" = 0 ]
  rm "$FAKE/faults"
  pay >out
  [ "$(spent_hashes)" = "1 " ]
}

history_is_gone() {
  sign_for "a=lnaddress:honest@$LNURL" "b=lnaddress:honest@$LNURL"
  printf '%s ok\n%s paid-close\n%s' "$SEND" "$SEND" "$(yes "$TRACK 502" | head -20)" >"$FAKE/faults"
  run --separate-stderr pay
  [ "$status" = 75 ]
  [ "$(wc -l <"$FAKE/spent")" = 2 ]
  rm "$FAKE/faults"
  touch "$FAKE/forget"
  for later in 0 7200; do
    HH_FAKE_TIME=$(($(date +%s) + later)) run --separate-stderr pay
    echo "$output $stderr"
    [ "$status" = 75 ]
    [ "$(wc -l <"$FAKE/spent")" = 2 ]
  done
  [[ $(echo "$output" | tail -1 | jq -r '.state + " " + .reason') == "UNKNOWN the node has deleted its history"* ]]
}

never_shown() {
  sign_for "a=lnaddress:honest@$LNURL"
  pay --log-level debug >out 2>err
  stop "$FAKE"
  pay --log-level debug >>out 2>>err || true
  [ "$(cat out err | grep -c "$1")" = 0 ]
}
