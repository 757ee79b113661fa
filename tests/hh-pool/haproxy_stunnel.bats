#!/usr/bin/env bats
# haproxy and stunnel themselves before the pool's doors, as operators and miners put them there.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool

setup() {
  hh_setup
  need hh-pool hh-devchain python3 openssl haproxy stunnel
  start_devchain --bits 1e0aaaaa
  pool_environment dev
  export PYTHONPATH=$HH_SRC/tests/support
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=a -addext subjectAltName=DNS:localhost -keyout a.key -out a.pem 2>/dev/null
  chmod 600 a.key
  cat a.pem a.key >both.pem
  start pool hh-pool serve --log-level debug --spool "$T/spool.jsonl" --tls-certificate a.pem --tls-key a.key --limits-login-seconds 5 \
    --listen '127.0.0.1:0|proxy,127.0.0.1:0|tls|proxy,127.0.0.1:0|tls,127.0.0.1:0'
  mapfile -t doors < <(wait_for_record pool pool | jq -r '.listeners[].address')
}
teardown() { hh_teardown; }

listens() { python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1).close()' "$1" 2>/dev/null; }

@test "haproxy: plain, TLS at the proxy, TLS passed on and TLS anew; its health checks; whom it speaks for is the miner (C113)" {
  local ports=() i
  for i in 0 1 2 3; do ports+=("$(free_port)"); done
  cat >haproxy.cfg <<CFG
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen plain
  bind 127.0.0.1:${ports[0]}
  server pool ${doors[0]} send-proxy-v2 check check-send-proxy inter 100
listen tls_here
  bind 127.0.0.1:${ports[1]} ssl crt $T/both.pem
  server pool ${doors[0]} send-proxy-v2
listen tls_passed_on
  bind 127.0.0.1:${ports[2]}
  server pool ${doors[1]} send-proxy-v2
listen tls_anew
  bind 127.0.0.1:${ports[3]} ssl crt $T/both.pem
  server pool ${doors[1]} send-proxy-v2 ssl verify required ca-file $T/a.pem
CFG
  start haproxy haproxy -db -f haproxy.cfg
  for i in "${ports[@]}"; do eventually 10 listens "$i"; done
  POOL_PORT=${ports[0]} sv1 "$MINER" "${ports[@]:1}" <<'PY'
import socket, ssl, sys, time, sv1_client as sv1
context = ssl.create_default_context(cafile="a.pem")
clients = [sv1.Client(sys.argv[1], source="127.0.0.11")] + [sv1.Client(port, source="127.0.0.1%d" % n, tls=context) for n, port in enumerate(sys.argv[3:], 2)]
for c in clients: c.login(sys.argv[2])
for _ in range(3):
    for c in clients: assert sv1.code(c.submit(c.mine(c.job(), block=False))) == 0
# Thousands of lines in both directions at once, and a line that is too long: the end comes through as an end.
for c in clients:
    for n in range(1000): c.send_raw('{"id":%d,"method":"mining.ping","params":[]}\n' % (1000 + n))
for c in clients:
    seen = 0
    while seen < 1000: seen += c.read_line().get("result") == "pong"
    c.send_raw("x" * 20000 + "\n")
    while (line := c.read_line()) is not None: pass
time.sleep(1)  # some health checks
PY
  [ "$(shares spool.jsonl | wc -l)" -eq 12 ]
  for i in 1 2 3 4; do grep -q "\"event\":\"authorized\",\"peer\":\"127.0.0.1$i:" pool.err; done
  # The checks come from the proxy itself, and are no offence.
  hh-pool status --spool "$T/spool.jsonl" | jq -e '.connections > 8 and .offences.malformed == 0 and .banned == 0'
  run ! grep 'PROXY header' pool.err
}

@test "stunnel: before a miner without TLS, before the pool's plain door, and with a PROXY header of version 1, which is refused by name (C113)" {
  local ports=() i
  for i in 0 1 2; do ports+=("$(free_port)"); done
  cat >stunnel.conf <<CFG
foreground = yes
pid =
[at_the_miner]
client = yes
accept = 127.0.0.1:${ports[0]}
connect = ${doors[2]}
verifyChain = yes
CAfile = $T/a.pem
checkHost = localhost
[at_the_pool]
accept = 127.0.0.1:${ports[1]}
connect = ${doors[3]}
cert = $T/both.pem
[version_1]
accept = 127.0.0.1:${ports[2]}
connect = ${doors[0]}
cert = $T/both.pem
protocol = proxy
CFG
  start stunnel stunnel stunnel.conf
  for i in "${ports[@]}"; do eventually 10 listens "$i"; done
  POOL_PORT=${ports[0]} sv1 "$MINER" "${ports[@]:1}" <<'PY'
import ssl, sys, sv1_client as sv1
context = ssl.create_default_context(cafile="a.pem")
for c in sv1.Client(sys.argv[1]), sv1.Client(sys.argv[3], tls=context):
    c.login(sys.argv[2])
    assert sv1.code(c.submit(c.mine(c.job(), block=False))) == 0
    c.send_raw("x" * 20000 + "\n")
    while (line := c.read_line()) is not None: pass
c = sv1.Client(sys.argv[4], tls=context)
c.send_raw('{"id":1,"method":"mining.subscribe","params":[]}\n')
try: assert c.read_line() is None
except (OSError, ssl.SSLError): pass
PY
  [ "$(shares spool.jsonl | wc -l)" -eq 2 ]
  wait_for_log pool 'of version 1: let the proxy send version 2'
}
