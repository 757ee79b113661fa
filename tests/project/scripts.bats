#!/usr/bin/env bats
# Scripts and settings of the project: they parse, explain themselves, and say nothing of the machine that they were written on.

bats_require_minimum_version 1.5.0

setup() {
  cd "$HH_SRC" || return 1
  mapfile -t shell < <(git ls-files -co --exclude-standard | while read -r file; do
    [ -f "$file" ] && [ ! -L "$file" ] && head -n 1 "$file" | grep -qE '^(#!.*\b(bash|sh|bats)$|# shellcheck shell)' && printf '%s\n' "$file"
  done)
}

@test "shell scripts, bats files and completions pass shellcheck (D009)" {
  [ "${#shell[@]}" -gt 10 ]
  mapfile -t tests < <(printf '%s\n' "${shell[@]}" | grep '^tests/')
  mapfile -t others < <(printf '%s\n' "${shell[@]}" | grep -v '^tests/')
  run shellcheck -x -P SCRIPTDIR -S style "${others[@]}"
  echo "$output"
  [ "$status" -eq 0 ]
  # bats sets variables where shellcheck cannot see it, and runs each test in a subshell; helpers split lists of words on purpose.
  run shellcheck -x -P SCRIPTDIR -S warning -e SC2154,SC2034,SC2030,SC2031,SC2046,SC2120,SC2238 "${tests[@]}"
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "every script of scripts/ explains itself and refuses what it does not know (C004)" {
  for script in scripts/*; do
    [ -f "$script" ] && [ -x "$script" ] && [[ $script != *.* ]] || continue
    run --separate-stderr "$script" --help
    echo "$script: $status"
    [ "$status" -eq 0 ]
    [[ ${output,,} == *usage:* ]]
    [ -z "$stderr" ]
    run --separate-stderr "$script" --no-such-option
    echo "$script --no-such-option: $status $stderr"
    [ "$status" -eq 64 ]
    [ -z "$output" ]
    [ -n "$stderr" ]
  done
}

@test "python files compile" {
  mapfile -t files < <(git ls-files -co --exclude-standard | while read -r f; do [ -f "$f" ] && { [[ $f == *.py ]] || head -n 1 "$f" | grep -q '^#!.*python3$'; } && printf '%s\n' "$f"; done)
  [ "${#files[@]}" -ge 2 ]
  run python3 -c 'import sys
for name in sys.argv[1:]:
    compile(open(name, encoding="utf-8").read(), name, "exec")' "${files[@]}"
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "presets that the scripts use exist (C002)" {
  for preset in dev release asan tsan fuzz; do
    jq -e --arg p "$preset" '[.configurePresets[], .buildPresets[]] | map(select(.name == $p)) | length == 2' CMakePresets.json
  done
}

@test "hosted workflows call the same scripts as people, with few rights (C005 D005)" {
  grep -q '^      - run: .ci/run$' .github/workflows/check.yml
  for file in .github/workflows/*.yml; do
    grep -A1 '^permissions:' "$file" | grep -qx '  contents: read'
    # Each step runs one of our scripts, or a named action at a version; the only other commands fetch git, have it read a checkout that is
    # another user's (in a container it is), and publish.
    python3 - "$file" <<'EOP'
import re, sys
text = open(sys.argv[1], encoding="utf-8").read()
assert "\t" not in text and text.startswith("#"), "tabs, or no opening comment"
for key in ("name:", "on:", "jobs:"):
    assert re.search(rf"^{key}", text, flags=re.M), key
for use in re.findall(r"uses: (.*)", text):
    assert re.fullmatch(r"actions/[a-z-]+@v[0-9]+", use), use
for run in re.findall(r"run: (.*)", text):
    assert re.match(r"(\.ci/run|scripts/|apt-get |git config |gh release create )", run), run
EOP
  done
  [ -x .ci/run ]
}

# scripts/peers actionlint builds it; scripts/check does that, and sees to it that nothing is skipped.
@test "hosted workflows pass actionlint (C005)" {
  command -v actionlint || skip "actionlint is not there"
  run actionlint .github/workflows/*.yml
  echo "$output"
  [ "$status" -eq 0 ]
  # It looks at expressions and at the commands, not only at the form.
  mkdir -p "$BATS_TEST_TMPDIR/bad"
  sed 's/github\.ref }}/github.reff }}/' .github/workflows/check.yml >"$BATS_TEST_TMPDIR/bad/check.yml"
  run actionlint "$BATS_TEST_TMPDIR/bad/check.yml"
  echo "$output"
  [ "$status" -eq 1 ]
  [[ $output == *reff* ]]
}

@test "version, changelog and a tag have to agree (C007)" {
  run scripts/release --check
  echo "$output"
  [ "$status" -eq 0 ]
  run --separate-stderr scripts/release --check v99.0.0
  [ "$status" -eq 65 ]
  [[ $stderr == *"v99.0.0"*"CMakeLists.txt says"* ]]
  tree=$BATS_TEST_TMPDIR/tree
  mkdir "$tree" && cp -r scripts CMakeLists.txt CHANGELOG.md "$tree"
  version=$(sed -nE 's/^project\(hyperhash VERSION ([0-9.]+) .*/\1/p' CMakeLists.txt)
  sed -i "s/^## \[Unreleased\]/## [Unreleased]\n\n## [$version] - 2026-11-30/" "$tree/CHANGELOG.md"
  "$tree/scripts/release" --check "v$version"
  sed -i "s/^## \[$version\].*//" "$tree/CHANGELOG.md"
  run "$tree/scripts/release" --check "v$version"
  [ "$status" -eq 65 ]
}

@test "a release is packed with programs, pages, schemas, completions and the list of its parts (C006 D025 S029)" {
  out=$BATS_TEST_TMPDIR/package
  run scripts/release --pack --bin "${HH_REAL_BIN:-$HH_BIN}" --out "$out"
  echo "$output"
  [ "$status" -eq 0 ]
  (cd "$out" && sha256sum -c ./*.sha256)
  tar -xzf "$out"/hyperhash-*.tar.gz -C "$BATS_TEST_TMPDIR"
  unpacked=$(echo "$BATS_TEST_TMPDIR"/hyperhash-*)
  for tool in tools/hh-*; do
    tool=${tool#tools/}
    "$unpacked/bin/$tool" --version
    [ -s "$(echo "$unpacked"/share/man/man?/"$tool".?)" ]
    [ -s "$unpacked/share/bash-completion/completions/$tool" ]
  done
  # Every library that the programs are linked with belongs to a part that is named with its version.
  jq -e '.bomFormat == "CycloneDX" and ([.components[].name] | index("libsqlite3-0") and index("libc6")) and (.components | all(.version != ""))' "$out"/*.parts.json
}

@test "the tree names no machine's folders and no package registry" {
  # The words are split, so that this file does not find itself. scripts/peers has a folder of that name in its cache.
  words="/wo""rk/|/far""m/|/tmp/br""ief|crat""es\.io|py""pi\.org|proxy\.go""lang|registry\.np""mjs|deb\.deb""ian\.org|/ro""ot/|/ho""me/[a-z]"
  found=$(git grep -nIE "$words" | grep -vE '(cache"?|PEERS_DIR)/[w]ork/' || true)
  echo "$found"
  [ -z "$found" ]
}

@test "no file is longer than one can read in one sitting" {
  run bash -c 'git ls-files -co --exclude-standard -- "*.h" "*.cpp" "*.bats" "*.bash" "*.py" "*.cmake" "*CMakeLists.txt" "man/*.[1-8]" scripts "*.md" |
    while read -r f; do [ -f "$f" ] && [ "$(wc -l <"$f")" -gt 500 ] && echo "$f: $(wc -l <"$f") lines"; done; true'
  echo "$output"
  [ -z "$output" ]
}

@test "the hook before a commit refuses what is wrong with the files in it (C002)" {
  tree=$BATS_TEST_TMPDIR/hook
  mkdir -p "$tree/man" "$tree/scripts" && cd "$tree"
  git init -q && git config user.name t && git config user.email t@example.com && git config core.hooksPath "$HH_SRC/.githooks"
  echo fine >file && git add file && git commit -qm fine
  printf '#!/usr/bin/env bash\necho $1\n' >scripts/bad && git add scripts/bad
  run git commit -qm bad
  [ "$status" -ne 0 ]
  [[ $output == *SC2086* ]]
  git rm -qf scripts/bad
  printf '.Dd today\n' >man/bad.1 && git add man/bad.1
  run git commit -qm bad
  [ "$status" -ne 0 ]
}
