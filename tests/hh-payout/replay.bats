#!/usr/bin/env bats
# hh-payout replay: from raw shares, anyone gets the manifest that was signed, byte for byte.

bats_require_minimum_version 1.5.0
load ../support/common
load helper

setup() {
  hh_setup
  need hh-payout
  here=$HH_SRC/tests/hh-payout
}
teardown() { hh_teardown; }

# round_from [OPTION…]: shares.jsonl, round.json, and the manifest that compute makes of the record alone.
round_from() {
  "$HH_SRC/tests/support/make_shares.py" --count 300 --sources 3 --miners 7 --blocks 2 --tail 10 --addresses 2 >shares.jsonl
  "$here/close_round.py" --carry idle=1234567 "$@" <shares.jsonl >round.json
}

@test "replay of a prop round gives compute's manifest, to the byte (C043 C093 C123)" {
  round_from
  hh-payout compute round.json | hh-payout manifest >manifest.json
  hh-payout replay --shares shares.jsonl --round-record round.json | cmp - manifest.json
  hh-payout replay --round-record round.json <shares.jsonl | cmp - manifest.json
  hh-payout replay --shares shares.jsonl --round-record round.json --manifest manifest.json | jq -e '.ok and (.what | startswith("manifest "))'
}

@test "replay of a pplns round, whose window cuts a share (C043 C123)" {
  printf 'scheme = "pplns"\npplns_factor = 3\n' >policy.toml
  round_from --scheme pplns --factor 3
  hh-payout compute --policy policy.toml round.json | hh-payout manifest >manifest.json
  hh-payout replay --policy policy.toml --shares shares.jsonl --round-record round.json | cmp - manifest.json
}

@test "replay takes sources in any interleaving (C043)" {
  round_from
  hh-payout replay --shares shares.jsonl --round-record round.json >expected
  { grep '"pool-c"' shares.jsonl && grep '"pool-a"' shares.jsonl && grep '"pool-b"' shares.jsonl; } >sorted.jsonl
  hh-payout replay --shares sorted.jsonl --round-record round.json | cmp - expected
}

@test "replay compares with a signed manifest (C073 C093)" {
  round_from
  hh-payout keygen key.pem >/dev/null
  hh-payout compute round.json | hh-payout sign --key key.pem --iat 1700000000 --exp +7d --jti a1 >signed.json
  hh-payout replay --shares shares.jsonl --round-record round.json --manifest signed.json | jq -e .ok
}

@test "replay says what differs: another policy, carry or round (C093)" {
  round_from
  hh-payout compute round.json | hh-payout manifest >manifest.json
  echo 'operator_ppm = 6000' >policy.toml
  exits 65 "policy is" hh-payout replay --policy policy.toml --shares shares.jsonl --round-record round.json --manifest manifest.json
  sed 's/"carried_msat":1234567/"carried_msat":1234568/' round.json >other.json
  exits 65 "carried_in_msat is" hh-payout replay --shares shares.jsonl --round-record other.json --manifest manifest.json
}

@test "replay finds a share that was changed, lost, repeated or invented (C042 C093)" {
  round_from
  last=$(jq -r '.cuts[0].last_seq' round.json)
  grep -n '"source":"pool-a","seq":'"$last"',' shares.jsonl | cut -d: -f1 >at
  n=$(cat at)
  sed "${n}s/\"nonce\":\"......../\"nonce\":\"ffffffff/" shares.jsonl >bad.jsonl
  exits 65 "bad.jsonl, line $n" hh-payout replay --shares bad.jsonl --round-record round.json
  sed "${n}s/\"worker\":\"[^\"]*\"/\"worker\":\"other\"/" shares.jsonl >bad.jsonl
  exits 65 "merkle_root is" hh-payout replay --shares bad.jsonl --round-record round.json
  sed "${n}s/\"work\":\"[0-9]*\"/\"work\":\"9223372036854775807\"/" shares.jsonl >bad.jsonl
  exits 65 "misses the target of its work" hh-payout replay --shares bad.jsonl --round-record round.json
  sed "${n}d" shares.jsonl >bad.jsonl
  exits 65 "are missing in the input" hh-payout replay --shares bad.jsonl --round-record round.json
  sed "${n}p" shares.jsonl >bad.jsonl
  exits 65 "comes twice" hh-payout replay --shares bad.jsonl --round-record round.json
  grep -v '"type":"job"' shares.jsonl >bad.jsonl
  exits 65 "has not come before it" hh-payout replay --shares bad.jsonl --round-record round.json
}

@test "replay: hostile lines and wrong usage (C093)" {
  round_from
  local bad
  for bad in '{"type":"share"' '[]' 'x' '{"type":"job","v":1}' '{"type":"share","v":2}' $'\xff\xfe'; do
    { printf '%s\n' "$bad" && cat shares.jsonl; } >bad.jsonl
    exits 65 "bad.jsonl, line 1" hh-payout replay --shares bad.jsonl --round-record round.json
  done
  : >bad.jsonl
  exits 65 "no share of the round hashes to its block" hh-payout replay --shares bad.jsonl --round-record round.json
  exits 66 "no-such" hh-payout replay --shares no-such --round-record round.json
  exits 64 "" hh-payout replay --shares shares.jsonl
  exits 64 "only one of" hh-payout replay --round-record -
  exits 65 "a cycle has no shares" hh-payout replay --shares shares.jsonl --round-record "$here/data/cycle.json"
  sed 's/"closed"/"mature"/' round.json >open.json
  exits 75 "not closed" hh-payout replay --shares shares.jsonl --round-record open.json
}
