#!/usr/bin/env bats
# What an operator sees of a running pool: its control socket, /metrics, /healthz, ckpool's files; and that a hostile miner breaks none of them.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool

setup() {
  hh_setup
  need hh-pool hh-devchain python3 curl
  start_devchain --bits 1f00aaaa
}
teardown() { hh_teardown; }

# mine_some USER [PASSWORD]: two shares that count, one duplicate, one for an unknown job.
mine_some() {
  sv1 "$1" <<'PY'
import sys, sv1_client as sv1
c = sv1.Client(sys.argv[1])
c.login(sys.argv[2])
job = c.job()
good = c.mine(job, block=False)
assert sv1.code(c.submit(good)) == 0
assert sv1.code(c.submit(good)) == 22
assert sv1.code(c.submit(good, job="123")) == 21
assert sv1.code(c.submit(c.mine(job, block=False))) == 0
PY
}

http_address() { wait_for_log pool '"event":"http"' && jq -r 'select(.event == "http") | .address' pool.err; }

@test "status, miners and miner say what was mined, by whom, and what was refused (C081)" {
  start_pool pool dev --spool "$T/spool.jsonl"
  mine_some "$MINER.rig"
  run hh-pool status --spool "$T/spool.jsonl"
  [ "$status" -eq 0 ]
  jq -e '.type == "pool_status" and .simulated and .accepted == 2 and .rejected == 2 and .miners == 1 and .nodes_up == 1 and .last_seq == 2 and (.hashrate_1m | tonumber) > 100
    and .best_share != "0" and (.rejected_by_reason | map(.reason) == ["job_not_found", "duplicate"]) and .spool_bytes > 0 and .job_age_ms >= 0' <<<"$output"
  work=$(shares spool.jsonl | jq -s 'map(.work | tonumber) | add')
  [ "$(jq -r .accepted_work <<<"$output")" = "$work" ]
  run hh-pool miners --spool "$T/spool.jsonl"
  jq -se --arg m "$MINER" --arg w "$work" 'length == 1 and .[0].type == "miner_status" and .[0].miner == $m and .[0].accepted_work == $w and .[0].sessions == 0' <<<"$output"
  run hh-pool miner "$MINER" --json --spool "$T/spool.jsonl"
  jq -se '[.[].type] == ["miner_status", "worker_status"] and .[1].worker == "rig" and .[1].accepted == 2' <<<"$output"
  run --separate-stderr hh-pool miner nobody --spool "$T/spool.jsonl"
  [ "$status" -eq 66 ]
  [[ $stderr == *'no miner "nobody"'* ]]
}

@test "a person at a terminal gets tables (C081)" {
  start_pool pool dev --control "$T/c"
  mine_some "$MINER.rig"
  run script -qec "$HH_BIN/hh-pool status --control $T/c" /dev/null
  [[ $output == *"shares"*"2 accepted, 2 (50.00 %) rejected"* ]]
  run script -qec "$HH_BIN/hh-pool miner $MINER --control $T/c" /dev/null
  [[ $output == *"miner "*"worker"*"best share"*"$MINER"*"rig"* ]]
  run script -qec "$HH_BIN/hh-pool status --json --control $T/c" /dev/null
  [[ $output == '{"type":"pool_status"'* ]]
}

@test "no pool, somebody else's socket, no socket: 69, 77, 78 (C093)" {
  run --separate-stderr hh-pool status --control "$T/none"
  [ "$status" -eq 69 ]
  [[ $stderr == *"no pool answers"*"$T/none"* ]]
  run --separate-stderr hh-pool miners --control off
  [ "$status" -eq 78 ]
  start_pool pool dev --control "$T/c"
  [ "$(stat -c %a "$T/c")" = 600 ]
  run --separate-stderr hh-pool serve --control "$T/c"
  [ "$status" -eq 75 ]
  [[ $stderr == *"is in use"* ]]
  run --separate-stderr hh-pool serve --control /nonexistent/c
  [ "$status" -eq 73 ]
  stop pool KILL
  run --separate-stderr hh-pool status --control "$T/c"
  [ "$status" -eq 69 ]
  start_pool pool dev --control "$T/c" # what the killed one left is replaced
  hh-pool status --control "$T/c"
  stop pool
  [ ! -e "$T/c" ]
}

@test "notify makes the pool look for a new block at once, before its poll would (C124)" {
  start_pool pool dev --control "$T/c" --template-poll-ms 60000
  jobs=$(grep -c '"event":"job"' pool.err)
  kill -STOP "$(pid_of pool)" # so that the long poll has not told it before
  hh-devchain generate 1 --datadir "$(dirname "$RPC_COOKIE")" >/dev/null
  kill -CONT "$(pid_of pool)"
  hh-pool notify --control "$T/c"
  eventually 10 eval "[ \$(grep -c '\"event\":\"job\"' pool.err) -gt $jobs ]"
}

@test "a stuck client of the control socket holds up neither the pool nor others (C113)" {
  start_pool pool dev --control "$T/c"
  sv1 "$MINER" "$T/c" <<'PY'
import socket, subprocess, sys, time, sv1_client as sv1
stuck = []
for text in (b"", b'{"comm', b"x" * 100000, b'{"command":"miners"}\n'):
    s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[3]); stuck.append(s)
    try: s.sendall(text)
    except OSError: pass
start = time.monotonic()
subprocess.run(["hh-pool", "status", "--control", sys.argv[3]], check=True, stdout=subprocess.DEVNULL)
c = sv1.Client(sys.argv[1]); c.login(sys.argv[2])
assert sv1.code(c.submit(c.mine(c.job(), block=False))) == 0
assert time.monotonic() - start < 8, time.monotonic() - start
PY
}

@test "statistics go on after a restart (C081)" {
  start_pool pool dev --spool "$T/spool.jsonl"
  mine_some "$MINER.rig"
  stop pool
  start_pool pool dev --spool "$T/spool.jsonl"
  mine_some "$MINER.rig"
  run hh-pool miner "$MINER" --spool "$T/spool.jsonl"
  jq -se 'all(.accepted == 4 and .rejected == 4)' <<<"$output"
  stop pool
  echo garbage >spool.jsonl.stats
  start_pool pool dev --spool "$T/spool.jsonl"
  wait_for_log pool '"event":"statistics_not_restored"'
  run hh-pool status --spool "$T/spool.jsonl"
  [ "$(jq .accepted <<<"$output")" -eq 0 ]
}

@test "a takeover keeps statistics, control socket and the address of /metrics (C081 C124)" {
  start_pool pool dev --spool "$T/spool.jsonl" --http 127.0.0.1:0
  address=$(http_address)
  stop pool
  start_pool pool dev --spool "$T/spool.jsonl" --http "$address"
  mine_some "$MINER.rig"
  start next hh-pool serve --takeover --spool "$T/spool.jsonl" --http "$address"
  wait_for_end pool
  [ "$STOPPED" -eq 0 ]
  wait_for_log next '"event":"http"'
  wait_for_log next '"event":"control"'
  run hh-pool miner "$MINER" --spool "$T/spool.jsonl"
  jq -se 'all(.accepted == 2 and .rejected == 2)' <<<"$output"
  curl -sS --max-time 20 "http://$address/metrics" | grep -qx 'hh_pool_shares_accepted_total 2'
}

@test "/metrics passes promtool and tells what happened; /healthz says what ails the pool (C080 C081 S035)" {
  start_pool pool dev --spool "$T/spool.jsonl" --http 127.0.0.1:0
  address=$(http_address)
  mine_some "$MINER.rig"
  curl -sS --max-time 20 -D headers "http://$address/metrics" >metrics
  grep -qi '^content-type: text/plain; version=0.0.4' headers
  grep -qx 'hh_pool_shares_accepted_total 2' metrics
  grep -qx 'hh_pool_shares_rejected_total{reason="duplicate"} 1' metrics
  grep -qx 'hh_pool_last_seq 2' metrics
  grep -qx 'hh_pool_nodes_up 1' metrics
  grep -qE '^hh_build_info\{tool="hh-pool",version="[0-9.]+"\} 1$' metrics
  [ "$(awk '$1 == "hh_pool_event_loop_latency_seconds_count" { print $2 }' metrics)" -ge 1 ]
  run ! grep -q "$MINER" metrics
  [ "$(curl -sS --max-time 20 -o health -w '%{http_code}' "http://$address/healthz")" = 200 ]
  [ "$(<health)" = ok ]
  [ "$(curl -sS --max-time 20 -o /dev/null -w '%{http_code}' "http://$address/else")" = 404 ]
  need promtool
  promtool check metrics <metrics
}

@test "an address for http that is none is 78, one that is taken 69 (C080)" {
  run --separate-stderr hh-pool serve --http nowhere
  [ "$status" -eq 78 ]
  start_pool pool dev --http 127.0.0.1:0
  address=$(http_address)
  run --separate-stderr hh-pool serve --http "$address"
  [ "$status" -eq 69 ]
}

@test "every metric that an alarm or the dashboard asks for exists (C080 S037)" {
  hh-pool keys authority authority.key >/dev/null
  hh-pool keys certify --authority authority.key pool.keys >/dev/null
  start_pool pool dev --spool "$T/spool.jsonl" --http 127.0.0.1:0 --listen "127.0.0.1:0,127.0.0.1:0|sv2" --sv2-keys pool.keys
  curl -sS --max-time 20 "http://$(http_address)/metrics" >metrics
  for file in prometheus/hh-pool.rules.yml prometheus/hh-pool.rules.test.yml grafana/hh-pool.json; do
    asked=$(grep -oE '\bhh_[a-z0-9_]+' "$HH_SRC/packaging/$file" | sed -E 's/^(hh_pool_event_loop_latency_seconds)_(bucket|sum|count)$/\1/' | sort -u)
    [ "$(wc -w <<<"$asked")" -ge 5 ]
    for name in $asked; do
      grep -q "^# TYPE $name " metrics || { echo "$file asks for $name, which the pool does not have"; return 1; }
    done
  done
  jq -e '.panels | length > 10 and all(.targets | length > 0)' "$HH_SRC/packaging/grafana/hh-pool.json"
}

@test "alarms come when they should and only then (S039)" {
  need promtool
  cd "$HH_SRC/packaging/prometheus"
  run promtool check rules hh-pool.rules.yml
  echo "$output"
  [ "$status" -eq 0 ]
  run promtool test rules hh-pool.rules.test.yml
  echo "$output"
  [ "$status" -eq 0 ]
  for alert in $(sed -n 's/^ *- alert: //p' hh-pool.rules.yml); do grep -q "alertname: $alert$" hh-pool.rules.test.yml || { echo "no test of $alert"; return 1; }; done
}

@test "ckpool's files come and are replaced in one step (C081)" {
  start_pool pool dev --ckpool-folder "$T/ck"
  mine_some "$MINER.rig"
  eventually 30 test -e "$T/ck/pool/pool.status"
  python3 - "$T/ck" "$MINER" <<'PY'
import json, pathlib, sys
root = pathlib.Path(sys.argv[1])
status = {}
for line in (root / "pool/pool.status").read_text().splitlines(): status.update(json.loads(line))
assert {"runtime", "lastupdate", "Users", "Workers", "Idle", "Disconnected", "hashrate1m", "hashrate7d", "diff", "accepted", "rejected", "bestshare", "SPS1m"} <= status.keys(), status
PY
  [ -z "$(find "$T/ck" -name '*.tmp')" ]
}

@test "hostile names of workers break no log, record, metric, file or terminal (C113)" {
  start_pool pool dev --spool "$T/spool.jsonl" --http 127.0.0.1:0 --ckpool-folder "$T/ck"
  address=$(http_address)
  sv1 "$MINER" <<'PY'
import json, sys, sv1_client as sv1
names = ['"}\\', "<script>alert(1)</script>", "'; drop table shares; --", "../../../etc/passwd", "$(reboot)", "\u202eevil\u0085", "é" * 60, " ", "%n%s{}", "a\tb", "a\nhh_pool_healthy 0", "\x1b[2J", "\0", "x" * 128, "x" * 129]
held = []
for name in names:
    c = sv1.Client(sys.argv[1]); c.subscribe(); held.append(c)
    if c.authorize(sys.argv[2] + "." + name)["result"] is not True: continue
    assert sv1.code(c.submit(c.mine(c.job(), block=False))) == 0, name
for raw in (b"\xff\xfe", b"\xc3\x28", b"\xed\xa0\x80", b"\xf0\x82\x82\xac"):
    c = sv1.Client(sys.argv[1]); c.subscribe(); held.append(c)
    c.send_raw(b'{"id":9,"method":"mining.authorize","params":["' + sys.argv[2].encode() + b"." + raw + b'","x"]}\n')
    c.read_line()
PY
  curl -sS --max-time 20 "http://$address/metrics" >metrics
  hh-pool miner "$MINER" --spool "$T/spool.jsonl" >records
  [ "$(grep -c worker_status records)" -ge 8 ]
  eventually 30 test -e "$T/ck/users/$MINER"
  wait_for_log pool '"event":"authorized"'
  script -qec "$HH_BIN/hh-pool miner $MINER --spool $T/spool.jsonl" /dev/null >table
  python3 - "$T" "$MINER" <<'PY'
import json, pathlib, re, sys
t = pathlib.Path(sys.argv[1])
for line in (t / "records").read_bytes().decode("utf-8").rstrip("\n").split("\n"): json.loads(line)
for line in (t / "pool.err").read_bytes().decode("ascii").rstrip("\n").split("\n"): json.loads(line)
for line in (t / "spool.jsonl").read_bytes().decode("utf-8").rstrip("\n").split("\n"): json.loads(line)
metrics = (t / "metrics").read_bytes().decode("ascii")
sample = re.compile(r'(# (HELP|TYPE) .*|hh_[a-z0-9_]+(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? [0-9.e+-]+)')
for line in metrics.rstrip("\n").split("\n"): assert sample.fullmatch(line), line
assert "hh_pool_healthy 1\n" in metrics and "<script" not in metrics
table = (t / "table").read_bytes().replace(b"\r\n", b"\n")
assert all(b == 10 or 32 <= b < 127 for b in table), table
user = json.loads((t / "ck/users" / sys.argv[2]).read_bytes().decode("utf-8"))
assert len(user["worker"]) >= 8
inside = {str(p.relative_to(t / "ck")) for p in (t / "ck").rglob("*") if p.is_file()}
assert inside == {"pool/pool.status", "users/" + sys.argv[2]}, inside
PY
  if command -v promtool; then promtool check metrics <metrics; fi
}

@test "whatever a stranger sends stays in one field of one line of the log, as JSON and as text (C113 C083)" {
  for format in json text; do
    start_pool "$format" dev --log-format "$format" --log-level debug
    sv1 "$MINER" <<'PY'
import json, sys, sv1_client as sv1
forged = ["x\n00:00:00.000 error hh-pool: forged", 'x"}\n{"ts":"2026-01-01T00:00:00.000Z","level":"error","tool":"hh-pool","event":"forged","a":"',
          "x level=error event=forged", "\x1b[2J\x1b]0;forged\x07", "\r\x08\x7f\x9b31m\u2028\u202e", "\0", "forged " * 1500]
raw = [b"\xff\xfe forged", b"\xc3\x28", b"\xed\xa0\x80"]
def say(c, method, params):
    try: c.call(method, *params)
    except EOFError: pass
for text in forged:
    c = sv1.Client(sys.argv[1])
    short = text[:2000]
    say(c, "mining.subscribe", [text]); say(c, text, [short]); say(c, "mining.configure", [[short], {short: short}]); say(c, "mining.suggest_difficulty", [text])
    say(c, "mining.authorize", [text, short]); say(c, "mining.authorize", [sys.argv[2] + "." + text, short]); say(c, "mining.authorize", [sys.argv[2] + ".rig", text])
    say(c, "mining.submit", [sys.argv[2] + ".rig", short, short, short, short]); say(c, "mining.get_transactions", [text])
    c = sv1.Client(sys.argv[1])
    c.call("mining.subscribe"); c.authorize(sys.argv[2]); c.job()
    while not any(n["method"] == "client.get_version" for n in c.notices): c.read_line()
    c.send_raw(json.dumps({"id": c.notices[0]["id"], "result": text, "error": None}) + "\n")
    c.call("mining.ping")
    c = sv1.Client(sys.argv[1]); c.send_raw(text + "\n")
for text in raw:
    c = sv1.Client(sys.argv[1]); c.subscribe()
    for line in (b'{"id":1,"method":"mining.authorize","params":["%s","x"]}', b'{"id":2,"method":"%s","params":[]}', b'{"id":"%s","method":"mining.ping","params":[]}'):
        c.send_raw(line % text + b"\n")
        c.read_line()
PY
    eventually 20 grep -q version "$format.err"
    stop "$format"
  done
  python3 - "$T" <<'PY'
import json, pathlib, re, sys
t = pathlib.Path(sys.argv[1])
events = set()
for line in (t / "json.err").read_bytes().decode("ascii").rstrip("\n").split("\n"):
    pairs = json.loads(line, object_pairs_hook=list)
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)) and all(re.fullmatch("[a-z_0-9]+", n) for n in names), line
    events.add(dict(pairs)["event"])
value = r'(?:[^ ="]*|"(?:[^"\\]|\\.)*")'
form = re.compile(r'\d\d:\d\d:\d\d\.\d{3} (?:debug|info |warn |error) hh-pool: ([a-z_]+)(?: [a-z_0-9]+=' + value + ')*')
for line in (t / "text.err").read_bytes().decode("ascii").rstrip("\n").split("\n"):
    match = form.fullmatch(line)
    assert match and all(32 <= ord(c) < 127 for c in line), line
    assert match[1] in events, line
assert {"authorized", "authorize_refused", "refused", "unknown_method", "version", "closed"} <= events and "forged" not in events, events
PY
}
