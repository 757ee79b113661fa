#!/usr/bin/env bats
# hh-pool's Stratum V2 door with SRI's translator_sv2 before it, on a real bitcoind: a V1 miner's shares and blocks, aggregated and not. Skipped where translator_sv2
# is not there; scripts/peers translator_sv2 builds it.
# timeout: 600

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/bitcoind
load ../support/pool

setup() {
  hh_setup
  need hh-pool hh-miner
  need_bitcoind
  command -v translator_sv2 >/dev/null || skip "translator_sv2 is not there: scripts/peers builds it"
  start_bitcoind node regtest
  mine node 110
  hh-pool keys authority "$T/authority" >authority.out
  hh-pool keys certify --authority "$T/authority" "$T/keys" >/dev/null
}
teardown() { hh_teardown; }

start_v2_pool() {
  start_pool pool regtest --listen "127.0.0.1:0,127.0.0.1:0|sv2" --sv2-keys "$T/keys" --spool "$T/spool.jsonl" --difficulty-min 0.0000001 --difficulty-start 0.0000001 --log-level debug "$@"
  V2_PORT=$(wait_for_record pool pool | jq -r '.listeners[] | select(.sv2) | .address | sub(".*:"; "")')
}

# start_translator AGGREGATED: TRANSLATOR is the port for V1 miners
start_translator() {
  TRANSLATOR=$(free_port)
  cat >translator.toml <<END
downstream_address = "127.0.0.1"
downstream_port = $TRANSLATOR
max_supported_version = 2
min_supported_version = 2
downstream_extranonce2_size = 4
verify_payout = false
aggregate_channels = $1
supported_extensions = []
required_extensions = []

[downstream_difficulty_config]
min_individual_miner_hashrate = 100.0
shares_per_minute = 6.0
enable_vardiff = false
job_keepalive_interval_secs = 60

[[upstreams]]
address = "127.0.0.1"
port = $V2_PORT
authority_pubkey = "$(jq -r .authority authority.out)"
user_identity = "$MINER.translator"
END
  start translator translator_sv2 -c translator.toml
  eventually 30 eval "(exec 3<>/dev/tcp/127.0.0.1/$TRANSLATOR) 2>/dev/null"
}

accepted() { [ "$(jq -s '[.[] | select(.type == "submission" and .result == "accepted")] | length' spool.jsonl)" -ge "$1" ]; }

@test "translator_sv2, not aggregated: a V1 miner's shares are accepted, its blocks taken by bitcoind, the fees are its coinbase's (C124)" {
  start_v2_pool
  start_translator false
  hh-miner --url "127.0.0.1:$TRANSLATOR" --user "$MINER.rig" --throttle 200 --max-blocks 2 --max-seconds 60 >mined
  eventually 20 accepted 2
  [ "$(cli node getblockcount)" -ge 112 ]
  jq -se --arg m "$MINER" '[.[] | select(.type == "share")] | length >= 2 and all(.miner == $m)' spool.jsonl
  [ "$(jq -r 'select(.type == "mined_total" or .type == "mined") | .rejected // 0' mined | sort -u)" = 0 ]
}

@test "translator_sv2, aggregated: two V1 miners on one channel (C124)" {
  start_v2_pool
  start_translator true
  start other hh-miner --url "127.0.0.1:$TRANSLATOR" --user "$MINER.b" --throttle 50 --max-seconds 60
  hh-miner --url "127.0.0.1:$TRANSLATOR" --user "$MINER.rig" --throttle 200 --max-blocks 2 --max-seconds 60 >mined
  eventually 20 accepted 2
}
