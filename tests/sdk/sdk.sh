#!/usr/bin/env bash
# Runs a script of this folder under Node against an emulator of its own.
# usage: sdk.sh SCRIPT. Exits with 77, "skipped", where Node or the client is absent; in CI with 1.
set -euo pipefail
here=$KP_SRC/tests/sdk
script=$1

skip() {
    printf 'sdk: %s\n' "$*" >&2
    if [ "${CI:-}" = true ]; then exit 1; fi
    exit 77
}

command -v node >/dev/null || skip "Node is not installed; ./dev test installs it"
modules=$KP_SRC/.cache/sdk/node_modules
if grep -q 'from "@azure/' "$here/$script" && [ ! -d "$modules/@azure/keyvault-keys" ]; then
    skip "the client is not installed; ./dev test does it"
fi
# A module finds others beside itself, so it runs from a folder that has them.
work=$KP_BUILD/sdk
mkdir -p "$work"
ln -sfn "$modules" "$work/node_modules"
cp "$here/$script" "$work/"
if [ "$script" = replay.mjs ]; then
    : "${KP_RECORDINGS:=$KP_SRC/../shared/reference/recordings}"
    export KP_RECORDINGS
    [ -d "$KP_RECORDINGS" ] || skip "no recordings at $KP_RECORDINGS; KP_RECORDINGS names their folder"
    exec "$KP_BIN/kp-emulator" --ephemeral --config "$here/replay.json" -- node "$work/$script"
fi
exec "$KP_BIN/kp-emulator" --ephemeral -- node --test "$work/$script"
