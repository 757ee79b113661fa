#!/usr/bin/env bats
# What operators see of hh-ln serve: alarms, dashboard, unit; and what nobody sees: secrets.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/settle
load ../support/service

setup() {
  hh_setup
  make_keys
}
teardown() { hh_teardown; }

@test "every metric that an alarm or the dashboard asks for exists (C080 C081 C082 L060 L061)" {
  serve_api s
  sign_round dev 5000000 $(addresses 1) >m
  api --cert tls/core.cert --key tls/core.key -H 'Content-Type: application/json' --data-binary @m "$API/v1/manifest" >/dev/null
  eventually 20 eval '[ "$(metric "hh_ln_payouts_total{state=\"PAID\"}")" = 1 ]'
  curl -sS --max-time 20 "http://$HTTP/metrics" >metrics
  for file in prometheus/hh-ln.rules.yml prometheus/hh-ln.rules.test.yml grafana/hh-ln.json; do
    asked=$(grep -oE '\bhh_[a-z0-9_]+' "$HH_SRC/packaging/$file" | sed -E 's/^(hh_ln_payment_seconds)_(bucket|sum|count)$/\1/' | sort -u)
    [ "$(wc -w <<<"$asked")" -ge 10 ]
    for name in $asked; do
      grep -q "^# TYPE $name " metrics || { echo "$file asks for $name, which the service does not have"; return 1; }
    done
  done
  jq -e '.panels | length > 10 and all(.targets | length > 0)' "$HH_SRC/packaging/grafana/hh-ln.json"
  jq -e '[.panels[].title] as $t | ["Success rate", "From invoice to proof", "Liquidity"] - $t == []' "$HH_SRC/packaging/grafana/hh-ln.json"
  # Labels that they choose by are there too.
  for label in 'state="FAILED_SAFE"' 'direction="outbound"' 'direction="inbound"' 'kind="confirmed"' 'status="202"'; do grep -qF "$label" metrics || { echo "no $label"; return 1; }; done
}

@test "alarms come when they should and only then (C085 L016 L062)" {
  need promtool
  cd "$HH_SRC/packaging/prometheus"
  run promtool check rules hh-ln.rules.yml
  echo "$output"
  [ "$status" -eq 0 ]
  run promtool test rules hh-ln.rules.test.yml
  echo "$output"
  [ "$status" -eq 0 ]
  for alert in $(sed -n 's/^ *- alert: //p' hh-ln.rules.yml); do grep -q "alertname: $alert$" hh-ln.rules.test.yml || { echo "no test of $alert"; return 1; }; done
}

@test "a disk that makes the journal wait is seen (C085)" {
  "${CC:-cc}" -shared -fPIC -O1 -o slow_disk.so "$HH_SRC/tests/support/slow_disk.c" || skip "no C compiler"
  serve s
  [ "$(metric hh_ln_journal_write_seconds | sed 's/\..*//')" = 0 ]
  stop s
  # The first probe of the journal hangs until the disk goes on.
  touch slow
  : >s.err
  start s bash -c 'export LD_PRELOAD=$T/slow_disk.so HH_SLOW_DISK=$T/slow; exec hh-ln serve --db "$T/pay" --backend sim --key "$KEY" --http 127.0.0.1:0'
  eventually 20 test -e pay-journal
  sleep 1.2
  rm slow
  wait_for_log s '"event":"http"'
  HTTP=$(jq -r 'select(.event == "http") | .address' s.err)
  eventually 20 eval '[ "$(metric hh_ln_journal_write_seconds | sed "s/\..*//")" -ge 1 ]'
}

@test "Prometheus itself raises the alarm when payments use up what can be sent (L089)" {
  need prometheus
  serve s --inbox "$(mkdir inbox && echo "$T/inbox")" --sim-balance-msat 6000000000
  sed -E 's/^( *for:) .*/\1 0s/' "$HH_SRC/packaging/prometheus/hh-ln.rules.yml" >rules.yml
  cat >prometheus.yml <<YML
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: hh-ln
    static_configs: [{targets: ["$HTTP"]}]
YML
  port=$(free_port)
  start prometheus prometheus --config.file prometheus.yml --storage.tsdb.path "$T/tsdb" --web.listen-address "127.0.0.1:$port" --log.level warn
  firing() { curl -sS --max-time 5 "http://127.0.0.1:$port/api/v1/alerts" | jq -r '.data.alerts[] | select(.state == "firing") | .labels.alertname'; }
  scraped() { [ "$(curl -sS --max-time 5 "http://127.0.0.1:$port/api/v1/query?query=hh_ln_node_up" | jq -r '.data.result[0].value[1]')" = 1 ]; }
  eventually 60 scraped
  run ! grep -q HhLnOutboundLow <(firing)
  sign_round dev 5000000 $(addresses 2) >m && mv m inbox/m # 4.95 million of 6 million sat
  eventually 60 eval 'firing | grep -q HhLnOutboundLow'
}

@test "the unit is one that systemd takes, and shuts the service in (L006)" {
  need systemd-analyze
  mkdir -p unit/usr/bin
  # The program and the user are not installed here: verify is about the unit.
  sed "s|/usr/bin/hh-ln|$(command -v true)|" "$HH_SRC/packaging/systemd/hh-ln.service" >hh-ln.service
  run systemd-analyze verify --man=no ./hh-ln.service
  echo "$output"
  [ "$status" -eq 0 ]
  [ -z "$(grep -v 'hh-report\|^$' <<<"$output")" ]
  run systemd-analyze security --offline=true --threshold=15 ./hh-ln.service
  echo "$output" | tail -3
  [ "$status" -eq 0 ]
  grep -qx 'Restart=on-failure' hh-ln.service
}

# secrets FILE…: fails where one of the canaries, one a line in $T/canaries, is in a file.
hidden_in() {
  local file canary
  while read -r canary; do
    [ ${#canary} -ge 16 ] || { echo "a canary is too short: $canary"; return 1; }
    for file; do
      ! grep -aqF -- "$canary" "$file" || { echo "$file shows $canary"; return 1; }
    done
  done <canaries
}

@test "no secret is in logs, arguments, environment or a core dump (L063)" {
  ulimit -c unlimited || true
  start lnd "$HH_SRC/tests/support/fake_lnd.py" lnd
  eventually 30 test -s lnd.out
  (umask 077 && printf '\2\1\3canary-of-a-macaroon' >macaroon)
  make_certificates
  mkdir inbox
  start s hh-ln serve --db "$T/pay" --backend lnd --lnd-url "http://127.0.0.1:$(cat lnd.out)" --lnd-macaroon "exec:cat $T/macaroon" --key "$KEY" --inbox "$T/inbox" --log-level debug --chain regtest \
    --api-listen 127.0.0.1:0 --api-tls-certificate "$T/tls/server.cert" --api-tls-key "exec:cat $T/tls/server.key" --api-client-ca "$T/tls/ca.cert"
  wait_for_log s '"event":"serving"'
  API=https://$(jq -r 'select(.event == "api") | .address' s.err)
  secret=$(token tess treasurer)
  code=$(code tess)
  api -H "Authorization: Bearer $secret" -H "X-HH-TOTP: $code" -H 'Content-Type: application/json' -d '{"reason":"a canary"}' "$API/v1/admin/pause" >/dev/null
  api -H "Authorization: Bearer ${secret}x" "$API/v1/treasury/status" >/dev/null
  api "$API/v1/treasury/status?token=$secret" >/dev/null
  sign_round regtest 5000000 "rig=node:03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad" >m
  mv m inbox/m
  eventually 20 test -e inbox/done/m
  hh-ln resume --db "$T/pay"
  eventually 30 eval '[ "$(sqlite3 pay "SELECT count(*) FROM attempts")" -ge 1 ]'
  pid=$(pgrep -P "$(pid_of s)" -x hh-ln || pid_of s)
  {
    printf '\2\1\3canary-of-a-macaroon' | xxd -p
    echo canary-of-a-macaroon
    echo "$secret"
    sed 's/.*secret=\([A-Z2-7]*\).*/\1/' tess.otp
    sqlite3 pay "SELECT value FROM meta WHERE key = 'keysend_secret'"
    sed -n 2p tls/server.key
    # The preimage of the keysend that is under way: HMAC of the journal's secret, hh-ln(1).
    python3 - "$(sqlite3 pay "SELECT value FROM meta WHERE key = 'keysend_secret'")" "$(sqlite3 pay "SELECT manifest_id || '/' || line || '/1' FROM attempts LIMIT 1")" <<'PY'
import hashlib, hmac, sys
print(hmac.new(bytes.fromhex(sys.argv[1]), sys.argv[2].encode(), hashlib.sha256).hexdigest())
PY
  } >canaries
  [ "$(wc -l <canaries)" -eq 7 ]
  tr '\0' '\n' <"/proc/$pid/environ" >environ
  tr '\0' '\n' <"/proc/$pid/cmdline" >arguments
  [ -s arguments ]
  hidden_in s.err environ arguments
  grep -qE '^Max core file size +0 +0 ' "/proc/$pid/limits"
  kill -ABRT "$pid"
  wait_for_end s
  [ -z "$(find "$T" -type f \( -name core -o -name 'core.[0-9]*' \))" ]
  # Each line is JSON; those about payments name them.
  jq -es 'all(has("ts") and has("event"))' s.err
  hidden_in s.err
}

@test "a log line about a payment names manifest and payment hash (L063)" {
  mkdir inbox
  serve s --inbox "$T/inbox"
  sign_round dev 5000000 $(addresses 2) >m && mv m inbox/m
  eventually 20 eval '[ "$(grep -c "\"event\":\"paid\"" s.err)" = 2 ]'
  jq -se --arg id "$(jq -r .manifest_id inbox/done/m)" '[.[] | select(.event == "paid")] | all(.manifest_id == $id and (.payment_hash | test("^[0-9a-f]{64}$")))' s.err
  sqlite3 pay "SELECT preimage FROM attempts" >canaries # not even when it is paid: the proof is in the records
  hidden_in s.err
}

@test "what hh-treasury(7) tells to do can be done: commands, settings, metrics, alarms and files are there (L100 L102 L103 L104)" {
  page=$HH_SRC/man/hh-treasury.7
  for section in OVERVIEW OPERATIONS AUDIT TROUBLE "BACKUP AND RESTORE"; do grep -qx "\.Sh $section" "$page"; done
  commands=$(hh-ln --help | awk '/^Subcommands:/ { on = 1; next } on && /^  [a-z]/ { print $1 }')
  named=$(grep -ohE '\bhh-ln [a-z]+( --[a-z]+)*' "$page" | sed 's/ --.*//' | awk '{ print $2 }' | sort -u)
  [ "$(wc -w <<<"$named")" -ge 10 ]
  for name in $named; do grep -qx "$name" <<<"$commands" || { echo "there is no hh-ln $name"; return 1; }; done
  while read -r command option; do hh-ln "$command" --help | grep -q -- "$option" || { echo "hh-ln $command has no $option"; return 1; }; done < <(grep -ohE '\bhh-ln [a-z]+ --[a-z]+' "$page" | awk '{ print $2, $3 }' | sort -u)
  for file in $(grep -ohE '\bpackaging/[a-z./-]+[a-z]' "$page"); do [ -e "$HH_SRC/$file" ] || { echo "no $file"; return 1; }; done
  for alert in $(grep -ohE '\bHhLn[A-Za-z]+' "$page"); do grep -q "alert: $alert$" "$HH_SRC/packaging/prometheus/hh-ln.rules.yml"; done
  serve_api s
  curl -sS "http://$HTTP/metrics" >metrics
  for name in $(grep -ohE '\bhh_ln_[a-z_]+' "$page"); do grep -q "^# TYPE $name " metrics || { echo "no $name"; return 1; }; done
  for key in $(grep -E '^\.Va [a-z_.]+' "$page" | awk '{ print $2 }' | grep -vE '^(hh_ln_|HhLn)'); do hh-ln config | jq -se --arg k "$key" 'any(.key == $k)' >/dev/null || { echo "no setting $key"; return 1; }; done
}
