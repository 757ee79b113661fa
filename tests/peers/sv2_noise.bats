#!/usr/bin/env bats
# Our end of Stratum V2's encryption and messages against SRI's: pool_sv2 (on a real bitcoin-node by IPC) as server, translator_sv2 as client. Skipped where
# they are not there; scripts/peers pool_sv2 translator_sv2 builds them.
# timeout: 300

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/bitcoind

# The key pair of SRI's own example configurations: it guards nothing here.
public=9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72
secret=mkDLTBBRxdBv998612qipDYoTK3YUrqLe8uWw7gu3iXbSrn2n

setup() {
  hh_setup
  need_bitcoind
  local program
  for program in bitcoin-node pool_sv2 translator_sv2; do command -v $program >/dev/null || skip "$program is not there: scripts/peers builds it"; done
  local make=${HH_REAL_BIN:-$HH_BIN}/sv2_probe
  [ -x "$make" ] || skip "sv2_probe is not built"
  PATH=${make%/*}:$PATH
}
teardown() { hh_teardown; }

start_pool_sv2() {
  local port=$1 rpc
  rpc=$(free_port)
  mkdir -p "$T/node.data"
  echo "$rpc 0 regtest" >"$T/node.data/ports"
  start node bitcoin-node -datadir="$T/node.data" -regtest -rpcport="$rpc" -server=1 -listen=0 -connect=0 -dnsseed=0 -discover=0 -fixedseeds=0 -printtoconsole=0 -ipcbind=unix
  cli node -rpcwait -rpcwaittimeout=60 getblockchaininfo >/dev/null
  mine node 20
  cat >pool.toml <<END
authority_public_key = "$public"
authority_secret_key = "$secret"
cert_validity_sec = 3600
listen_address = "127.0.0.1:$port"
coinbase_reward_script = "raw(51)"
server_id = 1
pool_signature = "test"
shares_per_minute = 6.0
share_batch_size = 10
supported_extensions = []
required_extensions = []

[template_provider_type.BitcoinCoreIpc]
version = 31
network = "regtest"
data_dir = "$T/node.data"
fee_threshold = 100
min_interval = 5
END
  start pool pool_sv2 -c pool.toml
  eventually 60 eval "(exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null"
}

@test "pool_sv2: its certificate is good, it sets up our connection, opens a channel and sends a job with the tip; another authority is refused" {
  local port
  port=$(free_port)
  start_pool_sv2 "$port"
  sv2_probe connect "$port" $public 5 >out
  cat out
  [ "$(jq -r .message out | sort -u | grep -cxE 'SetupConnection.Success|OpenExtendedMiningChannel.Success|NewExtendedMiningJob|SetNewPrevHash')" = 4 ]
  # Hashes travel as they stand in a header, so the tip's is shown backwards.
  [ "$(jq -r 'select(.message == "SetNewPrevHash") | .prev_hash' out | head -1 | fold -w2 | tac | tr -d '\n')" = "$(cli node getbestblockhash)" ]
  run --separate-stderr sv2_probe connect "$port" 9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh 5
  [ "$status" = 77 ]
  [[ $stderr == *"not signed by this authority"* ]]
}

@test "translator_sv2: it takes our handshake and certificate, and asks for a mining connection and a channel" {
  start probe sv2_probe serve 10
  eventually 30 test -s probe.out
  cat >translator.toml <<END
downstream_address = "127.0.0.1"
downstream_port = $(free_port)
max_supported_version = 2
min_supported_version = 2
downstream_extranonce2_size = 4
verify_payout = false
aggregate_channels = true
supported_extensions = []
required_extensions = []

[downstream_difficulty_config]
min_individual_miner_hashrate = 1000.0
shares_per_minute = 6.0
enable_vardiff = false
job_keepalive_interval_secs = 60

[[upstreams]]
address = "127.0.0.1"
port = $(jq .port probe.out)
authority_pubkey = "$(jq -r .authority probe.out)"
user_identity = "test"
END
  start translator translator_sv2 -c translator.toml
  eventually 20 grep -q SetupConnection probe.out
  cat probe.out
  [ "$(jq -c 'select(.message == "SetupConnection") | [.protocol, .min_version, .max_version]' probe.out)" = '[0,2,2]' ]
}
