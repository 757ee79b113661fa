# shellcheck shell=bash
# What the scripts in this folder share: how they speak, how they fail, how
# they compare versions and how they show that a long step is alive.
#
# Source it; it defines functions and the exit codes, and runs nothing.
# Messages go to stderr, so that a script's stdout carries only its data.

# Exit codes, from sysexits(3).
# shellcheck disable=SC2034  # each script uses the ones it needs
readonly EX_USAGE=64 EX_UNAVAILABLE=69 EX_SOFTWARE=70 EX_CANTCREAT=73 EX_NOPERM=77

# say TEXT...: one message line on stderr, prefixed with the script's name.
say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# die CODE TEXT...: say why, and exit with CODE.
die() {
  local code=$1
  shift
  say "error: $*"
  exit "$code"
}

# have COMMAND: is it on PATH?
have() { command -v "$1" >/dev/null 2>&1; }

# version_in TEXT: print the first dotted number in TEXT ("v31.99.0-beta" gives
# 31.99.0); nothing, and status 1, if there is none.
version_in() {
  [[ $1 =~ [0-9]+(\.[0-9]+)+ ]] && printf '%s\n' "${BASH_REMATCH[0]}"
}

# version_at_least HAVE WANT: is dotted version HAVE the same as WANT or newer?
# Missing places count as zero, so 31 equals 31.0.0.
version_at_least() {
  local -a a b
  local i
  IFS=. read -ra a <<<"$1"
  IFS=. read -ra b <<<"$2"
  for i in 0 1 2 3; do
    ((10#${a[i]:-0} == 10#${b[i]:-0})) && continue
    ((10#${a[i]:-0} > 10#${b[i]:-0}))
    return
  done
}

# as_elapsed SECONDS: print it the way people read it, such as 3m07s.
as_elapsed() {
  if (($1 < 60)); then printf '%ds\n' "$1"; else printf '%dm%02ds\n' $(($1 / 60)) $(($1 % 60)); fi
}

# step_count LOG: print the newest "12/344" that a build tool wrote to LOG.
# ninja writes "[12/344] Building …" and cargo "Building [==>  ] 12/344: …".
step_count() {
  tail -c 4000 "$1" 2>/dev/null | tr '\r' '\n' |
    grep -oE '^\[[0-9]+/[0-9]+\]|\] [0-9]+/[0-9]+' | tail -n 1 | tr -d '[] '
}

# tail_of_log LOG: its last lines, without a progress bar's many states.
tail_of_log() { tail -c 20000 "$1" | tr '\r' '\n' | grep -vE '^ *Building \[|^ *$' | tail -n 20; }

# run_step TITLE LOG COMMAND...: run COMMAND (a function or a program) with its
# output appended to LOG, and show that it is alive: a counter that rewrites
# itself on a terminal, else a line every 30 seconds (STEP_REPORT_SECONDS).
# Returns COMMAND's status. An interrupt ends COMMAND's whole process group, so
# that no compiler goes on behind the prompt.
run_step() {
  local title=$1 log=$2 start=$SECONDS shown=$SECONDS pid status=0 live=
  shift 2
  if [[ -t 2 && ${TERM:-dumb} != dumb ]]; then live=1; else say "$title …"; fi
  set -m # gives COMMAND a process group of its own
  "$@" >>"$log" 2>&1 </dev/null &
  pid=$!
  set +m
  # shellcheck disable=SC2064  # this pid is the one to end, whatever comes later
  trap "kill -TERM -- -$pid 2>/dev/null; printf '\n' >&2; say 'interrupted; the next run continues'; trap - INT TERM; exit 130" INT TERM
  while kill -0 "$pid" 2>/dev/null; do
    if [[ $live ]]; then
      printf '\r\033[K%s: %s %s %s' "${0##*/}" "$title" "$(step_count "$log")" "$(as_elapsed $((SECONDS - start)))" >&2
    elif ((SECONDS - shown >= ${STEP_REPORT_SECONDS:-30})); then
      shown=$SECONDS
      say "$title … $(step_count "$log") after $(as_elapsed $((SECONDS - start)))"
    fi
    sleep 0.5
  done
  wait "$pid" || status=$?
  trap - INT TERM
  [[ $live ]] && printf '\r\033[K' >&2
  if ((status == 0)); then
    say "$title: done in $(as_elapsed $((SECONDS - start)))"
  else
    say "$title: failed after $(as_elapsed $((SECONDS - start))). The log ends with:"
    tail_of_log "$log" | sed 's/^/  | /' >&2
    say "whole log: $log"
  fi
  return "$status"
}
