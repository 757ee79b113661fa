#!/usr/bin/env bats
# hh-ln settle over three real lnd nodes in a line, treasury -> hub -> payee: what payments cost, and what can go wrong between the ends while a
# payment is under way. The payee holds invoices back (hold invoices), so that "under way" lasts as long as a test wants.
# timeout: 1500

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/bitcoind
load ../support/lnd
load ../support/settle

setup() {
  lnd_setup
  lnd_line regtest treasury hub payee
  bake treasury "$T/macaroon"
}
teardown() { hh_teardown; }

settings() {
  printf '%s\n' --db "$T/pay" --key "$KEY" --lnd-url "$(lnd_url treasury)" --lnd-tls-cert "$(lnd_cert treasury)" --lnd-macaroon "$T/macaroon" --backoff-ms 200 --wait-seconds 2 --timeout-seconds 5
}
pay() { mapfile -t words < <(settings) && hh-ln settle "${words[@]}" "$@"; }
audit() { hh-ln audit --db "$T/pay" --lnd-url "$(lnd_url treasury)" --lnd-tls-cert "$(lnd_cert treasury)" --lnd-macaroon "$T/macaroon"; }

bolt11() { ln_cli payee addinvoice --amt_msat "$1" | jq -r .payment_request; }
# hold NAME MSAT: an invoice that the payee settles or cancels only when told; its preimage is in $T/NAME.preimage
hold() {
  head -c 32 /dev/urandom | xxd -p -c 64 >"$T/$1.preimage"
  xxd -r -p <"$T/$1.preimage" | sha256sum | cut -d' ' -f1 >"$T/$1.hash"
  ln_cli payee addholdinvoice "$(cat "$T/$1.hash")" --amt_msat "$2" | jq -r .payment_request
}
invoice_is() { [ "$(ln_cli payee lookupinvoice "$(cat "$T/$1.hash")" | jq -r .state)" = "$2" ]; }
settle_invoice() { ln_cli payee settleinvoice "$(cat "$T/$1.preimage")" >/dev/null; }
received() { ln_cli payee listinvoices --max_invoices 1000 | jq '[.invoices[] | select(.state == "SETTLED") | .amt_paid_msat | tonumber] | add // 0'; }
line_state() { hh-ln status --db "$T/pay" --json | jq -r "select(.manifest_id == $(jq '.manifest_id' "$1")) | .state" | sort | uniq | tr '\n' ' '; }
hub_asks() { [ "$(ln_cli treasury queryroutes --dest "$(lnd_key payee)" --amt 100000 2>/dev/null | jq -r '.routes[0].total_fees_msat')" = "$1" ]; }
hub_earned() { [ "$(ln_cli hub fwdinghistory --start_time=-1h | jq '[.forwarding_events[].fee_msat | tonumber] | add')" = "$1" ]; }

# begin MANIFEST NAME…: settles in the background until the payee has the HTLCs of these hold invoices
begin() {
  local manifest=$1 name
  shift
  mapfile -t words < <(settings)
  start settle hh-ln settle "${words[@]}" "$manifest"
  for name in "$@"; do eventually 60 invoice_is "$name" ACCEPTED; done
}
# lnd waits longer and longer before it calls a peer again that was gone; here it is told to. CHANNELS: of the payee
rejoin() {
  connect treasury hub 2>/dev/null || true
  connect hub payee 2>/dev/null || true
  has_channel treasury && has_channel payee "$1"
}
# The run that is under way ends by itself and says that it does not know yet.
ends_open() {
  wait_for_end settle 90
  [ "$STOPPED" = 75 ]
}

@test "a hub's fees are paid and booked to the msat; a limit below them, a drained channel and a hub that is away pay nothing, then all is paid once (L022 L083)" {
  ln_cli hub updatechanpolicy --base_fee_msat 2000 --fee_rate_ppm 1500 --time_lock_delta 40 >/dev/null
  eventually 60 hub_asks 152000
  # 99,000,000 msat for each of two; 2,000 + 1,500 ppm are 150,500 msat each.
  sign_round regtest 200000 "a=bolt11:$(bolt11 99000000)" "b=bolt11:$(bolt11 99000000)" >m
  # In one part: else lnd spends what the limit allows on parts that do arrive, finds no route for the rest, and the payment is under way until
  # the payee gives those parts up, which takes it minutes.
  run --separate-stderr pay m --fee-limit-ppm 1000 --fee-limit-base-msat 0 --max-parts 1
  echo "$output"
  [ "$status" = 1 ]
  [ "$(echo "$output" | jq -r 'select(.type == "settlement") | .state' | sort | uniq -c | xargs)" = "2 FAILED_SAFE" ]
  [ "$(received)" = 0 ]
  pay m >out
  [ "$(jq -s '[.[] | select(.state == "PAID") | .fee_msat] | add' out)" = 301000 ]
  [ "$(ln_cli treasury listpayments | jq '[.payments[] | select(.status == "SUCCEEDED") | .fee_msat | tonumber] | add')" = 301000 ]
  eventually 60 hub_earned 301000  # lnd writes its list of forwards every quarter of a minute
  [ "$(received)" = 198000000 ]
  [ "$(audit | jq -c '[.ok, .paid, .paid_msat, .fees_msat, .alarms]')" = '[true,2,198000000,301000,0]' ]

  # The hub has less than that left towards the payee: lnd finds out on the way, and gives the payment up.
  ln_cli hub payinvoice --force "$(ln_cli payee addinvoice --amt 4000000 | jq -r .payment_request)" >/dev/null
  sign_round regtest 2000000 "c=bolt11:$(bolt11 1980000000)" >c
  run --separate-stderr pay c --max-parts 1
  echo "$output"
  [ "$status" = 1 ]
  [ "$(line_state c)" = "FAILED_SAFE " ]
  # A second channel would do as well once the treasury's lnd has heard of it, which may take gossip minutes; so the payee gives some back.
  ln_cli payee payinvoice --force "$(ln_cli hub addinvoice --amt 3000000 | jq -r .payment_request)" >/dev/null
  eventually 60 can_send hub payee 2500000

  stop hub KILL
  run --separate-stderr pay c --max-parts 1
  echo "$output"
  [ "$status" = 1 ] || [ "$status" = 75 ]
  [[ "$(line_state c)" =~ ^(FAILED_SAFE|INFLIGHT)\ $ ]]
  start_lnd hub node
  eventually 120 rejoin 1
  eventually 60 can_send treasury payee 1980000
  # lnd remembers for an hour that the hub could not pass this amount on, and finds no route meanwhile but by chance; an operator would tell it, too.
  ln_cli treasury resetmc >/dev/null
  end=$((SECONDS + 120))
  until pay c >out || [ $SECONDS -ge $end ]; do sleep 1; done
  [ "$(line_state c)" = "PAID " ]
  [ "$(received)" = $((198000000 + 4000000000 + 1980000000)) ]
  [ "$(audit | jq -c '[.ok, .paid, .alarms]')" = '[true,3,0]' ]
}

@test "an HTLC is out while the hub, then the treasury's lnd is killed, then stopped: the line stays INFLIGHT, nothing is sent again, it is paid once (L086)" {
  sign_round regtest 100000 "a=bolt11:$(hold a 99000000)" >m
  begin m a
  stop hub KILL
  ends_open
  [ "$(line_state m)" = "INFLIGHT " ]
  start_lnd hub node
  stop treasury KILL
  run --separate-stderr pay m
  [ "$status" = 69 ]
  start_lnd treasury node
  kill -STOP "$(pid_of treasury)"
  start settle env HH_LN_LOG_LEVEL=warn hh-ln settle --db "$T/pay" --key "$KEY" --lnd-url "$(lnd_url treasury)" --lnd-tls-cert "$(lnd_cert treasury)" --lnd-macaroon "$T/macaroon" \
    --wait-seconds 1 --timeout-seconds 1 m
  sleep 3
  kill -CONT "$(pid_of treasury)"
  ends_open
  [ "$(line_state m)" = "INFLIGHT " ]
  invoice_is a ACCEPTED
  eventually 120 rejoin 1
  settle_invoice a
  end=$((SECONDS + 120))
  until pay m >out || [ $SECONDS -ge $end ]; do sleep 1; done
  [ "$(line_state m)" = "PAID " ]
  [ "$(received)" = 99000000 ]
  [ "$(ln_cli treasury listpayments --include_incomplete | jq '[.payments[] | select(.status == "SUCCEEDED")] | length')" = 1 ]
  [ "$(audit | jq -c '[.ok, .paid, .alarms]')" = '[true,1,0]' ]
}

@test "the channel is force-closed with two HTLCs in it: one is claimed on chain and PAID with its proof, the other times out and is FAILED_SAFE (C075)" {
  sign_round regtest 400000 "a=bolt11:$(hold a 198000000)" "b=bolt11:$(hold b 198000000)" >m
  begin m a b
  local point
  point=$(ln_cli treasury listchannels | jq -r '.channels[0].channel_point')
  ln_cli treasury closechannel --force --chan_point "$point" >/dev/null
  ends_open
  [ "$(line_state m)" = "INFLIGHT " ]
  settle_invoice a
  ln_cli payee cancelinvoice "$(cat b.hash)" >/dev/null
  # The hub claims one by its preimage; the other can be taken back when its time lock has passed. Both take blocks, and the nodes time to react.
  local blocks
  for ((blocks = 0; blocks < 200; blocks += 10)); do
    mine node 10
    eventually 60 is_synced treasury
    eventually 60 is_synced hub
    sleep 1
    pay m >out 2>err || true
    [ "$(line_state m)" = "FAILED_SAFE PAID " ] && break
  done
  echo "$blocks blocks"; cat out
  [ "$(line_state m)" = "FAILED_SAFE PAID " ]
  [ "$(jq -r 'select(.state == "PAID") | .preimage' out)" = "$(cat a.preimage)" ]
  [ "$(received)" = 198000000 ]
  [ "$(audit | jq -c '[.ok, .paid, .alarms]')" = '[true,1,0]' ]
}
