# What every rehearsal begins with. Sourced, never run.
# shellcheck shell=bash
# shellcheck source=../../e2e/lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

: "${KP_TEST_PLUGIN_DIR:?set by ctest}"
library=$KP_TEST_PLUGIN_DIR/scripted-ekm.so
export SCRIPTED_EKM_ROOT=$work/vaults
options=()

rehearse() {
    "$KP_BIN/ekm-rehearse" --provider "$library" "${options[@]}" "$@"
}

# make_vault NAME KEY...: a folder of the scripted provider with these keys.
make_vault() {
    local name=$1 key
    shift
    mkdir -p -- "$SCRIPTED_EKM_ROOT/$name"
    for key in "$@"; do
        openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
            -out "$SCRIPTED_EKM_ROOT/$name/$key.pem" 2>err || fail "openssl made no key"
        printf '%s\n' "$key" >>"$SCRIPTED_EKM_ROOT/$name/index"
    done
}

# use_scripts: the scripts of examples/sql with the vaults and the SECRET of this test.
use_scripts() {
    local script
    for script in "$KP_SRC"/examples/sql/*.sql; do
        sed "s|ContosoVault|${1:-ContosoVault}|; s|FabrikamVault|${2:-FabrikamVault}|
             s|ContosoSecret|${3:-s3cret}|" "$script" >"$(basename -- "$script")"
    done
}

# message NUMBER TEXT ARGUMENT...: a rehearsal that must print this message and this text, where they
# are not empty, and exit 1.
message() {
    local number=$1 text=$2 rc=0
    shift 2
    rehearse "$@" >out 2>err </dev/null || rc=$?
    [ "$rc" -eq 1 ] || { cat out >&2; fail "exit $rc instead of 1 from: $*"; }
    has "Msg ${number:+$number, }"
    [ -z "$text" ] || has "$text"
}

# quiet ARGUMENT...: a rehearsal without any message.
quiet() {
    local rc=0
    rehearse "$@" >out 2>err </dev/null || rc=$?
    [ "$rc" -eq 0 ] || { cat out >&2; fail "exit $rc from: $*"; }
    lacks 'Msg '
}
