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
  refused 65 "refused" settle altered
  nothing_paid
}

@test "a manifest signed by another key (L021)" {
  hh-payout keygen other.pem >/dev/null
  other=$(hh-payout key --key other.pem | jq -r .public)
  refused 65 "not trusted" hh-ln settle m --db pay --backend sim --key "$other"
  hh-ln settle m --db pay --backend sim --key "$other,$KEY" >out
}

@test "an expired manifest (L021)" {
  HH_FAKE_TIME=$(($(date +%s) + 8 * 86400)) refused 65 "expired" settle m
  nothing_paid
}

@test "a record whose manifest_id is not its payload's" {
  jq -c '.manifest_id = "00" * 32' m >other
  refused 65 "refused" settle other
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
  refused 65 "carried" settle forged
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
  refused 65 "refused" settle torn
  refused 65 "refused" settle <<<'{"type":"round","v":1}'
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
  refused 78 "neither lnd nor sim" hh-ln settle m --db pay --key "$KEY" --backend cln
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
