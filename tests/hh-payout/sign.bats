#!/usr/bin/env bats
# hh-payout keygen, key, sign and verify: nothing is signed by accident and nothing that was changed is accepted.

bats_require_minimum_version 1.5.0
load ../support/common
load helper

setup() {
  hh_setup
  need hh-payout
  data=$HH_SRC/tests/hh-payout/data
  hh-payout keygen key.pem >key.json
  jq -r .public key.json >key.pub
}
teardown() { hh_teardown; }

sign() { hh-payout sign --key key.pem --iat 1700000000 --exp 1700604800 --jti a1 "$@"; }

@test "keygen: private key for its owner only, never over another file (C032 C073)" {
  [ "$(stat -c %a key.pem)" = 600 ]
  exits 73 "key.pem" hh-payout keygen key.pem
  exits 73 "no/such/folder" hh-payout keygen no/such/folder/key.pem
  hh-payout key --key key.pem | cmp - key.json
  openssl pkey -in key.pem -pubout >key2.pub
  sign "$data/round.manifest" | hh-payout verify --key key2.pub --at 1700000000
}

@test "sign and verify: from a payout's lines and from a manifest alike (C073 L020 L021)" {
  hh-payout compute "$data/round.json" | sign >signed.json
  sign "$data/round.manifest" | cmp - signed.json
  sign signed.json | cmp - signed.json
  hh-payout verify --key key.pub --at 1700000001 signed.json | jq -e --arg id "$(tr -d '\n' <"$data/round.manifest" | sha256sum | cut -d' ' -f1)" '.ok and .what == "manifest \($id)"'
  hh-payout verify --key key.pub --at 1700000001 --print-manifest signed.json | cmp - "$data/round.manifest"
  jq -r .jws signed.json | hh-payout verify --key key.pub --at 1700000001
  hh-payout verify --key "$(cat key.pub)" --at 1700000001 signed.json
  jq -r .jws signed.json | cut -d. -f2 | tr '_-' '/+' | base64 -d 2>/dev/null | cmp - <(tr -d '\n' <"$data/round.manifest")
  hh-payout manifest signed.json | cmp - "$data/round.manifest"
}

@test "signing again, later, under another id and by another key, changes no byte of the payload (C073)" {
  hh-payout keygen other.pem >/dev/null
  sign "$data/round.manifest" >first.json
  hh-payout sign --key other.pem --iat 1800000000 --exp +1h --jti b2 first.json >second.json
  cmp <(jq -r .manifest_id first.json) <(jq -r .manifest_id second.json)
  cmp <(jq -r .jws first.json | cut -d. -f2) <(jq -r .jws second.json | cut -d. -f2)
  run ! cmp -s <(jq -r .jws first.json | cut -d. -f1) <(jq -r .jws second.json | cut -d. -f1)
  jq -r .jws second.json | cut -d. -f1 | tr '_-' '/+' | base64 -d 2>/dev/null | jq -e '.iat == 1800000000 and .exp == 1800003600 and .jti == "b2" and .alg == "EdDSA" and .typ == "hh-manifest+jws"'
}

@test "verify: a private key given as the public one is refused, and not shown (C073 C084)" {
  sign "$data/round.manifest" >signed.json
  exits 65 "holds a private key: give the public one" hh-payout verify --key key.pem --at 1700000001 signed.json
}

@test "a simulated manifest stays marked as simulated (L020)" {
  sign "$data/pplns.manifest" | jq -e '.simulated'
  sign "$data/round.manifest" | jq -e 'has("simulated") | not'
}

@test "sign: the time and the id are inputs; the clock only with --now (C073)" {
  exits 64 "--now" hh-payout sign --key key.pem "$data/round.manifest"
  exits 64 "--now" hh-payout sign --key key.pem --iat 1700000000 --exp +7d "$data/round.manifest"
  exits 64 "exclude" hh-payout sign --key key.pem --now --iat 1700000000 --exp +7d "$data/round.manifest"
  exits 64 "give --exp" hh-payout sign --key key.pem --now "$data/round.manifest"
  exits 64 "--iat" hh-payout sign --key key.pem --iat yesterday --exp +7d --jti a1 "$data/round.manifest"
  exits 65 "not after" hh-payout sign --key key.pem --iat 1700000000 --exp 1700000000 --jti a1 "$data/round.manifest"
  exits 65 "jti" hh-payout sign --key key.pem --iat 1700000000 --exp +7d --jti "a 1" "$data/round.manifest"
  hh-payout sign --key key.pem --iat 2023-11-14T22:13:20Z --exp +7d --jti a1 "$data/round.manifest" | cmp - <(sign "$data/round.manifest")
  hh-payout sign --key key.pem --now --exp +1h "$data/round.manifest" | hh-payout verify --key key.pub
  ! cmp <(hh-payout sign --key key.pem --now --exp +1h "$data/round.manifest") <(hh-payout sign --key key.pem --now --exp +1h "$data/round.manifest")
}

@test "sign: keys that are missing, open to others or no keys (C073)" {
  exits 78 "key is not set" hh-payout sign --now --exp +1h "$data/round.manifest"
  exits 78 "no.pem" hh-payout sign --key no.pem --now --exp +1h "$data/round.manifest"
  cp key.pem open.pem && chmod 644 open.pem
  exits 78 "open.pem" hh-payout sign --key open.pem --now --exp +1h "$data/round.manifest"
  echo nonsense >bad.pem && chmod 600 bad.pem
  exits 78 "key" hh-payout sign --key bad.pem --now --exp +1h "$data/round.manifest"
  CREDENTIALS_DIRECTORY=$T hh-payout sign --key credential:key.pem --now --exp +1h "$data/round.manifest" | hh-payout verify --key key.pub
  hh-payout sign --key "exec:cat key.pem" --now --exp +1h "$data/round.manifest" | hh-payout verify --key key.pub
}

@test "sign and verify refuse another chain (C073)" {
  exits 78 "chain regtest" hh-payout sign --chain main --key key.pem --now --exp +1h "$data/round.manifest"
  sign "$data/round.manifest" >signed.json
  HH_PAYOUT_CHAIN=main exits 78 "chain regtest" hh-payout verify --key key.pub --at 1700000001 signed.json
}

@test "verify: 77 expired, too early, unknown key, forged; 65 malformed (L021 L088)" {
  sign "$data/round.manifest" >signed.json
  exits 77 "(expired)" hh-payout verify --key key.pub signed.json
  exits 77 "(expired)" hh-payout verify --key key.pub --at 1700604800 signed.json
  hh-payout verify --key key.pub --at 1700604799 signed.json
  exits 77 "(not_yet_valid)" hh-payout verify --key key.pub --at 1699999000 signed.json
  hh-payout keygen other.pem | jq -r .public >other.pub
  exits 77 "(unknown_key)" hh-payout verify --key other.pub --at 1700000001 signed.json
  cat other.pub key.pub >both.pub
  hh-payout verify --key both.pub --at 1700000001 signed.json
  sed 's/"manifest_id":"./"manifest_id":"0/' signed.json >wrong.json
  cmp -s wrong.json signed.json || exits 65 "(wrong_id)" hh-payout verify --key key.pub --at 1700000001 wrong.json
  jws=$(jq -r .jws signed.json)
  payload=$(sed 's/"pay_msat":707142857000/"pay_msat":907142857000/' "$data/round.manifest" | tr -d '\n' | base64 -w0 | tr '/+' '_-' | tr -d =)
  echo "${jws%%.*}.$payload.${jws##*.}" >forged.jws
  exits 77 "(bad_signature)" hh-payout verify --key key.pub --at 1700000001 forged.jws
  echo "{}" >bad.json
  exits 65 "(malformed)" hh-payout verify --key key.pub --at 1700000001 bad.json
  printf '\xff\x00\n' >bad.json
  exits 65 "(malformed)" hh-payout verify --key key.pub --at 1700000001 bad.json
  printf '' >bad.json
  exits 65 "is empty" hh-payout verify --key key.pub bad.json
  cat signed.json signed.json >two.json
  exits 65 "expected one record" hh-payout verify --key key.pub two.json
  exits 66 "no.pub" hh-payout verify --key no.pub signed.json
  exits 64 "" hh-payout verify signed.json
}

@test "explain --key checks the signature first (L021)" {
  sign "$data/round.manifest" >signed.json
  hh-payout explain --key key.pub --at 1700000001 --account miner:alice signed.json | grep -q "is paid 707,142,857 sat"
  exits 77 "(expired)" hh-payout explain --key key.pub --account miner:alice signed.json
  exits 64 "not signed" hh-payout explain --key key.pub --account miner:alice "$data/round.manifest"
}

@test "no secret is printed (C073)" {
  secret=$(sed -n 2p key.pem)
  { hh-payout key --key key.pem && hh-payout config --key key.pem && sign "$data/round.manifest" && hh-payout sign --log-level debug --key key.pem --now --exp -1 "$data/round.manifest" || true; } >all 2>&1
  ! grep -qF "$secret" all
}
