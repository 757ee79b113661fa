#!/usr/bin/env bats
# hh-ln serve looks after the channels of real lnd nodes: a triangle of the treasury, a hub and a payee, in which the treasury's channel to the hub is opened last.
# timeout: 1500

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/bitcoind
load ../support/lnd
load ../support/settle
load ../support/service

setup() {
  lnd_setup
  export LND_ANNOUNCED=1
  lnd_two_sides
  bake payer "$T/macaroon"
  # The macaroon is the one of hh-channels(7): these rights, and no others.
  mapfile -t rights < <(sed -n '/lncli bakemacaroon/,/TrackPaymentV2/p' "$HH_SRC/man/hh-channels.7" | grep -o 'uri:[^ ]*')
  (umask 077 && ln_cli payer bakemacaroon "${rights[@]}" >"$T/channels.macaroon")
  export HH_LN_LND_URL HH_LN_LND_TLS_CERT HH_LN_LND_MACAROON=$T/macaroon HH_LN_CHANNELS_MACAROON=$T/channels.macaroon HH_LN_DB=$T/pay HH_LN_TIMEOUT_SECONDS=20 HH_LN_KEY=$KEY
  HH_LN_LND_URL=$(lnd_url payer) HH_LN_LND_TLS_CERT=$(lnd_cert payer)
}
teardown() { hh_teardown; }

serve_lnd() {
  [ -d "$T/tls" ] || make_certificates
  : >"$T/s.err"
  start s hh-ln serve --http 127.0.0.1:0 --channels-keep-seconds 1 --api-listen 127.0.0.1:0 --api-tls-certificate "$T/tls/server.cert" --api-tls-key "$T/tls/server.key" "$@"
  wait_for_log s '"event":"serving"'
  HTTP=$(jq -r 'select(.event == "http") | .address' "$T/s.err" | tail -1)
  API=https://$(jq -r 'select(.event == "api") | .address' "$T/s.err" | tail -1)
}
is() { [ "$(metric "$1")" = "$2" ]; }
open_to_hub() {
  local peer
  read -r _ _ peer <"$T/hub.lnd/ports"
  hh-ln open "$(lnd_key hub)@127.0.0.1:$peer" 5000000 --sat-per-vbyte 2 --yes
  mine node 6
  eventually 120 is 'hh_ln_channels{state="active"}' 2
  eventually 60 can_send payer payee 100000
}
# payee_pays_hub SAT: the payee has nothing in its channel with the hub, so this goes through the treasury, which earns a fee.
payee_pays_hub() {
  ln_cli payee resetmc >/dev/null
  ln_cli payee payinvoice --force --pay_req "$(ln_cli hub addinvoice --amt "$1" | jq -r .payment_request)" --timeout 30s >/dev/null
}
# As lnd has it; it writes its history every 15 seconds.
earned() { ln_cli payer fwdinghistory --start_time "-1y" --max_events 50000 | jq '[.forwarding_events[].fee_msat | tonumber] | add // 0'; }
forwards() { ln_cli payer fwdinghistory --start_time "-1y" --max_events 50000 | jq '.forwarding_events | length'; }
has_forwards() { [ "$(forwards)" = "$1" ]; }
as() { api -H "Authorization: Bearer $SECRET" "$@"; }
admin() { as -w '\n%{http_code}\n' -H "X-HH-TOTP: $1" -H 'Content-Type: application/json' -d "$3" "$API/v1/admin/$2"; }

@test "the service raises the alarm, connects a peer again, counts what forwards earn to the millisatoshi, and rebalances when it is asked (L011 L013 L016 L043 C082)" {
  serve_lnd
  # Nothing in the only channel is ours.
  wait_for_log s '"event":"liquidity_alarm".*"alarm":"outbound_low"'
  eventually 20 is 'hh_ln_liquidity_alarm{alarm="outbound_low"}' 1
  open_to_hub >/dev/null
  wait_for_log s '"event":"liquidity_alarm_over".*"alarm":"outbound_low"' 60
  is 'hh_ln_liquidity_alarm{alarm="outbound_low"}' 0
  is 'hh_ln_onchain_reserve_sat{kind="want"}' 2000000

  # lnd does not call a peer again that it was told to leave.
  eventually 60 eval '[ "$(ln_cli payer getnodeinfo "$(lnd_key hub)" | jq ".node.addresses | length")" -ge 1 ]'
  ln_cli payer disconnect "$(lnd_key hub)" >/dev/null
  wait_for_log s "\"event\":\"peer_connected\".*$(lnd_key hub)" 60
  eventually 60 is 'hh_ln_channels{state="active"}' 2
  eventually 60 is 'hh_ln_liquidity_alarm{alarm="peer_offline"}' 0

  is hh_ln_fees_earned_msat_total 0
  eventually 60 can_send payee hub 100000
  payee_pays_hub 100000
  payee_pays_hub 250001
  eventually 60 has_forwards 2
  eventually 30 is hh_ln_forwards_total 2
  [ "$(earned)" -ge 2000 ]
  is hh_ln_fees_earned_msat_total "$(earned)"
  # Another run goes on where this one was.
  stop s
  serve_lnd
  eventually 30 is hh_ln_channels_up 1
  is hh_ln_fees_earned_msat_total "$(earned)"
  payee_pays_hub 50000
  eventually 60 has_forwards 3
  eventually 30 is hh_ln_forwards_total 3
  is hh_ln_fees_earned_msat_total "$(earned)"
  [ "$(sqlite3 pay 'SELECT sum(fee_msat) FROM fees_earned')" = "$(earned)" ]

  SECRET=$(token tess treasurer)
  to_hub=$(as "$API/v1/channels" | jq -r ".channels[] | select(.peer == \"$(lnd_key hub)\") | .channel")
  run admin "$(code tess)" policy "{\"channel\":\"$to_hub\",\"fee_ppm\":77,\"reason\":\"cheaper\"}"
  echo "$output"
  [ "${lines[1]}" = 200 ]
  edge=$(ln_cli payer getchaninfo --chan_id "$to_hub")
  [ "$(jq -r --arg key "$(lnd_key payer)" 'if .node1_pub == $key then .node1_policy else .node2_policy end | .fee_rate_milli_msat' <<<"$edge")" = 77 ]
  eventually 30 eval '[ "$(as "$API/v1/channels" | jq ".channels[] | select(.channel == \"$to_hub\") | .policy.fee_ppm")" = 77 ]'
  ln_cli payer resetmc >/dev/null
  run admin "$(code tess 30)" rebalance '{"sat":100000,"max_fee_ppm":5000,"reason":"more inbound"}'
  echo "$output"
  [ "${lines[1]}" = 202 ]
  jq -e '.state == "PLANNED" and .amount_msat == 100000000' <<<"${lines[0]}"
  eventually 60 eval 'as "$API/v1/rebalances" | jq -e ".rebalances[0].state == \"PAID\""'
  is 'hh_ln_rebalance_events_total{state="PAID"}' 1
  is hh_ln_rebalance_fees_msat_total "$(as "$API/v1/rebalances" | jq '.rebalances[0].fee_msat')"
  hh-ln audit | jq -e '.ok and .foreign == 0'
  hh-ln decisions | jq -se 'map(.action) == ["open", "policy", "rebalance"] and (.[1:] | all(.name == "tess (token 1)"))'
}

@test "told to, the service sets its policy and rebalances by itself, within its ceilings, and pays miners all the same (L013 L043)" {
  serve_lnd
  open_to_hub >/dev/null
  sleep 3
  is 'hh_ln_rebalance_events_total{state="SENT"}' 0 # off unless it is asked for
  stop s
  serve_lnd --channels-rebalance true --channels-rebalance-fee-ppm 5000 --channels-rebalance-most-sat 200000 --channels-fee-ppm 55 --channels-cltv-delta 40 --inbox "$(mkdir -p inbox && echo "$T/inbox")"
  eventually 120 eval '[ "$(metric "hh_ln_rebalance_events_total{state=\"PAID\"}")" -ge 1 ]'
  hh-ln decisions | jq -se '[.[] | select(.action == "rebalance")] | length >= 1 and all(.name == "hh-ln serve")'
  [ "$(sqlite3 pay 'SELECT max(amount_msat) FROM rebalances')" = 200000000 ]
  [ "$(sqlite3 pay "SELECT count(*) FROM rebalances WHERE fee_msat > fee_limit_msat")" = 0 ]
  [ "$(ln_cli payer feereport | jq '[.channel_fees[].fee_per_mil | tonumber] | all(. == 55)')" = true ]
  sign_round regtest 100000 "a=bolt11:$(ln_cli payee addinvoice --amt_msat 99000000 | jq -r .payment_request)" >m
  mv m inbox/m
  eventually 90 eval '[ "$(metric "hh_ln_payouts_total{state=\"PAID\"}")" = 1 ]'
  hh-ln audit | jq -e '.ok and .foreign == 0 and .paid == 1'
}
