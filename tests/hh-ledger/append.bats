#!/usr/bin/env bats
# hh-ledger append: every share once, in order, durable; bad input of every kind stops it where it is, with everything before it kept.
bats_require_minimum_version 1.5.0
load ../support/common
load helper
setup() { hh_setup; }
teardown() { hh_teardown; }

# feed NAME FILE [OPTION…]: `append` in the background with the file as its standard input, which `start` alone would not give it.
feed() {
  local name=$1 file=$2
  shift 2
  start "$name" bash -c 'file=$1; shift; exec hh-ledger append --db L "$@" <"$file"' feed "$file" "$@"
}
count() { sqlite3 L "SELECT count(*) FROM shares"; }

@test "lines come back as they went in, and again into another ledger (C042)" {
  shares --count 80 --sources 3 --blocks 4 --addresses 1 --tail 7 >in
  ledger append <in >out
  [ "$(jq -c '[.shares, .blocks, .duplicates]' out)" = "[80,4,0]" ]
  ledger export >exported
  diff <(sort in) <(sort exported)
  hh-ledger append --db L2 <exported
  diff <(ledger export) <(hh-ledger export --db L2)
  diff <(ledger rounds) <(hh-ledger rounds --db L2)
}

@test "the same lines again change nothing, whatever the order of the pieces (C042)" {
  shares --count 40 --blocks 2 --sources 2 >in
  ledger append <in
  ledger rounds >before
  ledger append <in >out
  [ "$(jq -c '[.shares, .blocks, .jobs]' out)" = "[0,0,0]" ]
  [ "$(jq .duplicates out)" -eq "$(wc -l <in)" ]
  tail -n 10 in | ledger append
  diff before <(ledger rounds)
  [ "$(count)" -eq 40 ]
}

@test "a share with the same number and other contents is refused (C042)" {
  shares --count 5 >in
  ledger append <in
  sed 's/"worker":"[^"]*"/"worker":"thief"/' in >changed
  fails_with 65 'line 2: source pool-a: seq 1 is in the ledger with other contents' ledger append <changed
  ledger export | diff in -
}

@test "lines that are missing stop it; --allow-gaps goes on and says so (C042)" {
  shares --count 20 >in
  sed 13d in >gap
  fails_with 65 'source pool-a: seq 13, expected 12: lines are missing' ledger append <gap
  [ "$(count)" -eq 11 ]
  ledger append <in
  [ "$(count)" -eq 20 ]
  run --separate-stderr hh-ledger append --allow-gaps --db G <gap
  [ "$status" -eq 0 ]
  [[ $stderr =~ '"missing_seqs":1' ]]
  hh-ledger verify --db G
  # What was passed over cannot come in later: leaves of the Merkle tree have their order.
  fails_with 65 'seq 12 is in the ledger with other contents' hh-ledger append --db G <in
}

@test "each kind of bad line stops it with 65, its place and its reason, after what came before (C042 C120)" {
  shares --count 6 >in
  good=$(sed -n 5p in)
  while IFS='|' read -r regex line; do
    rm -f L*
    { head -n 4 in && printf '%s\n' "$line" && tail -n +5 in; } >bad
    fails_with 65 "standard input, line 5: .*$regex" ledger append <bad
    [ "$(count)" -eq 3 ]
    ledger append <in
    ledger export | diff in -
  done <<LINES
not valid JSON|{"type":"share","v":1,
not valid JSON|$good$good
duplicate|${good/\"v\":1/\"v\":1,\"v\":1}
unknown version 2|${good/\"v\":1/\"v\":2}
field \"seq\"|${good/\"seq\":4/\"seq\":\"4\"}
field \"seq\"|${good/\"seq\":4/\"seq\":-4}
field \"seq\"|${good/\"seq\":4/\"seq\":4.5}
field \"work\"|${good/\"work\":\"/\"work\":\"-}
field \"nonce\"|${good/\"nonce\":\"/\"nonce\":\"0}
field \"type\"|{"v":1}
field \"miner\"|$(sed 's/"miner":"[^"]*"/"miner":"a b"/' <<<"$good")
field \"fee_to\"|$(sed 's/"fee_to":"[^"]*"/"fee_to":"me"/' <<<"$good")
unknown job|$(sed 's/"job":"[^"]*"/"job":"00"/' <<<"$good")
extranonces of|$(sed 's/"extranonce1":"[^"]*"/"extranonce1":"00"/' <<<"$good")
simulated and real|${good/,\"job\"/,\"simulated\":true,\"job\"}
JSON object|[1,2]
LINES
}

@test "invalid UTF-8, a NUL and a line without end are refused (C042)" {
  shares --count 3 >in
  { head -n 2 in && sed -n 3p in | sed $'s/"worker":"[^"]*"/"worker":"\xff\xfe"/'; } >bad
  fails_with 65 'line 3' ledger append <bad
  { cat in && printf 'a\0b\n'; } >bad
  fails_with 65 'line 5: not valid JSON' ledger append <bad
  { cat in && head -c 3000000 /dev/zero | tr '\0' x; } >bad
  fails_with 65 'line 5: the line is longer than 1 MiB' ledger append <bad
  ledger export | diff in -
}

@test "--skip-bad passes over bad lines and counts them, but not over missing ones (C042)" {
  shares --count 6 >in
  { echo junk && head -n 4 in && head -c 3000000 /dev/zero | tr '\0' x && echo && tail -n +5 in && echo '{"type":"share","v":9}'; } >bad
  run --separate-stderr ledger append --skip-bad <bad
  [ "$status" -eq 0 ]
  [[ $stderr =~ '"bad_lines":3' ]]
  ledger export | diff in -
  sed -n '1,2p;4,$p' in >gap
  fails_with 65 'lines are missing' hh-ledger append --skip-bad --db G <gap
}

@test "--skip-bad: shares of an unknown job are passed over, and those behind them keep their own job (C042)" {
  shares --count 30 --sources 2 --jobs-every 5 >all
  # Bad shares of both sources between good ones, so that what is at hand from the share before is another source's, or nothing.
  awk '{ print } /"type":"share"/ && ++n % 3 == 0 { sub(/"job":"[^"]*"/, "\"job\":\"ff\""); sub(/"seq":[0-9]*/, "\"seq\":900"); print; print }' all >in
  ledger append --skip-bad <in 2>err
  ledger export | sort | diff <(sort all) -
  ledger verify --shares
}

@test "a torn last line is no record: an error on a pipe, left for later in a spool (C042)" {
  shares --count 5 >in
  head -c -30 in >torn
  fails_with 65 'the input ends in the middle of this line' ledger append <torn
  [ "$(count)" -eq 4 ]
  hh-ledger append --follow torn --once --db F
  [ "$(sqlite3 F "SELECT count(*) FROM shares")" -eq 4 ]
  tail -c 30 in >>torn
  hh-ledger append --follow torn --once --db F
  hh-ledger export --db F | diff in -
  # A whole record that only lacks its newline is taken from a pipe.
  printf '%s' "$(cat in)" | hh-ledger append --db P
  hh-ledger export --db P | diff in -
}

@test "a false block is refused: hash, coinbase, share and money must be right (C042, C062)" {
  shares --count 10 --blocks 1 --tail 3 >in
  block=$(grep '"type":"block"' in)
  for change in 's/"hash":"00/"hash":"01/' 's/"coinbase_txid":"../"coinbase_txid":"ff/' 's/"height":[0-9]*/"height":7/' 's/"fees_sat":[0-9]*/"fees_sat":1/' \
    's/"miner":"[^"]*"/"miner":"mallory"/' 's/"subsidy_sat":5/"subsidy_sat":6/'; do
    changed=$(sed "$change" <<<"$block")
    [ "$changed" != "$block" ] || continue
    rm -f L*
    fails_with 65 'block [0-9a-f]{64}: ' ledger append < <(while read -r l; do [ "$l" = "$block" ] && echo "$changed" || echo "$l"; done <in)
    [ "$(count)" -eq 7 ]
  done
  rm -f L*
  fails_with 65 'the lines before this block are missing' ledger append --allow-gaps < <(grep -v '"seq":7,' in)
}

@test "chains, simulated and real records are not mixed (C040)" {
  shares --count 3 >in
  ledger append <in
  fails_with 65 'a job of chain signet, but this is the ledger of regtest' ledger append < <(shares --count 3 --chain signet --sources 2 --seed 9 | grep pool-b)
  shares --count 3 --chain dev | hh-ledger append --db D
  [ "$(hh-ledger rounds --db D | jq .simulated)" = true ]
  fails_with 65 'simulated' hh-ledger append --db E < <(shares --count 3 --chain dev | sed 's/"simulated":true,//')
}

@test "a slow pipe is committed in time, not at its end (C060)" {
  shares --count 3 >in
  mkfifo pipe
  exec 7<>pipe
  feed append pipe 7>&-
  head -n 3 in >&7
  eventually 10 has 2
  tail -n 1 in >&7
  eventually 10 has 3
  [ ! -s append.out ]
  exec 7>&-
  wait_for_end append
  [ "$STOPPED" -eq 0 ]
  [ "$(jq .shares append.out)" -eq 3 ]
}
has() { [ "$(sqlite3 -readonly L "SELECT count(*) FROM shares" 2>/dev/null)" = "$1" ]; }

@test "a spool is followed through growth, restart, rotation and truncation, each line once (C042, C060)" {
  shares --count 60 --jobs-every 1000 >all
  head -n 11 all >spool
  start append hh-ledger append --follow spool --db L
  eventually 10 has 10
  sed -n 12,21p all >>spool
  eventually 10 has 20
  stop append
  [ "$STOPPED" -eq 0 ]
  [ "$(jq .shares append.out)" -eq 20 ]
  # Rotated while nobody looks: the rest of the old file comes first.
  sed -n 22,26p all >>spool
  mv spool spool.1
  sed -n 27,31p all >spool
  start append hh-ledger append --follow spool --db L
  eventually 10 has 30
  # Rotated while it is followed.
  mv spool spool.2
  sed -n 32,36p all >>spool.2
  eventually 10 has 35
  sed -n 37,41p all >spool
  eventually 10 has 40
  # Rotated by a program that makes the new file at once (logrotate's create), while the writer goes on in the old one for a while.
  mv spool spool.3 && : >spool
  sleep 0.5
  sed -n 42,46p all >>spool.3
  eventually 10 has 45
  sed -n 47,51p all >spool
  eventually 10 has 50
  # copytruncate
  : >spool
  sleep 0.3
  sed -n 52,56p all >spool
  eventually 10 has 55
  stop append
  # A spool made anew (a copy has another inode) is read again; the ledger knows what it has.
  cat all >new && mv new spool
  ledger append --follow spool --once >out
  [ "$(jq -c '[.shares, .duplicates]' out)" = "[5,56]" ]
  ledger export | diff all -
}

@test "two appends at once: every share once (C042, C049)" {
  shares --count 3000 --sources 2 --blocks 3 >in
  grep '"source":"pool-a"' in >a
  grep '"source":"pool-b"' in >b
  feed one a
  feed two b
  feed three a
  for name in one two three; do
    wait_for_end $name 60
    [ "$STOPPED" -eq 0 ]
  done
  [ "$(count)" -eq 3000 ]
  [ "$(jq -s 'map(.shares) | add' one.out two.out three.out)" -eq 3000 ]
  ledger verify --shares
}

@test "kill -9 at any moment, then the same input again: nothing lost, nothing twice (C042)" {
  shares --count 4000 --blocks 5 --jobs-every 300 >in
  hh-ledger append --db whole <in
  for i in $(seq 1 25); do
    feed append in --commit-ms 0
    sleep "0.0$((RANDOM % 9))$((RANDOM % 9))"
    stop append KILL || :
    rm -f L.lock
  done
  ledger append <in
  ledger verify --shares
  diff <(ledger export) <(hh-ledger export --db whole)
  diff <(ledger rounds) <(hh-ledger rounds --db whole)
}

@test "kill -9 while following: the place in the spool and the shares are one (C042)" {
  shares --count 4000 --jobs-every 300 >spool
  for i in $(seq 1 20); do
    start append hh-ledger append --follow spool --commit-ms 0 --db L
    sleep "0.0$((RANDOM % 9))$((RANDOM % 9))"
    stop append KILL || :
  done
  ledger append --follow spool --once >out
  [ "$(jq .duplicates out)" -eq 0 ]
  ledger export | diff spool -
}
