#!/usr/bin/env bats
# Whole sessions over a socket: what a miner is given, what is refused and with which code, what becomes a record.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool

setup() {
  hh_setup
  need hh-pool hh-devchain python3
  start_devchain --bits 1f00aaaa
}
teardown() { hh_teardown; }

@test "a session from subscribe to an accepted share that proves itself (C060 C124 C125)" {
  start_pool pool dev --spool "$T/spool.jsonl"
  sv1 "$MINER.rig" <<'PY'
import sys, sv1_client as sv1
c = sv1.Client(sys.argv[1])
configured = c.call("mining.configure", ["version-rolling", "minimum-difficulty", "subscribe-extranonce"],
                    {"version-rolling.mask": "ffffffff", "version-rolling.min-bit-count": 2})["result"]
assert configured == {"version-rolling": True, "version-rolling.mask": "1fffe000", "minimum-difficulty": True, "subscribe-extranonce": True}, configured
c.subscribe()
assert len(c.extranonce1) == 8 and c.extranonce2_size == 8
assert c.call("mining.extranonce.subscribe")["result"] is True
assert c.authorize(sys.argv[2])["result"] is True
job = c.job()
assert abs(job.difficulty - 0.000001) < 1e-9, job.difficulty
assert sv1.code(c.submit(c.mine(job, block=False))) == 0
assert sv1.code(c.submit(c.mine(job, version_bits=0x2000, block=False))) == 0
PY
  stop pool
  [ "$STOPPED" -eq 0 ]
  cmp <(tail -n +2 pool.out) spool.jsonl
  [ "$(shares spool.jsonl | wc -l)" -eq 2 ]
  jq -se '.[0].type == "job" and all(.simulated == true)' spool.jsonl
  shares spool.jsonl | jq -se --arg m "$MINER" 'all(.miner == $m and .worker == "rig" and .fee_to == "coinbase") and .[1].version == "20002000"'
}

@test "every refusal has its code, and none becomes a share (C125)" {
  start_pool pool dev --spool "$T/spool.jsonl"
  sv1 "$MINER.rig" <<'PY'
import sys, sv1_client as sv1
c = sv1.Client(sys.argv[1])
def refused(code, answer, text=""):
    assert sv1.code(answer) == code and text in answer["error"][1], (code, text, answer)
refused(25, c.submit(["u", "j", "00" * 8, "00000000", "00000000"]))
c.subscribe()
refused(24, c.submit(["u", "j", "00" * 8, "00000000", "00000000"]))
refused(24, c.authorize("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"), "is an address of main, not of dev")
refused(24, c.authorize("nobody"), "neither a known miner nor an address")
c.user = None
assert c.authorize(sys.argv[2])["result"] is True
refused(24, c.submit(["somebody", "j", "00" * 8, "00000000", "00000000"]))
job = c.job()
good = c.mine(job, block=False)
refused(21, c.submit(good, job="123"), "Job not found")
refused(20, c.submit(good, extranonce2="00"), "extranonce2 has the wrong size")
refused(20, c.submit(good, extranonce2="zz" * 8), "extranonce2 is not hex")
refused(20, c.submit(good, ntime="00000000"), "ntime is too old")
refused(20, c.submit(good, ntime="ffffffff"), "ntime is too new")
refused(20, c.submit(good, ntime="xx"), "parameter 4")
refused(20, c.submit(good, nonce=True), "parameter 5")
refused(20, c.submit(good, nonce=-7), "parameter 5")
refused(20, c.submit(good + ["00002000"]), "version rolling was not negotiated")
refused(20, c.call("mining.submit"), "parameter 1")
refused(23, c.submit(c.find_bad(job)))
assert sv1.code(c.submit(good)) == 0
refused(22, c.submit(good))
refused(20, c.call("mining.multi_version", 1))
PY
  stop pool
  [ "$(shares spool.jsonl | wc -l)" -eq 1 ]
}

@test "a new tip makes old jobs stale, a block is submitted and recorded (C061 C124)" {
  start_pool pool dev --spool "$T/spool.jsonl" --stale-grace-ms 0
  sv1 "$MINER" <<'PY'
import sys, sv1_client as sv1
c = sv1.Client(sys.argv[1])
c.login(sys.argv[2])
job = c.job()
late = c.mine(job, block=False)
assert sv1.code(c.submit(c.mine(job, block=True))) == 0
while not c.next_job().clean: pass
answer = c.submit(late)
assert sv1.code(answer) == 21 and "Stale" in answer["error"][1], answer
PY
  block=$(wait_for_record pool block)
  submission=$(wait_for_record pool submission)
  [ "$(field result <<<"$submission")" = accepted ]
  [ "$(field hash <<<"$submission")" = "$(field hash <<<"$block")" ]
  jq -e '.seq == .share_seq + 1 and .simulated == true' <<<"$block"
}

@test "two blocks of one tip: the late one is submitted and recorded, its round is orphaned, its share goes on, late shares count (C061 C043)" {
  start_pool pool dev --spool "$T/spool.jsonl" --stale-grace-ms 30000
  sv1 "$MINER" <<'PY'
import sys, sv1_client as sv1
c = sv1.Client(sys.argv[1]); c.login(sys.argv[2])
job = c.job()
first, second, late = c.mine(job, block=True), c.mine(job, block=True), c.mine(job, block=False)
assert sv1.code(c.submit(first)) == 0
while not c.next_job().clean: pass
assert sv1.code(c.submit(second)) == 0
assert sv1.code(c.submit(late)) == 0
assert sv1.code(c.submit(late)) == 22
PY
  [ "$(field result <<<"$(wait_for_record pool submission 20 1)")" = accepted ]
  [ "$(jq -c '[.result, .reason]' <<<"$(wait_for_record pool submission 20 2)")" = '["unknown","inconclusive"]' ]
  stop pool
  seqs spool.jsonl | is_gapless
  [ "$(jq -s '[.[] | select(.type == "block") | .height] | unique | length' spool.jsonl)" -eq 1 ]
  export HH_LEDGER_DB=$T/ledger.sqlite HH_LEDGER_RPC_URL=$RPC_URL HH_LEDGER_RPC_COOKIE_FILE=$RPC_COOKIE
  hh-ledger append <spool.jsonl >/dev/null
  hh-ledger watch --once >/dev/null
  [ "$(hh-ledger rounds --json | jq -sc 'map([.round, .status, .shares])')" = '[[1,"confirming",1],[2,"orphaned",0],[3,"open",2]]' ]
  hh-ledger verify
}

@test "a reload changes the version mask of miners at work (C125)" {
  printf 'treasury = "%s"\nversion_mask = "bip323"\n' "$TREASURY" >pool.toml
  start_pool pool dev --config pool.toml --spool "$T/spool.jsonl"
  sv1 "$MINER" "$(pid_of pool)" <<'PY'
import os, signal, sys, sv1_client as sv1
c = sv1.Client(sys.argv[1])
granted = c.call("mining.configure", ["version-rolling"], {"version-rolling.mask": "ffffffff"})["result"]
assert granted == {"version-rolling": True, "version-rolling.mask": "1fffffe0"}, granted
c.login(sys.argv[2])
job = c.job()
share = c.mine(job, version_bits=0x20, mask=0x1fffffe0, block=False)
text = open("pool.toml").read().replace("bip323", "bip320")
open("pool.toml", "w").write(text)
os.kill(int(sys.argv[3]), signal.SIGHUP)
while not any(n["method"] == "mining.set_version_mask" for n in c.notices): assert c.read_line() is not None
assert c.notices[-1]["params"] == ["1fffe000"], c.notices
assert sv1.code(c.submit(share)) == 0  # its job was handed out before
job = c.next_job()
assert sv1.code(c.submit(c.mine(job, version_bits=0x20, mask=0x1fffffe0, block=False))) == 20
assert sv1.code(c.submit(c.mine(job, version_bits=0x2000, block=False))) == 0
PY
}

@test "hostile lines cost a connection, not the pool (C125)" {
  start_pool pool dev --limits-login-seconds 1
  sv1 "$MINER" <<'PY'
import sys, os, sv1_client as sv1
port = sys.argv[1]
http = sv1.Client(port); http.send_raw("GET / HTTP/1.1\r\n\r\n"); assert http.is_closed()
long = sv1.Client(port); long.send_raw(b"x" * 20000); assert long.is_closed()
noise = sv1.Client(port)
try:
    for _ in range(50): noise.send_raw(os.urandom(1000).replace(b"\n", b"") + b"\n")
except OSError: pass
try: assert noise.is_closed()
except ValueError: pass
deep = sv1.Client(port); deep.send_raw("[" * 10000 + "\n"); assert deep.is_closed()
silent = sv1.Client(port); assert silent.is_closed()  # the time to log in
log = sv1.Client(port); log.subscribe(); log.authorize("a\n\x1b[31m\"evil\".x")
c = sv1.Client(port); c.login(sys.argv[2]); c.job()
PY
  run grep -c $'\x1b' pool.err
  [ "$output" = 0 ]
  jq -e . pool.err >/dev/null
}

@test "aliases: known from the miners file, which is read again when it changes (C065)" {
  echo '{"type":"miner","v":1,"miner":"alice","address":"'"$MINER"'"}' >miners.jsonl
  start_pool pool dev --spool "$T/spool.jsonl" --miners miners.jsonl
  mine_one='
import sys, sv1_client as sv1
c = sv1.Client(sys.argv[1]); c.login(sys.argv[2])
assert sv1.code(c.submit(c.mine(c.job(), block=False))) == 0'
  sv1 alice.rig <<<"$mine_one"
  run sv1 bob <<<"$mine_one"
  [ "$status" -ne 0 ]
  echo '{"type":"miner","v":1,"miner":"bob"}' >>miners.jsonl
  wait_for_log pool '"event":"miners_loaded"'
  sv1 bob <<<"$mine_one"
  stop pool
  shares spool.jsonl | jq -se --arg m "$MINER" '.[0].miner == "alice" and .[0].fee_to == "coinbase" and .[0].address == $m and
    .[1].miner == "bob" and .[1].fee_to == "manifest" and (.[1] | has("address") | not)'
}

@test "difficulty: suggested, then steered to the wanted rate (C125)" {
  start_pool pool dev --vardiff-shares-per-minute 600 --difficulty-min 0.0000001
  sv1 "$MINER" <<'PY'
import sys, time, sv1_client as sv1
c = sv1.Client(sys.argv[1]); c.subscribe()
assert c.call("mining.suggest_difficulty", 0.0000002)["result"] is True
assert c.authorize(sys.argv[2])["result"] is True
job = c.job()
assert abs(job.difficulty - 0.0000002) < 1e-9, job.difficulty
end = time.monotonic() + 60
while job.difficulty <= 0.0000003 and time.monotonic() < end:  # 860 hashes a share: far more than ten a second
    c.submit(c.mine(job, block=False))
    job = c.job()
assert job.difficulty > 0.0000003, job.difficulty
PY
}

@test "solo: a block pays its finder but for the treasury's fee; the records prove it and no ledger takes them (C061 C062 C065 C042)" {
  need hh-miner hh-ledger curl
  echo '{"type":"miner","v":1,"miner":"bob"}' >miners.jsonl
  start_pool pool dev --spool "$T/spool.jsonl" --miners miners.jsonl --coinbase-mode solo --coinbase-solo-fee-ppm 10000 --pay-to "$MINER.rig7=$TREASURY"
  hh-pool status --spool "$T/spool.jsonl" | jq -e '.coinbase_mode == "solo" and .treasury_sat > 0'
  hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER.rig" --max-blocks 1 --max-seconds 120 >mined 2>miner.err
  wait_for_log pool '"event":"block_accepted"'
  run sv1 bob <<'PY'
import sys, sv1_client as sv1
c = sv1.Client(sys.argv[1]); c.subscribe()
answer = c.authorize(sys.argv[2])
assert sv1.code(answer) == 24 and "its finder" in answer["error"][1], answer
PY
  [ "$status" -eq 0 ]
  # Who was let in under one mode may have no place under the other.
  run --separate-stderr hh-pool serve --takeover --spool "$T/spool.jsonl"
  [ "$status" -ne 0 ]
  [[ $stderr == *"its coinbase.mode is another"* ]]
  stop pool
  block=$(grep -m 1 '^{"type":"block"' spool.jsonl)
  jq -e '.subsidy_to == "miner" and .fee_to == "coinbase" and .treasury_sat == ((.subsidy_sat + .fees_sat) / 100 | floor)' <<<"$block"
  curl -sS --max-time 20 --user "$(<"$RPC_COOKIE")" --data '{"id":1,"method":"getblock","params":["'"$(field hash <<<"$block")"'",0]}' "$RPC_URL" | field result >block.hex
  python3 - "$block" <<'PY'
import hashlib, json, sys
block = json.loads(sys.argv[1]); raw = bytes.fromhex(open("block.hex").read())
treasury, miner = b"\0\x20" + hashlib.sha256(b"\x51").digest(), bytes.fromhex("0014751e76e8199196d454941c45d1b3a323f1433bd6")
def output(sat, script): return sat.to_bytes(8, "little") + bytes([len(script)]) + script
kept = block["treasury_sat"]
rest = block["subsidy_sat"] + block["fees_sat"] - kept
assert output(kept, treasury) + output(rest, miner) in raw and raw.count(miner) == 1 and raw.count(treasury) == 1, raw.hex()
PY
  # The man page's way to add up the fees.
  example=$(sed -n "s/^\.Dl \(jq -s 'map.*treasury_sat.*\)/\1/p" "$HH_SRC/man/hh-pool.toml.5")
  [ "$(eval "$example")" -eq "$(grep '^{"type":"block"' spool.jsonl | grep -o '"treasury_sat":[0-9]*' | awk -F: '{ sum += $2 } END { print sum }')" ]
  run --separate-stderr hh-ledger append --db L <spool.jsonl
  [ "$status" -eq 65 ]
  [[ $stderr == *"pays blocks to their finders"* ]]
  run --separate-stderr hh-ledger append --db L < <(grep '^{"type":"block"' spool.jsonl)
  [ "$status" -eq 65 ]
  [[ $stderr == *"pays blocks to their finders"* ]]
  [ "$(hh-ledger rounds --db L | jq -s 'map(select(.block)) | length')" -eq 0 ]
}

@test "pay_to: a worker's block and its fees go to the address that was set; the ledger's books stay right (C062 C065)" {
  need hh-miner hh-ledger
  start_pool pool dev --spool "$T/spool.jsonl" --pay-to "$MINER.rig7=$TREASURY"
  hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER.rig7" --max-blocks 1 --max-seconds 120 >mined 2>miner.err
  wait_for_log pool '"event":"block_accepted"'
  stop pool
  shares spool.jsonl | jq -se --arg m "$MINER" --arg t "$TREASURY" 'all(.miner == $m) and all(.fee_to == "manifest" or .address == $t)'
  hh-ledger append --db L <spool.jsonl >appended
  hh-ledger verify --db L >verified
  hh-ledger rounds --db L >before
  # A solo pool beside it changes nothing in them.
  start_pool solo dev --source solo --spool "$T/solo.jsonl" --coinbase-mode solo
  hh-miner --url "127.0.0.1:$POOL_PORT" --user "$MINER.rig" --max-blocks 1 --max-seconds 120 >mined 2>miner.err
  stop solo
  run --separate-stderr hh-ledger append --db L <solo.jsonl
  [ "$status" -eq 65 ]
  hh-ledger verify --db L >verified
  diff before <(hh-ledger rounds --db L)
}

@test "settings of the coinbase that contradict themselves are 78 (C062)" {
  pool_environment dev
  for args in "--coinbase-mode alone" "--coinbase-solo-fee-ppm 5" "--pay-to alice" "--pay-to alice=nowhere"; do
    # shellcheck disable=SC2086
    run --separate-stderr hh-pool serve $args
    [ "$status" -eq 78 ]
  done
}
