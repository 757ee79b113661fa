#!/usr/bin/env bats
# hh-ln onchain against a real lnd and a real chain: what Lightning cannot pay is paid by one transaction, once, whatever is killed; books that agree.
# timeout: 1500

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/bitcoind
load ../support/lnd
load ../support/settle
load ../support/service
load ../hh-ledger/helper

setup() {
  lnd_setup
  start_bitcoind node regtest
  mine node 1
  start_lnd payer node
  mine node 3 "addr($(ln_cli payer newaddress p2wkh | jq -r .address))"
  mine node 100
  eventually 120 is_synced payer
  eventually 120 eval "[ \$(ln_cli payer walletbalance | jq -r .confirmed_balance) = 15000000000 ]"
  bake_onchain payer "$T/macaroon"
  mkdir preimages
  export HH_PREIMAGES=$T/preimages
}
teardown() { hh_teardown; }

options() { echo --db "$T/pay" --lnd-url "${GATE:-$(lnd_url payer)}" --lnd-tls-cert "$(lnd_cert payer)" --lnd-macaroon "${MACAROON:-$T/macaroon}"; }
pay() {
  # shellcheck disable=SC2046
  hh-ln settle --key "$KEY" $(options) --lnurl-allow-loopback --attempts 1 --backoff-ms 1 --wait-seconds 2 --timeout-seconds 5 "$@"
}
onchain() {
  local command=$1
  shift
  # shellcheck disable=SC2046
  hh-ln onchain "$command" $(options) --onchain-sat-per-vbyte 2 --onchain-quiet-seconds 1 "$@"
}
# An invoice of a payee whom nobody knows.
nowhere() { "${HH_REAL_BIN:-$HH_BIN}/make_invoice" "$1" "$(printf '00%.0s' {1..32})" 86400; }
address() { ln_cli payer newaddress p2tr | jq -r .address; }
in_mempool() { cli node getrawmempool | jq length; }
batch() { hh-ln onchain list --db "$T/pay" | jq -s ".[$1]"; }

# manifest SUBSIDY_SAT NAME…: miners whom Lightning does not reach.
manifest() {
  local subsidy=$1 words=() name
  shift
  for name; do words+=("$name=bolt11:$(nowhere $((subsidy * 990 / $#)))"); done
  sign_round regtest "$subsidy" "${words[@]}"
}

pay_through_gate() { start "killed-$1" hh-ln onchain pay $(options) --onchain-sat-per-vbyte 2 --onchain-quiet-seconds 1; }
# A run that ends before that (lnd's wallet is behind, the line has not been quiet for long enough) is followed by another.
is_at_publishing() {
  test -e "$T/held" && return
  is_running "killed-$1" || pay_through_gate "$1"
  return 1
}

# gate WHEN: hh-ln onchain pay through a door that closes at publishing, killed there.
killed_at_publishing() {
  start "gate-$1" "$HH_SRC/tests/support/lnd_gate.py" "$(lnd_url payer)" /v2/wallet/tx "$1" "$T"
  eventually 60 test -s "$T/gate-$1.out"
  rm -f "$T/held"
  GATE=http://127.0.0.1:$(cat "$T/gate-$1.out")
  pay_through_gate "$1"
  eventually 90 is_at_publishing "$1"
  stop "killed-$1" KILL
  unset GATE
}

# The outputs of transaction TXID that its batch says, in the chain: "VALUE_SAT" each.
check_outputs() {
  local txid=$1
  hh-ln onchain list --db "$T/pay" | jq -r "select(.txid == \"$txid\") | .lines[] | \"\\(.vout) \\(.address) \\(.amount_sat)\"" >wanted
  [ -s wanted ]
  while read -r vout address sat; do
    cli node gettxout "$txid" "$vout" | jq -e --arg a "$address" --argjson s "$sat" '.scriptPubKey.address == $a and (.value * 100000000 | round) == $s'
  done <wanted
}

@test "what Lightning cannot pay is paid by one transaction, once, though hh-ln is killed before and after publishing (L022 L027)" {
  a=$(address) b=$(address)
  manifest 300000 "$a.rig" "$b" alice >m
  run --separate-stderr pay m
  [ "$status" = 1 ]
  [ "$(echo "$output" | jq -s '[.[] | select(.state == "FAILED_SAFE")] | length')" = 3 ]

  # The macaroon for Lightning alone is not enough, and says so.
  bake payer weak
  MACAROON=$T/weak run --separate-stderr onchain plan
  [ "$status" = 78 ]
  [[ $stderr == *hh-onchain* ]]

  sleep 2
  onchain plan | cat >plan  # a pipe, for a file in memory cannot be linked by the record tap
  [ "$(jq -sc '[.[] | select(.type == "onchain_plan") | .would] | sort' plan)" = '["pay","pay","skip"]' ]
  [ "$(jq -r 'select(.would == "skip") | .reason' plan)" = "it has no address: \`hh-ln onchain address\` gives it one" ]
  [ "$(tail -1 plan | jq -c '[.lines, .amount_sat, .sat_per_vbyte]')" = '[2,198000,2]' ]

  killed_at_publishing before
  [ "$(batch 0 | jq -r .state)" = RECORDED ]
  [ "$(in_mempool)" = 0 ]
  txid=$(batch 0 | jq -r .txid)
  run --separate-stderr onchain pay
  [ "$status" = 75 ]
  [ "$(echo "$output" | jq -sc 'map(.state)')" = '["INFLIGHT","INFLIGHT"]' ]
  [ "$(cli node getrawmempool | jq -r .[])" = "$txid" ]
  # Lightning is not tried for them any more.
  run --separate-stderr pay m
  [ "$(echo "$output" | jq -sc '[.[] | select(.rail == "onchain") | .state]')" = '["INFLIGHT","INFLIGHT"]' ]

  # alice's line follows, by the operator's word; this time lnd has taken the transaction when hh-ln is killed.
  id=$(jq -r .manifest_id m)
  line=$(jq -r 'select(.would == "skip") | .line' plan)
  c=$(address)
  hh-ln onchain address "$id" "$line" "$c" --reason "her letter of Monday" --db pay >ordered
  [ "$(jq -r .state ordered)" = HELD ]
  run --separate-stderr hh-ln onchain address "$id" "$line" bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 --reason "another chain" --db pay
  [ "$status" = 65 ]
  [ "$(hh-ln decisions --db pay | jq -r '.action')" = onchain ]
  mine node 1  # the first transaction is not sent again
  eventually 60 is_synced payer
  killed_at_publishing after
  [ "$(batch 1 | jq -r .state)" = RECORDED ]
  [ "$(cli node getrawmempool | jq -r .[])" = "$(batch 1 | jq -r .txid)" ]
  run --separate-stderr onchain follow
  [ "$(batch 1 | jq -r .state)" = BROADCAST ]
  [ "$(in_mempool)" = 1 ]

  mine node 5
  eventually 60 is_synced payer
  run --separate-stderr onchain follow
  [ "$status" = 75 ]
  [ "$(echo "$output" | jq -sc 'map([.state, .confirmations])')" = '[["PAID",6],["PAID",6],["INFLIGHT",5]]' ]
  echo "$output" >paid
  mine node 1
  eventually 60 is_synced payer
  onchain pay >>paid
  [ "$(jq -s 'map(select(.state == "PAID").fee_msat) | add' paid)" = "$(hh-ln onchain list --db pay | jq -s 'map(.fee_sat) | add * 1000')" ]
  check_outputs "$txid"
  check_outputs "$(batch 1 | jq -r .txid)"
  [ "$(in_mempool)" = 0 ]
  # Once: a second run has nothing to do, and the manifest is settled.
  onchain pay >second
  [ ! -s second ]
  [ "$(hh-ln onchain list --db pay | wc -l)" = 2 ]
  pay m >again
  [ "$(jq -sc '[.[] | select(.type == "settlement") | .state]' again)" = '["PAID","PAID","PAID"]' ]
  [ "$(in_mempool)" = 0 ]
  [[ $(hh-ln status --db pay) == *"paid 297000000 msat"* ]]
  # shellcheck disable=SC2046
  hh-ln audit $(options) | jq -e '.ok and .alarms == 0 and .paid_twice == 0'
}

@test "a child hastens a transaction, both are confirmed; one whose coin is spent by another is void, and its lines wait for the operator (L022)" {
  manifest 200000 "$(address)" "$(address)" >m
  run --separate-stderr pay m
  sleep 2
  run --separate-stderr onchain pay
  [ "$status" = 75 ]
  txid=$(batch 0 | jq -r .txid)
  onchain bump "$txid" --sat-per-vbyte 20 >bumped
  [ "$(jq -r .txid bumped)" = "$txid" ]
  eventually 60 eval '[ "$(in_mempool)" = 2 ]'
  child=$(cli node getrawmempool | jq -r --arg t "$txid" '.[] | select(. != $t)')
  cli node getmempoolentry "$child" | jq -e '.fees.base * 100000000 / .vsize >= 18'
  mine node 6
  eventually 60 is_synced payer
  onchain follow | jq -se 'length == 2 and all(.[]; .state == "PAID")'
  check_outputs "$txid"

  # Recorded, never sent, and its coin spent by hand meanwhile.
  manifest 400000 "$(address)" >n
  run --separate-stderr pay n
  sleep 2
  killed_at_publishing before
  coins=$(batch 1 | jq -r .raw_tx | xargs bitcoin-cli -datadir="$T/node.data" -regtest -rpcport="$(cut -d' ' -f1 "$T/node.data/ports")" decoderawtransaction | jq -r '.vin[] | "\(.txid):\(.vout)"')
  utxos=()
  for coin in $coins; do
    utxos+=(--utxo "$coin")
    # The lock would end by itself after ten minutes.
    ln_cli payer wallet releaseoutput --lockid "$(ln_cli payer wallet listleases | jq -r --arg c "$coin" '.locked_utxos[] | select(.outpoint == $c) | .id')" "$coin"
  done
  ln_cli payer sendcoins --addr "$(address)" --amt 100000 --sat_per_vbyte 3 --force "${utxos[@]}"
  run --separate-stderr onchain follow
  [ "$(batch 1 | jq -r .state)" = RECORDED ]
  mine node 6
  eventually 60 is_synced payer
  run --separate-stderr onchain follow
  [ "$status" = 1 ]
  [[ $stderr == *payment_alarm* ]]
  [ "$(echo "$output" | jq -r .state)" = HELD ]
  onchain pay >out
  [ ! -s out ]
  hh-ln release "$(jq -r .manifest_id n)" 0 --reason "spent by hand" --db pay >/dev/null
  run --separate-stderr onchain pay
  [ "$(echo "$output" | jq -r .state)" = INFLIGHT ]
  [ "$(in_mempool)" = 1 ]
}

@test "the service follows a transaction to its end by itself, prints its lines, shows them, and they are in the report (L022 L030 L042 C081)" {
  manifest 200000 "$(address)" "$(address)" >m
  id=$(jq -r .manifest_id m)
  run --separate-stderr pay m
  sleep 2
  run --separate-stderr onchain pay
  [ "$status" = 75 ]
  txid=$(batch 0 | jq -r .txid)
  make_certificates
  # shellcheck disable=SC2046
  start s hh-ln serve --key "$KEY" $(options) --http 127.0.0.1:0 --channels-keep-seconds 0 --api-listen 127.0.0.1:0 --api-tls-certificate "$T/tls/server.cert" --api-tls-key "$T/tls/server.key"
  wait_for_log s '"event":"serving"'
  HTTP=$(jq -r 'select(.event == "http") | .address' s.err) API=https://$(jq -r 'select(.event == "api") | .address' s.err)
  secret=$(token ann auditor)
  as() { api -H "Authorization: Bearer $secret" "$API/v1/$1"; }
  [ "$(metric hh_ln_onchain_transactions)" = 1 ]
  as treasury/status | jq -e '.onchain.lines == 2 and .onchain.amount_sat == 198000'
  as "payments/$id/0" | jq -e --arg t "$txid" '.state == "INFLIGHT" and .rail == "onchain" and .txid == $t'
  mine node 6
  eventually 120 eval '[ "$(jq -r "select(.type == \"settlement\" and .state == \"PAID\" and .rail == \"onchain\") | .line" s.out | sort -un | wc -l)" = 2 ]'
  [ "$(metric 'hh_ln_onchain_payouts_total{state="CONFIRMED"}')" = 2 ]
  [ "$(metric hh_ln_onchain_transactions)" = 0 ]
  [ "$(metric hh_ln_paid_msat_total)" = 198000000 ]
  as "payments/$id/1" | jq -e --arg t "$txid" '.state == "PAID" and .txid == $t and .confirmations >= 6'
  as treasury/status | jq -e '.onchain == null and .queue.lines == 0 and .paid_msat == 198000000'
  stop s
  hh-ln events --db pay | jq -se --arg t "$txid" '[.[] | select(.rail == "onchain" and .state == "PAID")] | length == 2 and all(.txid == $t)'
  hh-payout keygen report.pem | jq -r .public >report.pub
  day=$(date -u +%F)
  HH_FAKE_TIME=$(date -u -d "tomorrow 12:00" +%s) hh-ln report --day "$day" --report-key report.pem --db pay >report
  tail -1 report | jq -e '.payouts == 2 and .paid_msat == 198000000'
  hh-ln report --verify report --signer report.pub --db pay | jq -e .ok
}

@test "the examples of hh-onchain(7) run, and the ledger's books agree to the msat (D012 L027 C070)" {
  shares --count 30 --miners 3 --addresses 2 --blocks 1 --tail 4 >spool.jsonl
  ledger append <spool.jsonl >/dev/null
  for miner in $(ledger round 1 | jq -r '.miners[].miner'); do ledger miner set "$miner" --destination "gone@127.0.0.1:1" >/dev/null; done
  start_view
  see 200
  watch_once >/dev/null
  ledger close 1 >/dev/null || true
  ln -s L ledger.sqlite
  echo "$KEY" >signer.pub
  ledger round 1 | hh-payout compute | hh-payout sign --key signer.pem --now --exp +1d >m
  ledger post --key "$KEY" m >/dev/null
  ln -s pay payments.sqlite
  run --separate-stderr pay m
  [ "$status" = 75 ]

  examples=()
  while IFS= read -r line; do examples+=("$line"); done < <(sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$HH_SRC/man/hh-onchain.7" | sed -n '/^\.Bd/,/^\.Ed/p' | grep -v '^\.' | sed 's/\\e$//' |
    awk '/^\$ /{ if (line) print line; line = substr($0, 3); next } { sub(/^ +/, " "); line = line $0 } END { print line }')
  [ "${#examples[@]}" = 5 ]
  rights() { grep -o 'uri:/[A-Za-z0-9./]*' | sort -u; }
  diff <(echo "${examples[0]}" | rights) <(declare -f bake_onchain | rights)
  diff <(echo "${examples[0]}" | rights) <(cat "$HH_SRC"/tools/hh-ln/{backends/lnd.h,onchain/lnd_wallet.h} | rights)
  export HH_LN_LND_URL HH_LN_LND_TLS_CERT HH_LN_LND_MACAROON=$T/macaroon HH_LN_ONCHAIN_SAT_PER_VBYTE=2
  HH_LN_LND_URL=$(lnd_url payer) HH_LN_LND_TLS_CERT=$(lnd_cert payer)
  bash -c "${examples[1]}" >plan
  [ "$(jq -sc '[.[] | select(.would == "pay")] | length' plan)" -ge 1 ]
  bash -c "${examples[2]}" | jq -se 'all(.[]; .result == "ignored")'
  bash -c "${examples[3]}" | jq -se 'all(.[]; .[1:] == ["INFLIGHT", 0])'
  bash -c "${examples[4]}" | jq -e '.state == "BROADCAST"'
  mine node 6
  eventually 60 is_synced payer
  bash -c "${examples[2]}" | jq -se 'length >= 1 and all(.[]; .result == "posted")'
  jq -c 'select(.state == "PAID")' onchain.jsonl | ledger post --key "$KEY" | jq -se 'all(.[]; .result == "already")'
  [ "$(ledger balances | jq 'select(.account == "network_fees").balance_msat')" = "$(($(batch 0 | jq .fee_sat) * 1000))" ]
  for miner in $(jq -r .account onchain.jsonl); do ledger balances | jq -se --arg a "$miner" 'any(.[]; .account == $a and .balance_msat <= 0 and .balance_msat > -1000000)'; done
  ledger balances | tail -n 1 | jq -e '.sum_msat == 0'
  ledger verify --key "$KEY" >verified
}
