#!/usr/bin/env bats
# hh-ln reinvest with real lnd nodes in a line, payer -> treasury -> payee: what the treasury's node earns by forwarding is swept and booked to the msat, also
# over a restart of lnd, and a node withdraws its part over Lightning.
# timeout: 1500

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/bitcoind
load ../support/lnd
load ../support/settle
load ../hh-ledger/helper

setup() {
  lnd_setup
  need hh-ledger hh-payout
  lnd_line regtest payer treasury payee
  bake treasury "$T/macaroon"
  # The macaroon for channels of hh-channels(7): it may list what was forwarded.
  mapfile -t rights < <(grep -o 'uri:[^ \\]*' "$HH_SRC/man/hh-channels.7" | sort -u)
  (umask 077 && ln_cli treasury bakemacaroon "${rights[@]}" >"$T/channels.macaroon")
  export HH_LN_LND_URL HH_LN_LND_TLS_CERT HH_LN_LND_MACAROON=$T/macaroon HH_LN_CHANNELS_MACAROON=$T/channels.macaroon HH_LN_DB=$T/pay HH_LN_REINVEST_KEY=$T/treasurer.pub HH_LN_KEY=$KEY HH_LN_CHAIN=regtest
  HH_LN_LND_URL=$(lnd_url treasury) HH_LN_LND_TLS_CERT=$(lnd_cert treasury)
  hh-payout keygen treasurer.pem | jq -r .public >treasurer.pub
}
teardown() { hh_teardown; }

asks() { [ "$(ln_cli payer queryroutes --dest "$(lnd_key payee)" --amt 100000 2>/dev/null | jq -r '.routes[0].total_fees_msat')" = "$1" ]; }
# through MSAT: the payer pays the payee through the treasury's node.
through() { ln_cli payer payinvoice --force --fee_limit 10000 "$(ln_cli payee addinvoice --amt_msat "$1" | jq -r .payment_request)" >/dev/null; }
lnd_earned() { ln_cli treasury fwdinghistory --start_time=-1h --max_events 1000 | jq '[.forwarding_events[].fee_msat | tonumber] | add // 0'; }
has_forwarded() { [ "$(ln_cli treasury fwdinghistory --start_time=-1h --max_events 1000 | jq '.forwarding_events | length')" = "$1" ]; }
swept() { hh-ln reinvest show --json | jq -s '.[0].earned_msat'; }
balance() { ledger balances | jq "select(.account == \"$1\").balance_msat"; }
sweep_and_post() { hh-ln reinvest sweep --now --all | ledger post --key "$KEY" >/dev/null; }

@test "what a node earned by forwarding is swept to the msat, once, over a kill of lnd; a withdrawal of a part is paid and booked (L051 L053)" {
  shares --count 3 --chain regtest | ledger append >/dev/null
  ln_cli treasury updatechanpolicy --base_fee_msat 2001 --fee_rate_ppm 1500 --time_lock_delta 40 >/dev/null
  eventually 60 asks 152001
  jq -nc '{type: "reinvest_policy", v: 1, chain: "regtest", sequence: 1, reinvest_ppm: 400000, least_reinvest_ppm: 0, most_reinvest_ppm: 1000000, min_withdrawal_msat: 1000, max_withdrawal_msat: 1000000000,
    max_day_msat: 1000000000, reserve_msat: 50000000, nodes: [{node: "alpha", weight: 1}]}' | hh-ln reinvest sign --with treasurer.pem | hh-ln reinvest accept >/dev/null
  through 50000000
  through 1234567
  eventually 60 has_forwarded 2  # lnd writes its list every quarter of a minute
  sweep_and_post
  first=$(lnd_earned)
  # 2,001 msat + 1,500 ppm of each amount, rounded down as BOLT 7 says.
  [ "$first" = $((2001 + 50000000 * 1500 / 1000000 + 2001 + 1234567 * 1500 / 1000000)) ]
  [ "$(swept) $(balance treasury)" = "$first $first" ]
  stop treasury KILL
  start_lnd treasury node
  connect payer treasury 2>/dev/null || true
  connect treasury payee 2>/dev/null || true
  eventually 120 has_channel treasury 2
  eventually 120 can_send payer payee 100000
  through 7000000
  eventually 60 has_forwarded 3
  sweep_and_post
  sweep_and_post
  [ "$(swept)" = "$(lnd_earned)" ]
  [ "$(balance treasury)" = "$(lnd_earned)" ]
  [ "$(hh-ln reinvest show --json | jq -s '.[0] | [.unswept_msat, .missing_forwards]' -c)" = '[0,0]' ]
  withdrawable=$(hh-ln reinvest show --json | jq -s '.[1].withdrawable_msat')
  [ "$withdrawable" -gt 50000 ]
  [ "$(balance reserve)" = $((withdrawable - $(lnd_earned))) ]
  # 50 sat of it, and then a too large order, of which it gets what there is.
  jq -nc --arg to "$(ln_cli payee addinvoice --amt_msat 50000 | jq -r .payment_request)" \
    '{type: "withdrawal_order", v: 1, chain: "regtest", node: "alpha", sequence: 1, amount_msat: 50000, destination: {kind: "bolt11", value: $to}}' |
    hh-ln reinvest sign --with treasurer.pem | hh-ln reinvest accept >/dev/null
  hh-ln reinvest pay | hh-payout sign --key signer.pem --now --exp +1d | hh-ln settle --wait-seconds 20 | ledger post --key "$KEY" >out
  jq -se 'map(.result) == ["posted", "posted"]' out
  hh-ln reinvest requests --json | jq -e '.state == "PAID" and .paid_msat == 50000'
  jq -nc --arg to "$(lnd_key payee)" '{type: "withdrawal_order", v: 1, chain: "regtest", node: "alpha", sequence: 2, amount_msat: 9000000, destination: {kind: "node", value: $to}}' |
    hh-ln reinvest sign --with treasurer.pem | hh-ln reinvest accept >/dev/null
  hh-ln reinvest pay | hh-payout sign --key signer.pem --now --exp +1d | hh-ln settle --wait-seconds 20 | ledger post --key "$KEY" >out
  jq -se 'map(.result) == ["posted", "posted"]' out
  rest=$((withdrawable - 50000))
  hh-ln reinvest requests --json | jq -se --argjson paid $((rest - rest % 1000)) '.[1] | .state == "QUEUED" and .paid_msat == $paid'
  [ "$(balance yield:alpha)" = "-$((rest % 1000))" ] || [ "$((rest % 1000))" = 0 ]
  [ "$(ln_cli treasury listpayments | jq '[.payments[] | select(.status == "SUCCEEDED") | .value_msat | tonumber] | add')" = $((withdrawable - rest % 1000)) ]
  ledger balances | tail -n 1 | jq -e '.sum_msat == 0'
  ledger verify --key "$KEY" | jq -se 'all(.[]; .ok)'
}
