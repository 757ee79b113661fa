# shellcheck shell=bash
# What tests of programs share: `load ../support/common` in setup's file. Each test has its own folder $T; every program that a test starts
# with `start` is stopped in teardown, by its process id, whatever became of the test.
#
#   setup() { hh_setup; }
#   teardown() { hh_teardown; }
#   start pool hh-pool serve --listen 127.0.0.1:0 …     -> $T/pool.out, $T/pool.err, pid in $T/pool.pid
#   wait_for_record pool pool                            -> prints the first record of type "pool" that "pool" prints
#   wait_for_log pool '"event":"listening"'
#   stop pool; stop pool KILL                            -> exit status in $STOPPED
# Programs listen on port 0 and say in a record which port they got, so tests can run side by side.

: "${HH_SRC:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
: "${HH_BIN:=$HH_SRC/build/dev/bin}"
export HH_SRC HH_BIN PATH="$HH_BIN:$PATH" NO_COLOR=1 LC_ALL=C.UTF-8

hh_setup() {
  T=$(mktemp -d "${BATS_TEST_TMPDIR:-${TMPDIR:-/tmp}}/hh.XXXXXX")
  export T
  cd "$T" || return 1
}

hh_teardown() {
  local file name
  for file in "$T"/*.pid; do
    [ -e "$file" ] || continue
    name=$(basename "$file" .pid)
    stop "$name" TERM 20 || true
    if [ -z "${BATS_TEST_COMPLETED:-}" ]; then
      echo "--- $name: last lines of its stderr"
      tail -n 15 "$T/$name.err"
    fi
  done
  cd / && rm -rf "$T"
}

# start NAME PROGRAM ARG…: in the background; stdout to $T/NAME.out (which is created anew), stderr appended to $T/NAME.err.
start() {
  local name=$1
  shift
  : >"$T/$name.out"
  "$@" >"$T/$name.out" 2>>"$T/$name.err" 3>&- 4>&- &
  echo $! >"$T/$name.pid"
}

pid_of() { cat "$T/$1.pid"; }

is_running() { kill -0 "$(pid_of "$1")" 2>/dev/null; }

# eventually SECONDS COMMAND…: repeats it until it succeeds; fails after that time.
eventually() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -ge $end ] && return 1
    sleep 0.05
  done
}

# wait_for_record NAME TYPE [SECONDS [NTH]]: prints the NTH (first) record of that type on NAME's stdout, once it is there.
wait_for_record() {
  local name=$1 type=$2 seconds=${3:-20} nth=${4:-1} end line
  end=$((SECONDS + seconds))
  while :; do
    line=$(grep -a "^{\"type\":\"$type\"," "$T/$name.out" | sed -n "${nth}p")
    [ -n "$line" ] && break
    if ! is_running "$name" || [ $SECONDS -ge $end ]; then
      echo "no record \"$type\" (number $nth) from $name; its stderr ends:" >&2
      tail -n 10 "$T/$name.err" >&2
      return 1
    fi
    sleep 0.05
  done
  printf '%s\n' "$line"
}

# wait_for_log NAME BASIC_REGEX [SECONDS]: until a line of NAME's stderr matches.
wait_for_log() {
  if ! eventually "${3:-20}" grep -aq -- "$2" "$T/$1.err"; then
    echo "$1 did not log $2; its stderr ends:" >&2
    tail -n 10 "$T/$1.err" >&2
    return 1
  fi
}

# stop NAME [SIGNAL [SECONDS]]: signals that process only, waits until it has ended (KILL after SECONDS), status in $STOPPED.
stop() {
  local name=$1 signal=${2:-TERM} seconds=${3:-15} pid
  [ -e "$T/$name.pid" ] || return 0
  pid=$(pid_of "$name")
  rm -f "$T/$name.pid"
  kill -s "$signal" "$pid" 2>/dev/null
  if ! eventually "$seconds" _has_ended "$pid"; then
    echo "$name did not end within $seconds s of SIG$signal" >&2
    kill -s KILL "$pid" 2>/dev/null
  fi
  STOPPED=0
  wait "$pid" 2>/dev/null || STOPPED=$?
  return 0
}

# shellcheck disable=SC2034  # STOPPED is for the caller
# wait_for_end NAME [SECONDS]: until it has ended by itself; its exit status in $STOPPED.
wait_for_end() {
  local name=$1 pid
  pid=$(pid_of "$name")
  if ! eventually "${2:-20}" _has_ended "$pid"; then
    echo "$name still runs" >&2
    return 1
  fi
  rm -f "$T/$name.pid"
  STOPPED=0
  wait "$pid" 2>/dev/null || STOPPED=$?
}

# A child that has ended but was not waited for (a zombie) has ended.
_has_ended() {
  local state
  state=$(ps -o stat= -p "$1" 2>/dev/null) || return 0
  [ -z "$state" ] || [ "${state:0:1}" = Z ]
}

# field NAME: of one record on stdin, as raw text.
field() { jq -er ".$1"; }

# port_of RECORD: the port of its `listen` ("127.0.0.1:3333").
port_of() { jq -er '.listen | split(":") | last' <<<"$1"; }

# A TCP port that was free a moment ago, for real software that cannot take port 0.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# need PROGRAM…: skips the test where a program of the toolkit has not been built, or other software is not installed.
need() {
  local program
  for program; do
    command -v "$program" >/dev/null || skip "$program is not there"
  done
}

# start_devchain [ARG…]: the embedded chain; sets RPC_URL and RPC_COOKIE.
start_devchain() {
  local record
  start devchain hh-devchain "$@"
  record=$(wait_for_record devchain devchain) || return 1
  RPC_URL=$(field rpc_url <<<"$record")
  RPC_COOKIE=$(field cookie_file <<<"$record")
  export RPC_URL RPC_COOKIE
}
