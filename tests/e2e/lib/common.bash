# What every end-to-end script begins with: strict mode, a folder of its own, and checks that say
# what went wrong. Sourced, never run. Needs KP_BIN, KP_PLUGIN_DIR and KP_SRC from the environment.
# shellcheck shell=bash
set -euo pipefail
umask 077

: "${KP_BIN:?set by ctest}" "${KP_PLUGIN_DIR:?set by ctest}" "${KP_SRC:?set by ctest}"

work=$(mktemp -d "${TMPDIR:-/tmp}/kp-e2e.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"

# Nothing of the machine or the user running the tests may leak in.
export HOME=$work/home XDG_CONFIG_HOME=$work/home/.config
mkdir -p -- "$XDG_CONFIG_HOME"
unset KP_CONFIG
export V=file:./vault

kp() {
    "$KP_BIN/kp" "$@"
}

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    [ ! -s err ] || sed 's/^/  stderr: /' err >&2
    exit 1
}

# ok COMMAND...: runs it, output in the file out, and expects exit 0.
ok() {
    local rc=0
    "$@" >out 2>err </dev/null || rc=$?
    [ "$rc" -eq 0 ] || fail "exit $rc from: $*"
}

# fails CODE TEXT COMMAND...: expects that exit code, TEXT on stderr, nothing on stdout.
fails() {
    local want=$1 text=$2 rc=0
    shift 2
    "$@" >out 2>err </dev/null || rc=$?
    [ "$rc" -eq "$want" ] || fail "exit $rc instead of $want from: $*"
    grep -qF -- "$text" err || fail "no '$text' on stderr of: $*"
    [ ! -s out ] || fail "output in spite of failure from: $*"
}

# has TEXT [FILE]: the file (out unless named) contains TEXT.
has() {
    grep -qF -- "$1" "${2:-out}" || {
        sed 's/^/  /' "${2:-out}" >&2
        fail "no '$1' in ${2:-out}"
    }
}

lacks() {
    if grep -qF -- "$1" "${2:-out}"; then fail "'$1' in ${2:-out}"; fi
}

# same FILE FILE
same() {
    cmp -s -- "$1" "$2" || fail "$1 and $2 differ"
}

# mode_is MODE FILE
mode_is() {
    local mode
    mode=$(stat -c %a -- "$2")
    [ "$mode" = "$1" ] || fail "$2 has mode $mode instead of $1"
}

# member NAME [FILE]: the text of the first string member of that name in a JSON line.
member() {
    sed -n "s/^.*\"$1\":\"\\([^\"]*\\)\".*\$/\\1/p" "${2:-out}" | head -n 1
}

# The version behind the slash of what key create, rotate or import printed.
version_of() {
    sed -n 's|^.*/||p' "$1"
}

# is_json [FILE]: the file is one JSON value. kp reads it back itself: the configuration reader is
# strict, and tells what is no JSON from what is merely no configuration.
is_json() {
    local file=${1:-out} rc=0
    cp -- "$file" json.check
    "$KP_BIN/kp" --config json.check config check >/dev/null 2>json.err || rc=$?
    if [ "$rc" -ne 0 ] && grep -qE 'line [0-9]+, column' json.err; then
        sed 's/^/  /' "$file" json.err >&2
        fail "$file is no JSON"
    fi
}

data_key() {
    head -c "${2:-32}" /dev/urandom >"$1"
}
