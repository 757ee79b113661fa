# shellcheck shell=bash
# Signed manifests for payment tests: `load ../support/common` and `load ../support/settle`.
#   make_keys                             $T/signer.pem (private) and KEY, its public key
#   sign_round CHAIN SUBSIDY MINER=KIND:VALUE…   prints a signed manifest; each miner earns the same
#   addresses N                           words for sign_round: rig0=lnaddress:rig0@example.com …
#   settle ARG…                           hh-ln settle on journal $T/pay with the simulated wallet, quickly
#   spent                                 how often money left the simulated wallet, one "LINE COUNT" per paid line

make_keys() {
  [ -e "$T/signer.pem" ] || hh-payout keygen "$T/signer.pem" >/dev/null
  KEY=$(hh-payout key --key "$T/signer.pem" | jq -r .public)
  export KEY
}

sign_round() {
  "$HH_SRC/tests/support/make_round.py" "$@" >"$T/round.json" || return 1
  hh-payout compute <"$T/round.json" >"$T/payout.json" || return 1
  hh-payout sign --key "$T/signer.pem" --now --exp "${SIGN_EXP:-+7d}" <"$T/payout.json"
}

addresses() {
  local i
  for ((i = 0; i < $1; i++)); do printf 'rig%d=lnaddress:rig%d@example.com ' "$i" "$i"; done
}

settle() { hh-ln settle --db "$T/pay" --backend sim --key "$KEY" --backoff-ms 1 --wait-seconds 1 "$@"; }

spent() { sqlite3 "$T/pay.sim" "SELECT line, count(*) FROM spent GROUP BY line ORDER BY line" | tr '|' ' '; }

state_of() { hh-ln status --db "$T/pay" --json | jq -r "select(.line == $1) | .state"; }
