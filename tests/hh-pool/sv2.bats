#!/usr/bin/env bats
# Stratum V2 from outside: keys and their certificate, the door, what its first bytes must be, and a takeover of a connection that is encrypted. What a session
# says is tested in tools/hh-pool/test_session_v2.cpp; with other people's programs in tests/peers/sv2_pool.bats.
# timeout: 300

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool

setup() {
  hh_setup
  need hh-pool hh-devchain
  PROBE=${HH_REAL_BIN:-$HH_BIN}/sv2_probe
  start_devchain --bits 1f00aaaa
}
teardown() { hh_teardown; }

make_keys() {
  hh-pool keys authority authority.key >authority
  hh-pool keys certify --authority authority.key --days 30 pool.keys >keys
  AUTHORITY=$(jq -r .authority authority)
}
start_v2_pool() {
  start_pool "$1" dev --listen "127.0.0.1:${PORT:-0}|sv2" --sv2-keys "$T/pool.keys" --spool "$T/spool.jsonl" --http 127.0.0.1:0 "${@:2}"
}
heard() { [ "$(jq -r .message probe.out | grep -cx "$1")" -ge "$2" ]; }

@test "the examples of the man page make keys and show them; files are secret, never replaced, and name what is wrong with them (C124 C093)" {
  mandoc -Tascii -O width=200 "$HH_SRC/man/hh-pool.8" | col -bx | sed -n "/^EXAMPLES/,/^SEE ALSO/p" >page
  mapfile -t examples < <(sed -n 's/^ *\$ \(hh-pool keys .*\)/\1/p' page)
  [ "${#examples[@]}" -eq 3 ]
  local n=0 example
  for example in "${examples[@]}"; do
    eval "$example" >"out$n"
    n=$((n + 1))
  done
  [ "$(stat -c %a authority.key pool.keys | sort -u)" = 600 ]
  cmp out1 out2
  [ "$(jq -c '[.authority, .days_left]' out2)" = "[$(jq .authority out0),90]" ]
  run ! grep -q "$(jq -r .secret pool.keys)" out0 out1 out2
  run --separate-stderr hh-pool keys authority authority.key
  [ "$status" -eq 73 ]
  run --separate-stderr hh-pool keys certify --authority pool.keys other.keys
  [ "$status" -eq 78 ]
  [[ $stderr == *"pool.keys holds no sv2_authority_key"* ]]
  [ ! -e other.keys ]
  # Another authority's name beside the certificate.
  hh-pool keys authority b.key >b
  (umask 077 && jq -c --arg a "$(jq -r .authority b)" '.authority = $a' pool.keys >forged.keys)
  run --separate-stderr hh-pool keys show --sv2-keys forged.keys
  [ "$status" -eq 78 ]
  [[ $stderr == *"not signed by this authority"* ]]
  chmod 644 pool.keys
  run --separate-stderr hh-pool keys show --sv2-keys pool.keys
  [ "$status" -eq 78 ]
}

@test "a client that knows the authority gets a channel, a job and its tip; another authority's is refused; V1 at this door ends (C124)" {
  make_keys
  start_v2_pool pool
  "$PROBE" connect "$POOL_PORT" "$AUTHORITY" 3 "$MINER" >probe.out
  for message in SetupConnection.Success OpenExtendedMiningChannel.Success SetNewPrevHash; do heard $message 1; done
  heard NewExtendedMiningJob 1
  run --separate-stderr "$PROBE" connect "$POOL_PORT" 9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh 3 "$MINER"
  [ "$status" -eq 77 ]
  "$PROBE" connect "$POOL_PORT" "$AUTHORITY" 2 $'nobody\x01' >probe.out
  heard OpenMiningChannel.Error 1
  # 64 bytes are a key to the handshake, whatever they are; what follows is not authentic.
  exec 9<>"/dev/tcp/127.0.0.1/$POOL_PORT"
  printf '{"id":1,"method":"mining.subscribe","params":["long enough to be a key of 64 bytes and the head of a frame"]}' >&9
  timeout 10 cat <&9 >answer
  exec 9>&-
  [ "$(stat -c %s answer)" -eq 234 ]
  [ "$(hh-pool status --spool "$T/spool.jsonl" | jq -c '.listeners[0] | [.sv2, .tls]')" = '[true,false]' ]
  address=$(jq -rs '[.[] | select(.event == "http")][0].address' pool.err)
  left=$(curl -sS --max-time 20 "http://$address/metrics" | awk '$1 == "hh_pool_sv2_certificate_seconds_left" { print $2 }')
  [ "$left" -gt $((29 * 86400)) ]
  [ "$left" -le $((30 * 86400)) ]
}

@test "a takeover keeps an encrypted connection: the new process goes on with its cipher and gives it the next jobs (C124)" {
  make_keys
  PORT=$(free_port)
  start_v2_pool pool
  start probe "$PROBE" connect "$POOL_PORT" "$AUTHORITY" 60 "$MINER"
  eventually 20 heard NewExtendedMiningJob 1
  # Another certificate in the file: who is connected does not need it.
  rm pool.keys
  hh-pool keys certify --authority authority.key --days 10 pool.keys >/dev/null
  eventually 10 test -S "$T/spool.jsonl.takeover"
  pool_environment dev
  start next hh-pool serve --takeover --listen "127.0.0.1:$PORT|sv2" --sv2-keys "$T/pool.keys" --spool "$T/spool.jsonl"
  wait_for_end pool
  [ "$STOPPED" -eq 0 ]
  wait_for_log next '"event":"taken_over","sessions":1'
  wait_for_log next '"level":"error","tool":"hh-pool","event":"sv2_certificate"'  # it ends in 10 days
  before=$(jq -r .message probe.out | grep -cx NewExtendedMiningJob)
  eventually 30 heard NewExtendedMiningJob $((before + 2))
  is_running probe
}

@test "a door with sv2 needs keys, and has no TLS (C124)" {
  pool_environment dev
  run --separate-stderr hh-pool serve --listen "127.0.0.1:0|sv2"
  [ "$status" -eq 78 ]
  [[ $stderr == *"sv2.keys"* ]]
  run --separate-stderr hh-pool serve --listen "127.0.0.1:0|sv2|tls" --sv2-keys nothing
  [ "$status" -eq 78 ]
  [[ $stderr == *"an encryption of its own"* ]]
}
