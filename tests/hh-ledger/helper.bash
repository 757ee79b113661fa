# shellcheck shell=bash
# What the tests of hh-ledger share. `load ../support/common` first.

shares() { "$HH_SRC/tests/support/make_shares.py" "$@"; }
ledger() { hh-ledger "$@" --db L; }

# start_view: a bitcoind whose view of the chain is $T/view.json. Sets RPC.
start_view() {
  start view "$HH_SRC/tests/support/chain_view.py" "$T/view.json" "$T/cookie"
  eventually 60 grep -q rpc_url "$T/view.out" || return 1
  RPC=(--rpc-url "$(jq -r .rpc_url "$T/view.out")" --rpc-cookie-file "$T/cookie")
}

# see TIP [ROUND…]: the blocks of these rounds (default: all) are in the chain, others of theirs have their places.
see() {
  local tip=$1
  shift
  ledger rounds | jq -cs --argjson tip "$tip" --argjson rounds "[$(IFS=, && echo "$*")]" \
    '{chain: .[0].chain, tip: $tip, blocks: (map(select(.block and (($rounds | length) == 0 or (.round as $r | $rounds | index($r))))) | map({(.block.height | tostring): .block.hash}) | add // {})}' \
    >"$T/view.json"
}

watch_once() { ledger watch --once "${RPC[@]}" "$@"; }

# payday ROUND: computes, signs, posts. The key is made on the first call.
make_key() {
  [ -e k.pem ] || hh-payout keygen k.pem >/dev/null
  PUB=$(hh-payout key --key k.pem | jq -r .public)
}
signed() {
  make_key
  ledger round "$1" | hh-payout compute | hh-payout sign --key k.pem --iat 1700000000 --exp 4000000000 --jti "round-$1"
}
post_round() {
  make_key
  signed "$1" | ledger post --key "$PUB"
}

# settlement MANIFEST LINE [FEE_MSAT]: a PAID record with a proof of its own for that line of a signed manifest in a file.
settlement() {
  hh-payout manifest "$1" | jq -c --argjson n "$2" '.lines[$n] | {account, pay_msat}' >line.json
  python3 - "$(jq -r .manifest_id "$1")" "$2" "${3:-0}" "${4:-1}" <<'PY'
import hashlib, json, sys
line = json.load(open("line.json"))
preimage = hashlib.sha256(("%s %s %s" % (sys.argv[1], sys.argv[2], sys.argv[4])).encode()).digest()
print(json.dumps({"type": "settlement", "v": 1, "simulated": True, "manifest_id": sys.argv[1], "line": int(sys.argv[2]), "account": line["account"], "state": "PAID",
    "amount_msat": line["pay_msat"], "fee_msat": int(sys.argv[3]), "payment_hash": hashlib.sha256(preimage).hexdigest(), "preimage": preimage.hex(),
    "backend": "sim", "attempt": 1, "time_ms": 1700000000000}, separators=(",", ":")))
PY
}

# fails_with CODE REGEX COMMAND…: exit status and message, and nothing that looks like a crash.
fails_with() {
  local code=$1 regex=$2
  shift 2
  run --separate-stderr "$@"
  echo "status $status, expected $code; stderr: $stderr" >&2
  [ "$status" -eq "$code" ] && [[ $stderr =~ $regex ]]
}
