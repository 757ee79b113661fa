#!/usr/bin/env bats
# The channel manager against three real lnd nodes: the treasury opens a channel, sets its policy, moves balance round a triangle, pays, and closes it.
# timeout: 1500

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/bitcoind
load ../support/lnd
load ../support/settle

setup() {
  lnd_setup
  lnd_two_sides
  bake payer "$T/macaroon"
  # The macaroon is the one of hh-channels(7): these rights, and no others.
  examples "$HH_SRC/man/hh-channels.7" >list
  mapfile -t rights < <(grep '^lncli' list | grep -o 'uri:[^ ]*')
  (umask 077 && ln_cli payer bakemacaroon "${rights[@]}" >"$T/channels.macaroon")
  (umask 077 && openssl rand -hex 32 >key) # the journal that the first channel makes is sealed, as that of the first payment is (L072)
  export HH_LN_JOURNAL_KEY=$T/key
  export HH_LN_LND_URL HH_LN_LND_TLS_CERT HH_LN_LND_MACAROON=$T/macaroon HH_LN_CHANNELS_MACAROON=$T/channels.macaroon HH_LN_DB=$T/pay HH_LN_TIMEOUT_SECONDS=20
  HH_LN_LND_URL=$(lnd_url payer) HH_LN_LND_TLS_CERT=$(lnd_cert payer)
  read -r _ _ peer <"$T/hub.lnd/ports"
  PEER=$(lnd_key hub)@127.0.0.1:$peer
  export PEER
}
teardown() { hh_teardown; }

# The commands of a page's EXAMPLES, one a line, continued lines joined.
examples() {
  sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$1" | sed -n '/^\.Bd/,/^\.Ed/p' | grep -v '^\.' | sed 's/\\e$//' |
    awk '/^\$ /{ if (line) print line; line = substr($0, 3); next } { sub(/^ +/, " "); line = line $0 } END { print line }'
}

channels() { hh-ln channels --json; }
to_hub() { channels | jq -c "select(.type == \"channel\" and .peer == \"$(lnd_key hub)\")"; }
field_of_hub() { to_hub | jq -r ".$1"; }
is_active() { [ "$(field_of_hub state)" = active ]; }
pay_something() {
  sign_round regtest 100000 "a=bolt11:$(ln_cli payee addinvoice --amt_msat 99000000 | jq -r .payment_request)" >m
  hh-ln settle m --key "$KEY" --backoff-ms 200 --wait-seconds 5
}

open_to_hub() {
  hh-ln open "$PEER" 5000000 --sat-per-vbyte 2 --reason "to pay through the hub" --yes >opened
  mine node 6
  eventually 120 is_active
  eventually 60 can_send payer payee 100000
}

@test "open, look, policy, rebalance, pay, close: as planned, and nothing of it is a foreign payment (L011 L013 L015 L016 L043)" {
  # Nothing is ours in the only channel, and there is plenty on chain.
  channels >before
  cat before
  [ "$(tail -1 before | jq -c '[.type, .channels, .outbound_percent, .alarms]')" = '["liquidity",1,0,["outbound_low"]]' ]

  hh-ln open "$PEER" 5000000 --sat-per-vbyte 2 --dry-run >plan
  [ "$(jq -c '[.action, .state, .peer, .amount_sat, .sat_per_vbyte, .cost_sat]' plan)" = "[\"open\",\"planned\",\"$(lnd_key hub)\",5000000,2,340]" ]
  run --separate-stderr hh-ln open "$PEER" 5000000 --sat-per-vbyte 2
  [ "$status" = 64 ]
  [[ $stderr == *--yes* ]]
  run --separate-stderr hh-ln open "$PEER" 5000000 --sat-per-vbyte 2 --yes --channels-reserve-sat 500000000000
  [ "$status" = 65 ]
  [[ $stderr == *"kept there for emergencies"* ]]
  [ "$(ln_cli payer pendingchannels | jq '.pending_open_channels | length')" = 0 ]
  open_to_hub
  [ "$(tail -1 opened | jq -r .channel_point)" = "$(field_of_hub channel_point)" ]
  # What the transaction did cost is not more than was said.
  [ "$(($(ln_cli payer listchaintxns | jq '[.transactions[].total_fees | tonumber] | max')))" -le 340 ]

  hh-ln policy "$(field_of_hub channel)" --base-fee-msat 500 --fee-ppm 77 --yes >policy
  [ "$(tail -1 policy | jq -c '[.state, .base_fee_msat, .fee_ppm, .cltv_delta, .old.cltv_delta]')" = '["done",500,77,80,80]' ]
  edge=$(ln_cli payer getchaninfo --chan_id "$(field_of_hub channel)")
  [ "$(jq -c --arg key "$(lnd_key payer)" 'if .node1_pub == $key then .node1_policy else .node2_policy end | [.fee_base_msat, .fee_rate_milli_msat, .time_lock_delta]' <<<"$edge")" = '["500","77",80]' ]
  [ -z "$(hh-ln policy "$(field_of_hub channel)" --fee-ppm 77 --yes)" ]

  # Round the triangle: out to the hub, on to the payee, in by its channel.
  hh-ln rebalance --max-fee-ppm 5000 --yes >moved
  cat moved
  [ "$(jq -r .state moved | paste -sd' ')" = "PLANNED PAID" ]
  moved=$(tail -1 moved | jq .amount_msat)
  [ "$moved" -ge 1000000000 ]
  [ "$(tail -1 moved | jq .fee_msat)" -le "$(tail -1 moved | jq .fee_limit_msat)" ]
  [ "$(ln_cli payer listinvoices | jq -r '[.invoices[] | select(.state == "SETTLED") | .amt_paid_msat] | join(" ")')" = "$moved" ]
  settled_balances() { [ "$(channels | tail -1 | jq -c .alarms)" = '[]' ]; }
  eventually 30 settled_balances

  pay_something >out
  [ "$(tail -1 out | jq -r .state)" = PAID ]
  [ "$(hh-ln audit | jq -c '[.ok, .paid, .foreign]')" = '[true,1,0]' ]

  run --separate-stderr hh-ln close "$(field_of_hub channel)" --sat-per-vbyte 2
  [ "$status" = 64 ]
  hh-ln close "$(field_of_hub channel)" --yes >closed
  [ "$(jq -r .state closed | paste -sd' ')" = "planned done" ]
  [ "$(field_of_hub state)" = closing ]
  mine node 6
  eventually 60 eval '[ -z "$(to_hub)" ]'
  [ "$(hh-ln decisions | jq -r .action | paste -sd' ')" = "open policy rebalance close" ]
  [ "$(hh-ln decisions | jq -r 'select(.action == "open") | .reason')" = "a channel of 5000000 sat with $(lnd_key hub): to pay through the hub" ]
}

@test "the examples of hh-channels(7) run (D012 L043)" {
  open_to_hub
  ln -s "$T/pay" payments.sqlite
  grep -v '^lncli' list >commands
  [ "$(wc -l <commands)" = 5 ]
  while read -r command <&3; do
    echo "\$ $command" >&2
    bash -o pipefail -c "$command" >>printed
  done 3<commands
  cat printed
  grep -q "2 of 2 channels active" printed
  [ "$(grep -c '"action":"policy","state":"done"\|"state":"done"' printed)" = 2 ]
  [ "$(grep '^{"type":"rebalance"' printed | tail -1 | jq -r .state)" = PAID ]
}

@test "a rebalance that no route can carry within its ceiling costs nothing; lnd gone in the middle leaves it open, and the journal knows it (L013 L028)" {
  open_to_hub
  run --separate-stderr hh-ln rebalance --max-fee-ppm 0 --yes
  echo "$output"
  [ "$status" = 1 ]
  [ "$(echo "$output" | tail -1 | jq -r '.state + " " + .reason')" = "FAILED no route (within the fee limit)" ]
  macaroon=$HH_LN_CHANNELS_MACAROON
  HH_LN_CHANNELS_MACAROON=$HH_LN_LND_MACAROON run --separate-stderr hh-ln rebalance --yes
  [ "$status" = 78 ]
  [[ $stderr == *"refuses the macaroon"* ]]
  export HH_LN_CHANNELS_MACAROON=$macaroon
  # The payee stops, so that the HTLC hangs at the hub; lnd of the payer is killed meanwhile.
  from=$(field_of_hub channel) to=$(channels | jq -r "select(.type == \"channel\" and .peer == \"$(lnd_key payee)\") | .channel")
  kill -s STOP "$(pid_of payee)"
  start moving hh-ln rebalance --from "$from" --to "$to" --sat 500000 --max-fee-ppm 5000 --yes
  eventually 30 eval '[ "$(ln_cli payer listchannels | jq "[.channels[].pending_htlcs[]] | length")" -ge 1 ]'
  stop payer KILL
  wait_for_end moving 60
  [ "$STOPPED" = 75 ]
  kill -s CONT "$(pid_of payee)"
  start_lnd payer node
  run --separate-stderr hh-ln audit
  echo "$output"
  [ "$(echo "$output" | tail -1 | jq -c '[.ok, .foreign]')" = '[true,0]' ]
}
