#!/usr/bin/env bats
# hh-payout compute, manifest, explain, policy and config: exact amounts, the same bytes everywhere, and exit codes.

bats_require_minimum_version 1.5.0
load ../support/common
load helper

setup() {
  hh_setup
  need hh-payout
  data=$HH_SRC/tests/hh-payout/data
  reference=$HH_SRC/tests/hh-payout/reference.py
}
teardown() { hh_teardown; }

@test "golden manifests: rounds of both schemes and a cycle (C044 C045 C070 C123 L024 L026)" {
  hh-payout compute "$data/round.json" | hh-payout manifest | cmp - "$data/round.manifest"
  hh-payout compute --policy "$data/pplns.toml" "$data/pplns.json" | hh-payout manifest | cmp - "$data/pplns.manifest"
  hh-payout compute --nodes "$data/nodes.jsonl" "$data/cycle.json" | hh-payout manifest | cmp - "$data/cycle.manifest"
}

@test "an independent implementation gives the same bytes for 40 random rounds (C044 C070 C121 C123)" {
  local seed
  for seed in $(seq 1 40); do
    "$reference" --random "$seed" >round.json
    "$reference" round.json >expected
    hh-payout compute round.json | hh-payout manifest | cmp - expected || { echo "seed $seed"; return 1; }
  done
}

@test "the golden manifests are what the independent implementation says (C044)" {
  "$reference" "$data/round.json" | cmp - "$data/round.manifest"
  "$reference" "$data/cycle.json" --nodes "$data/nodes.jsonl" | cmp - "$data/cycle.manifest"
  "$reference" "$data/pplns.json" --policy scheme=pplns pplns_factor=3 operator_ppm=10000 node_pool_ppm=0 min_payout_sat=1 pay_unit_msat=1 |
    cmp - "$data/pplns.manifest"
}

@test "time zone, language, fake time and the order of nodes change no byte (C044)" {
  TZ=Asia/Kathmandu LANG=tr_TR.UTF-8 LC_ALL=tr_TR.UTF-8 HH_FAKE_TIME=1 hh-payout compute "$data/round.json" | LC_ALL=de_DE.UTF-8 hh-payout manifest | cmp - "$data/round.manifest"
  tac "$data/nodes.jsonl" >nodes.jsonl
  TZ=America/St_Johns LC_ALL=C hh-payout compute --nodes nodes.jsonl "$data/cycle.json" | hh-payout manifest | cmp - "$data/cycle.manifest"
}

@test "compute reads standard input, and manifest takes payouts, manifests and nothing else (C044)" {
  hh-payout compute <"$data/round.json" >payout.jsonl
  hh-payout compute - <"$data/round.json" | cmp - payout.jsonl
  hh-payout manifest payout.jsonl | cmp - "$data/round.manifest"
  hh-payout manifest "$data/round.manifest" | cmp - "$data/round.manifest"
  exits 65 'expected a payout, a manifest or a signed_manifest, is "round"' hh-payout manifest "$data/round.json"
}

@test "a payout whose line was changed or lost is refused (C044 C123)" {
  hh-payout compute "$data/round.json" >payout.jsonl
  sed 's/"pay_msat":707142857000/"pay_msat":707142858000/' payout.jsonl >changed.jsonl
  exits 65 "pay" hh-payout manifest changed.jsonl
  head -n 4 payout.jsonl >short.jsonl
  exits 65 "announces 4 lines, 3 follow" hh-payout manifest short.jsonl
  { cat payout.jsonl && tail -n 1 payout.jsonl; } >long.jsonl
  exits 65 "announces 4 lines, 5 follow" hh-payout manifest long.jsonl
}

@test "only a closed round is paid: 75 not yet, 65 orphaned (C044)" {
  local status
  for status in confirming mature; do
    sed "s/\"closed\"/\"$status\"/" "$data/round.json" >r.json
    exits 75 "round 7 is $status, not closed" hh-payout compute r.json
  done
  sed 's/"closed"/"orphaned"/' "$data/round.json" >r.json
  exits 65 "round 7 is orphaned" hh-payout compute r.json
  sed 's/"closed"/"open"/' "$data/cycle.json" >c.json
  exits 75 "cycle 2811 is open" hh-payout compute --nodes "$data/nodes.jsonl" c.json
}

@test "another chain, scheme or factor than the settings' is refused with 78 (C044)" {
  exits 78 "the input is of chain regtest" hh-payout compute --chain main "$data/round.json"
  HH_PAYOUT_CHAIN=signet exits 78 "environment HH_PAYOUT_CHAIN" hh-payout compute "$data/round.json"
  exits 78 'chain "bitcoin"' hh-payout compute --chain bitcoin "$data/round.json"
  hh-payout compute --chain regtest "$data/round.json" >ok
  exits 78 "scheme prop, the policy says pplns" hh-payout compute --policy "$data/pplns.toml" "$data/round.json"
  exits 78 "scheme pplns, the policy says prop" hh-payout compute "$data/pplns.json"
  sed 's/= 3/= 4/' "$data/pplns.toml" >p.toml
  exits 78 "factor 3, the policy says 4" hh-payout compute --policy p.toml "$data/pplns.json"
}

@test "a cycle needs --nodes, a round refuses it (C045)" {
  exits 64 "give --nodes" hh-payout compute "$data/cycle.json"
  exits 64 "--nodes belongs to a cycle" hh-payout compute --nodes "$data/nodes.jsonl" "$data/round.json"
  exits 64 "cannot both be standard input" hh-payout compute --nodes -
  cat "$data/nodes.jsonl" "$data/nodes.jsonl" >twice.jsonl
  exits 65 'node "node-1" is listed twice' hh-payout compute --nodes twice.jsonl "$data/cycle.json"
  exits 66 "no-such-file" hh-payout compute --nodes no-such-file "$data/cycle.json"
}

@test "why a node is not eligible is said on stderr (C071 L025)" {
  run --separate-stderr hh-payout compute --nodes "$data/nodes.jsonl" "$data/cycle.json"
  [ "$status" -eq 0 ]
  [[ $stderr == *'"node":"node-3","reason":"uptime"'* ]]
  [[ $stderr == *'"node":"node-4","reason":"no_treasury_channel"'* ]]
  [[ $stderr != *'"node":"node-2"'* ]]
}

@test "explain: the formula with its numbers, for paid, carried and absent accounts (C044 C123)" {
  run hh-payout explain --account miner:alice "$data/round.manifest"
  [ "$status" -eq 0 ]
  [[ $output == *"4950000000000 x 100 / 700, remainder 600"* ]]
  [[ $output == *"miner:alice is paid 707,142,857 sat (707142857000 msat), 148 msat are carried."* ]]
  run hh-payout explain --account miner:bob "$data/round.manifest"
  [[ $output == *"the account has no destination"* ]]
  run hh-payout explain --account miner:dave "$data/round.manifest"
  [[ $output == *"less than the minimum of 1000000 msat"* ]]
  run hh-payout explain --account miner:nobody "$data/round.manifest"
  [[ $output == *"it has no share in what was divided"* ]]
  hh-payout compute "$data/round.json" | hh-payout explain --json --account miner:carol | jq -e '.account == "miner:carol" and (.text | contains("2828571428000"))'
  exits 65 "miner:NAME" hh-payout explain --account carol "$data/round.manifest"
  exits 64 "" hh-payout explain "$data/round.manifest"
}

@test "explain: a node that gets nothing, with the facts (C045 C071)" {
  run hh-payout explain --account node:node-4 --nodes "$data/nodes.jsonl" "$data/cycle.manifest"
  [ "$status" -eq 0 ]
  [[ $output == *"no open channel to the treasury"* ]]
  run hh-payout explain --account node:node-2 "$data/cycle.manifest"
  [[ $output == *"8333333333"* ]]
  exits 65 "neither in the payout nor in" hh-payout explain --account node:zz --nodes "$data/nodes.jsonl" "$data/cycle.manifest"
}

@test "policy and config print what is in effect (C084)" {
  hh-payout policy | jq -e '.operator_ppm == 5000 and .node_pool_ppm == 5000 and .scheme == "prop" and .min_payout_sat == 1000'
  hh-payout policy --policy "$data/pplns.toml" | jq -e '.pplns_factor == 3'
  HH_PAYOUT_POLICY=x.toml hh-payout config | grep -F '{"type":"config","v":1,"key":"policy","value":"x.toml","origin":"environment HH_PAYOUT_POLICY"}'
  echo 'opreator_ppm = 1' >bad.toml
  exits 78 'did you mean "operator_ppm"?' hh-payout policy --policy bad.toml
  exits 66 "no-such.toml" hh-payout compute --policy no-such.toml "$data/round.json"
  exits 78 "not standard input" hh-payout compute --policy - <"$data/round.json"
}

# origins: key and origin of every setting, as `config` prints them.
origins() { jq -r '"\(.key) \(.value) \(.origin)"'; }

@test "config says where each value comes from, and flags win over environment over file (C084 C090)" {
  printf 'chain = "signet"\npolicy = "f.toml"\nkey = "f.pem"\n' >c.toml
  HH_PAYOUT_CHAIN=main HH_PAYOUT_POLICY=e.toml hh-payout config --config c.toml --chain regtest | origins >out
  diff out - <<'EOF'
policy e.toml environment HH_PAYOUT_POLICY
chain regtest flag
key f.pem file c.toml
log.format auto default
log.level info default
EOF
  HH_PAYOUT_CHAIN=main exits 78 "environment HH_PAYOUT_CHAIN" hh-payout compute --config c.toml --policy /dev/null "$data/round.json"
  exits 78 "file c.toml" hh-payout compute --config c.toml --policy /dev/null "$data/round.json"
  hh-payout compute --config c.toml --policy /dev/null --chain regtest "$data/round.json" >out
}

@test "a misspelt key or variable is refused with the nearest one (C084 C090)" {
  printf '\nchian = "main"\n' >c.toml
  exits 78 'c.toml, line 2: unknown key "chian": did you mean "chain"?' hh-payout config --config c.toml
  HH_PAYOUT_CHIAN=main exits 78 'unknown variable "HH_PAYOUT_CHIAN": did you mean "HH_PAYOUT_CHAIN"?' hh-payout compute "$data/round.json"
  exits 78 "no-such.toml" hh-payout config --config no-such.toml
}

@test "a secret that was put where its place belongs is not printed (C084)" {
  secret=0201036c6e640247030a10b493608461fb
  hh-payout config --key $secret | origins | grep -x "key \[redacted\] flag"
  run --separate-stderr hh-payout sign --key $secret --now --exp +1h "$data/round.manifest"
  [ "$status" -eq 78 ]
  [[ $stderr == *"key: secret file [redacted] cannot be read"* && $stderr$output != *6c6e64* ]]
}

@test "usage errors are 64 and help is 0 (C090)" {
  local sub
  exits 64 "" hh-payout
  exits 64 "" hh-payout frobnicate
  exits 64 "" hh-payout compute --frobnicate
  run --separate-stderr hh-payout --help
  [ "$status" -eq 0 ]
  [ -z "$stderr" ]
  for sub in compute manifest sign verify explain replay keygen key policy config; do
    [[ $output == *"$sub"* ]]
    hh-payout "$sub" --help >help
    [ -s help ]
  done
}

@test "hostile input never crashes compute and is refused with 65 (C044)" {
  local bad
  printf '' >empty.json
  exits 65 "is empty" hh-payout compute empty.json
  exits 66 "no-such-file" hh-payout compute no-such-file
  cat "$data/round.json" "$data/round.json" >twice.json
  exits 65 "line 2: expected one record" hh-payout compute twice.json
  for bad in 's/"round":7/"round":7,"round":7/' 's/"work":"100"/"work":"-100"/' 's/"work":"100"/"work":100/' 's/"work":"100"/"work":"1e2"/' \
    's/"work":"100"/"work":"99999999999999999999999999999999999999999"/' 's/"subsidy_sat":5000000000/"subsidy_sat":-1/' \
    's/"subsidy_sat":5000000000/"subsidy_sat":1.5/' 's/"subsidy_sat":5000000000/"subsidy_sat":2100000000000001/' 's/"carried_msat":5/"carried_msat":-5/' \
    's/"miner":"alice"/"miner":"\\u0000"/' 's/"miner":"alice"/"miner":"älice"/' 's/"miner":"alice"/"miner":"al ice"/' 's/"miner":"carol"/"miner":"bob"/' \
    's/"miner":"bob","conf/"miner":"eve","conf/' 's/"v":1/"v":2/' 's/alice@example.com/alice@/' 's/"shares":7/"shares":8/' 's/"merkle_root":"a/"merkle_root":"/' \
    's/}$//' 's/"chain":"regtest"/"chain":"dev"/' 's/"type":"round"/"type":"cycle"/'; do
    sed "$bad" "$data/round.json" >bad.json
    cmp -s bad.json "$data/round.json" && { echo "sed did nothing: $bad"; return 1; }
    run --separate-stderr hh-payout compute bad.json
    [ "$status" -eq 65 ] || { echo "$bad: status $status, $stderr"; return 1; }
    [[ $stderr == *"bad.json, line 1"* || $stderr == *"round 7"* ]] || { echo "$bad: $stderr"; return 1; }
    [ -z "$output" ]
  done
  { tr -d '\n' <"$data/round.json" && printf '\0{}\n'; } >bad.json
  exits 65 "a zero byte" hh-payout compute bad.json
  printf '\xff\xfe{"type":"round"}\n' >bad.json
  exits 65 "bad.json, line 1" hh-payout compute bad.json
  head -c 70000000 /dev/zero | tr '\0' '[' >bad.json
  exits 65 "longer than" hh-payout compute bad.json
  head -c 100000 /dev/zero | tr '\0' '[' >bad.json
  exits 65 "bad.json, line 1" hh-payout compute bad.json
}

@test "a closed reader and a full disk are errors, not silence" {
  [ -e /dev/full ] || skip "no /dev/full"
  local status=0
  hh-payout compute "$data/round.json" >/dev/full 2>err || status=$?
  [ "$status" -eq 74 ]
  grep -q "standard output" err
}
