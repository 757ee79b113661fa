#!/usr/bin/env bats
# timeout: 600
# What hh-ln refuses, with which exit code, and that nothing was paid then.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/settle

setup() {
  hh_setup
  make_keys
  sign_round dev 5000000 $(addresses 2) >m
}
teardown() { hh_teardown; }

refused() { # STATUS PATTERN COMMAND…
  local want=$1 pattern=$2
  shift 2
  run --separate-stderr "$@"
  echo "$status: $output $stderr"
  [ "$status" = "$want" ] && [ -z "$output" ] && [[ $stderr == *$pattern* ]]
}

nothing_paid() { [ ! -e pay.sim ] || [ "$(sqlite3 pay.sim "SELECT count(*) FROM payments")" = 0 ]; }

@test "an altered manifest (L021)" {
  jq -c '.jws |= (split(".") | .[1] |= (.[0:40] + (if .[40:41] == "A" then "B" else "A" end) + .[41:]) | join("."))' m >altered
  refused 77 "refused (bad_signature)" settle altered
  nothing_paid
}

@test "a manifest signed by another key (L021)" {
  hh-payout keygen other.pem >/dev/null
  other=$(hh-payout key --key other.pem | jq -r .public)
  refused 77 "refused (unknown_key)" hh-ln settle m --db pay --backend sim --key "$other"
  hh-ln settle m --db pay --backend sim --key "$other,$KEY" >out
}

@test "an expired manifest (L021)" {
  HH_FAKE_TIME=$(($(date +%s) + 8 * 86400)) refused 77 "refused (expired)" settle m
  HH_FAKE_TIME=$(($(date +%s) - 3600)) refused 77 "refused (not_yet_valid)" settle m
  nothing_paid
}

@test "a record whose manifest_id is not its payload's" {
  jq -c '.manifest_id = "00" * 32' m >other
  refused 65 "refused (wrong_id)" settle other
}

@test "sums that are off by one msat, though rightly signed (C072)" {
  # hh-payout signs no such thing, so openssl does.
  payload=$(jq -r '.jws | split(".")[1]' m | tr '_-' '/+' | awk '{ while (length($0) % 4) $0 = $0 "="; print }' | base64 -d | sed 's/"carried_out_msat":0,"chain"/"carried_out_msat":1,"chain"/')
  head=$(jq -r '.jws | split(".")[0]' m)
  b64() { base64 -w0 | tr '/+' '_-' | tr -d =; }
  input="$head.$(printf %s "$payload" | b64)"
  printf %s "$input" >input
  openssl pkeyutl -sign -inkey signer.pem -rawin -in input -out signature
  echo "$input.$(b64 <signature)" >forged
  refused 65 "refused (invalid)" settle forged
  nothing_paid
}

@test "a manifest for another chain" {
  sign_round regtest 5000000 $(addresses 1) >regtest
  refused 65 "chain regtest" settle regtest
  refused 65 "chain dev" settle m --chain regtest
  nothing_paid
  settle regtest --chain regtest >out
}

@test "the simulated wallet never stands in for real bitcoin" {
  sign_round main 5000000 $(addresses 1) >main
  refused 78 "cannot pay on chain main" settle main --chain main
}

@test "no manifest at all, a torn one, nonsense" {
  refused 65 "has no manifest" settle /dev/null
  head -c 200 m >torn
  refused 65 "refused (malformed)" settle torn
  refused 65 "refused (malformed)" settle <<<'{"type":"round","v":1}'
  refused 66 "missing" settle missing
}

@test "one bad manifest among several: none is paid" {
  sed 's/"manifest_id":"....../"manifest_id":"000000/' m | cat m - >both
  refused 65 "line 2" settle both
  nothing_paid
}

@test "keys, backend and journal have to be named" {
  refused 78 "key" hh-ln settle m --db pay --backend sim
  refused 78 "db" hh-ln settle m --backend sim --key "$KEY"
  refused 78 "none of lnd, cln and sim" hh-ln settle m --db pay --key "$KEY" --backend eclair
  refused 78 "not a fault" settle m --sim-faults explode=1
  refused 64 "" hh-ln settle m --no-such-flag
}

@test "a wallet that is down before anything was sent is exit 69 (L086)" {
  refused 69 "down" settle m --sim-faults down=1
  settle m >out
  [ "$(spent)" = "$(printf '0 1\n1 1')" ]
}

@test "a journal that cannot be written stops before anything is sent" {
  settle m --sim-faults not_connected=9 || true
  chmod 500 .
  [ "$(id -u)" != 0 ] || skip "root may write anywhere"
  run settle m
  chmod 700 .
  [ "$status" != 0 ]
  nothing_paid
}

@test "a read-only disk stops before anything is sent" {
  [ "$(id -u)" = 0 ] || skip "needs to mount"
  mkdir disk && mount -t tmpfs -o size=1m tmpfs disk || skip "cannot mount here"
  sign_round dev 5000000 $(addresses 2) >m
  hh-ln settle m --db disk/pay --sim-wallet "$T/pay.sim" --backend sim --key "$KEY" --sim-faults not_connected=9 --wait-seconds 0 || true
  mount -o remount,ro disk
  run hh-ln settle m --db disk/pay --sim-wallet "$T/pay.sim" --backend sim --key "$KEY"
  umount disk
  echo "$status $output"
  [ "$status" = 73 ] || [ "$status" = 74 ] || [ "$status" = 77 ]
  nothing_paid
}

@test "a full disk is exit 74 and pays nothing twice" {
  [ "$(id -u)" = 0 ] || skip "needs to mount"
  mkdir disk && mount -t tmpfs -o size=300k tmpfs disk || skip "cannot mount here"
  sign_round dev 5000000 $(addresses 40) >m
  cat /dev/zero >disk/filler 2>/dev/null || true
  truncate -s -120k disk/filler
  run hh-ln settle m --db disk/pay --sim-wallet "$T/pay.sim" --backend sim --key "$KEY" --wait-seconds 0
  first=$status
  rm disk/filler
  mount -o remount,size=4m disk
  run hh-ln settle m --db disk/pay --sim-wallet "$T/pay.sim" --backend sim --key "$KEY" --wait-seconds 0
  cp disk/pay pay
  umount disk
  echo "first $first, then $status"
  [ "$first" = 74 ]
  [ "$status" = 0 ]
  [ "$(spent | wc -l)" = 40 ]
  [ "$(spent | awk '$2 != 1' | wc -l)" = 0 ]
}

@test "a journal of a newer version, or another program's file, is refused" {
  settle m >out
  cp pay newer && sqlite3 newer "PRAGMA user_version = 99"
  refused 78 "newer" hh-ln settle m --db newer --backend sim --key "$KEY"
  sqlite3 stranger "CREATE TABLE x (y)"
  refused 65 "stranger" hh-ln settle m --db stranger --backend sim --key "$KEY"
}

@test "the commands that decide need a reason, a line that exists, and --force" {
  id=$(jq -r .manifest_id m)
  refused 66 "no payment journal" hh-ln hold "$id" 0 --reason x --db pay
  settle m --sim-faults request_lost=9 >out || true
  refused 65 "no line 7" hh-ln hold "$id" 7 --reason x --db pay
  refused 64 "" hh-ln hold "$id" 0 --db pay
  refused 64 "paid twice" hh-ln fail "$id" 0 --reason checked --db pay
  hh-ln fail "$id" 0 --force --reason "looked at the node" --db pay >failed
  [ "$(jq -r '.state + " " + .reason' failed)" = "FAILED_SAFE operator: looked at the node" ]
  settle m >out
  [ "$(spent)" = "$(printf '0 1\n1 1')" ]
}

@test "an outgoing payment that the journal does not know stops settlement until it is acknowledged" {
  settle m >out
  sqlite3 pay.sim "INSERT INTO payments (payment_hash, manifest_id, line, amount_msat, fee_msat, status, preimage, tracks_left, created_ms) VALUES ('$(printf 'ee%.0s' $(seq 32))', '', 0, 77, 0, 'SUCCEEDED', '', 0, 1)"
  sign_round dev 6000000 $(addresses 1) >next
  run --separate-stderr settle next
  [ "$status" = 75 ]
  [[ $stderr == *"hh-ln acknowledge eeee"* ]]
  run hh-ln audit --db pay --backend sim
  [ "$status" = 1 ]
  [ "$(echo "$output" | jq -s -c '[.[0].type, .[0].amount_msat, .[1].ok, .[1].foreign]')" = '["foreign_payment",77,false,1]' ]
  refused 65 "waits" hh-ln acknowledge "$(printf 'dd%.0s' $(seq 32))" --reason x --db pay
  hh-ln acknowledge --all --reason "rebalanced by hand" --db pay >acknowledged
  settle next >out
  hh-ln audit --db pay --backend sim >audit
  [ "$(jq -c '[.ok, .paid, .alarms]' audit)" = '[true,3,0]' ]
}

@test "the same refusal has the same exit code from hh-payout verify, hh-ledger post and hh-ln settle (L021)" {
  need hh-ledger
  hh-payout keygen other.pem >/dev/null
  hh-payout key --key other.pem | jq -r .public >other
  "$HH_SRC/tests/support/make_shares.py" --count 3 --blocks 0 --chain dev | hh-ledger append --db L >/dev/null
  jq -c '.jws |= (split(".") | .[2] |= (if .[0:1] == "A" then "B" else "A" end) + .[1:] | join("."))' m >forged
  jq -c '.manifest_id = "00" * 32' m >renamed
  local case file key want
  for case in "forged $KEY 77" "m $(cat other) 77" "renamed $KEY 65"; do
    read -r file key want <<<"$case"
    echo "$key" >trusted
    run hh-payout verify --key trusted "$file"
    [ "$status" = "$want" ] || { echo "verify $file: $status, not $want"; return 1; }
    run hh-ledger post --db L --key "$key" "$file"
    [ "$status" = "$want" ] || { echo "post $file: $status, not $want"; return 1; }
    run hh-ln settle "$file" --db pay --backend sim --key "$key"
    [ "$status" = "$want" ] || { echo "settle $file: $status, not $want"; return 1; }
  done
}

@test "a second manifest for the same block is refused, with other amounts and by a journal of the first version too (C075)" {
  ROUND_BLOCK=one sign_round dev 5000000 $(addresses 2) >first
  ROUND_BLOCK=one sign_round dev 4000000 $(addresses 3) >second
  settle first >out
  refused 65 "paid out twice" settle second
  refused 65 "paid out twice" settle second --dry-run
  cat first second >both
  refused 65 "paid out twice" hh-ln settle both --db anew --sim-wallet "$T/pay.sim" --backend sim --key "$KEY"
  [ "$(spent)" = "$(printf '0 1\n1 1')" ]
  # As version 1 left it: the block is learnt from the manifest that was kept.
  sqlite3 pay "DROP TRIGGER manifests_keep_their_pot; UPDATE manifests SET pot = NULL; CREATE TRIGGER manifests_keep_their_pot BEFORE UPDATE OF pot ON manifests WHEN OLD.pot IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'manifests never change'); END"
  refused 65 "paid out twice" settle second
  settle first >again
  cmp <(sort out) <(sort again)
}

@test "what a journal of an older day does not know is not paid again when it is acknowledged (C075)" {
  settle m --sim-faults not_connected=9 --concurrency 1 >out || true
  cp pay older
  settle m >out
  rm pay && cp older pay
  # The simulated wallet makes new invoices, as an LNURL service does: without a memory of the old ones, nothing else would stop a second payment.
  sqlite3 pay.sim "UPDATE payments SET payment_hash = lower(hex(randomblob(32)))"
  run --separate-stderr settle m
  [ "$status" = 75 ]
  hh-ln acknowledge --all --reason "all known" --db pay >acknowledged
  # Each payment holds both. Line 0 had an invoice that was being sent, line 1 had none yet; nothing is sent for either.
  [ "$(jq -c 'select(.type == "settlement") | [.line, .state]' acknowledged | sort -u | paste -sd' ')" = '[0,"UNKNOWN"] [1,"HELD"]' ]
  run --separate-stderr settle m
  [ "$status" = 75 ]
  [ "$(spent)" = "$(printf '0 1\n1 1')" ]
}
