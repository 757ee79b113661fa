#!/usr/bin/env bats
# shellcheck disable=SC2154  # stderr is set by run
# hh-devchain as a program: what a client sees over HTTP, what survives kill -9, and its command line.

bats_require_minimum_version 1.5.0
load ../support/common

setup() {
  hh_setup
  need hh-devchain jq curl
}
teardown() { hh_teardown; }

chain() { start_devchain serve --datadir "$T/chain" --bits 207fffff "$@"; }
dev() { hh-devchain "$@" --datadir "$T/chain"; }
# rpc METHOD [PARAMS]: through HTTP, as any other program; prints the whole answer.
rpc() { curl -sS --max-time 30 --user "$(cat "$RPC_COOKIE")" --data "{\"id\":1,\"method\":\"$1\",\"params\":${2:-[]}}" "$RPC_URL"; }
segwit='[{"rules":["segwit"]}]'

@test "the ready record says that the chain is simulated, and the cookie is its owner's alone" {
  chain
  record=$(wait_for_record devchain devchain)
  [ "$(jq -c '[.simulated, .v]' <<<"$record")" = '[true,1]' ]
  [ "$(stat -c %a "$RPC_COOKIE")" = 600 ]
  [ "$(rpc getblockchaininfo | jq -c '[.result.chain, .result.simulated, .error]')" = '["dev",true,null]' ]
}

@test "who has no cookie gets 401, who does not POST 405, and nonsense an error" {
  chain
  code() { curl -s -o /dev/null --max-time 10 -w '%{http_code}' "$@"; }
  [ "$(code --data '{}' "$RPC_URL")" = 401 ]
  [ "$(code --user __cookie__:wrong --data '{}' "$RPC_URL")" = 401 ]
  [ "$(code --user "$(cat "$RPC_COOKIE")" "$RPC_URL")" = 405 ]
  [ "$(code --user "$(cat "$RPC_COOKIE")" --data '{' "$RPC_URL")" = 500 ]
  head -c 20000000 /dev/zero >big
  run curl -s -o /dev/null --max-time 20 --user "$(cat "$RPC_COOKIE")" --data-binary @big "$RPC_URL"
  # shellcheck disable=SC2016
  timeout 5 bash -c 'exec 4<>"/dev/tcp/127.0.0.1/$1" && printf "nonsense\r\n\r\n" >&4 && cat <&4' - "${RPC_URL##*:}" >/dev/null || true
  [ "$(rpc getblockcount | jq .result)" = 0 ]
}

@test "a long poll is answered when a block is found, and not before (C061)" {
  chain --mempool-seconds 0
  id=$(rpc getblocktemplate "$segwit" | jq -r .result.longpollid)
  rpc getblocktemplate "[{\"rules\":[\"segwit\"],\"longpollid\":\"$id\"}]" >answer 3>&- &
  poll=$!
  sleep 1
  [ ! -s answer ]
  dev generate 1
  eventually 10 test -s answer
  wait $poll
  [ "$(jq .result.height answer)" = 2 ]
}

@test "a long poll is answered when a transaction arrives, with more fees (C061)" {
  chain --mempool-seconds 1
  before=$(rpc getblocktemplate "$segwit")
  id=$(jq -r .result.longpollid <<<"$before")
  after=$(rpc getblocktemplate "[{\"rules\":[\"segwit\"],\"longpollid\":\"$id\"}]")
  [ "$(jq .result.coinbasevalue <<<"$after")" -gt "$(jq .result.coinbasevalue <<<"$before")" ]
  [ "$(jq .result.height <<<"$after")" = 1 ]
}

@test "fees are never zero and the same for the same height on another chain (C062)" {
  chain --mempool-seconds 0
  first=$(rpc getblocktemplate "$segwit" | jq -c '[.result.transactions[] | [.txid, .fee]]')
  [ "$(jq '[.[][1]] | add' <<<"$first")" -gt 0 ]
  stop devchain
  start_devchain serve --datadir "$T/other" --bits 1f00aaaa --mempool-seconds 0
  [ "$(rpc getblocktemplate "$segwit" | jq -c '[.result.transactions[] | [.txid, .fee]]')" = "$first" ]
}

@test "a block from one node's branch reorganises another with less work (X067)" {
  chain
  dev generate 2 >/dev/null
  orphan=$(dev call getbestblockhash)
  root=$(dev call getblockhash 1)
  # A second node with the same first block goes another way, longer.
  first=$(dev call getblock "$root" 0)
  start second hh-devchain serve --datadir "$T/second" --bits 207fffff
  wait_for_record second devchain >/dev/null
  hh-devchain call submitblock "$first" --datadir "$T/second"
  hh-devchain generate 2 --datadir "$T/second" >branch
  results=
  while read -r hash; do
    results+="$(dev call submitblock "$(hh-devchain call getblock "$hash" 0 --datadir "$T/second")");"
  done <branch
  [ "$results" = "inconclusive;;" ]
  [ "$(dev call getbestblockhash)" = "$(tail -n 1 branch)" ]
  [ "$(dev call getblockheader "$orphan" | jq .confirmations)" = -1 ]
  [ "$(dev call getblockheader "$root" | jq .confirmations)" = 3 ]
}

@test "kill -9 loses no block that was told, and a torn record is cut (C061)" {
  chain
  for _ in 1 2 3; do
    dev generate 3 >>hashes
    stop devchain KILL
    printf 'B\377\377' >>"$T/chain/blocks.dat"
    chain
  done
  [ "$(dev call getblockcount)" = 9 ]
  [ "$(for height in 1 2 3 4 5 6 7 8 9; do dev call getblockhash $height; done)" = "$(cat hashes)" ]
  [ "$(grep -c torn_record_cut "$T/devchain.err")" = 3 ]
}

@test "kill -9 in the middle of mining leaves a chain that goes on (C061)" {
  chain
  for _ in 1 2 3 4 5; do
    rpc generatetoaddress '[1000,"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"]' >/dev/null 2>&1 3>&- &
    client=$!
    sleep 0.3
    stop devchain KILL
    wait $client || true
    chain
  done
  height=$(dev call getblockcount)
  [ "$height" -gt 0 ]
  dev generate 1
  [ "$(dev call getblockcount)" = $((height + 1)) ]
}

@test "SIGTERM ends it at once, long polls and kept connections too, and takes the cookie away" {
  chain --mempool-seconds 0
  id=$(rpc getblocktemplate "$segwit" | jq -r .result.longpollid)
  rpc getblocktemplate "[{\"rules\":[\"segwit\"],\"longpollid\":\"$id\"}]" >/dev/null 2>&1 3>&- &
  poll=$!
  sleep 0.5
  start=$SECONDS
  stop devchain
  [ "$STOPPED" -eq 0 ]
  [ $((SECONDS - start)) -le 5 ]
  [ ! -e "$T/chain/.cookie" ]
  wait $poll || true
  run --separate-stderr dev call getblockcount
  [ "$status" -eq 69 ]
  [[ $stderr == *"no hh-devchain serves"* ]]
}

@test "two nodes cannot serve one folder; a chain keeps its bits; wrong settings are named" {
  chain
  run --separate-stderr hh-devchain serve --datadir "$T/chain"
  [ "$status" -eq 75 ]
  stop devchain
  run --separate-stderr hh-devchain serve --datadir "$T/chain" --bits 1e0aaaaa
  [ "$status" -eq 78 ]
  [[ $stderr == *"has bits 207fffff, not 1e0aaaaa"* ]]
  run --separate-stderr hh-devchain serve --datadir "$T/new" --bits 1d80ffff
  [ "$status" -eq 78 ]
  run --separate-stderr hh-devchain serve --datadir "$T/new" --bits xyz
  [ "$status" -eq 78 ]
  run --separate-stderr hh-devchain serve --datadir "$T/new" --rpc-port 70000
  [ "$status" -eq 64 ]
  run --separate-stderr hh-devchain generate -1 --datadir "$T/chain"
  [ "$status" -eq 64 ]
}

@test "a damaged chain is refused by name and byte" {
  chain
  dev generate 3 >/dev/null
  stop devchain
  printf 'x' | dd of="$T/chain/blocks.dat" bs=1 seek=100 conv=notrunc status=none
  run --separate-stderr hh-devchain serve --datadir "$T/chain"
  [ "$status" -eq 65 ]
  [[ $stderr == *"blocks.dat is damaged at byte 12"* ]]
}

@test "errors of calls reach the command line with bitcoind's code" {
  chain
  run --separate-stderr dev call getblockhash 5
  [ "$status" -eq 65 ]
  [[ $stderr == *"the node refuses getblockhash: Block height out of range (code -8)"* ]]
  run --separate-stderr dev generate 1 --address 1FsSia9rv4NeEwvJ2GvXrX7LyxYspbN2mo
  [ "$status" -eq 65 ]
  [[ $stderr == *"is an address of main, not of dev"* ]]
}

@test "the man page's examples work (C090)" {
  sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE ALSO/p' "$HH_SRC/man/hh-devchain.8" | grep -v '^\.' | sed -n '/^\$ /,$p' | grep -v ':$' >transcript
  [ "$(grep -c '^\$ ' transcript)" -eq 6 ]
  expected="" command=""
  check() {
    [ -n "$command" ] || return 0
    if [[ $command == *' &' ]]; then
      # shellcheck disable=SC2086
      start example ${command% &}
      wait_for_record example devchain >/dev/null
      return 0
    fi
    run bash -c "$command"
    echo "$command -> $output"
    [ "$status" -eq 0 ] && [ "$output" = "$expected" ]
  }
  while IFS= read -r line; do
    case $line in
      '$ '*) check; command=${line#\$ } expected="" ;;
      *) expected=$line ;;
    esac
  done <transcript
  check
  [ "$(wc -l <hashes)" -eq 3 ]
}
