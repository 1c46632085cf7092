#!/usr/bin/env bash
# kp-emulator as a program: what it says, what it leaves behind, how it ends.
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

emulator=$KP_BIN/kp-emulator

# ---- The command's environment and exit code ----

mkdir tmp
export TMPDIR=$PWD/tmp
code=0
# shellcheck disable=SC2016 # for the inner shell
"$emulator" --ephemeral -- sh -c 'echo "$KP_EMULATOR_VAULT" >url; cp "$KP_CONFIG" kp.json; exit 7' \
    2>said || code=$?
[ "$code" -eq 7 ] || fail "the command's exit code 7 came out as $code"
has 'https://localhost:' url
has '"emulated"' kp.json
has 'for tests and offline development only' said
[ -z "$(ls tmp)" ] || fail "an ephemeral emulator left $(ls tmp)"

# ---- State stays, and so does the authority that clients trust ----

"$emulator" --state kept -- cp kept/ca.pem first.pem 2>said
"$emulator" --state kept -- cp kept/ca.pem second.pem 2>said
same first.pem second.pem

# ---- Refusals ----

fails 2 'either --ephemeral or --state' "$emulator"
fails 2 'no option' "$emulator" --ephemeral --loud
fails 1 'cannot be run' "$emulator" --ephemeral -- ./not-there
printf '{"tenant":"x"}' >bad.json
fails 1 'tenant must be a guid' "$emulator" --ephemeral --config bad.json
