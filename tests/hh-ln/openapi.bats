#!/usr/bin/env bats
# timeout: 900
# serial
# schemathesis makes requests from the OpenAPI file, good ones and bad ones, and compares what the running service answers with what the file says.
# It is installed once, from PyPI, into the cache folder; where it cannot be had the test is skipped.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/settle
load ../support/service

setup() {
  hh_setup
  make_keys
}
teardown() { hh_teardown; }

need_schemathesis() {
  local folder=${XDG_CACHE_HOME:-$HOME/.cache}/hyperhash/schemathesis
  if ! "$folder/bin/schemathesis" --version >/dev/null 2>&1; then
    mkdir -p "$(dirname "$folder")"
    { python3 -m venv "$folder" && "$folder/bin/pip" install --quiet 'schemathesis>=4,<5'; } >install.log 2>&1 || skip "schemathesis cannot be installed: $(tail -1 install.log)"
  fi
  PATH=$folder/bin:$PATH
}

@test "schemathesis finds nothing, with every role and without one (C019)" {
  need_schemathesis
  serve_api s --api-requests-per-minute 0 --api-token-requests-per-minute 0
  sign_round dev 5000000 $(addresses 3) >m
  cp m tls/m
  api --cert tls/core.cert --key tls/core.key -H 'Content-Type: application/json' --data-binary @m "$API/v1/manifest" >/dev/null
  eventually 20 eval '[ "$(metric hh_ln_queue_lines)" = 0 ]'
  id=$(jq -r .manifest_id m)
  hash=$(sqlite3 pay 'SELECT payment_hash FROM attempts LIMIT 1')
  # Nobody makes up a manifest that somebody has signed: that one is refused is right. Then good requests again, with real names of things.
  cat >made_up.toml <<TOML
[[operations]]
include-path = "/v1/manifest"
checks.positive_data_acceptance.expected-statuses = [202, 400, 403, 413, 422]
TOML
  { printf '[parameters]\n"path.manifest_id" = "%s"\n"path.payment_hash" = "%s"\n' "$id" "$hash"; cat made_up.toml; } >real.toml
  local role secret arguments
  for role in treasurer auditor ops none; do
    arguments=(--url "$API" --tls-verify tls/ca.cert --request-cert tls/core.cert --request-cert-key tls/core.key --max-examples "${HH_SCHEMATHESIS_EXAMPLES:-25}" --seed 1 --no-color)
    if [ $role != none ]; then
      secret=$(token "a-$role" $role)
      arguments+=(--header "Authorization: Bearer $secret")
    fi
    schemathesis --config-file made_up.toml run "$API/v1/openapi.json" "${arguments[@]}" >"$role.log" 2>&1 || { echo "--- $role"; tail -n 150 "$role.log"; return 1; }
    [ $role != treasurer ] || schemathesis --config-file real.toml run "$API/v1/openapi.json" --mode positive "${arguments[@]}" >real.log 2>&1 || { tail -n 150 real.log; return 1; }
  done
  is_running s
  run ! grep -q '"event":"api_failed"' s.err
  [ -z "$(spent | awk '$2 != 1')" ]
}
