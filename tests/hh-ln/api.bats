#!/usr/bin/env bats
# The HTTPS interface of hh-ln serve: who may do what, and that it answers as packaging/openapi/hh-ln.json says.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/settle
load ../support/service

setup() {
  hh_setup
  make_keys
}
teardown() { hh_teardown; }

core() { api --cert "$T/tls/core.cert" --key "$T/tls/core.key" -H 'Content-Type: application/json' --data-binary @"$1" -w '\n%{http_code}\n' "$API/v1/manifest"; }
as() { local token=$1; shift; api -H "Authorization: Bearer $token" "$@"; }
status_as() { local token=$1; shift; api_status -H "Authorization: Bearer $token" "$@"; }
# admin TOKEN CODE ACTION BODY: status on the last line.
admin() { api -w '\n%{http_code}\n' -H "Authorization: Bearer $1" -H "X-HH-TOTP: $2" -H 'Content-Type: application/json' -d "$4" "$API/v1/admin/$3"; }

@test "a manifest is taken from a client with a certificate, durably, once; anybody else's is refused (L040 L070)" {
  serve_api s
  hh-ln pause --reason "look first" --db "$T/pay"
  sign_round dev 5000000 $(addresses 2) >m
  run core m
  [ "${lines[1]}" = 202 ]
  jq -e '.type == "manifest_taken" and .new and .lines == 2' <<<"${lines[0]}"
  [ "$(sqlite3 pay 'SELECT count(*) FROM lines')" = 2 ]
  stop s KILL # 202 was said: it is there
  serve_api s
  run core m
  [ "${lines[1]}" = 202 ]
  jq -e '.new == false' <<<"${lines[0]}"
  [ "$(api_status -H 'Content-Type: application/json' --data-binary @m "$API/v1/manifest")" = 403 ]
  run api --cert "$T/tls/stranger-core.cert" --key "$T/tls/stranger-core.key" --data-binary @m "$API/v1/manifest"
  [ "$status" -ne 0 ]
  # A bare JWS is a manifest too.
  [ "$(jq -r .jws m | api_status --cert "$T/tls/core.cert" --key "$T/tls/core.key" -H 'Content-Type: application/jose' --data-binary @- "$API/v1/manifest")" = 202 ]
}

@test "what is wrong with a manifest is told apart (L021 L040)" {
  serve_api s
  sign_round dev 5000000 $(addresses 2) >m
  post() { api --cert "$T/tls/core.cert" --key "$T/tls/core.key" -H "Content-Type: ${2:-application/json}" --data-binary @"$1" -o answer -w '%{http_code}' "$API/v1/manifest"; }
  echo nonsense >bad
  [ "$(post bad)" = 400 ]
  cat m m >two
  [ "$(post two)" = 400 ]
  [ "$(post m text/plain)" = 415 ]
  jq -c '.jws |= sub("[A-Za-z0-9_-]{20}$"; "AAAAAAAAAAAAAAAAAAAA")' m >forged
  [ "$(post forged)" = 403 ]
  grep -q bad_signature answer
  hh-payout keygen other.pem >/dev/null
  hh-payout sign --key other.pem --now --exp +1d <payout.json >unknown
  [ "$(post unknown)" = 403 ]
  sign_round regtest 5000000 $(addresses 2) >chain
  [ "$(post chain)" = 422 ]
  head -c 17000000 /dev/zero | tr '\0' x >large
  [ "$(post large)" = 413 ]
  head -c 70000 /dev/zero | tr '\0' x >small
  [ "$(api_status -H 'Content-Type: application/json' --data-binary @small "$API/v1/manifest")" = 413 ] # no certificate: 64 KiB
  [ "$(sqlite3 pay 'SELECT count(*) FROM manifests')" = 0 ]
  ROUND_BLOCK=one sign_round dev 5000000 $(addresses 2) >m
  [ "$(post m)" = 202 ]
  ROUND_BLOCK=one sign_round dev 4000000 $(addresses 3) >other
  [ "$(post other)" = 409 ]
}

@test "status, manifests and payments with their proof, as far as the role goes (L041 L042 L044 C019)" {
  serve_api s
  auditor=$(token ann auditor) ops=$(token otto ops)
  sign_round dev 5000000 $(addresses 3) >m
  core m >/dev/null
  id=$(jq -r .manifest_id m)
  eventually 20 eval '[ "$(as "$auditor" "$API/v1/treasury/status" | jq .queue.states.PAID)" = 3 ]'
  as "$auditor" "$API/v1/treasury/status" | jq -e '.type == "treasury_status" and .simulated and .node_up and .queue.lines == 0 and .paused == false and .held == 0
    and .balances.outbound_msat > 0 and (.liquidity.outbound_ppm + .liquidity.inbound_ppm) >= 999999'
  as "$auditor" "$API/v1/manifests" | jq -e --arg id "$id" '.manifests | length == 1 and .[0].manifest_id == $id and .[0].paid == 3'
  as "$auditor" "$API/v1/manifests/$id" | jq -e '.paid == .lines and .paid_msat == .pay_msat'
  as "$auditor" "$API/v1/manifests?after=$id" | jq -e '.manifests == []'
  as "$auditor" "$API/v1/manifests/$id/batches" | jq -e '.batches | length == 1 and .[0].state == "closed" and .[0].lines == [0, 1, 2]'
  as "$auditor" "$API/v1/batches" | jq -e '.batches == []'
  as "$auditor" "$API/v1/payments/$id/1" >payment
  [ "$(jq -r .preimage payment | xxd -r -p | sha256sum | cut -d' ' -f1)" = "$(jq -r .payment_hash payment)" ]
  cmp payment <(as "$auditor" "$API/v1/payments/$(jq -r .payment_hash payment)")
  as "$auditor" "$API/v1/manifests/$id/payments?from=1&limit=1" | jq -e '.payments | length == 1 and .[0].line == 1'
  # ops has no business with proofs.
  as "$ops" "$API/v1/payments/$id/1" | jq -e '.state == "PAID" and has("preimage") == false'
  as "$ops" "$API/v1/manifests/$id/payments" | jq -e '.payments | length == 3 and all(has("preimage") == false)'
  [ "$(status_as "$ops" "$API/v1/payments/$id/9")" = 404 ]
  [ "$(status_as "$ops" "$API/v1/payments/$(printf '0%.0s' {1..64})")" = 404 ]
  [ "$(status_as "$ops" "$API/v1/payments/XYZ")" = 400 ]
}

@test "no token, a wrong, revoked or expired one: 401; each role may do what its row of the table says and no more (L044 L073)" {
  serve_api s
  for url in treasury/status manifests "manifests/$(printf 'a%.0s' {1..64})" "payments/$(printf 'a%.0s' {1..64})"; do
    [ "$(api_status "$API/v1/$url")" = 401 ]
    [ "$(status_as hhln_nonsense "$API/v1/$url")" = 401 ]
  done
  for role in treasurer auditor ops; do
    secret=$(token "a-$role" $role)
    [ "$(status_as "$secret" "$API/v1/treasury/status")" = 200 ]
    for action in pause resume hold release rebalance policy; do
      body='{"reason":"x"}'
      [ $action != policy ] || body='{"reason":"x","channel":"all","fee_ppm":1}'
      [[ $action == hold || $action == release ]] && body='{"reason":"x","manifest_id":"'$(printf 'a%.0s' {1..64})'","line":0}'
      got=$(admin "$secret" 000000 $action "$body" | tail -1)
      case $role-$action in
        auditor-* | ops-hold | ops-release | ops-rebalance | ops-policy) want=403 ;;
        *-rebalance | *-policy) want=409 ;; # the simulated wallet has no channels: nor is it here
        *-hold | *-release) want=404 ;; # there is no such line: the code is not even looked at
        *) want=403 ;;                  # the code is wrong
      esac
      [ "$got" = "$want" ] || { echo "$role $action: $got, not $want"; return 1; }
    done
    hh-ln token revoke "a-$role" --db "$T/pay" >/dev/null
    [ "$(status_as "$secret" "$API/v1/treasury/status")" = 401 ]
  done
  admin "$(token aud auditor)" 000000 pause '{"reason":"x"}' | grep -q "the role auditor may not"
}

@test "pause, resume, hold and release want a one-time code, and each code counts once (L043 L073)" {
  serve_api s
  secret=$(token tess treasurer)
  now=$(code tess)
  run admin "$secret" "$now" pause '{"reason":"the auditors are here"}'
  [ "${lines[1]}" = 200 ]
  jq -e '.paused and .pause.by == "tess (token 1)" and .pause.reason == "the auditors are here"' <<<"${lines[0]}"
  run admin "$secret" "$now" resume '{"reason":"again"}'
  [ "${lines[1]}" = 403 ]
  [[ ${lines[0]} == *"used already"* ]]
  stop s
  serve_api s # also not after a restart
  [ "$(admin "$secret" "$now" resume '{"reason":"again"}' | tail -1)" = 403 ]
  sign_round dev 5000000 $(addresses 2) >m
  core m >/dev/null
  id=$(jq -r .manifest_id m)
  run admin "$secret" "$(code tess 30)" hold '{"manifest_id":"'"$id"'","line":1,"reason":"a dispute"}'
  [ "${lines[1]}" = 200 ]
  jq -e '.state == "HELD" and .reason == "tess: a dispute"' <<<"${lines[0]}"
  hh-ln resume --db "$T/pay"
  eventually 20 eval '[ "$(state_of 0)" = PAID ]'
  [ "$(state_of 1)" = HELD ]
  grep -q '"event":"admin_action".*"name":"tess"' s.err
  hh-ln decisions --db "$T/pay" | jq -se 'map(.action) == ["pause", "hold", "resume"] and .[0].name == "tess (token 1)" and .[0].reason == "the auditors are here"'
}

@test "channels and rebalances can be read; what is wrong with a wish is told before a code is used (L043 C019)" {
  serve_api s
  secret=$(token tess treasurer)
  as "$secret" "$API/v1/channels" | jq -e '.type == "channels" and .channels == []'
  as "$secret" "$API/v1/rebalances" | jq -e '.type == "rebalances" and .rebalances == []'
  [ "$(status_as "$secret" "$API/v1/rebalances?limit=501")" = 400 ]
  wrong() { [ "$(admin "$secret" 000000 "$1" "$2" | tail -1)" = 400 ] || { echo "$1 $2"; return 1; }; }
  wrong rebalance '{}'
  wrong rebalance '{"reason":"x","sat":0}'
  wrong rebalance '{"reason":"x","max_fee_ppm":-1}'
  wrong rebalance '{"reason":"x","from":5}'
  wrong rebalance '{"reason":"x","yes":true}'
  wrong policy '{"reason":"x","channel":"all"}'
  wrong policy '{"reason":"x","channel":"all","cltv_delta":17}'
  wrong policy '{"reason":"x","fee_ppm":1}'
}

@test "one-time codes cannot be guessed: after five the sixth waits (L073)" {
  serve_api s
  secret=$(token tess treasurer)
  for i in 1 2 3 4 5; do [ "$(admin "$secret" 00000$i pause '{"reason":"x"}' | tail -1)" = 403 ]; done
  run api -D headers -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $secret" -H 'X-HH-TOTP: 000006' -H 'Content-Type: application/json' -d '{"reason":"x"}' "$API/v1/admin/pause"
  [ "$output" = 429 ]
  grep -qi '^retry-after: [1-9]' headers
}

@test "too many requests are told to wait: of an address, and with a token (L074)" {
  serve_api s --api-token-requests-per-minute 20
  secret=$(token ann auditor) other=$(token bob auditor)
  for i in 1 2 3 4 5; do status_as "$secret" "$API/v1/manifests" >/dev/null; done
  [ "$(status_as "$secret" "$API/v1/manifests")" = 429 ]
  [ "$(status_as "$other" "$API/v1/manifests")" = 200 ]
  stop s
  serve_api s --api-requests-per-minute 20
  for i in 1 2 3 4 5; do api_status "$API/v1/openapi.json" >/dev/null; done
  [ "$(api_status "$API/v1/openapi.json")" = 429 ]
}

@test "tokens: shown once, stored as hashes, rotated with an overlap (L044)" {
  record=$(hh-ln token add ann --role treasurer --db "$T/pay")
  secret=$(jq -r .token <<<"$record")
  jq -e '.otpauth | startswith("otpauth://totp/hh-ln:ann?secret=")' <<<"$record"
  jq -e '(.expires_ms - .created_ms) == 7 * 86400000' <<<"$record"
  [ "$(stat -c %a pay.access)" = 600 ]
  run ! grep -aqF "$secret" pay.access
  hh-ln token list --db "$T/pay" | jq -e '.name == "ann" and .valid and has("token") == false and has("otpauth") == false'
  run --separate-stderr hh-ln token add ann --role ops --db "$T/pay"
  [ "$status" -eq 65 ]
  run --separate-stderr hh-ln token add bob --role king --db "$T/pay"
  [ "$status" -eq 64 ]
  serve_api s
  fresh=$(hh-ln token rotate ann --db "$T/pay" --overlap-minutes 60 | jq -r .token)
  [ "$(status_as "$secret" "$API/v1/manifests")" = 200 ]
  [ "$(status_as "$fresh" "$API/v1/manifests")" = 200 ]
  last=$(hh-ln token rotate ann --db "$T/pay" --overlap-minutes 0 | jq -r .token)
  [ "$(status_as "$fresh" "$API/v1/manifests")" = 401 ]
  [ "$(status_as "$last" "$API/v1/manifests")" = 200 ]
}

@test "TLS 1.3 only; certificates are taken anew with SIGHUP (L070)" {
  serve_api s
  run curl -sS --tls-max 1.2 --cacert "$T/tls/ca.cert" "$API/v1/openapi.json"
  [ "$status" -ne 0 ]
  before=$(openssl x509 -in tls/server.cert -noout -serial)
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=server -addext subjectAltName=IP:127.0.0.1 -CA tls/ca.cert -CAkey tls/ca.key -keyout tls/server.key -out tls/server.cert 2>/dev/null
  chmod 600 tls/server.key
  kill -HUP "$(pid_of s)"
  wait_for_log s '"event":"reloaded"'
  shown=$(openssl s_client -connect "${API#https://}" </dev/null 2>/dev/null | openssl x509 -noout -serial)
  [ "$shown" != "$before" ]
  [ "$shown" = "$(openssl x509 -in tls/server.cert -noout -serial)" ]
}

@test "it serves its own description, which names each route, and no other (C019)" {
  serve_api s
  api "$API/v1/openapi.json" | cmp - "$HH_SRC/packaging/openapi/hh-ln.json"
  python3 - "$HH_SRC" <<'PY'
import json, pathlib, re, sys
root = pathlib.Path(sys.argv[1])
source = "".join((root / "tools/hh-ln/service" / name).read_text() for name in ("api.cpp", "api_channels.cpp"))
doc = json.loads((root / "packaging/openapi/hh-ln.json").read_text())
described = {f"{method.upper()} {path}" for path, item in doc["paths"].items() for method in item}
routes = {f"{m} {p}" for m, p in re.findall(r'router_\.on\("([A-Z]+)", "([^"]+)"', source)}
routes |= {"POST /v1/manifest"} | {f"POST /v1/admin/{name}" for name in re.findall(r'change\("([a-z]+)"', source) + ["hold", "release"]}
missing = {r for r in described ^ routes if r != "POST /v1/admin/"}
assert not missing, missing
PY
}

@test "the examples of hh-ln-api(5) run (D012)" {
  serve_api s
  TOKEN=$(token tess treasurer) CODE=$(code tess)
  export TOKEN CODE
  sign_round dev 5000000 $(addresses 1) >tls/manifest.jsonl
  sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$HH_SRC/man/hh-ln-api.5" | sed -n '/^\.Bd/,/^\.Ed/p' | grep -v '^\.' | sed 's/\\e$//' |
    awk '/^\$ /{ if (line) print line; line = substr($0, 3); next } { line = line $0 } END { print line }' | sed "s|https://127.0.0.1:8443|$API|; s|^curl|curl -sSf --max-time 20|" >examples
  [ "$(wc -l <examples)" = 3 ]
  (cd tls && bash -e ../examples) >out
  jq -se 'map(.type) == ["treasury_status", "manifest_taken", "treasury_status"] and .[2].paused' out
}
