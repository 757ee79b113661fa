# shellcheck shell=bash
# hh-ln serve in tests: `load ../support/common`, `load ../support/settle` and `load ../support/service`.
#   make_certificates          $T/tls: ca, server (127.0.0.1), core and stranger-core (clients; the latter of another authority), as NAME.cert and NAME.key
#   serve NAME ARG…            hh-ln serve on journal $T/pay with the simulated wallet, /metrics on a free port; waits until it serves
#   serve_api NAME ARG…        the same with the HTTPS interface; sets API to its address
#   token NAME ROLE            makes a token; prints its secret, and keeps the otpauth URL in $T/NAME.otp
#   code NAME                  a one-time code of it
#   api ARG…                   curl with the authority, the body to stdout
#   api_status ARG…            the same, only the status

make_certificates() {
  mkdir -p "$T/tls" && cd "$T/tls" || return 1
  local make=(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30)
  "${make[@]}" -subj /CN=ca -keyout ca.key -out ca.cert 2>/dev/null
  "${make[@]}" -subj /CN=ca -keyout stranger.key -out stranger.cert 2>/dev/null
  "${make[@]}" -subj /CN=server -addext subjectAltName=IP:127.0.0.1 -CA ca.cert -CAkey ca.key -keyout server.key -out server.cert 2>/dev/null
  "${make[@]}" -subj /CN=core -CA ca.cert -CAkey ca.key -keyout core.key -out core.cert 2>/dev/null
  "${make[@]}" -subj /CN=core -CA stranger.cert -CAkey stranger.key -keyout stranger-core.key -out stranger-core.cert 2>/dev/null
  chmod 600 ./*.key
  cd "$T" || return 1
}

serve() {
  local name=$1
  shift
  : >"$T/$name.err" # what an earlier one of that name has said
  start "$name" hh-ln serve --db "$T/pay" --backend sim --key "$KEY" --backoff-ms 1 --retry-seconds 1 --http 127.0.0.1:0 "$@"
  wait_for_log "$name" '"event":"serving"'
  HTTP=$(jq -r 'select(.event == "http") | .address' "$T/$name.err" | tail -1)
  export HTTP
}

serve_api() {
  local name=$1
  shift
  [ -d "$T/tls" ] || make_certificates
  serve "$name" --api-listen 127.0.0.1:0 --api-tls-certificate "$T/tls/server.cert" --api-tls-key "$T/tls/server.key" --api-client-ca "$T/tls/ca.cert" "$@"
  API=https://$(jq -r 'select(.event == "api") | .address' "$T/$name.err" | tail -1)
  export API
}

token() {
  local record
  record=$(hh-ln token add "$1" --role "$2" --db "$T/pay") || return 1
  jq -r '.otpauth // ""' <<<"$record" >"$T/$1.otp"
  jq -r .token <<<"$record"
}

# code NAME [SECONDS]: RFC 6238 in another language, for a moment so many seconds from now.
code() {
  python3 - "$T/$1.otp" "${2:-0}" <<'PY'
import base64, hashlib, hmac, struct, sys, time, urllib.parse
query = urllib.parse.parse_qs(urllib.parse.urlparse(open(sys.argv[1]).read().strip()).query)
text = query["secret"][0]
key = base64.b32decode(text + "=" * (-len(text) % 8))
mac = hmac.new(key, struct.pack(">Q", int(time.time() + float(sys.argv[2])) // 30), hashlib.sha1).digest()
at = mac[19] & 15
print("%06d" % ((struct.unpack(">I", mac[at:at + 4])[0] & 0x7FFFFFFF) % 10**6))
PY
}

api() { curl -sS --max-time 20 --cacert "$T/tls/ca.cert" "$@"; }
api_status() { api -o /dev/null -w '%{http_code}' "$@"; }
metric() { curl -sS --max-time 20 "http://$HTTP/metrics" | awk -v name="$1" '$1 == name { print $2 }'; }
