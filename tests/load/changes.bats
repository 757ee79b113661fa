#!/usr/bin/env bats
# A solo pool with every kind of door, under load, while its settings change several times a second and then another process takes over: nobody who
# can stay is disconnected, no share is lost, doubled or refused. What this is for is the sanitized pools of asan.load and tsan.load.
# timeout: 300

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool
load helper

setup() {
  load_setup
  need openssl
  export PYTHONPATH=$HH_SRC/tests/support
}
teardown() { hh_teardown; }

# settings N: the Nth version of pool.toml. Every other one has another tag, and so other jobs from another source of templates.
settings() {
  cat >new.toml <<TOML
pool_tag = "/changes $(($1 / 2 % 2))/"
coinbase.mode = "solo"
coinbase.solo_fee_ppm = $((10000 + $1 % 2))
difficulty.start = "$LEAST"
difficulty.min = "$LEAST"
limits.login_seconds = $((20 + $1 % 5))
limits.messages_per_minute = $((12000 + $1))
tls.certificate = "$T/$((1 + $1 % 2)).pem"
tls.key = "$T/$((1 + $1 % 2)).key"
TOML
  mv new.toml pool.toml
}

serve() { start "$1" hh-pool serve --config pool.toml --spool "$T/spool.jsonl" --listen "127.0.0.1:$plain,127.0.0.1:$tls|tls,127.0.0.1:$proxy|proxy" "${@:2}"; }

# reload TIMES NAME
reload() {
  local i
  for ((i = 0; i < $1; ++i)); do
    settings "$((++version))"
    kill -HUP "$(pid_of "$2")"
    sleep 0.25
  done
}

# Come by TLS and by PROXY, work for a moment, go, and come again, until there is a file "enough"; says how many shares were accepted.
visitors() {
  cat >visitors.py <<'PY'
import os, socket, ssl, struct, sys, threading, time, sv1_client as sv1
tls, proxy, miner = sys.argv[1:]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + socket.inet_aton("192.0.2.7") + socket.inet_aton("203.0.113.9") + struct.pack(">HH", 54321, 3333)
accepted, wrong, lock = {"tls": 0, "proxy": 0}, [], threading.Lock()
def visit(kind):
    while not os.path.exists("enough"):
        try:
            c = sv1.Client(tls, tls=context) if kind == "tls" else sv1.Client(proxy, preamble=header)
            c.login(miner)
            for _ in range(5):
                answer = c.submit(c.mine(c.job(), block=False))
                with lock: accepted[kind] += sv1.code(answer) == 0
                if sv1.code(answer) != 0: wrong.append(answer)
        except (OSError, TypeError, AttributeError) as e:  # a takeover sends those with TLS away, in the middle of whatever they say
            if kind == "proxy": wrong.append(repr(e))
            time.sleep(0.1)
threads = [threading.Thread(target=visit, args=(kind,)) for kind in ("tls", "proxy", "tls", "proxy")]
for t in threads: t.start()
for t in threads: t.join()
assert not wrong, wrong[:3]
print(accepted["tls"], accepted["proxy"])
PY
  start visitors python3 visitors.py "$tls" "$proxy" "$MINER"
}

@test "a solo pool changes settings under load and is taken over: TLS, PROXY and plain, nobody loses a share (C060 C061 C113 C124)" {
  version=0
  for name in 1 2; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$name" -keyout "$name.key" -out "$name.pem" 2>/dev/null
    chmod 600 "$name.key"
  done
  settings 0
  pool_environment dev
  unset HH_POOL_LISTEN HH_POOL_DIFFICULTY_START HH_POOL_DIFFICULTY_MIN
  plain=$(free_port) tls=$(free_port) proxy=$(free_port)
  serve pool0
  wait_for_record pool0 pool
  visitors
  start load sv1_load --target "127.0.0.1:$plain" --chain dev --connections 200 --submits-per-minute 300 --seconds 12 --drain 20
  wait_for_record load load_connect 60
  reload 10 pool0
  eventually 10 test -S "$T/spool.jsonl.takeover"
  serve pool1 --takeover
  wait_for_record pool1 pool 60
  wait_for_end pool0
  [ "$STOPPED" -eq 0 ]
  reload 10 pool1
  wait_for_end load 120
  [ "$STOPPED" -eq 0 ]
  touch enough
  wait_for_end visitors 60
  [ "$STOPPED" -eq 0 ]
  stop pool1
  [ "$STOPPED" -eq 0 ]
  cp load.out records
  record load_submits | jq -e '.accepted > 1000 and .disconnected == 0 and .refused == 0 and .unanswered == 0 and .unexpected_answers == 0 and .unreadable_lines == 0'
  read -r by_tls by_proxy <visitors.out
  [ "$by_tls" -gt 20 ] && [ "$by_proxy" -gt 20 ]
  # A share of whom the takeover sent away may be in the spool without its answer having reached him.
  more=$(($(shares spool.jsonl | wc -l) - $(figure load_submits accepted) - by_tls - by_proxy))
  [ "$more" -ge 0 ] && [ "$more" -le 2 ]
  seqs spool.jsonl | is_gapless
  [ "$(shares spool.jsonl | jq -r '[.extranonce1, .extranonce2, .nonce, .ntime, .job] | join(" ")' | sort | uniq -d | wc -l)" -eq 0 ]
  cat pool0.out pool1.out | grep -v '^{"type":"pool"' | cmp - spool.jsonl
  [ "$(cat pool?.err | grep -c '"event":"reloaded"')" -ge 15 ]
  [ "$(cat pool?.err | grep -c '"event":"templates_changed"')" -ge 5 ]
  run ! grep '"event":"not_reloaded"' pool0.err pool1.err
}
