#!/usr/bin/env bash
# A key vault where a delete, a recover and a purge take an hour to spread, by the emulator's clock:
# operations wait and ask again, and end when the clock has moved, not before. A Managed HSM does not
# make anybody wait.
if [ -z "${KP_EMULATOR_VAULT:-}" ]; then
    exec "${KP_BIN:?set by ctest}/kp-emulator" --ephemeral \
        --config "${KP_SRC:?set by ctest}/tests/e2e/spread.json" -- bash "$0"
fi
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

# shellcheck source=lib/azure.bash
. "$KP_SRC/tests/e2e/lib/azure.bash"

{
    both_vaults
    printf '}}'
} >kp.json
export KP_CONFIG=$work/kp.json
data_key dek

# begin KIND COMMAND...: starts it, and comes back when it has asked twice: so it was told to wait.
begin() {
    local kind=$1
    shift
    control DELETE /requests
    rm -f -- waited.err # that of one which still waits is not this one's
    "$@" >waited.out 2>waited.err </dev/null &
    waiter=$!
    SECONDS=0
    until [ "$(requests "$kind")" -ge 2 ]; do
        kill -0 "$waiter" 2>/dev/null || fail "did not wait: $*: $(cat waited.err)"
        [ "$SECONDS" -lt 60 ] || fail "$kind was asked $(requests "$kind") times in a minute: $*"
    done
    kill -0 "$waiter" 2>/dev/null || fail "did not wait: $*: $(cat waited.err)"
}

# An hour later: what was begun ends with that code.
spread() {
    local rc=0
    control POST /clock '{"advance_s": 3600}'
    wait "$waiter" || rc=$?
    [ "$rc" -eq "$1" ] || fail "exit $rc instead of $1 once it had spread: $(cat waited.err)"
}

ok kp -V akv key create app --type RSA --size 2048
ok kp -V akv wrap app --in dek --out dek.kp
ok kp -V akv key backup app --out app.bak

# ---- A delete ends when the key is seen among the deleted ----

begin get_deleted kp -V akv key delete app
spread 0

# ---- A recover ends when the key is seen again ----

begin get_key kp -V akv key recover app
spread 0
ok kp -V akv unwrap --in dek.kp --out dek.again
same dek dek.again

# ---- ObjectIsBeingDeleted: create and import wait for the name. Then a deleted key has it. ----

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem 2>/dev/null
for makes in create import; do
    ok kp -V akv key create "$makes" --type EC
    begin get_deleted kp -V akv key delete "$makes"
    deletes=$waiter
    case $makes in
    create) begin create kp -V akv key create create --type EC ;;
    import) begin import kp -V akv key import import --in ec.pem ;;
    esac
    spread 16
    grep -q 'recover it, or purge it' waited.err || fail "another conflict: $(cat waited.err)"
    wait "$deletes" || fail "the delete of $makes failed"
done

# ---- A restore waits for the purge ----

begin get_deleted kp -V akv key delete app
spread 0
ok kp -V akv key purge app --yes
begin restore kp -V akv key restore --in app.bak
spread 0
ok kp -V akv unwrap --in dek.kp --out dek.back
same dek dek.back

# ---- Lists whose first page is empty, as the service sends now and then ----

for what in 'key list' 'key versions app'; do
    # shellcheck disable=SC2086
    ok kp -V akv $what
    has app
done
[ "$(grep -c app out)" -eq 1 ] || fail "one version was made, and listed are: $(cat out)"

# ---- A Managed HSM is immediate ----

ok kp -V hsm key create app --type RSA --size 2048
ok kp -V hsm key backup app --out hsm.bak
ok kp -V hsm key delete app
ok kp -V hsm key recover app
ok kp -V hsm key delete app
ok kp -V hsm key purge app --yes
ok kp -V hsm key restore --in hsm.bak

printf 'spread: ok\n'
