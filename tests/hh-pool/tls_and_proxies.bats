#!/usr/bin/env bats
# Miners that come by TLS, and by a proxy that says whom it speaks for.

bats_require_minimum_version 1.5.0
load ../support/common
load ../support/pool

setup() {
  hh_setup
  need hh-pool hh-devchain python3 openssl
  start_devchain --bits 1e0aaaaa
  pool_environment dev
  export PYTHONPATH=$HH_SRC/tests/support
}
teardown() { hh_teardown; }

# certificate NAME: a new key and certificate for localhost in NAME.key and NAME.pem.
certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" -addext subjectAltName=DNS:localhost -keyout "$1.key" -out "$1.pem" 2>/dev/null
  chmod 600 "$1.key"
}
# serve ARG…: sets POOL_PORT.
serve() {
  start pool hh-pool serve "$@"
  POOL_PORT=$(port_of "$(wait_for_record pool pool)")
}
tls_flags() { printf '%s\n' --tls-certificate "$T/a.pem" --tls-key "$T/a.key"; }

@test "a miner works over TLS 1.2 and 1.3, and gets nothing below (C060 C113)" {
  certificate a
  mapfile -t flags < <(tls_flags)
  serve --listen '127.0.0.1:0|tls' "${flags[@]}" --spool "$T/spool.jsonl"
  sv1 "$MINER" <<'PY'
import socket, ssl, sys, warnings, sv1_client as sv1
def context(version):
    c = ssl.create_default_context(cafile="a.pem")
    warnings.simplefilter("ignore")
    c.set_ciphers("DEFAULT:@SECLEVEL=0")
    c.minimum_version = c.maximum_version = version
    return c
for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
    c = sv1.Client(sys.argv[1], tls=context(version))
    c.login(sys.argv[2])
    assert sv1.code(c.submit(c.mine(c.job(), block=False))) == 0
    # Many lines in one record, and a record cut into single bytes.
    for n in range(300): c.send_raw('{"id":%d,"method":"mining.ping","params":[]}\n' % (1000 + n))
    seen = 0
    while seen < 300: seen += c.read_line().get("result") == "pong"
    # Goodbye is said in TLS: the end is an end, not a loss.
    c.send_raw("x" * 20000 + "\n")
    while (line := c.read_line()) is not None: pass
try:
    sv1.Client(sys.argv[1], tls=context(ssl.TLSVersion.TLSv1_1))
    raise AssertionError("TLS 1.1 was taken")
except (ssl.SSLError, ConnectionError): pass
# Who does not speak TLS is let go, and hurts nobody.
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.settimeout(10)
s.sendall(b'{"id":1,"method":"mining.subscribe","params":[]}\n')
while s.recv(4096): pass
PY
  [ "$(shares spool.jsonl | wc -l)" -eq 2 ]
  # Renegotiation is off: "R" asks for one.
  (sleep 1; echo R; sleep 1) | openssl s_client -connect "127.0.0.1:$POOL_PORT" -tls1_2 >renegotiation 2>&1 || true
  grep -q "no renegotiation" renegotiation
  is_running pool
}

@test "a handshake that is not finished ends with the login's time (C113 X052)" {
  certificate a
  mapfile -t flags < <(tls_flags)
  serve --listen '127.0.0.1:0|tls,127.0.0.1:0|proxy' "${flags[@]}" --limits-login-seconds 1
  proxied=$(wait_for_record pool pool | jq -r '.listeners[1].address | split(":") | last')
  sv1 "$proxied" <<'PY'
import socket, sys, time
began = time.monotonic()
for port, first in ((sys.argv[1], b"\x16\x03\x01\x02\x00\x01\x00"), (sys.argv[2], b"\r\n\r\n\0\r\nQU")):
    s = socket.create_connection(("127.0.0.1", int(port)))
    s.settimeout(10)
    s.sendall(first)
    assert s.recv(100) == b""
assert time.monotonic() - began < 9
PY
}

@test "certificates are renewed by SIGHUP; what is wrong with one is said by name, and the old one stays (C113)" {
  certificate a
  certificate b
  cp a.pem used.pem
  cp a.key used.key
  chmod 600 used.key
  serve --listen '127.0.0.1:0|tls' --tls-certificate used.pem --tls-key used.key
  subject() { openssl s_client -connect "127.0.0.1:$POOL_PORT" </dev/null 2>/dev/null | sed -n 's/^subject=//p' | tr -d ' '; }
  [ "$(subject)" = CN=a ]
  cp b.pem used.pem
  kill -HUP "$(pid_of pool)"
  wait_for_log pool '"event":"not_reloaded","reason":"tls.key: used.key is not the key of the certificate in used.pem"'
  [ "$(subject)" = CN=a ]
  cp b.key used.key
  kill -HUP "$(pid_of pool)"
  wait_for_log pool '"event":"reloaded"'
  [ "$(subject)" = CN=b ]
  stop pool

  refused() {
    run --separate-stderr hh-pool serve --listen '127.0.0.1:0|tls' "${@:2}"
    [ "$status" -eq 78 ]
    [[ $stderr == *"$1"* ]]
  }
  refused "tls.certificate is not set" --tls-key a.key
  refused "tls.key is not set" --tls-certificate a.pem
  refused "tls.certificate: none.pem cannot be read" --tls-certificate none.pem --tls-key a.key
  refused "tls.certificate: a.key cannot be read, or is no certificate" --tls-certificate a.key --tls-key a.key
  refused "has no private key in PEM form" --tls-certificate a.pem --tls-key "exec:cat a.pem"
  openssl pkey -in a.key -aes128 -passout pass:x -out locked.key
  chmod 600 locked.key
  refused "tls.key: locked.key has no private key in PEM form without a password" --tls-certificate a.pem --tls-key locked.key
  chmod 644 a.key
  refused "tls.key: secret file a.key can be read by others" --tls-certificate a.pem --tls-key a.key
}

@test "a takeover sends those with TLS back to the same address, and they work on (C113 C124)" {
  certificate a
  mapfile -t flags < <(tls_flags)
  port=$(free_port)
  serve --listen "127.0.0.1:$port|tls,127.0.0.1:0" "${flags[@]}" --spool "$T/spool.jsonl"
  plain=$(wait_for_record pool pool | jq -r '.listeners[1].address | split(":") | last')
  sv1 "$plain" "$MINER" "$port" <<'PY' 4>&-
import subprocess, ssl, sys, time, sv1_client as sv1
tls_port, plain_port, miner, port = sys.argv[1:]
context = ssl.create_default_context(cafile="a.pem")
c, plain = sv1.Client(tls_port, tls=context), sv1.Client(plain_port)
c.login(miner); plain.login(miner)
share = c.mine(c.job(), block=False)
assert sv1.code(c.submit(share)) == 0
next_pool = subprocess.Popen(["hh-pool", "serve", "--takeover", "--spool", "spool.jsonl", "--listen", f"127.0.0.1:{port}|tls,127.0.0.1:0", "--tls-certificate", "a.pem", "--tls-key", "a.key"],
                             stdout=open("next.out", "w"), stderr=open("next.err", "w"))
try:
    while c.read_line() is not None: pass
    assert [n["method"] for n in c.notices if n["method"] != "client.get_version"] == ["client.reconnect"], c.notices
    again = sv1.Client(tls_port, tls=context)
    again.login(miner)
    assert sv1.code(again.submit(again.mine(again.job(), block=False))) == 0
    assert sv1.code(plain.submit(plain.mine(plain.job(), block=False))) == 0
finally:
    next_pool.terminate()
    assert next_pool.wait(20) == 0
PY
  wait_for_end pool
  [ "$STOPPED" -eq 0 ]
  [ "$(shares spool.jsonl | wc -l)" -eq 3 ]
  seqs spool.jsonl | is_gapless
}

@test "who has not sent its PROXY header yet at a takeover has the login's time for it, and no longer (C113 C124)" {
  port=$(free_port)
  serve --listen "127.0.0.1:$port|proxy" --spool "$T/spool.jsonl"
  sv1 "$MINER" "$port" <<'PY' 4>&-
import socket, subprocess, sys, time, sv1_client as sv1
header = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"
slow, quick = sv1.Client(sys.argv[1], preamble=header[:5]), sv1.Client(sys.argv[1], preamble=header[:5])
time.sleep(0.3)
taker = subprocess.Popen(["hh-pool", "serve", "--takeover", "--spool", "spool.jsonl", "--listen", f"127.0.0.1:{sys.argv[3]}|proxy", "--limits-login-seconds", "2"],
                         stdout=open("next.out", "w"), stderr=open("next.err", "w"))
try:
    for _ in range(200):
        if "taken_over" in open("next.err").read(): break
        time.sleep(0.05)
    quick.send_raw(header[5:])
    quick.login(sys.argv[2])
    began = time.monotonic()
    assert slow.read_line() is None and time.monotonic() - began < 10
    assert sv1.code(quick.submit(quick.mine(quick.job(), block=False))) == 0
finally:
    taker.terminate()
    assert taker.wait(20) == 0
PY
}

@test "behind a proxy, the announced address is the miner's; LOCAL is the proxy's own (C113)" {
  certificate a
  mapfile -t flags < <(tls_flags)
  serve --listen '127.0.0.1:0|proxy,127.0.0.1:0|tls|proxy' "${flags[@]}" --log-level debug
  secure=$(wait_for_record pool pool | jq -r '.listeners[1].address | split(":") | last')
  sv1 "$secure" "$MINER" <<'PY'
import socket, ssl, struct, sys, sv1_client as sv1
start = b"\r\n\r\n\0\r\nQUIT\n"
def tcp4(source, port, tlvs=b""):
    block = socket.inet_aton(source) + socket.inet_aton("203.0.113.9") + struct.pack(">HH", port, 3333) + tlvs
    return start + b"\x21\x11" + struct.pack(">H", len(block)) + block
def tcp6(source, port):
    block = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, "2001:db8::1") + struct.pack(">HH", port, 3333)
    return start + b"\x21\x21" + struct.pack(">H", len(block)) + block
def works(c):
    c.login(sys.argv[3])
    assert sv1.code(c.submit(c.mine(c.job(), block=False))) == 0
works(sv1.Client(sys.argv[1], preamble=tcp4("192.0.2.7", 54321, b"\x05\0\x01x")))
works(sv1.Client(sys.argv[1], preamble=tcp6("2001:db8::7", 8080)))
works(sv1.Client(sys.argv[1], preamble=start + b"\x20\x00\x00\x00"))
# The header before the handshake, as haproxy sends it; and in one piece with a line.
works(sv1.Client(sys.argv[2], preamble=tcp4("192.0.2.8", 1234), tls=ssl.create_default_context(cafile="a.pem")))
c = sv1.Client(sys.argv[1], preamble=tcp4("192.0.2.9", 4321) + b'{"id":77,"method":"mining.ping","params":[]}\n')
assert c.read_line() == {"id": 77, "result": "pong", "error": None}
# Byte by byte.
c = sv1.Client(sys.argv[1])
c.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for byte in tcp4("192.0.2.10", 99): c.send_raw(bytes([byte]))
works(c)
for bad in (b'{"id":1,"method":"mining.subscribe","params":[]}\n', b"PROXY TCP4 192.0.2.7 203.0.113.9 54321 3333\r\n", start + b"\x31\x11\x00\x0c"):
    c = sv1.Client(sys.argv[1], preamble=bad)
    assert c.read_line() is None
PY
  for peer in 192.0.2.7:54321 '\[2001:db8::7\]:8080' 192.0.2.8:1234 192.0.2.10:99; do
    grep -q "\"event\":\"authorized\",\"peer\":\"$peer\"" pool.err
  done
  [ "$(grep -c '"event":"authorized","peer":"127.0.0.1:' pool.err)" -eq 1 ]
  grep -q '"event":"closed".*of version 1: let the proxy send version 2' pool.err
  grep -q '"event":"closed".*does not begin with a PROXY header' pool.err
}

@test "who is not among the trusted proxies is closed, until a reload names it (C113)" {
  printf '[proxy]\ntrusted = ["192.0.2.0/24"]\n' >pool.toml
  serve --config pool.toml --listen '127.0.0.1:0|proxy'
  sv1 <<'PY'
import sys, sv1_client as sv1
assert sv1.is_turned_away(sys.argv[1], preamble=b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0")
PY
  wait_for_log pool '"event":"proxy_not_trusted"'
  printf '[proxy]\ntrusted = ["127.0.0.0/8"]\n' >pool.toml
  kill -HUP "$(pid_of pool)"
  wait_for_log pool '"event":"reloaded"'
  sv1 "$MINER" <<'PY'
import sys, sv1_client as sv1
sv1.Client(sys.argv[1], preamble=b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0").login(sys.argv[2])
PY
  run --separate-stderr hh-pool serve --listen '127.0.0.1:0|proxy' --proxy-trusted 10.0.0.1/8
  [ "$status" -eq 78 ]
  [[ $stderr == *"proxy.trusted"* ]]
}
