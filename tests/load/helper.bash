# shellcheck shell=bash
# What the tests with sv1_load share: `load ../support/common` and `load ../support/pool` first.
#   load_setup                      a work folder, and a chain whose blocks are far from the shares
#   start_easy_pool NAME [ARG…]     a pool with a spool in which nearly every hash is a share
#   record TYPE; figure TYPE FIELD  of what sv1_load wrote to the file records

LEAST=0.00000000023283064365386962890625   # 2^-32

load_setup() {
  hh_setup
  need hh-pool hh-devchain sv1_load python3
  start_devchain --bits 1e0aaaaa
}

start_easy_pool() { start_pool "$1" dev --spool "$T/spool.jsonl" --difficulty-start $LEAST --difficulty-min $LEAST "${@:2}"; }

record() { grep "^{\"type\":\"$1\"" records; }
figure() { record "$1" | jq -e ".$2"; }
