#!/usr/bin/env bash
# Azure Arc's managed identity against the emulator's agent. Its key file must be in the agent's own
# folder, so this runs in a name space of mounts that has one of its own; where the system gives out
# none, it is skipped.
tokens=/var/opt/azcmagent/tokens
if [ -z "${KP_EMULATOR_VAULT:-}" ] && [ -z "${KP_TEST_HAS_MOUNTS:-}" ]; then
    if ! unshare --user --map-root-user --mount true 2>/dev/null; then
        echo "skipped: this system gives out no name space of mounts (unshare --user --mount)"
        exit 77
    fi
    KP_TEST_HAS_MOUNTS=1 exec unshare --user --map-root-user --mount bash "$0"
fi
if [ -z "${KP_EMULATOR_VAULT:-}" ]; then
    mount -t tmpfs -o mode=755 tmpfs /var/opt || exit 1
    mkdir -p -- $tokens
    exec "${KP_BIN:?set by ctest}/kp-emulator" --ephemeral --arc-folder $tokens -- bash "$0"
fi
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

# shellcheck source=lib/azure.bash
. "$KP_SRC/tests/e2e/lib/azure.bash"

{
    printf '{"http": {"ca_file": "%s"}, "vaults": {' "$KP_EMULATOR_CA"
    vault arc azure-keyvault "$port" $key_vault \
        '"kind": "managed_identity", "managed_source": "arc"'
    printf '}}'
} >kp.json
export KP_CONFIG=$work/kp.json
export IDENTITY_ENDPOINT=$KP_EMULATOR_ARC_ENDPOINT IMDS_ENDPOINT=$KP_EMULATOR_IMDS

# ---- The proof is the content of the file that the agent names ----

ok kp -V arc key create app --type EC
control GET /requests
has '"arc":2' control # without the proof, which names the file, and with it

# ---- Whoever listens there may name any file; only one in the agent's folder is read ----

fault '{"kind": "arc", "fault": "headers", "headers": {"WWW-Authenticate": "Basic realm=/etc/passwd"}}'
fails 13 'code 3304' kp -V arc key show app
fault '{"kind": "arc", "fault": "headers",
  "headers": {"WWW-Authenticate": "Basic realm='$tokens'/../tokens/emulator.key"}}'
fails 13 'code 3304' kp -V arc key show app
ok kp -V arc key show app
