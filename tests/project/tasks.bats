#!/usr/bin/env bats
# The task register and its checker: a task is done only where a test that carries its id ran and passed.

bats_require_minimum_version 1.5.0

setup() {
  unset HH_TASKS_COMPLETE
  tree=$BATS_TEST_TMPDIR/tree
  mkdir -p "$tree/scripts" "$tree/tests/thing"
  cp "$HH_SRC/scripts/tasks" "$tree/scripts/"
  cp "$HH_SRC/TASKS.tsv" "$tree/"
  # No task of the copy is done yet, whatever the real one says.
  sed -i -E 's/\t(done|adapted|doing)\t([a-z]+)\t[^\t]*\t/\tplanned\t\2\t\t/' "$tree/TASKS.tsv"
  printf '@test "it works (C070)" { :; }\n' >"$tree/tests/thing/it.bats"
}

set_row() { # ID STATUS TEST [MORE]
  sed -i -E "s/^$1\t[a-z]+\t([a-z]+)\t[^\t]*\t(title: [^;]*).*/$1\t$2\t\1\t$3\t\2${4:-}/" "$tree/TASKS.tsv"
}

results() { # what ctest writes: one passed, one failed, one that did not run
  cat >"$tree/log" <<'EOP'
<testsuite><testcase name="bats.thing.it" status="run"/><testcase name="bats.thing.bad" status="fail"><failure/></testcase>
<testcase name="bats.thing.not" status="notrun"><skipped/></testcase></testsuite>
EOP
}

faults() { # EXPECTED
  run --separate-stderr "$tree/scripts/tasks" --log "$tree/log"
  [ "$status" -eq 1 ] || { echo "no fault"; return 1; }
  [[ $stderr == *"$1"* ]] || { echo "$stderr"; return 1; }
}

@test "the register is in order: every id once, legal states, tests that exist (B026)" {
  run "$HH_SRC/scripts/tasks"
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == "608 tasks: "* ]]
}

@test "a task with a test that carries its id and passed is done" {
  results
  set_row C070 "done" bats.thing.it
  run "$tree/scripts/tasks" --log "$tree/log"
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == "608 tasks: 1 done, "* ]]
  run "$tree/scripts/tasks" --list "done"
  [[ $output == "C070  half a percent"*"(bats.thing.it)" ]]
}

@test "a task is not done without proof (D013)" {
  results
  set_row C070 "done" ""
  faults "C070: done, but names no test"
  set_row C070 "done" bats.thing.none
  faults "test bats.thing.none has no source"
  set_row C070 "done" bats.thing.bad
  printf '@test "it (C070)" { :; }\n' >"$tree/tests/thing/bad.bats"
  faults "test bats.thing.bad: failed"
  set_row C070 "done" bats.thing.not
  printf '@test "it (C070)" { :; }\n' >"$tree/tests/thing/not.bats"
  HH_TASKS_COMPLETE=1 faults "test bats.thing.not: skipped"
  run "$tree/scripts/tasks" --log "$tree/log" # but where not all tests were asked for, that is no fault
  [ "$status" -eq 0 ]
  set_row C070 planned ""
  set_row C071 "done" bats.thing.it
  faults "C071: test bats.thing.it does not carry the id"
}

@test "a test that carries an id which no task has is found" {
  results
  printf '@test "it (C099)" { :; }\n' >"$tree/tests/thing/slip.bats"
  faults "tests/thing/slip.bats: carries C099"
  mkdir -p "$tree/lib/thing"
  printf 'TEST_CASE("it", "[C070][X999]") {}\n' >"$tree/lib/thing/test_it.cpp"
  rm "$tree/tests/thing/slip.bats"
  faults "lib/thing/test_it.cpp: carries X999"
}

@test "results are also read from the log that ctest writes while it runs" {
  printf '%s\n' 'Test Passed.' '"bats.thing.it" end time: today' 'Test Failed.' '"bats.thing.bad" end time: today' >"$tree/log"
  set_row C070 "done" bats.thing.it
  run "$tree/scripts/tasks" --complete --log "$tree/log"
  [ "$status" -eq 0 ]
  printf '@test "it (C070)" { :; }\n' >"$tree/tests/thing/bad.bats"
  set_row C070 "done" bats.thing.bad
  faults "test bats.thing.bad: failed"
}

@test "a register that is not in form is refused" {
  results
  set_row C070 finished ""
  faults "status 'finished'"
  set_row C070 elsewhere ""
  faults "does not say how or why"
  set_row C070 elsewhere "" "; needs hardware"
  run "$tree/scripts/tasks"
  [ "$status" -eq 0 ]
  sed '2p' -i "$tree/TASKS.tsv"
  faults "C001: is there 2 times"
  sed '2,3d' -i "$tree/TASKS.tsv"
  faults "C001: is missing"
  echo "C999	planned	miners" >>"$tree/TASKS.tsv"
  faults "3 columns instead of 5"
}

@test "usage errors are said on stderr with exit code 64, a missing log with 66" {
  run --separate-stderr "$HH_SRC/scripts/tasks" --nonsense
  [ "$status" -eq 64 ]
  [[ $stderr == *"--help"* ]]
  run --separate-stderr "$HH_SRC/scripts/tasks" --log /nonexistent
  [ "$status" -eq 66 ]
  run "$HH_SRC/scripts/tasks" --help
  [ "$status" -eq 0 ]
}
