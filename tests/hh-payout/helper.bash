# shellcheck shell=bash
# What the tests of hh-payout share. `load ../support/common` first.

# exits STATUS TEXT COMMAND…: fails with that status, says TEXT on stderr, prints nothing.
exits() {
  local status_wanted=$1 text=$2
  shift 2
  run --separate-stderr "$@"
  [ "$status" -eq "$status_wanted" ] || { echo "status $status: $stderr"; return 1; }
  [[ $stderr == *"$text"* ]] || { echo "stderr: $stderr"; return 1; }
  [ -z "$output" ] || { echo "stdout: $output"; return 1; }
}
