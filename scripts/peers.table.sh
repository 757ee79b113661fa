# shellcheck shell=bash
# Reads peers.versions, the one place where versions are pinned, for the scripts
# that need it. Source it after lib.sh and call read_versions.

# shellcheck disable=SC2034  # which of these is used depends on the script
declare -A version from below source_of digest programs row
declare -a peers=()

# Fills the arrays above, keyed by name. The toolchains go and rust are in the
# table but not in `peers`. `row` is what a finished build is stamped with.
# shellcheck disable=SC2034
read_versions() {
  local name v f b s d p
  while read -r name v f b s d p; do
    [[ -z $name || $name == '#'* ]] && continue
    version[$name]=$v from[$name]=$f below[$name]=$b source_of[$name]=$s digest[$name]=$d
    programs[$name]=${p//,/ } row[$name]="$name $v $s $d"
    [[ $name == go || $name == rust ]] || peers+=("$name")
  done <"$1"
}

# Of "module:example.org/x@v1.2": example.org/x, and v1.2.
package_of() { local s=${source_of[$1]#*:}; printf '%s\n' "${s%@*}"; }
package_version_of() { printf '%s\n' "${source_of[$1]##*@}"; }

# fits NAME VERSION: may VERSION stand in for the pinned version of NAME?
fits() {
  [[ $2 ]] && version_at_least "$2" "${from[$1]}" || return
  [[ ${below[$1]} == - ]] || ! version_at_least "$2" "${below[$1]}"
}

# version_of PROGRAM: the version that it prints; empty if it prints none.
version_of() { version_in "$(timeout 10 "$1" --version 2>/dev/null </dev/null)" || true; }

# Go says its version in its own way. GOTOOLCHAIN=local: the one on PATH, not
# one that it would fetch.
version_of_go() { version_in "$(GOTOOLCHAIN=local go version 2>/dev/null)" || true; }
