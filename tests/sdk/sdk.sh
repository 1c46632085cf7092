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
work=$KP_BUILD/sdk/${script%.mjs}
mkdir -p "$work/lib"
ln -sfn "$modules" "$work/node_modules"
cp "$here/$script" "$work/"
cp "$here"/lib/*.mjs "$work/lib/"
cd "$work"

settings=()
if [ -f "$here/${script%.mjs}.json" ]; then
    settings=(--config "$here/${script%.mjs}.json")
fi
case $script in
replay.mjs)
    : "${KP_RECORDINGS:=$KP_SRC/../shared/reference/recordings}"
    export KP_RECORDINGS
    [ -d "$KP_RECORDINGS" ] || skip "no recordings at $KP_RECORDINGS; KP_RECORDINGS names their folder"
    ;;
wire.mjs) # its settings name a certificate
    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=wire -keyout key.pem -out cert.pem 2>/dev/null
    cat key.pem cert.pem >client.pem
    export KP_TEST_CLIENT_PEM=$work/client.pem
    ;;
esac
exec "$KP_BIN/kp-emulator" --ephemeral "${settings[@]}" -- node "$script"
