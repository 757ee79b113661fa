#!/usr/bin/env bats
# hh-ln reinvest: what forwarding earns is divided by a signed policy, booked, and withdrawn through signed manifests, each msat once.
# timeout: 300

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/settle
load ../hh-ledger/helper

setup() {
  hh_setup
  need hh-ledger hh-payout
  make_keys
  hh-payout keygen treasurer.pem | jq -r .public >treasurer.pub
  hh-payout keygen alpha.pem | jq -r .public >alpha.pub
  hh-payout keygen beta.pem | jq -r .public >beta.pub
  TODAY=$(date +%s)
}
teardown() { hh_teardown; }

# Noon of a day, so many days ago; the time at which commands run is $AT.
noon() { echo $((TODAY - TODAY % 86400 + 43200 - $1 * 86400)); }
reinvest() { HH_FAKE_TIME=${AT:-$(noon 0)} hh-ln reinvest "$1" --db "$T/pay" --backend sim --chain regtest --sim-forwards "$T/forwards.json" --reinvest-key "$T/treasurer.pub" "${@:2}"; }
order() { reinvest sign --with "$T/$1.pem"; }
# policy SEQUENCE [JQ]: as the treasurer signs it.
policy() {
  jq -nc --arg a "$(cat alpha.pub)" --arg b "$(cat beta.pub)" --argjson n "$1" '{type: "reinvest_policy", v: 1, chain: "regtest", sequence: $n, reinvest_ppm: 500000, least_reinvest_ppm: 100000,
    most_reinvest_ppm: 900000, min_withdrawal_msat: 10000, max_withdrawal_msat: 200000, max_day_msat: 250000, reserve_msat: 1000000,
    nodes: [{node: "alpha", weight: 1, key: $a}, {node: "beta", weight: 2, key: $b}]} | '"${2:-.}" | order treasurer
}
preference() { jq -nc --arg n "$1" '{type: "reinvest_preference", v: 1, chain: "regtest", node: $n, sequence: '"$2"', reinvest_ppm: '"$3"'}' | order "${4:-$1}"; }
withdrawal() {
  jq -nc --arg n "$1" --arg k "${4:-lnaddress}" --arg to "${5:-$1@example.com}" '{type: "withdrawal_order", v: 1, chain: "regtest", node: $n, sequence: '"$2"', amount_msat: '"$3"', destination: {kind: $k, value: $to}}' | order "${6:-$1}"
}
# forwarded DAYS_AGO FEE_MSAT…: appends forwards of that day to what the simulated wallet has forwarded.
forwarded() {
  local ago=$1 fee
  shift
  [ -e forwards.json ] || echo '{"forwarding_events": [], "last_offset_index": 0}' >forwards.json
  for fee; do
    jq -c --argjson s "$(noon "$ago")" --argjson f "$fee" '(.forwarding_events | length) as $i | .forwarding_events += [{timestamp_ns: "\($s)\(100000000 + $i)", chan_id_in: "1", chan_id_out: "2",
      incoming_htlc_id: "\($i)", outgoing_htlc_id: "\($i)", amt_in_msat: "\(50000 + $f)", amt_out_msat: "50000", fee_msat: "\($f)"}] | .last_offset_index = $i + 1' forwards.json >f && mv f forwards.json
  done
}
balance() { ledger balances | jq "select(.account == \"$1\").balance_msat"; }
zero() { ledger balances | tail -n 1 | jq -e '.sum_msat == 0'; }
a_ledger() { shares --count 3 | ledger append >/dev/null; }
post() { ledger post --key "$KEY" "$@"; }
pay_out() { hh-payout sign --key "$T/signer.pem" --now --exp +7d; }

@test "a day's routing fees are divided by the policy and booked into the reserve and to the nodes, once, however often they are read and posted (L050 L051)" {
  a_ledger
  forwarded 1 700 301
  run --separate-stderr reinvest sweep
  [ "$status" -eq 78 ]
  policy 1 | reinvest accept | jq -e '.result == "accepted" and .kind == "policy"'
  forwarded 0 5000
  reinvest sweep >s
  # 1001 msat by 1 : 2 are 334 and 667; half of each, rounded down, may be withdrawn. Today is not over.
  jq -e '.earned_msat == 1001 and .forwards == 2 and .reserve_msat == 501 and (.parts | map([.node, .part_msat, .withdrawable_msat])) == [["alpha", 334, 167], ["beta", 667, 333]]' s
  [ -z "$(reinvest sweep)" ]
  [ "$(reinvest sweep --all)" = "$(cat s)" ]
  cat s s | post | jq -se 'map(.result) == ["posted", "already"]'
  [ "$(balance treasury) $(balance reserve) $(balance yield:alpha) $(balance yield:beta)" = "1001 -501 -167 -333" ]
  zero
  AT=$(noon -1) reinvest sweep --all | post | jq -se 'map(.result) == ["already", "posted"]'
  [ "$(balance treasury)" = 6001 ]
  ledger verify --key "$KEY" | jq -se 'all(.[]; .ok)'
  for change in '.reserve_msat += 1' '.earned_msat += 1 | .reserve_msat += 1' '.number = 3' '.parts[0].withdrawable_msat += 1 | .reserve_msat -= 1' '.chain = "main"'; do
      fails_with 65 'line 1' post < <(jq -c "$change" s)
  done
  # The database itself keeps both sides.
  run sqlite3 L "DELETE FROM fee_sweeps"
  [ "$status" -ne 0 ]
  for sql in "UPDATE fee_sweeps SET reserve_msat = reserve_msat + 1" "DELETE FROM forwards" "UPDATE forwards SET sweep = NULL" "UPDATE forwards SET sweep = 2 WHERE sweep = 1" "DELETE FROM reinvest_orders" \
    "UPDATE reinvest_policies SET max_day_msat = 1" "INSERT INTO fee_parts VALUES (1, 'gamma', 0, 500000, 0)" "INSERT INTO forwards SELECT node, timestamp_ns, chan_in, chan_out, htlc_in, htlc_out, in_msat, out_msat, fee_msat, seen_ms, sweep FROM forwards"; do
    run sqlite3 pay "$sql"
    [ "$status" -ne 0 ] || { echo "allowed: $sql"; return 1; }
  done
}

@test "a history that was erased raises an alarm, once, and nothing is counted twice; another history is refused (L051)" {
  policy 1 | reinvest accept >/dev/null
  forwarded 1 700 301 20
  reinvest sweep | jq -e '.earned_msat == 1021'
  # lnd restarted from an old copy: the last forward is not there any more, and a new one is.
  jq -c '.forwarding_events |= .[:2]' forwards.json >f && mv f forwards.json
  forwarded 0 9
  run --separate-stderr reinvest sweep
  [ "$status" -eq 1 ]
  [[ $stderr == *forward_missing* ]]
  AT=$(noon -1) reinvest sweep | jq -e '.earned_msat == 9 and .number == 2'
  reinvest show --json | jq -se '.[0] | .missing_forwards == 1 and .earned_msat == 1030 and .unswept_msat == 0'
  jq -c '.forwarding_events[-1].fee_msat = "8" | .forwarding_events[-1].amt_in_msat = "50008"' forwards.json >f && mv f forwards.json
  run --separate-stderr reinvest sweep
  [ "$status" -eq 65 ]
  [[ $stderr == *'with a fee of 8 msat, and listed it with 9 before'* ]]
  # A file of today's forwards that lnd wrote late is in the next sweep, also where its day is swept already.
  jq -c '.forwarding_events |= map(if .fee_msat == "8" then .fee_msat = "9" | .amt_in_msat = "50009" else . end)' forwards.json >f && mv f forwards.json
  forwarded 1 4
  AT=$(noon -2) reinvest sweep | jq -e '.earned_msat == 4 and .number == 3'
}

@test "a journal that was restored makes the sweeps again that it had made, the same, or refuses (L051)" {
  a_ledger
  policy 1 >p
  reinvest accept p >/dev/null
  forwarded 2 700 301
  AT=$(noon 1) reinvest sweep >/dev/null
  cp pay backup
  forwarded 1 4000
  AT=$(noon 0) reinvest sweep >/dev/null
  reinvest sweep --all >sweeps
  post sweeps >/dev/null
  cp backup pay
  forwarded 0 77
  # Without its sweeps it would make others in their place, and the books would refuse those.
  cp pay lost
  AT=$(noon -1) reinvest sweep --db lost --sim-wallet "$T/pay.sim" >other
  fails_with 65 'sweep 2 of node .* has been posted with other amounts' post other
  jq -c 'select(.number == 2)' sweeps >last
  AT=$(noon -1) reinvest sweep --again last --all >after
  [ "$(head -n 2 after)" = "$(cat sweeps)" ]
  post after | jq -se 'map(.result) == ["already", "already", "posted"]'
  [ "$(balance treasury)" = 5078 ]
  [ "$(AT=$(noon -1) reinvest sweep --again sweeps --all)" = "$(cat after)" ]
  cp backup pay
  jq -c '.forwarding_events |= map(select(.fee_msat != "4000"))' forwards.json >f && mv f forwards.json
  AT=$(noon -1) fails_with 65 'sweep 2 of node .* cannot be made again' reinvest sweep --again last
  [ "$(reinvest show --json | jq -s '.[0].sweeps')" = 1 ]
}

@test "policies count once and in their order, by the treasurer's signature only; each is an audit event with signature and time (L050 L054)" {
  policy 1 >p1
  policy 2 '.reinvest_ppm = 600000' >p2
  fails_with 65 'policy 2, and 1 comes next' reinvest accept p2
  cat p1 p2 | reinvest accept | jq -se 'map(.result) == ["accepted", "accepted"]'
  cat p1 p2 p1 | reinvest accept | jq -se 'map(.result) == ["already", "already", "already"]'
  reinvest show --json | jq -se '.[0].policy | .sequence == 2 and .reinvest_ppm == 600000'
  fails_with 65 'policy 1 is there already, and says something else' reinvest accept < <(policy 1 '.reserve_msat = 0')
  reinvest history | jq -c 'select(.sequence == 2) | .order | .sequence = 3' | order alpha >foreign
  fails_with 77 'unknown_key' reinvest accept foreign
  fails_with 65 'for chain signet' reinvest accept < <(policy 3 '.chain = "signet"')
  jws=$(policy 3 | jq -r .jws)
  fails_with 77 'bad_signature' reinvest accept < <(echo "${jws%.*}.$(head -c 64 /dev/zero | base64 -w0 | tr '+/' '-_' | tr -d =)")
  policy 3 >late
  AT=$(noon -30) fails_with 77 'expired' reinvest accept late
  fails_with 65 'must lie between' policy 3 '.least_reinvest_ppm = 600000'
  fails_with 65 'twice' policy 3 '.nodes[1].node = "alpha"'
  # Nothing of a file is accepted where one line of it is not.
  { policy 3; policy 5; } >two
  fails_with 65 'comes next' reinvest accept two
  reinvest history >h
  jq -se 'map([.kind, .sequence, .verified]) == [["policy", 1, true], ["policy", 2, true]] and all(.[]; .signed_by == "'"$(hh-payout key --key treasurer.pem | jq -r .kid)"'" and .accepted_ms > 0 and .signed_at > 0)' h
  hh-ln decisions --db pay | jq -se 'map(select(.action == "reinvest") | .reason) | length == 2 and (.[1] | startswith("policy 2, signed by "))'
  # Who changes the journal behind its back is found out.
  sqlite3 pay "DROP TRIGGER reinvest_orders_never_change; UPDATE reinvest_orders SET jws = (SELECT replace(jws, substr(jws, -20, 3), 'AAA') FROM reinvest_orders WHERE id = 2) WHERE id = 2"
  fails_with 77 'bad_signature' reinvest history
}

@test "a node's preference, signed by it, is applied within the policy's bounds from the next sweep on (L052)" {
  fails_with 65 'no policy yet' reinvest accept < <(preference alpha 1 0 treasurer)
  policy 1 | reinvest accept >/dev/null
  fails_with 77 'unknown_key' reinvest accept < <(preference alpha 1 0 beta)
  fails_with 77 'unknown_key' reinvest accept < <(preference gamma 1 0 alpha)
  preference alpha 1 0 | reinvest accept | jq -e '.kind == "preference" and .node == "alpha" and .result == "accepted"'
  preference beta 1 1000000 treasurer | reinvest accept >/dev/null
  forwarded 1 3000
  # Cut to 10 % and 90 %.
  reinvest sweep | jq -e '.reserve_msat == 1900 and (.parts | map([.reinvest_ppm, .withdrawable_msat])) == [[100000, 900], [900000, 200]]'
  preference beta 2 250000 | reinvest accept >/dev/null
  preference beta 1 1000000 treasurer | reinvest accept | jq -e '.result == "already"'
  forwarded 1 3000
  reinvest sweep | jq -e '.parts | map(.reinvest_ppm) == [100000, 250000]'
  reinvest show --json | jq -se '.[2] | .node == "beta" and .preferred_ppm == 250000 and .withdrawable_msat == 1700'
  reinvest show | grep -E '^beta +2 +250000 +1700$'
}

@test "the examples of hh-reinvest(5) run, and pay (D012 L053)" {
  a_ledger
  ln -s L ledger.sqlite
  cp signer.pem key.pem
  echo "$KEY" >signer.pub
  rm treasurer.*
  forwarded 1 50000000 40000000
  export HH_LN_DB=payments.sqlite HH_LN_BACKEND=sim HH_LN_CHAIN=regtest HH_LN_SIM_FORWARDS=forwards.json HH_LN_BACKOFF_MS=1
  sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$HH_SRC/man/hh-reinvest.5" | sed -n '/^\.Bd/,/^\.Ed/p' | grep -v '^\.' | sed 's/\\e$//' |
    awk '/^\$ /{ if (line) print line; line = substr($0, 3); next } { sub(/^ +/, " "); line = line $0 } END { print line }' >list
  [ "$(wc -l <list)" = 14 ]
  local n=0
  while read -r command <&3; do
    n=$((n + 1))
    bash -o pipefail -c "$command" >"$n.out" 2>"$n.err" || { echo "$command" >&2; cat "$n.err" >&2; return 1; }
  done 3<list
  jq -e '.kind == "sweep" and .result == "posted"' 5.out
  # 90,000,000 msat, half of it alpha's, who may withdraw 40 % of that: its preference came after the sweep.
  jq -e '.kind == "manifest" and .result == "posted"' 11.out
  [ "$(cat 13.out)" = "alpha QUEUED 18000000" ]
  [ "$(balance yield:alpha) $(balance yield:beta)" = "0 -18000000" ]
  [ "$(cut -d' ' -f1-2 14.out | tr '\n' ' ')" = "policy 1 preference 1 withdrawal 1 " ]
}

@test "the unit and timer of the daily sweep are valid, and leave what was swept to be posted (L051)" {
  need systemd-analyze
  for unit in hh-ln-sweep.service hh-ln-sweep.timer; do sed "s|/usr/bin/hh-ln|$(command -v true)|; /^Requires=/d; /^After=/d" "$HH_SRC/packaging/systemd/$unit" >"$unit"; done
  run systemd-analyze verify --man=no ./hh-ln-sweep.timer ./hh-ln-sweep.service
  echo "$output"
  [ "$status" -eq 0 ]
  policy 1 | reinvest accept >/dev/null
  forwarded 1 700
  # The unit's own command, as systemd would give it to the shell; then one that meets an erased history.
  sed -n "s/^ExecStart=.*-c '\(.*\)'/\1/p" "$HH_SRC/packaging/systemd/hh-ln-sweep.service" | sed 's|\$\$|$|g; s|/usr/bin/hh-ln|hh-ln|' >command
  export HH_LN_DB=$T/pay HH_LN_BACKEND=sim HH_LN_CHAIN=regtest HH_LN_SIM_FORWARDS=$T/forwards.json
  sh -eu command
  jq -e '.earned_msat == 700' sweeps.jsonl
  echo '{"forwarding_events": [], "last_offset_index": 0}' >forwards.json
  run sh -eu command
  [ "$status" -eq 1 ]
  jq -e '.earned_msat == 700' sweeps.jsonl
  [ ! -e sweeps.part ]
}

@test "while hh-ln serve has the journal, it takes orders, sweeps and makes batches for the command line (L050 L051)" {
  export HH_LN_DB=$T/pay HH_LN_BACKEND=sim HH_LN_CHAIN=regtest HH_LN_SIM_FORWARDS=$T/forwards.json HH_LN_REINVEST_KEY=$T/treasurer.pub HH_LN_KEY=$KEY
  forwarded 1 400000
  start serve hh-ln serve
  eventually 30 test -S pay.control
  policy 1 | hh-ln reinvest accept | jq -e '.result == "accepted"'
  hh-ln reinvest sweep | jq -e '.earned_msat == 400000'
  withdrawal beta 1 100000 | hh-ln reinvest accept >/dev/null
  hh-ln reinvest pay | jq -se '.[1].pay_msat == 100000'
  run --separate-stderr hh-ln reinvest accept < <(policy 2; echo nonsense)
  [ "$status" -eq 65 ]
  stop serve
  hh-ln reinvest requests --json | jq -e '.state == "ORDERED"'
}

@test "withdrawals are paid in part, within caps, balance and reserve, by signed manifests only, each once; the books follow (L053)" {
  a_ledger
  policy 1 | reinvest accept >/dev/null
  forwarded 2 1200000
  AT=$(noon 1) reinvest sweep | post >/dev/null
  [ "$(balance yield:alpha) $(balance yield:beta)" = "-200000 -400000" ]
  fails_with 65 'whole number of satoshis' withdrawal alpha 1 1500
  fails_with 77 'unknown_key' reinvest accept < <(withdrawal alpha 1 150000 lnaddress eve@example.com beta)
  { withdrawal alpha 1 150000; withdrawal alpha 2 90000; withdrawal beta 1 450000; } | reinvest accept | jq -se 'map(.result) == ["accepted", "accepted", "accepted"]'
  AT=$(noon 0) reinvest pay >p
  # alpha gets all that it asked for; beta what the day's cap of 250,000 leaves. alpha's second order waits for the first.
  jq -se '.[0].kind == "withdrawal" and (.[1:] | map([.account, .carried_in_msat, .pay_msat])) == [["yield:alpha", 200000, 150000], ["yield:beta", 400000, 100000]]' p
  # Killed before the manifest was signed: the same batch comes again, and no other.
  [ "$(AT=$(noon -3) reinvest pay)" = "$(cat p)" ]
  hh-payout sign --key signer.pem --now --exp +7d p >m
  run --separate-stderr settle m --chain regtest
  echo "$stderr"
  [ "$status" -eq 0 ]
  echo "$output" >out
  jq -se '[.[] | select(.state == "PAID") | .amount_msat] | sort == [100000, 150000]' out
  settle m --chain regtest >/dev/null
  [ "$(spent)" = $'0 1\n1 1' ]
  cat out out | post | jq -se '[.[].result] == ["posted", "posted", "posted", "already", "already", "already"]'
  [ "$(balance yield:alpha) $(balance yield:beta)" = "-50000 -300000" ]
  zero
  ledger verify --key "$KEY" | jq -se 'all(.[]; .ok)'
  reinvest requests --json | jq -se 'map([.node, .sequence, .state, .ordered_msat, .paid_msat]) == [["alpha", 1, "PAID", 150000, 150000], ["alpha", 2, "QUEUED", 0, 0], ["beta", 1, "QUEUED", 100000, 100000]]'
  # The day's cap is used up; the next day the rest goes on: 50,000 of alpha's 90,000, and 200,000 at once for beta.
  [ -z "$(reinvest pay)" ]
  AT=$(noon -1) reinvest pay >p
  jq -se '(.[1:] | map(.pay_msat)) == [50000, 200000]' p
  pay_out <p | settle --chain regtest | post >/dev/null
  # beta is owed 100,000 more, which is not all that it asked for; alpha is owed nothing any more.
  AT=$(noon -2) reinvest pay >p
  jq -se '(.[1:] | map([.account, .pay_msat])) == [["yield:beta", 100000]]' p
  pay_out <p | settle --chain regtest | post >/dev/null
  [ "$(balance yield:beta)" = 0 ]
  AT=$(noon -3) reinvest pay >p
  [ ! -s p ]
  [ "$(balance reserve)" = -600000 ]
  zero
}
