#!/usr/bin/env bats
# Rounds: which shares count for which block, on a chain that changes its mind; closing once and for ever.
bats_require_minimum_version 1.5.0
load ../support/common
load helper
setup() { hh_setup; }
teardown() { hh_teardown; }

shares_of() { ledger round "$1" | jq .shares; }
status_of() { ledger round "$1" | jq -r .status; }

@test "each share is in one round: the finder's up to its block, others' up to what had come (C043)" {
  shares --count 60 --sources 3 --blocks 3 --tail 8 | ledger append
  ledger rounds >rounds
  [ "$(jq -s 'map(.shares) | add' rounds)" -eq 60 ]
  [ "$(jq -sc 'map(.status)' rounds)" = '["confirming","confirming","confirming","open"]' ]
  # Cuts follow each other without gap, apart from the finder's block record.
  jq -se '[.[].cuts[]] | group_by(.source) | all(. as $c | range(1; length) | $c[.].first_seq - $c[. - 1].last_seq | . == 1 or . == 2)' rounds
  for r in 1 2 3 4; do ledger round $r | jq -e '([.miners[].shares] | add) == .shares and ([.miners[].work | tonumber] | add | tostring) == .work'; done
}

@test "watch follows a block from confirming to mature and prints each change once (C043)" {
  shares --count 20 --blocks 1 --tail 2 | ledger append
  start_view
  see 100
  watch_once --maturity 3 >out
  [ "$(jq -c '[.status, .confirmations]' out)" = '["confirming",1]' ]
  run --separate-stderr watch_once --maturity 3
  [ "$status" -eq 0 ]
  [ -z "$output" ]
  see 102
  watch_once --maturity 3 >out
  [ "$(jq -c '[.status, .confirmations]' out)" = '["mature",3]' ]
  [ "$(status_of 1)" = mature ]
}

@test "an orphaned block's shares count in the round that follows, and come back with it (C043)" {
  shares --count 60 --sources 2 --blocks 3 --tail 6 | ledger append
  n1=$(shares_of 1) n2=$(shares_of 2) n3=$(shares_of 3)
  start_view
  see 110 1 3
  watch_once >out
  [ "$(jq -sc 'map([.round, .status])' out)" = '[[1,"confirming"],[2,"orphaned"],[3,"confirming"]]' ]
  [ "$(shares_of 2)" -eq 0 ]
  [ "$(shares_of 3)" -eq $((n2 + n3)) ]
  [ "$(shares_of 1)" -eq "$n1" ]
  see 111 3
  watch_once >/dev/null
  [ "$(shares_of 3)" -eq $((n1 + n2 + n3)) ]
  see 112 2 3
  watch_once >/dev/null
  [ "$(shares_of 1)" -eq 0 ]
  [ "$(shares_of 2)" -eq $((n1 + n2)) ]
  [ "$(shares_of 3)" -eq "$n3" ]
  # All of them gone: everything waits in the open round.
  jq '.blocks = {}' view.json >v && mv v view.json
  watch_once >/dev/null
  [ "$(shares_of 4)" -eq 60 ]
  ledger verify
}

@test "a mature block can still be orphaned, and a round with merged shares is paid with all of them (C043)" {
  shares --count 40 --blocks 2 --tail 3 | ledger append
  start_view
  see 300
  watch_once >/dev/null
  [ "$(status_of 1)" = mature ]
  see 300 2
  watch_once | jq -se '.[0].status == "orphaned"'
  ledger close >closed
  [ "$(jq -c '[.round, .shares]' closed)" = '[2,37]' ]
  ledger verify --shares
  # The orphan is frozen with the round that took its shares, even if its block comes back.
  see 300
  run --separate-stderr watch_once
  [ "$status" -eq 0 ]
  [ -z "$output" ]
  [ "$(status_of 1)" = orphaned ]
}

@test "a round closes only when it is mature and those before it are settled, in that order (C043)" {
  shares --count 40 --blocks 3 --tail 3 | ledger append
  fails_with 75 'round 1 is confirming with 0 confirmations' ledger close
  fails_with 75 'round 4 is open' ledger close 4
  fails_with 65 'there is no round 9' ledger close 9
  start_view
  see 300
  watch_once >/dev/null
  fails_with 75 'round 1 is in the way: it is mature' ledger close 2
  ledger close 1 >/dev/null
  fails_with 75 'round 1 is in the way: it is closed, but its manifest has not been posted' ledger close 2
  need hh-payout
  post_round 1
  ledger close 2 | jq -e '.round == 2 and .status == "closed"'
  post_round 2
  ledger close | jq -e .round==3
  post_round 3
  fails_with 75 'no round waits' ledger close
}

@test "closed twice, read ten times: the same bytes, whatever happens meanwhile (C043)" {
  shares --count 30 --blocks 2 --tail 5 >in
  ledger append <in
  ledger miner set miner0 --destination a@example.com
  start_view
  see 200
  watch_once >/dev/null
  ledger close 1 >first
  ledger miner set miner0 --destination b@example.com
  see 250
  watch_once >/dev/null
  ledger close 1 | diff first -
  ledger round 1 | diff first -
  hh-ledger round 1 --scheme pplns --db L | diff first -
  [ "$(jq -r '.miners[] | select(.miner == "miner0").destination.value' first)" = a@example.com ]
}

@test "two closes at once freeze one round (C043)" {
  shares --count 500 --blocks 1 --tail 5 | ledger append
  start_view
  see 300
  watch_once >/dev/null
  for i in 1 2 3 4; do start "close$i" hh-ledger close 1 --db L; done
  for i in 1 2 3 4; do
    wait_for_end "close$i"
    [ "$STOPPED" -eq 0 ]
    diff close1.out "close$i.out"
  done
  [ "$(sqlite3 L "SELECT count(*) FROM audit WHERE what = 'round_closed'")" -eq 1 ]
}

@test "the block of a closed round leaves the chain: an alarm, exit 65, and the round stays as it is (C043)" {
  shares --count 20 --blocks 1 --tail 2 | ledger append
  start_view
  see 300
  watch_once >/dev/null
  ledger close 1 >first
  jq '.blocks = {}' view.json >v && mv v view.json
  fails_with 65 closed_round_reorganised watch_once
  [ "$(jq -r .status <<<"$output")" = orphaned ]
  fails_with 65 closed_round_reorganised watch_once
  [ -z "$output" ]
  ledger round 1 2>/dev/null | diff first -
  [ "$(sqlite3 L "SELECT count(*) FROM alarms")" -eq 1 ]
}

@test "pplns: whole shares backwards until the window is full, the oldest in part (C072)" {
  shares --count 200 --sources 2 --blocks 2 --tail 3 | ledger append
  start_view
  see 400
  watch_once >/dev/null
  hh-ledger close 1 --scheme pplns --pplns-factor 2 --db L >r
  jq -e '.scheme == "pplns" and .pplns.window_work == "512" and .work == "512"' r
  # Worked out again from the exported lines by other means.
  ledger export --round 1 | grep '"type":"share"' >window
  jq -s 'sort_by([.time_ms, .source, .seq]) | map(.work | tonumber) | .[1:] | add' window >whole
  [ $((512 - $(cat whole))) -eq "$(jq -r .pplns.cut_share_work r)" ]
  [ "$(jq -r .shares r)" -eq "$(wc -l <window)" ]
  ledger verify
}

@test "prove: a share of a closed round, by its Merkle proof (C043)" {
  shares --count 33 --sources 2 --blocks 1 --tail 2 | ledger append
  fails_with 75 'round 1 is confirming' ledger prove 1 pool-a 3
  start_view
  see 300
  watch_once >/dev/null
  ledger close 1 >r
  ledger prove 1 pool-b 5 >proof
  [ "$(jq -r .merkle_root proof)" = "$(jq -r .merkle_root r)" ]
  python3 - <<'PY'
import hashlib, json
p = json.load(open("proof"))
h = lambda b: hashlib.sha256(b).digest()
node, index, size = h(b"\0" + p["leaf"].encode()), p["index"], p["size"] - 1
for sibling in map(bytes.fromhex, p["proof"].split(",")):   # RFC 9162, 2.1.3.2
    if index & 1 or index == size:
        node = h(b"\1" + sibling + node)
        while not index & 1 and index:
            index, size = index >> 1, size >> 1
    else:
        node = h(b"\1" + node + sibling)
    index, size = index >> 1, size >> 1
assert size == 0 and node.hex() == p["merkle_root"]
PY
  fails_with 65 'does not count a share 99' ledger prove 1 pool-a 99
}

@test "pplns: a source that had no share in this round still counts with its older ones (C072)" {
  # pool-b stops before the first block; the window of the second block reaches back to its shares.
  shares --count 90 --sources 2 --blocks 2 --tail 3 >all
  awk '!/"source":"pool-b"/ || /"type":"job"/ || b < 20 { print; if (/"type":"share"/ && /"source":"pool-b"/) b++ }' all >in
  if grep -q '"type":"block".*' <(grep '"source":"pool-b"' in | tail -n 1); then false; fi
  ledger append --allow-gaps <in
  [ "$(ledger round 2 | jq -c '[.cuts[].source]')" = '["pool-a"]' ]
  start_view
  see 400
  watch_once >/dev/null
  hh-ledger close 1 --scheme pplns --pplns-factor 100 --db L >/dev/null
  need hh-payout
  make_key
  printf 'scheme = "pplns"\npplns_factor = 100\n' >policy
  hh-payout compute --policy policy <(ledger round 1) | hh-payout sign --key k.pem --iat 1700000000 --exp 4000000000 --jti 1 | ledger post --key "$PUB"
  hh-ledger close 2 --scheme pplns --pplns-factor 100 --db L >r2
  # The window is larger than all the work there is: every share up to the block counts.
  until_block=$(ledger rounds | jq -s 'map(select(.round <= 2)) | .[1].cuts | map(select(.source == "pool-a").last_seq)[0]')
  [ "$(jq -r .shares r2)" -eq "$(jq -c 'select(.type == "share")' in | jq -s --argjson n "$until_block" 'map(select(.source == "pool-b" or .seq <= $n)) | length')" ]
  jq -e '[.cuts[].source] == ["pool-a", "pool-b"]' r2
  ledger verify
  ledger export --round 2 >e2
  hh-payout compute --policy policy r2 | hh-payout sign --key k.pem --iat 1700000000 --exp 4000000000 --jti 2 >m2
  hh-payout replay --policy policy --shares e2 --round-record r2 --manifest m2
}

@test "a bitcoind that rebuilds its chain knows the block but has no other in its place: not orphaned, no alarm (C043, C063)" {
  shares --count 40 --blocks 2 --tail 3 | ledger append
  start_view
  see 300
  watch_once >/dev/null
  ledger close 1 >/dev/null
  jq '{chain, tip: 50, blocks: {}, stale: [.blocks[]]}' view.json >v && mv v view.json
  watch_once >out
  [ "$(jq -c '[.round, .status, .confirmations]' out)" = '[2,"confirming",0]' ]
  [ "$(sqlite3 L "SELECT count(*) FROM alarms")" -eq 0 ]
  # Once it has another block there, it is.
  jq '.tip = 300' view.json >v && mv v view.json
  fails_with 65 closed_round_reorganised watch_once
  [ "$(jq -sc 'map([.round, .status])' <<<"$output")" = '[[1,"orphaned"],[2,"orphaned"]]' ]
  # Whoever takes the closed round to pay it is told.
  run --separate-stderr ledger round 1
  [ "$status" -eq 0 ] && [[ $stderr =~ closed_round_reorganised ]]
  run --separate-stderr ledger close 1
  [ "$status" -eq 0 ] && [[ $stderr =~ closed_round_reorganised ]]
}

@test "watch started before the first job waits for it, and then asks that chain's bitcoind (C043)" {
  ledger miner set alice --destination alice@example.com >/dev/null
  run --separate-stderr ledger watch --once --rpc-url http://127.0.0.1:1
  [ "$status" -eq 0 ] && [[ $stderr =~ no_job_yet ]]
  shares --count 20 --blocks 1 --tail 2 >in
  hh-ledger append --db other <in >/dev/null
  start_view
  hh-ledger rounds --db other | jq -cs '{chain: "regtest", tip: 102, blocks: {"100": .[0].block.hash}}' >view.json
  start watch hh-ledger watch --db L --watch-interval-seconds 1 "${RPC[@]}"
  wait_for_log watch no_job_yet
  ledger append <in >/dev/null
  wait_for_record watch block_status | jq -e '.confirmations == 3'
  stop watch
  [ "$STOPPED" -eq 0 ]
}

@test "cycles of the node pool close after their end, in order, once (C045)" {
  shares --count 20 --blocks 1 --tail 2 | ledger append
  start_view
  see 300
  watch_once >/dev/null
  ledger close 1 >/dev/null
  need hh-payout
  post_round 1
  ledger cycle 2000 | jq -e '.status == "open" and .node_pool_msat == 25000000000'
  ledger close --cycle 2000 >first
  ledger close --cycle 2000 | diff first -
  ledger cycle 2000 | diff first -
  fails_with 75 'cycle 2000 is in the way' ledger close --cycle 2001
  fails_with 75 'not yet' ledger close --cycle 99999
  printf '%s\n' '{"type":"node","v":1,"node":"n1","samples_up":120960,"samples_total":120960,"treasury_channels":1,"template_provider":"remote","bitcoind_synced":true}' \
    '{"type":"node","v":1,"node":"n2","samples_up":120960,"samples_total":120960,"treasury_channels":1,"template_provider":"remote","bitcoind_synced":true}' >nodes
  make_key
  hh-payout compute first --nodes nodes | hh-payout sign --key k.pem --iat 1700000000 --exp 4000000000 --jti c >m
  ledger post --key "$PUB" m
  ledger balances | jq -se 'map(select(.account == "node:n1" or .account == "node:n2").balance_msat) == [-12500000000, -12500000000]'
  ledger close --cycle 2001 | jq -e '.node_pool_msat == 0 and (.nodes | length) == 2'
  fails_with 65 'cycle 1999 is over' ledger close --cycle 1999
}

@test "bitcoind: not there, on another chain, with another cookie, gone and back (C043)" {
  shares --count 20 --blocks 1 --tail 2 | ledger append
  port=$(free_port)
  echo "__cookie__:x" >c
  fails_with 69 "127.0.0.1:$port" ledger watch --once --rpc-url "http://127.0.0.1:$port" --rpc-cookie-file c
  start_view
  see 100
  fails_with 78 '' ledger watch --once --rpc-url "${RPC[1]}" --rpc-cookie-file c
  jq '.chain = "main"' view.json >v && mv v view.json
  fails_with 78 'is on chain main, the ledger is of regtest' watch_once
  rm view.json
  start watch hh-ledger watch --db L --watch-interval-seconds 1 "${RPC[@]}"
  wait_for_log watch bitcoind_unavailable
  see 100
  wait_for_record watch block_status
  wait_for_log watch bitcoind_is_back
  stop watch
  [ "$STOPPED" -eq 0 ]
}
