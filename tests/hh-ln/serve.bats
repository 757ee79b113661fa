#!/usr/bin/env bats
# hh-ln serve: manifests come in by file, pipe and source, are paid in the background, once, and go on where they were after whatever happened.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/settle
load ../support/service

setup() {
  hh_setup
  make_keys
}
teardown() { hh_teardown; }

paid_records() { jq -s '[.[] | select(.type == "settlement" and .state == "PAID")] | length' "$1.out"; }
all_paid() { [ "$(paid_records "$1")" -eq "$2" ]; }
each_once() { [ -z "$(spent | awk '$2 != 1')" ]; }

@test "a manifest in the inbox is paid, its settlements are printed, and the file is done (L040)" {
  mkdir inbox
  serve s --inbox "$T/inbox"
  sign_round dev 5000000 $(addresses 3) >m
  mv m inbox/one.jsonl
  eventually 20 all_paid s 3
  [ -e inbox/done/one.jsonl ]
  [ "$(head -1 s.out | jq -r .type)" = signed_manifest ]
  hh-ln status --db "$T/pay" --json | jq -se 'length == 3 and all(.state == "PAID")'
  [ "$(metric 'hh_ln_payouts_total{state="PAID"}')" = 3 ]
  [ "$(metric hh_ln_queue_lines)" = 0 ]
  each_once
  stop s
  [ "$STOPPED" -eq 0 ]
}

@test "a file with one bad manifest is refused whole, with the reason beside it; others go on (L040)" {
  mkdir inbox
  sign_round dev 5000000 $(addresses 1) >good
  { cat good; sign_round dev 5000000 $(addresses 2) | jq -c '.jws |= sub("\\.[^.]*$"; ".AAAA")'; } >both
  : >empty
  serve s --inbox "$T/inbox"
  mv both inbox/both
  mv empty inbox/empty
  eventually 20 test -e inbox/refused/both.reason
  grep -q malformed inbox/refused/both.reason || grep -q signature inbox/refused/both.reason
  [ ! -s pay.sim ] || [ -z "$(spent)" ]
  cp good inbox/.half
  mv inbox/.half inbox/both
  eventually 20 test -e inbox/done/both
  eventually 20 all_paid s 1
  eventually 20 test -e inbox/refused/empty.reason
}

@test "manifests come from standard input too, and its end ends nothing" {
  sign_round dev 5000000 $(addresses 2) >m
  mkfifo pipe
  start s bash -c 'exec hh-ln serve - --db "$T/pay" --backend sim --key "$KEY" <pipe'
  exec 7>pipe
  wait_for_log s '"event":"serving"'
  cat m >&7
  echo nonsense >&7
  eventually 20 all_paid s 2
  wait_for_log s '"event":"manifest_refused"'
  exec 7>&-
  wait_for_log s '"event":"input_ended"'
  is_running s
}

@test "while it runs other commands that write go through it, and two services do not share a journal (L043)" {
  sign_round dev 5000000 $(addresses 2) >m
  mkdir inbox
  serve s --inbox "$T/inbox" --sim-faults down=1
  cp m inbox/.m && mv inbox/.m inbox/m
  eventually 20 test -e inbox/done/m
  id=$(jq -r .manifest_id m)
  run hh-ln hold "$id" 1 --reason "a test" --db "$T/pay" --backend sim --lock-wait-seconds 0
  [ "$status" -eq 0 ]
  jq -e '.state == "HELD" and .line == 1 and .reason == "a test"' <<<"$output"
  run hh-ln release "$id" 1 --db "$T/pay" --backend sim --lock-wait-seconds 0
  jq -e '.state == "PLANNED"' <<<"$output"
  run --separate-stderr hh-ln hold "$id" 99 --reason "a test" --db "$T/pay"
  [ "$status" -eq 65 ]
  run --separate-stderr hh-ln serve --db "$T/pay" --backend sim --key "$KEY" --lock-wait-seconds 0
  [ "$status" -eq 75 ]
  stop s
  run hh-ln hold "$id" 1 --reason "without it" --db "$T/pay" --backend sim # the same, when nobody serves
  [ "$status" -eq 0 ]
}

@test "where the journal breaks under it, the service ends in order, with a status that says why (L041)" {
  serve s
  printf 'x%.0s' $(seq 200) | dd of=pay conv=notrunc status=none
  metric hh_ln_paused || true
  wait_for_end s 30
  [ "$STOPPED" = 65 ]
  grep -q '"event":"stopped"' s.err
}

@test "paused, it takes manifests and pays none, also after a restart; resumed, it pays (L043)" {
  mkdir inbox
  serve s --inbox "$T/inbox"
  hh-ln pause --reason "the books are open" --db "$T/pay"
  [ "$(metric hh_ln_paused)" = 1 ]
  sign_round dev 5000000 $(addresses 3) >m && mv m inbox/m
  eventually 20 test -e inbox/done/m
  sleep 1
  [ -z "$(spent)" ]
  stop s
  serve s --inbox "$T/inbox"
  sleep 1
  [ -z "$(spent)" ]
  hh-ln resume --db "$T/pay"
  eventually 20 all_paid s 3
  each_once
}

@test "a wallet that is away defers the payout, and it goes on by itself (C129 L086)" {
  mkdir inbox
  start lnd "$HH_SRC/tests/support/fake_lnd.py" lnd
  eventually 30 test -s lnd.out
  port=$(cat lnd.out)
  stop lnd KILL
  (umask 077 && printf '\2\1\3lnd\n' >macaroon)
  sign_round regtest 5000000 $(addresses 1) >m
  start s hh-ln serve --db "$T/pay" --backend lnd --lnd-url "http://127.0.0.1:$port" --lnd-macaroon "$T/macaroon" --key "$KEY" --inbox "$T/inbox" --http 127.0.0.1:0
  wait_for_log s '"event":"node_away"'
  HTTP=$(jq -r 'select(.event == "http") | .address' s.err)
  mv m inbox/m
  eventually 20 test -e inbox/done/m
  [ "$(metric hh_ln_node_up)" = 0 ]
  [ "$(metric hh_ln_queue_lines)" = 1 ]
  [ "$(curl -sS -o health -w '%{http_code}' "http://$HTTP/healthz")" = 503 ]
  grep -q "cannot be reached" health
  start lnd "$HH_SRC/tests/support/fake_lnd.py" lnd "$port"
  wait_for_log s '"event":"node_is_back"' 40
  [ "$(curl -sS -o health -w '%{http_code}' "http://$HTTP/healthz")" = 200 ]
}

@test "payments that fail are tried again on a schedule until they are paid (C075)" {
  mkdir inbox
  serve s --inbox "$T/inbox" --sim-faults fail=5 --attempts 1
  sign_round dev 5000000 $(addresses 2) >m && mv m inbox/m
  eventually 40 all_paid s 2
  each_once
  [ "$(metric 'hh_ln_payouts_total{state="FAILED_SAFE"}')" -ge 5 ]
}

@test "killed at any moment it goes on, pays nothing twice, and loses no line of its output (C126 L086)" {
  mkdir inbox
  sign_round dev 50000000 $(addresses 20) >m && cp m inbox/m
  : >all
  for ((i = 0; i < 8; i++)); do
    serve s --inbox "$T/inbox" --sim-faults slow_ms=30,reply_lost=2
    sleep "0.$((RANDOM % 5))"
    stop s KILL
    cat s.out >>all
  done
  serve s --inbox "$T/inbox"
  eventually 60 eval '[ "$(spent | wc -l)" = 20 ]'
  eventually 60 eval '[ "$(metric hh_ln_queue_lines)" = 0 ]'
  stop s
  cat s.out >>all
  each_once
  [ "$(jq -Rr 'fromjson? | select(.type == "settlement") | .line' all | sort -un | wc -l)" = 20 ]
}

@test "manifests are fetched from a source, which may be away, and are not asked for again when they have not changed (L087)" {
  sign_round dev 5000000 $(addresses 2) >m
  cat >source.py <<'PY'
import http.server, pathlib, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        same = self.headers.get("If-None-Match") == '"1"'
        self.send_response(304 if same else 200)
        self.send_header("ETag", '"1"')
        body = b"" if same else pathlib.Path("m").read_bytes()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        print(304 if same else 200, flush=True)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
PY
  port=$(free_port)
  serve s --source-url "http://127.0.0.1:$port/manifests" --source-every-seconds 1
  wait_for_log s '"event":"source_away"'
  [ "$(metric hh_ln_source_failures_total)" -ge 1 ]
  start source python3 source.py "$port"
  eventually 30 all_paid s 2
  eventually 30 grep -q 304 source.out
  stop source KILL
  eventually 30 eval '[ "$(metric hh_ln_source_failures_total)" -ge 2 ]'
  is_running s
}

@test "SIGHUP takes another signer's key, and a bad one changes nothing (C124)" {
  mkdir inbox
  hh-payout keygen "$T/second.pem" | jq -r .public >second.pub
  hh-payout key --key signer.pem | jq -r .public >signers.pub
  serve s --inbox "$T/inbox" --key "$T/signers.pub"
  sign_round dev 5000000 $(addresses 1) >/dev/null
  hh-payout sign --key second.pem --now --exp +1d <payout.json >m
  cp m inbox/.m && mv inbox/.m inbox/m
  eventually 20 test -e inbox/refused/m.reason
  cp second.pub signers.pub
  kill -HUP "$(pid_of s)"
  wait_for_log s '"event":"reloaded"'
  mv m inbox/again
  eventually 20 all_paid s 1
  echo nonsense >signers.pub
  kill -HUP "$(pid_of s)"
  wait_for_log s '"event":"reload_failed"'
  is_running s
}

@test "/metrics passes promtool, and says how the queue is (C080 C081 L060)" {
  serve s
  curl -sS "http://$HTTP/metrics" >metrics
  for name in hh_ln_payouts_total hh_ln_invoices_failed_total hh_ln_rebalance_events_total hh_ln_fees_earned_msat_total hh_ln_held_lines hh_ln_foreign_payments hh_ln_payment_seconds; do
    grep -q "^# TYPE $name " metrics || { echo "no $name"; return 1; }
  done
  [ "$(curl -sS -o /dev/null -w '%{http_code}' "http://$HTTP/else")" = 404 ]
  need promtool
  promtool check metrics <metrics
}

@test "a sealed journal serves and is reported from as one in clear; what it prints is in clear (L072)" {
  (umask 077 && openssl rand -hex 32 >journal.key)
  export HH_LN_JOURNAL_KEY=$T/journal.key
  mkdir inbox
  serve s --inbox "$T/inbox"
  sign_round dev 5000000 $(addresses 2) >m && cp m inbox/.m && mv inbox/.m inbox/m
  eventually 20 all_paid s 2
  [ "$(head -1 s.out | jq -r .jws)" = "$(jq -r .jws m)" ]
  [ "$(sqlite3 pay 'SELECT jws FROM manifests')" != "$(jq -r .jws m)" ]
  hh-ln events --db "$T/pay" | jq -se '[.[] | select(.state == "PAID")] | length == 2'
}
