#!/usr/bin/env bats
# kill -9 of each daemon at random moments while shares flow: nothing that a miner was told is accepted is lost, nothing is counted twice, and
# what was to be paid is paid once. HH_LONG=1 kills 100 times, otherwise 12; HH_SEED makes a run repeatable as far as time is.
# timeout: 1800

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool

setup() {
  hh_setup
  need hh-devchain hh-pool hh-miner hh-ledger hh-payout hh-ln jq sqlite3
}
teardown() { hh_teardown; }

CHAIN_BITS=1f00ffff
run_devchain() {
  start devchain hh-devchain serve --datadir "$T/chain" --rpc-port "${CHAIN_PORT:-0}" --bits "$CHAIN_BITS"
  local record
  record=$(wait_for_record devchain devchain) || return 1
  RPC_URL=$(jq -r .rpc_url <<<"$record")
  RPC_COOKIE=$(jq -r .cookie_file <<<"$record")
  CHAIN_PORT=${RPC_URL##*:}
}
start_the_pool() {
  pool_environment dev
  HH_POOL_LISTEN=127.0.0.1:${POOL_PORT:-0}
  start pool hh-pool serve --wait --source pool1 --spool "$T/spool.jsonl" --template-poll-ms 200
  local record
  record=$(wait_for_record pool pool 30) || return 1
  POOL_PORT=$(port_of "$record")
}
start_the_ledger() { start ledger hh-ledger append --follow "$T/spool.jsonl" --db "$T/ledger.sqlite"; }
start_miners() {
  local n
  for n in 1 2 3; do
    hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER.rig$n" --throttle $((n * 40000)) >>"mined.$n" 2>>"miner.$n.err" 3>&- &
    echo $! >"miner$n.pid" && : >"miner$n.err"
  done
}
ledger_shares() { hh-ledger rounds --db ledger.sqlite | jq -s 'map(select(.status != "orphaned") | .shares) | add // 0'; }
has_caught_up() { [ "$(sqlite3 -readonly ledger.sqlite 'SELECT max(last_seq) FROM sources')" = "$(seqs spool.jsonl | tail -n 1)" ]; }
# The simulated wallet pays a hash once by itself; what must not happen is a second hash for the same line.
spent_twice() { sqlite3 payments.sqlite.sim "SELECT manifest_id, line FROM spent GROUP BY 1, 2 HAVING count(*) > 1"; }
payday() {
  local closed
  hh-ledger watch --once --db ledger.sqlite --maturity 1 --rpc-url "$RPC_URL" --rpc-cookie-file "$RPC_COOKIE" >/dev/null || return 0
  closed=$(hh-ledger close --db ledger.sqlite --maturity 1 | jq .round) && [ -n "$closed" ] || return 0
  echo "$closed" >to_pay
}
pay_pipe() {
  hh-ledger round "$(cat to_pay)" --db ledger.sqlite | hh-payout compute | hh-payout sign --key key.pem --iat 1700000000 --exp 4000000000 --jti "r$(cat to_pay)" |
    hh-ln settle --db payments.sqlite --backend sim --key "$(cat key.pub)" --sim-faults "slow_ms=${SLOW_MS:-10}" | hh-ledger post --db ledger.sqlite --key key.pub >posted
}

@test "killed again and again, no share is lost or doubled and nothing is paid twice (C042 C043 C060 L022 L027)" {
  RANDOM=${HH_SEED:-$$}
  kills=12
  [ -z "${HH_LONG:-}" ] || kills=100
  export HH_LN_SIM_BALANCE_MSAT=9000000000000000  # 90,000 BTC: every round's
  hh-payout keygen key.pem | jq -r .public >key.pub
  run_devchain
  hh-ledger miner set "$MINER" --chain dev --destination miner@example.com --db ledger.sqlite
  start_the_pool
  start_the_ledger
  start_miners
  for i in $(seq "$kills"); do
    sleep "0.$(printf %03d $((RANDOM % 900 + 50)))"
    case $((i % 4)) in
      0) victim=ledger ;;
      1) victim=pool ;;
      2) victim=devchain ;;
      3) victim=payday ;;
    esac
    if [ $victim = payday ]; then
      [ -s to_pay ] || payday
      [ -s to_pay ] || continue
      (pay_pipe) 2>>payday.err 3>&- &
      pipe=$!
      sleep "0.$(printf %03d $((RANDOM % 300)))"
      # The programs of the pipe are the children of its shell, which was started here.
      for child in $(cat "/proc/$pipe/task/$pipe/children" 2>/dev/null); do kill -9 "$child" 2>/dev/null || true; done
      wait $pipe 2>/dev/null || true
      continue
    fi
    stop $victim KILL
    case $victim in
      ledger) start_the_ledger ;;
      pool) start_the_pool ;;
      devchain) run_devchain ;;
    esac
  done
  for n in 1 2 3; do stop "miner$n"; done
  stop pool
  eventually 60 has_caught_up
  is_running ledger
  stop ledger

  # Each share that a miner was told is accepted is in the spool once; each spool record is in the ledger once.
  seqs spool.jsonl | is_gapless
  cat mined.* | jq -r 'select(.result == "accepted") | .hash' | sort >accepted
  [ "$(wc -l <accepted)" -gt "$kills" ]
  [ -z "$(uniq -d accepted)" ]
  hh-ledger export --db ledger.sqlite | grep '^{"type":"share"' >exported
  shares spool.jsonl | sort | cmp - <(sort exported)
  python3 "$HH_SRC/tests/support/share_hashes.py" <(hh-ledger export --db ledger.sqlite) | sort >hashes
  [ -z "$(comm -23 accepted hashes)" ]
  [ -z "$(uniq -d hashes)" ]
  hh-ledger verify --db ledger.sqlite --shares

  # Now pay everything that can be paid, to the end; each payday must succeed.
  set -o pipefail
  while :; do
    if [ -s to_pay ]; then
      SLOW_MS=0 pay_pipe
      rm to_pay
    fi
    payday
    [ -s to_pay ] || break
  done
  set +o pipefail
  [ -s payments.sqlite.sim ]
  [ -z "$(spent_twice)" ]
  paid=$(sqlite3 payments.sqlite.sim 'SELECT coalesce(sum(amount_msat + fee_msat), 0) FROM spent')
  [ "$paid" -gt 0 ]
  hh-ledger balances --db ledger.sqlite >balances
  [ "$(jq 'select(.type == "books") | .sum_msat' balances)" = 0 ]
  # What the wallet spent on routing is what the books say was spent on routing: no settlement is missing in them, none is there twice.
  [ "$(jq 'select(.account == "network_fees") | .balance_msat' balances)" = "$(sqlite3 payments.sqlite.sim 'SELECT sum(fee_msat) FROM spent')" ]
  hh-ledger verify --db ledger.sqlite >verified
  came_in=$(jq 'select(.what == "manifests") | .manifests' verified)
  [ "$came_in" -gt 0 ]
  # One miner, so one line a round; every one of them was paid.
  [ "$(sqlite3 payments.sqlite.sim 'SELECT count(*) FROM spent')" = "$came_in" ]
  echo "# killed $kills times; $(wc -l <accepted) shares, $came_in rounds paid, $paid msat" >&3
}

@test "three settles of one manifest at once, and one later: each line is paid once (L022 C075)" {
  "$HH_SRC/tests/support/make_round.py" dev 5000000 a=lnaddress:a@example.com b=lnaddress:b@example.com >round
  hh-payout keygen key.pem | jq -r .public >key.pub
  hh-payout compute round | hh-payout sign --key key.pem --iat 1700000000 --exp 4000000000 --jti x >signed
  for n in 1 2 3; do
    hh-ln settle signed --db payments.sqlite --backend sim --key "$(cat key.pub)" --sim-faults slow_ms=100 >out.$n 2>err.$n 3>&- &
    echo $! >"settle$n.pid" && : >"settle$n.err"
  done
  for n in 1 2 3; do wait "$(cat "settle$n.pid")" || [ $? = 75 ]; done
  hh-ln settle signed --db payments.sqlite --backend sim --key "$(cat key.pub)" >last
  [ "$(jq -s 'map(select(.state == "PAID")) | length' last)" = 2 ]
  [ "$(sqlite3 payments.sqlite.sim 'SELECT count(*) FROM spent')" = 2 ]
}
