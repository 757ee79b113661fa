#!/usr/bin/env bats
# scripts/setup and scripts/peers: what they refuse, what they find, and what
# they leave behind when a build fails or is interrupted.
#
# No network and no real build: PATH holds only the commands that the scripts
# need, and stand-ins that these tests write (`fake`). What the scripts do with
# the real registries shows when scripts/peers is run.

bats_require_minimum_version 1.5.0

setup() {
  root=$BATS_TEST_DIRNAME/../..
  fakes=$BATS_TEST_TMPDIR/fakes
  export HH_PEERS_DIR=$BATS_TEST_TMPDIR/cache
  mkdir -p "$fakes" "$BATS_TEST_TMPDIR/tools"
  local tool
  for tool in awk bash cat chmod cp cut date dirname env flock grep head jq kill ln mkdir mktemp mv nice nproc \
    readlink rm sed sleep strip tail timeout touch tr true; do
    ln -s "$(type -P "$tool")" "$BATS_TEST_TMPDIR/tools/$tool"
  done
  real_path=$PATH
  PATH=$fakes:$BATS_TEST_TMPDIR/tools
}

teardown() { PATH=$real_path; }

# fake NAME: a program on PATH whose body is on stdin.
fake() {
  { echo '#!/usr/bin/env bash'; cat; } >"$fakes/$1"
  chmod +x "$fakes/$1"
}

# says NAME TEXT: a program on PATH that prints TEXT, as with --version.
says() { fake "$1" <<<"echo '$2'"; }

fitting_bitcoin() {
  local program
  for program in bitcoind bitcoin-node bitcoin-cli; do says "$program" 'Bitcoin Core version v31.1.0'; done
}

fitting_lnd() {
  says lnd 'lnd version 0.21.3-beta commit=v0.21.3-beta'
  says lncli 'lncli version 0.21.3-beta commit=v0.21.3-beta'
}

# A cargo whose crates build in no time; $fakes/fail makes `cargo install` fail, and
# $fakes/slow makes it take longer than a test does.
fitting_rust() {
  says rustc 'rustc 1.90.0 (abc 2026-01-01)'
  local digest
  digest=$(grep '^pool_sv2' "$root/scripts/peers.versions" | tr -s ' ' | cut -d ' ' -f 6)
  echo "$digest" >"$fakes/digest"
  fake cargo <<'CARGO'
here=${0%/*}
echo "cargo $*" >>"$here/calls"
case $1 in
  --version) echo 'cargo 1.90.0 (abc 2026-01-01)' ;;
  generate-lockfile)
    printf '[[package]]\nname = "pool_sv2"\nversion = "0.7.0"\nchecksum = "%s"\n' "$(cat "$here/digest")" >fetch/Cargo.lock ;;
  install)
    printf '    Building [==>   ] 7/344: serde\r'
    [[ -e $here/slow ]] && sleep 60
    [[ -e $here/fail ]] && { echo 'error: linker not found'; exit 101; }
    mkdir -p out/bin && cp "$(readlink -f "$(type -P true)")" out/bin/pool_sv2 ;;
esac
CARGO
}

state_of() { "$root/scripts/peers" --status | grep "^$1 " | tr -s ' ' | cut -d ' ' -f 3; }

# --- setup ---------------------------------------------------------------------

# A dpkg that has every package but those named, and an apt-get that takes notes.
debian_without() {
  printf '%s\n' "$@" >"$fakes/absent"
  fake dpkg-query <<'DPKG'
shift 3
for p; do grep -qxF "$p" "${0%/*}/absent" || echo "installed $p"; done
DPKG
  fake apt-get <<'APT'
echo "$*" >>"${0%/*}/apt-calls"
APT
  fake sudo <<<'exec "$@"'
}

@test "setup --help goes to stdout and names its options" {
  run --separate-stderr "$root/scripts/setup" --help
  [ "$status" -eq 0 ]
  [[ $output == Usage:* && $output == *--check* && $output == *--peers* ]]
  [ -z "$stderr" ]
}

@test "setup refuses an unknown argument with 64" {
  run --separate-stderr "$root/scripts/setup" --chek
  [ "$status" -eq 64 ]
  [[ $stderr == *"'--chek'"* ]]
}

@test "setup calls no apt-get when nothing is missing (C001)" {
  debian_without nothing
  run "$root/scripts/setup"
  [ "$status" -eq 0 ]
  [ ! -e "$fakes/apt-calls" ]
}

@test "setup installs what is missing, only that, and removes nothing (C001 D001)" {
  debian_without mold libboost1.81-dev
  run "$root/scripts/setup"
  [ "$status" -eq 0 ]
  run cat "$fakes/apt-calls"
  [ "${lines[0]}" = update ]
  [ "${lines[1]}" = "install -y --no-remove --no-install-recommends mold libboost1.81-dev" ]
  [ "${#lines[@]}" -eq 2 ]
}

@test "setup --check prints what is missing, installs nothing, exits 69" {
  debian_without mold jq
  run --separate-stderr "$root/scripts/setup" --check
  [ "$status" -eq 69 ]
  [ "$output" = $'mold\njq' ]
  [ ! -e "$fakes/apt-calls" ]
}

@test "setup says so when apt-get fails" {
  debian_without mold
  fake apt-get <<<'exit 100'
  run --separate-stderr "$root/scripts/setup"
  [ "$status" -eq 69 ]
  [[ $stderr == *"could not install: mold"* ]]
}

@test "setup --peers adds only the toolchains that PATH lacks (C002 L003 N304)" {
  debian_without golang-go rustc-web cargo-web
  run --separate-stderr "$root/scripts/setup" --peers --check
  [ "$output" = $'golang-go\nrustc-web\ncargo-web' ]
  says go 'go version go1.19.8 linux/amd64'
  says cargo 'cargo 1.75.0'
  says rustc 'rustc 1.75.0'
  run --separate-stderr "$root/scripts/setup" --peers --check
  [ "$output" = $'rustc-web\ncargo-web' ]
  fitting_rust
  run --separate-stderr "$root/scripts/setup" --peers --check
  [ "$status" -eq 0 ]
  [ -z "$output" ]
}

# --- peers: arguments and status -------------------------------------------------

@test "peers --help goes to stdout and names every peer" {
  run --separate-stderr "$root/scripts/peers" --help
  [ "$status" -eq 0 ]
  [[ $output == Usage:* ]]
  local name
  for name in bitcoin lnd pool_sv2 translator_sv2 ldk_payee actionlint; do [[ $output == *"$name"* ]]; done
  [ -z "$stderr" ]
}

@test "peers refuses an unknown name, option or -j with 64, before touching the cache" {
  local wrong
  for wrong in electrs --frobnicate -j0 -jx "-j" "--jobs=1000"; do
    run --separate-stderr "$root/scripts/peers" bitcoin "$wrong"
    [ "$status" -eq 64 ]
    [ -z "$output" ]
  done
  [ ! -e "$HH_PEERS_DIR" ]
}

@test "peers --path follows HH_PEERS_DIR, then XDG_CACHE_HOME, then HOME" {
  [ "$("$root/scripts/peers" --path)" = "$HH_PEERS_DIR/bin" ]
  unset HH_PEERS_DIR
  [ "$(XDG_CACHE_HOME=/x HOME=/h "$root/scripts/peers" --path)" = /x/hyperhash/peers/bin ]
  [ "$(XDG_CACHE_HOME='' HOME=/h "$root/scripts/peers" --path)" = /h/.cache/hyperhash/peers/bin ]
}

@test "peers --status lists the pinned versions, and with --json the same as records (C002)" {
  run --separate-stderr "$root/scripts/peers" --status
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 6 ]
  [[ ${lines[0]} =~ ^bitcoin\ +31\.99\.0\ +missing$ ]]
  run --separate-stderr "$root/scripts/peers" --status --json
  [ "$status" -eq 0 ]
  [ "$(jq -c '[.type, .v, .name, .state]' <<<"${lines[1]}")" = '["peer",1,"lnd","missing"]' ]
}

@test "peers says 73 where the cache cannot be written" {
  HH_PEERS_DIR=/dev/null/x run --separate-stderr "$root/scripts/peers" lnd
  [ "$status" -eq 73 ]
  [[ $stderr == */dev/null/x* && $stderr == *HH_PEERS_DIR* ]]
}

# --- peers: what PATH has ----------------------------------------------------------

@test "a fitting peer on PATH is linked, not built (N304)" {
  fitting_lnd
  run --separate-stderr "$root/scripts/peers" lnd
  [ "$status" -eq 0 ]
  [ "$(readlink "$HH_PEERS_DIR/bin/lncli")" = "$fakes/lncli" ]
  [ "$(state_of lnd)" = on-path ]
  [[ $("$root/scripts/peers" --status) == *"lnd             0.21.3 "* ]]
}

@test "a peer on PATH that is too old, too new, or says nothing is not used" {
  fitting_lnd
  local unfit
  for unfit in 'lnd version 0.20.9-beta' 'lnd version 0.22.0-beta' 'no version here'; do
    says lnd "$unfit"
    run --separate-stderr "$root/scripts/peers" lnd
    [ "$status" -eq 69 ] # it went on to build, and there is no Go here
    [[ $stderr == *"$fakes/lnd is"*"does not fit"* && $stderr == *"lnd needs Go"* ]]
    [ ! -e "$HH_PEERS_DIR/bin/lnd" ]
  done
}

@test "a peer of which PATH has only a part is not used" {
  fitting_lnd
  rm "$fakes/lncli"
  run --separate-stderr "$root/scripts/peers" lnd
  [ "$status" -eq 69 ]
  [ ! -e "$HH_PEERS_DIR/bin/lnd" ]
}

@test "--pinned leaves the peer on PATH alone" {
  fitting_lnd
  run --separate-stderr "$root/scripts/peers" --pinned lnd
  [ "$status" -eq 69 ]
  [[ $stderr == *"lnd needs Go"* ]]
}

@test "our own bin folder on PATH does not count as a peer on PATH" {
  mkdir -p "$HH_PEERS_DIR/bin"
  fitting_lnd
  mv "$fakes"/lnd "$fakes"/lncli "$HH_PEERS_DIR/bin/"
  PATH=$HH_PEERS_DIR/bin:$PATH run --separate-stderr "$root/scripts/peers" lnd
  [ "$status" -eq 69 ]
  [ ! -L "$HH_PEERS_DIR/bin/lnd" ]
}

@test "Rust too old, no Go: what is named is an error, without names it is skipped" {
  fitting_bitcoin
  fitting_lnd
  says cargo 'cargo 1.85.0'
  says rustc 'rustc 1.85.0'
  run --separate-stderr "$root/scripts/peers" pool_sv2
  [ "$status" -eq 69 ]
  [[ $stderr == *"needs cargo 1.88.0 or newer, found 1.85.0"* ]]
  run --separate-stderr "$root/scripts/peers"
  [ "$status" -eq 0 ]
  [[ $stderr == *"translator_sv2: skipped"* && $stderr == *"actionlint: skipped: needs Go"* ]]
  [ "$(state_of bitcoin)" = on-path ]
}

# --- peers: building -----------------------------------------------------------------

@test "a build ends with the program in bin, a stamp, and no leftovers; a second run does nothing (D031)" {
  fitting_rust
  run --separate-stderr "$root/scripts/peers" pool_sv2
  [ "$status" -eq 0 ]
  [ -z "$output" ]
  [ -x "$HH_PEERS_DIR/bin/pool_sv2" ]
  [ ! -e "$HH_PEERS_DIR/work/pool_sv2" ]
  [ "$(state_of pool_sv2)" = built ]
  run --separate-stderr "$root/scripts/peers" pool_sv2
  [ "$status" -eq 0 ]
  [ "$(grep -c 'cargo install' "$fakes/calls")" -eq 1 ]
}

@test "a peer built from another row of the table is outdated and built again" {
  fitting_rust
  "$root/scripts/peers" pool_sv2
  sed -i 's/0\.7\.0/0.6.9/' "$HH_PEERS_DIR/stamps/pool_sv2"
  [ "$(state_of pool_sv2)" = outdated ]
  "$root/scripts/peers" pool_sv2
  [ "$(state_of pool_sv2)" = built ]
  [ "$(grep -c 'cargo install' "$fakes/calls")" -eq 2 ]
}

@test "a package with another digest than the pinned one is not built (L003 N304)" {
  fitting_rust
  echo 0000 >"$fakes/digest"
  run --separate-stderr "$root/scripts/peers" pool_sv2
  [ "$status" -eq 69 ]
  [[ $stderr == *"does not have the digest pinned"* ]]
  run grep 'cargo install' "$fakes/calls"
  [ "$status" -ne 0 ]
}

@test "actionlint is a Go module: installed as it is pinned, or not at all (C005 L003)" {
  fake go <<'GO'
here=${0%/*}
echo "go $*" >>"$here/calls"
case $1 in
  version) echo 'go version go1.26.1 linux/amd64' ;;
  mod) printf '{"Sum":"%s"}' "$(cat "$here/sum")" ;;
  install) mkdir -p "$GOBIN" && cp "$(readlink -f "$(type -P true)")" "$GOBIN/actionlint" ;;
esac
GO
  echo h1:another= >"$fakes/sum"
  run --separate-stderr "$root/scripts/peers" actionlint
  [ "$status" -eq 69 ]
  [[ $stderr == *"has the digest h1:another=, not the one pinned"* ]]
  run grep 'go install' "$fakes/calls"
  [ "$status" -ne 0 ]
  grep '^actionlint' "$root/scripts/peers.versions" | tr -s ' ' | cut -d ' ' -f 6 >"$fakes/sum"
  run --separate-stderr "$root/scripts/peers" actionlint
  [ "$status" -eq 0 ]
  [ "$(state_of actionlint)" = built ]
  grep -q 'go install .*cmd/actionlint@v1\.' "$fakes/calls"
}

@test "a failed build is 70, shows the end of its log and names it; the next run continues" {
  fitting_rust
  touch "$fakes/fail"
  run --separate-stderr "$root/scripts/peers" pool_sv2
  [ "$status" -eq 70 ]
  [[ $stderr == *"linker not found"* && $stderr == *"whole log: $HH_PEERS_DIR/log/pool_sv2"* ]]
  [ ! -e "$HH_PEERS_DIR/bin/pool_sv2" ]
  [ "$(state_of pool_sv2)" = interrupted ]
  rm "$fakes/fail"
  run --separate-stderr "$root/scripts/peers" pool_sv2
  [ "$status" -eq 0 ]
  [ "$(grep -c generate-lockfile "$fakes/calls")" -eq 1 ]
}

# wait_for COMMAND...: up to 10 seconds.
wait_for() {
  local i
  for ((i = 0; i < 100; i++)); do "$@" && return; sleep 0.1; done
  echo "waited in vain for: $*"
  return 1
}

@test "while it builds: progress with the builder's own count; a second run waits; a signal ends the compiler" {
  fitting_rust
  touch "$fakes/slow"
  STEP_REPORT_SECONDS=1 "$root/scripts/peers" pool_sv2 2>"$BATS_TEST_TMPDIR/first" 3>&- &
  local first=$! second
  wait_for grep -q '7/344 after' "$BATS_TEST_TMPDIR/first"
  [ "$(state_of pool_sv2)" = building ]
  fitting_lnd
  "$root/scripts/peers" lnd 2>"$BATS_TEST_TMPDIR/second" 3>&- &
  second=$!
  wait_for grep -q 'another run is building' "$BATS_TEST_TMPDIR/second"
  sleep 1
  [ ! -e "$HH_PEERS_DIR/bin/lnd" ]
  kill -TERM "$first"
  local status=0
  wait "$first" || status=$?
  [ "$status" -eq 130 ]
  grep -q 'the next run continues' "$BATS_TEST_TMPDIR/first"
  # Whatever lived on of the first run would still hold the lock.
  wait_for grep -q 'lnd: using' "$BATS_TEST_TMPDIR/second"
  wait "$second"
  [ "$(state_of lnd)" = on-path ]
  [ "$(state_of pool_sv2)" = interrupted ]
}

# --- lib.sh -----------------------------------------------------------------------------

@test "versions compare by number, place by place" {
  # shellcheck source=scripts/lib.sh
  . "$root/scripts/lib.sh"
  version_at_least 1.10 1.9
  version_at_least 31 31.0.0
  version_at_least 0.21.1 0.21.1
  version_at_least 1.08 1.8 # no octal
  run version_at_least 1.9.9 1.10
  [ "$status" -ne 0 ]
  run version_at_least 31 31.0.1
  [ "$status" -ne 0 ]
  [ "$(version_in 'Bitcoin Core daemon version v31.99.0-unk bitcoind')" = 31.99.0 ]
  run version_in 'nothing here'
  [ "$status" -ne 0 ]
}
