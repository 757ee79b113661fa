#!/usr/bin/env bats
# What the tests of this folder run against is what scripts/peers.versions allows, wherever it comes from.

bats_require_minimum_version 1.5.0
load ../support/common

setup() {
  hh_setup
  PATH=$("$HH_SRC/scripts/peers" --path):$PATH
}
teardown() { hh_teardown; }

# versions_fit PEER: each of its programs says a version within the bounds.
versions_fit() {
  # Here and not in setup, because the table's arrays belong to the function that reads it.
  # shellcheck source=scripts/lib.sh
  . "$HH_SRC/scripts/lib.sh"
  # shellcheck source=scripts/peers.table.sh
  . "$HH_SRC/scripts/peers.table.sh"
  read_versions "$HH_SRC/scripts/peers.versions"
  local program v
  [ -n "${programs[$1]}" ]
  for program in ${programs[$1]}; do
    need "$program"
    v=$(version_of "$program")
    echo "$program: $v, from ${from[$1]}, below ${below[$1]}"
    fits "$1" "$v" || return 1
  done
}

@test "bitcoind, bitcoin-node and bitcoin-cli are of a version that is allowed (C002 D026)" {
  versions_fit bitcoin
}

@test "lnd and lncli are of a version that is allowed (C002 D027)" {
  versions_fit lnd
}
