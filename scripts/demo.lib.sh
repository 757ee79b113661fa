# shellcheck shell=bash
# What scripts/demo and its two chains (demo.dev.sh, demo.real.sh) share: showing a command and running it, starting and stopping programs by
# their process ids, and waiting for what they print.

declare -A pid_of=()
dir=${dir:-}  # set by scripts/demo: where everything happens

bold='' dim='' plain=''
if [[ -t 1 && ! ${NO_COLOR:-} ]]; then bold=$'\e[1m' dim=$'\e[36m' plain=$'\e[0m'; fi

# part TITLE: a heading. tell TEXT…: a sentence for the person who watches.
part() {
  part_number=$((${part_number:-0} + 1))
  printf '\n%s%d. %s%s\n' "$bold" "$part_number" "$*" "$plain"
}
tell() { printf '   %s\n' "$*"; }

# show COMMAND TEXT: the command as one would type it; run it with eval, so that what is shown is what is run.
show() {
  printf '   %s$ %s%s\n' "$dim" "$1" "$plain"
  eval "$1"
}

# start NAME COMMAND: shows it and runs it in the background; stdout to $dir/NAME.out, stderr to $dir/NAME.err.
start() {
  printf '   %s$ %s &%s\n' "$dim" "$2" "$plain"
  # exec: the process id is the program's own, not that of a shell around it.
  eval "exec $2" >"$dir/$1.out" 2>"$dir/$1.err" </dev/null &
  pid_of[$1]=$!
}

is_running() { kill -0 "${pid_of[$1]}" 2>/dev/null; }

# stop NAME: SIGTERM, and its exit status. After 20 s it is killed.
stop() {
  local pid=${pid_of[$1]:-} status=0 i
  [[ $pid ]] || return 0
  unset "pid_of[$1]"
  kill "$pid" 2>/dev/null || true
  for ((i = 0; i < 200; i++)); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || status=$?
  return "$status"
}

stop_all() {
  local name
  for name in "${!pid_of[@]}"; do stop "$name" || true; done
}

# fail TEXT [NAME]: says it, and how NAME's messages end.
fail() {
  [[ ${2:-} ]] && tail -n 8 "$dir/$2.err" >&2
  die "$EX_SOFTWARE" "$1; its files are in $dir"
}

# await SECONDS WHAT COMMAND…: until the command succeeds; on a terminal with a counter of seconds.
await() {
  local end=$((SECONDS + $1)) what=$2 begin=$SECONDS name
  shift 2
  until "$@" >/dev/null 2>&1; do
    for name in "${!pid_of[@]}"; do is_running "$name" || [[ $name == miner_* ]] || fail "$name has ended" "$name"; done
    ((SECONDS < end)) || fail "waited in vain for $what"
    [[ -t 2 ]] && printf '\r   waiting for %s … %d s' "$what" $((SECONDS - begin)) >&2
    sleep 0.2
  done
  [[ -t 2 ]] && printf '\r\033[K' >&2
  return 0
}

# record NAME TYPE: the first record of that type that NAME has printed; waits for it.
record() {
  await 60 "$1" grep -q "^{\"type\":\"$2\"," "$dir/$1.out"
  grep -m 1 "^{\"type\":\"$2\"," "$dir/$1.out"
}

# show_watched: what hh-ledger watch has found, in words.
show_watched() {
  jq -r '"   round \(.round) is \(.status): \(.confirmations) confirmation\(if .confirmations == 1 then "" else "s" end)"' watched.jsonl
}
