#!/usr/bin/env bash
# kp with the configuration that kp-emulator hands to its command: a vault and a Managed HSM.
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

if [ -z "${KP_EMULATOR_VAULT:-}" ]; then
    "$KP_BIN/kp-emulator" --ephemeral -- bash "$KP_SRC/tests/e2e/emulator_kp.sh"
    exit
fi
KP_CONFIG=$(dirname -- "$KP_EMULATOR_CA")/kp.json # common.bash takes away whatever was set
export KP_CONFIG

data_key dek
for vault in emulated emulatedhsm; do
    ok kp -V $vault key create app --type RSA --size 2048
    first=$(version_of out)
    ok kp -V $vault wrap app --in dek --out dek.kp
    ok kp -V $vault key create app --type RSA --size 2048
    second=$(version_of out)
    [ "$first" != "$second" ] || fail "a second create made no version"
    ok kp -V $vault unwrap --in dek.kp --out dek.$vault
    same dek dek.$vault
    ok kp -V $vault key versions app
    has "$first"
    has "$second"
    ok kp -V $vault key backup app --out app.backup
    ok kp -V $vault key delete app
    fails 15 'app' kp -V $vault wrap app --in dek --out not.kp
    ok kp -V $vault key purge app --yes
    ok kp -V $vault key restore --in app.backup
    ok kp -V $vault unwrap --in dek.kp --out again.$vault
    same dek again.$vault
done
