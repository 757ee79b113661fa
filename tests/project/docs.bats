#!/usr/bin/env bats
# Documents agree with the programs: each has a page, each option in its --help is on the page and the other way round, pages are well formed.

bats_require_minimum_version 1.5.0

setup() {
  cd "$HH_SRC" || return 1
  mapfile -t programs < <(cd tools && printf '%s\n' hh-*)
}

# page_of PROGRAM: its man page.
page_of() { ls "man/$1".[1-8] 2>/dev/null || echo /dev/null; }

# The commands of a program, also of commands that have commands: one a line, "miner set".
commands_of() {
  local sub
  while read -r sub; do
    printf '%s\n' "$sub"
    first_commands "$1" "$sub" | sed "s/^/$sub /"
  done < <(first_commands "$1")
}
first_commands() {
  local program=$1
  shift
  "$HH_BIN/$program" "$@" --help </dev/null | awk '/^[A-Za-z]/ { on = tolower($0) ~ /^(sub)?commands:/ } on && /^  [a-z]/ { print $1 }'
}

# all_help PROGRAM: its --help, and that of each command.
all_help() {
  local words
  "$HH_BIN/$1" --help </dev/null
  while read -ra words; do "$HH_BIN/$1" "${words[@]}" --help </dev/null; done < <(commands_of "$1")
}

# Long options, one a line. In mdoc they are `.Fl -name` (and `.Op Fl -name`), with dots as they are.
options_in_help() { grep -oE '(^|[ ,[])--[a-z0-9][a-z0-9.-]*' | tr -d ' ,[' | sort -u; }
# A page may also name a setting by its key, as in a file: `.It Va rpc.url` stands for --rpc-url; so may the page of the program's settings, if it has one.
keys_on_page() { cat "$(page_of "$1")" "man/$1.toml.5" 2>/dev/null | grep -oE '^\.It (Va|Cm|Ic|Li|Sy) [a-z0-9_.]+' | awk '{ print "--" $3 }' | tr '._' '--' | sort -u; }
options_on_page() { grep -oE 'Fl (-[a-z0-9][a-z0-9.-]*)' "$1" | sed 's/^Fl -/--/' | sort -u; }

@test "every program has a man page, and every page of a program has its program (B002)" {
  [ "${#programs[@]}" -ge 1 ]
  for program in "${programs[@]}"; do
    [ "$(page_of "$program")" != /dev/null ] || { echo "$program has no man page"; return 1; }
    [ -x "$HH_BIN/$program" ]
  done
  for page in man/hh-*.1 man/hh-*.8; do
    [ -e "$page" ] || continue
    name=$(basename "${page%.*}")
    [ -d "tools/$name" ] || { echo "$page has no program"; return 1; }
  done
}

@test "man pages pass mandoc's lint (D010)" {
  run mandoc -Tlint -Wwarning man/*.[1-8]
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "references between our pages lead somewhere" {
  bad=$(grep -ohE '\.Xr (hh-[a-z]+|hyperhash) [1-8]' man/*.[1-8] | sort -u | while read -r _ name section; do
    [ -e "man/$name.$section" ] || echo "$name($section)"
  done)
  [ -z "$bad" ] || { echo "no such page: $bad"; return 1; }
}

@test "options in --help are those on the man page (D011 B005)" {
  faults=
  # What every program has is said in hyperhash(7).
  # (grep -v fails where nothing is left.)
  common='^--(help|version|config|log-format|log-level)$'
  for program in "${programs[@]}"; do
    help=$(all_help "$program" | options_in_help | grep -vE -e "$common" || true)
    page=$(options_on_page "$(page_of "$program")" | grep -vE -e "$common" || true)
    only_help=$(comm -23 <(echo "$help") <({ echo "$page"; keys_on_page "$program"; } | sort -u) | tr '\n' ' ')
    only_page=$(comm -13 <(echo "$help") <(echo "$page") | tr '\n' ' ')
    [ -n "$help" ] || faults+="$program: --help names no option"$'\n'
    [ -z "${only_help// /}" ] || faults+="$program: not on the man page: $only_help"$'\n'
    [ -z "${only_page// /}" ] || faults+="$program: not in --help: $only_page"$'\n'
  done
  [ -z "$faults" ] || { echo "$faults"; return 1; }
}

@test "subcommands are on the man page" {
  faults=
  for program in "${programs[@]}"; do
    while read -r sub; do
      grep -qE "\b(Cm|Ic) ${sub// / (Cm |Ic )?}\b" "$(page_of "$program")" || faults+="$program $sub"$'\n'
    done < <(commands_of "$program")
  done
  [ -z "$faults" ] || { echo "$faults"; return 1; }
}

@test "every page of a program has examples, exit codes and references (B015)" {
  for program in "${programs[@]}"; do
    for section in 'EXAMPLES' 'EXIT STATUS' 'SEE ALSO'; do
      grep -qE "^\.Sh \"?$section\"?$" "$(page_of "$program")" || { echo "$program: no $section"; return 1; }
    done
  done
}

@test "--help and --version go to stdout with exit 0; nonsense goes to stderr with exit 64 (C008)" {
  for program in "${programs[@]}"; do
    echo "$program"
    run --separate-stderr "$HH_BIN/$program" --help
    [ "$status" -eq 0 ]
    [ -n "$output" ]
    [ -z "$stderr" ]
    run --separate-stderr "$HH_BIN/$program" -h
    [ "$status" -eq 0 ]
    run --separate-stderr "$HH_BIN/$program" --no-such-option
    [ "$status" -eq 64 ]
    [ -z "$output" ]
    [ -n "$stderr" ]
    run --separate-stderr "$HH_BIN/$program" no-such-command
    [ "$status" -eq 64 ]
  done
}

@test "completion offers the subcommands and options of every program (B022)" {
  for program in "${programs[@]}"; do
    bash -n "packaging/completions/$program"
    run env PATH="$HH_BIN:$PATH" bash -c '
      . "packaging/completions/$1"
      complete -p "$1" || exit 1
      COMP_WORDS=("$1" "--h") COMP_CWORD=1
      _hyperhash
      echo "options: ${COMPREPLY[*]}"
      COMP_WORDS=("$1" "") COMP_CWORD=1
      _hyperhash
      echo "subcommands: ${COMPREPLY[*]}"' - "$program"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"options: "*--help* ]]
    for sub in $(first_commands "$program"); do [[ $output == *"subcommands: "*"$sub"* ]]; done
  done
}

@test "the guide for contributors names every folder and script; the licence is there and the changelog has what is new (B018 B024 B025 B049)" {
  for name in lib tools man tests scripts packaging; do grep -qE "^\| .*\`$name(/|\`)" CONTRIBUTING.md || { echo "$name"; return 1; }; done
  for script in scripts/*; do
    [ -f "$script" ] && [ -x "$script" ] && [[ $script != *.* ]] || continue
    grep -qE "\b${script#scripts/}\b" CONTRIBUTING.md || { echo "CONTRIBUTING.md does not name $script"; return 1; }
  done
  for folder in */; do [ "$folder" = build/ ] || [ "$folder" = cmake/ ] || grep -q "\`${folder%/}" CONTRIBUTING.md || { echo "$folder"; return 1; }; done
  for folder in lib/*/; do
    grep '^A program may use' CONTRIBUTING.md | grep -qw "$(basename "$folder")" || { echo "CONTRIBUTING.md does not say where $folder stands"; return 1; }
  done
  head -n 1 LICENSE | grep -qx 'MIT License'
  for program in "${programs[@]}"; do grep -q "\`$program\`" CHANGELOG.md || { echo "CHANGELOG.md does not name $program"; return 1; }; done
}

@test "the readme's commands exist (B023)" {
  for file in $(grep -oE '\b(scripts|man)/[a-z0-9.-]+' README.md CONTRIBUTING.md | cut -d: -f2 | sed 's/\.$//' | sort -u); do
    [ -e "$file" ] || { echo "$file is not there"; return 1; }
  done
}

@test "examples in man pages and in the readme use commands and options that exist" {
  run python3 - "$HH_BIN" README.md man/*.[1-8] <<'EOP'
import functools, pathlib, re, subprocess, sys

bin_folder = pathlib.Path(sys.argv[1])
programs = {path.name for path in pathlib.Path("tools").glob("hh-*")}

@functools.cache
def help_of(*command):
    run = subprocess.run([bin_folder / command[0], *command[1:], "--help"], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)
    return run.stdout if run.returncode == 0 else ""

def commands_in(text):
    part = re.search(r"^Subcommands:\n((?:  .*\n?)*)", text, flags=re.M)
    return set(re.findall(r"^  ([a-z][a-z-]*)", part.group(1), flags=re.M)) if part else set()

def examples(path):
    text = path.read_text()
    if path.suffix == ".md":
        text = "\n".join(re.findall(r"^```\n(.*?)^```", text, flags=re.M | re.S))
    else:
        text = "\n".join(re.findall(r"^\.Sh EXAMPLES\n(.*?)(?=^\.Sh |\Z)", text, flags=re.M | re.S))
        text = re.sub(r"^\.Dl ", "", text, flags=re.M).replace("\\e", "\\").replace("\\(dq", '"').replace("\\-", "-").replace("\\&", "")
    text = re.sub(r"(\\|\|)\n\s*", r"\1 ", text)
    return re.findall(r"(?:^|[|$(;&]) *(?:\$ )?(hh-[a-z]+(?: [^|;&)<>\n]*)?)", text, flags=re.M)

faults, seen = [], 0
for name in sys.argv[2:]:
    for example in examples(pathlib.Path(name)):
        words = example.split()
        if words[0] not in programs:
            continue
        seen += 1
        command = [words[0]]
        for word in words[1:]:
            if word in commands_in(help_of(*command)):
                command.append(word)
        for word in words[1:]:
            option = word.split("=")[0]
            if option.startswith("--") and not re.search(rf"(^|[ ,]){re.escape(option)}([ ,=\n]|$)", help_of(*command) + help_of(words[0]), flags=re.M):
                faults.append(f"{name}: {example}: {' '.join(command)} has no {option}")
        if commands_in(help_of(words[0])) and len(command) == 1 and len(words) > 1 and re.fullmatch("[a-z][a-z-]*", words[1]):
            faults.append(f"{name}: {example}: {words[0]} has no command {words[1]}")
print("\n".join(faults + [f"{seen} examples"]))
sys.exit(bool(faults) or seen < 5)
EOP
  echo "$output"
  [ "$status" -eq 0 ]
}
