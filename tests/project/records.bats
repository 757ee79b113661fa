#!/usr/bin/env bats
# The contract of the records: hh-records(5), the schemas, and the checker that every test's output goes through.

bats_require_minimum_version 1.5.0

setup() {
  check=$HH_SRC/tests/support/validate_records.py
  share='{"type":"share","v":1,"source":"p","seq":1,"time_ms":1,"job":"a1","miner":"al","worker":"","extranonce1":"00","extranonce2":"00","ntime":"00000000","nonce":"00000000","version":"20000000","work":"5","fee_to":"manifest"}'
  books='{"type":"books","v":1,"sum_msat":0,"accounts":1,"postings":2,"entries":3}'
}

refuses() { # LINE WHY
  run "$check" <<<"$1"
  [ "$status" -eq 1 ] || { echo "accepted: $1"; return 1; }
  [[ $output == *"$2"* ]] || { echo "$output"; return 1; }
}

@test "hh-records(5), hh-payments(5), hh-reinvest(5) and the schemas name the same record types and the same fields (B006)" {
  run python3 - "$HH_SRC/man" <<'EOP'
import json, pathlib, re, sys
man = pathlib.Path(sys.argv[1])
page = "".join((man / name).read_text() for name in ("hh-records.5", "hh-payments.5", "hh-reinvest.5"))
sections = {}
for part in re.split(r"^\.Ss ", page, flags=re.M)[1:]:
    name, text = part.split("\n", 1)
    sections[name] = re.split(r"^\.Sh ", text, flags=re.M)[0]
common = sections.pop("Common fields")
sections.pop("Work")
schemas = {path.stem: json.loads(path.read_text()) for path in (man / "schema").glob("*.json")}
faults = [f"{t}: only in the man page" for t in sections.keys() - schemas] + [f"{t}: only in man/schema" for t in schemas.keys() - sections]

def inner_names(node):
    if isinstance(node, dict):
        yield from node.get("properties", {})
        for value in node.values():
            yield from inner_names(value)
    elif isinstance(node, list):
        for value in node:
            yield from inner_names(value)

for t in sorted(sections.keys() & schemas.keys()):
    if t == "manifest":  # says: the fields of payout
        if set(schemas["manifest"]["properties"]) != set(schemas["payout"]["properties"]):
            faults.append("manifest: not the fields of payout")
        continue
    if schemas[t]["title"] != t or schemas[t]["properties"]["type"] != {"const": t}:
        faults.append(f"{t}: title or type is wrong")
    named = {w for line in re.findall(r"^\.(?:It )?Va (.*)$", sections[t], flags=re.M) for w in re.sub(r" P[qo] .*", "", line).split() if w.isidentifier()}
    fields = set(schemas[t]["properties"]) - {"type", "v"}
    faults += [f"{t}.{f}: only in the schema" for f in sorted(fields - named)]
    faults += [f"{t}.{f}: only in the man page" for f in sorted(named - fields - set(inner_names(schemas[t])))]
print("\n".join(faults))
sys.exit(bool(faults))
EOP
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "good records pass, from standard input and from a file" {
  run "$check" <<<"$share"$'\n'"$books"
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == "2 records are good"* ]]
  printf '%s\n' "$books" >"$BATS_TEST_TMPDIR/books"
  run "$check" "$BATS_TEST_TMPDIR/books"
  [ "$status" -eq 0 ]
}

@test "bad records are refused with the reason (D012)" {
  refuses '{"type":"books"' "not JSON"
  refuses "[$books]" "not an object"
  refuses '{"type":"nothing","v":1}' "no schema"
  refuses "${books/\"v\":1/\"v\":2}" "1 was expected"
  refuses "${books/accounts/acounts}" "acounts"
  refuses "${books/:3/:3,\"more\":1}" "more"
  refuses "${books/:3/:3,\"v\":1}" "comes twice"
  refuses "${books/:3/:3.0}" "fraction"
  refuses "${books/:3/:3e2}" "exponent"
  refuses "${books/:3/:9007199254740992}" "2^53"
  refuses "${books/\"sum_msat\":0/\"sum_msat\":1}" "0 was expected"
  refuses '{"v":1,"type":"books","sum_msat":0,"accounts":1,"postings":2,"entries":3}' "not the first"
  refuses "${share/\"seq\":1,\"time_ms\":1/\"time_ms\":1,\"seq\":1}" "canonical form"
  refuses "${share/\"al\"/ \"al\"}" "canonical form"
  refuses "${share/\"5\"/\"9223372036854775808\"}" "2^63"
  refuses "${share/\"5\"/5}" "string"
  refuses '{"type":"round","v":1,"chain":"dev","round":1,"status":"open","shares":0,"work":"0","cuts":[],"scheme":"prop"}' "simulated"
}

@test "a settlement is paid only with a preimage that hashes to the payment hash (C075)" {
  hash=66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925 # SHA-256 of 32 zero bytes
  zero=0000000000000000000000000000000000000000000000000000000000000000
  paid='{"type":"settlement","v":1,"simulated":true,"manifest_id":"'$zero'","line":0,"account":"miner:a","state":"PAID","amount_msat":1,"fee_msat":0,"payment_hash":"'$hash'","preimage":"'$zero'","backend":"sim","attempt":1,"time_ms":1}'
  run "$check" <<<"$paid"
  echo "$output"
  [ "$status" -eq 0 ]
  refuses "${paid/$hash/$zero}" "preimage does not hash"
  refuses "${paid/\"preimage\":\"$zero\",/}" "preimage"
  refuses "${paid/\"simulated\":true,/}" "simulated"
}

@test "the tap keeps exit code, process id and output, from a pipe and into a file (D012)" {
  bin=$BATS_TEST_TMPDIR/bin real=$BATS_TEST_TMPDIR/real kept=$BATS_TEST_TMPDIR/kept
  mkdir "$bin" "$real"
  printf '#!/bin/bash\necho \x27%s\x27\necho $$ >&2\nexit 7\n' "$books" >"$real/hh-x"
  chmod +x "$real/hh-x"
  ln -s "$HH_SRC/tests/support/record_tap" "$bin/hh-x"
  export HH_REAL_BIN=$real HH_RECORD_TAP_DIR=$kept
  run --separate-stderr "$bin/hh-x"
  [ "$status" -eq 7 ]
  [ "$output" = "$books" ]
  "$bin/hh-x" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/pid" &
  pid=$!
  wait "$pid" || [ $? -eq 7 ]
  [ "$(<"$BATS_TEST_TMPDIR/pid")" = "$pid" ]
  [ "$(<"$BATS_TEST_TMPDIR/out")" = "$books" ]
  rm "$BATS_TEST_TMPDIR/out"
  run env -u HH_RECORDS_COMPLETE "$check" --tap "$kept"
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == "2 records are good"* ]]
  HH_RECORDS_COMPLETE=1 run "$check" --tap "$kept"
  [ "$status" -eq 1 ]
  [[ $output == *"no program printed a record of type: appended"* ]]
}

@test "under scripts/check a skipped test is a failure, but for what the machine cannot do" {
  run_bats=$HH_SRC/tests/support/run_bats
  printf '@test "a" { :; }\n@test "b" { skip "lnd is not there"; }\n' >"$BATS_TEST_TMPDIR/skips.bats"
  printf '@test "a" { :; }\n@test "b" { skip "root may write anywhere"; }\n' >"$BATS_TEST_TMPDIR/excused.bats"
  printf '@test "a" { false; }\n' >"$BATS_TEST_TMPDIR/fails.bats"
  export HH_REQUIRE_PEERS=1
  run "$run_bats" "$BATS_TEST_TMPDIR/skips.bats"
  [ "$status" -eq 1 ]
  run "$run_bats" "$BATS_TEST_TMPDIR/excused.bats"
  echo "$output"
  [ "$status" -eq 0 ]
  run "$run_bats" "$BATS_TEST_TMPDIR/fails.bats"
  [ "$status" -eq 1 ]
  unset HH_REQUIRE_PEERS
  run "$run_bats" "$BATS_TEST_TMPDIR/skips.bats"
  [ "$status" -eq 0 ]
}
