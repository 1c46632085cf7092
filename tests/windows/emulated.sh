#!/usr/bin/env bash
# The walkthroughs on network vaults, over TLS: the DLL under wine, and an emulated Key Vault and Managed
# HSM that are programs of this machine. Then servers with certificates nobody should trust, and the
# number a DBA sees of each.
# usage: emulated.sh NATIVE_BUILD        the folder that kp-emulator and atlas-tls-peers were built in
set -euo pipefail
native=$1
if [ -z "${KP_EMULATOR_VAULT:-}" ]; then
    exec "$native/bin/kp-emulator" --ephemeral -- bash "$0" "$native"
fi
# shellcheck source=tests/windows/lib/windows.bash
. "${KP_SRC:?}/tests/windows/lib/windows.bash"
# shellcheck source=tests/e2e/lib/azure.bash
. "$KP_SRC/tests/e2e/lib/azure.bash"
enter_work

cp -- "$build/lib/keyprovider-ekm.dll" .
cp -- "$KP_EMULATOR_CA" ca.pem
printf %s "$AZURE_CLIENT_SECRET" >secret
printf s3cret >access
id="\"client_id\": \"$AZURE_CLIENT_ID\", \"secret\": {\"file\": \"$windows_work\\\\secret\"}"
login="\"access_secret\": {\"file\": \"$windows_work\\\\access\"}, \"retry\": {\"base_ms\": 10},"

# configuration NODE HTTP [VAULT...]: what that node's provider reads, and kp too; SQL Server may name
# every vault.
configuration() {
    local node=$1 http=$2 vault name allow=()
    shift 2
    for vault in "$@"; do
        name=${vault#*\"}
        allow+=("\"config:${name%%\"*}\"")
    done
    {
        printf '{"http": {%s}, "vaults": {' "$http"
        (IFS=, && printf '%s' "$*")
        printf '}, "ekm": {"allow": ['
        (IFS=, && printf '%s' "${allow[*]}")
        printf '], "key_map": "%s\\\\%s.map", "log_file": "%s\\\\log",' "$windows_work" "$node" "$windows_work"
        printf '"patience_ms": 0, "event_level": 2}}'
    } >"$node.json"
}

# node NAME: from now on that node's provider.
node() {
    export KP_CONFIG="C:\\${work##*/}\\$1.json" KP_EKM_CONFIG="C:\\${work##*/}\\$1.json"
}

# scripts IDENTITY SECRET: those of examples/sql.
scripts() {
    cp -- "$src"/examples/sql/*.sql .
    sed -i "s|ContosoVault|$1|; s|FabrikamVault|$1|; s|ContosoSecret|$2|" ./*.sql
}

rehearse() { windows "$bin/ekm-rehearse.exe" --provider "C:\\${work##*/}\\keyprovider-ekm.dll" "$@"; }

# quiet ARGUMENT...: a rehearsal without any message.
quiet() {
    rehearse "$@" >said || { cat said log >&2; fail "exit $? from: $*"; }
    if grep -q 'Msg ' said; then fail "a message from: $*"; fi
}

# ---- The walkthroughs, on either service ----

trusted="\"ca_file\": \"$windows_work\\\\ca.pem\", \"proxy\": \"none\""
akv=$(vault akv azure-keyvault "$port" $key_vault "$id" "$login")
hsm=$(vault hsm managed-hsm "$hsm_port" $managed_hsm "$id" "$login")
for service in akv hsm; do
    configuration "$service-node1" "$trusted" "$akv" "$hsm"
    configuration "$service-node2" "$trusted" "$akv" "$hsm"
    node "$service-node1"
    type=RSA
    [ "$service" = akv ] || type=RSA-HSM
    for key in ContosoKey ContosoKey2 ContosoBackupKey; do
        kp -V "$service" key create "$key" --type "$type" --size 2048 >/dev/null
    done
    scripts "config:$service" s3cret
    quiet --folder "$service" tde-setup.sql
    kp -V "$service" key create ContosoKey --type "$type" --size 3072 >/dev/null # a new version
    quiet --folder "$service" --restart column.sql
    quiet --folder "$service" --restart rotation.sql backup.sql
    quiet --folder "$service" --restart
    grep -qF "Starting up database 'Orders'" said || fail 'the database did not open'
    node "$service-node2"
    quiet --folder "$service" --node node2 second-node.sql
    quiet --folder "$service" --node node2 --restart
    grep -qF "Starting up database 'OrdersAgain'" said || fail 'the restored database did not open'
done

# ---- IDENTITY is a host, as the connector has it ----

configuration hosts "\"ca_file\": \"$windows_work\\\\ca.pem\", \"proxy\": \"$KP_EMULATOR_PROXY\""
node hosts
scripts emulated.vault.azure.net "${AZURE_CLIENT_ID//-/}$AZURE_CLIENT_SECRET"
quiet --folder hosts tde-setup.sql
quiet --folder hosts --restart
if grep -qF "$AZURE_CLIENT_SECRET" log said; then fail 'the secret is told'; fi

# ---- Certificates ----

coproc peers { exec "$native/tests/atlas/atlas-tls-peers" "$work"; } # writes its own ca.pem
exec 4>&"${peers[1]}"
trap 'exec 4>&-; rm -rf -- "$work"' EXIT
vaults=()
while read -r name peer_port && [ -n "$name" ]; do
    vaults+=("$(vault "$name" azure-keyvault "$peer_port" $key_vault "$id" "$login")")
done <&"${peers[0]}"
cat -- "$KP_EMULATOR_CA" >>ca.pem
configuration peers "$trusted" "${vaults[@]}"
configuration stranger '"proxy": "none"' "$akv"

# refused NODE VAULT WORDS: its certificate is not taken, and SQL Server shows 3106; why is in the log.
refused() {
    node "$1"
    scripts "config:$2" s3cret
    rm -rf -- refused
    : >log
    if rehearse --folder refused tde-setup.sql >said; then fail "$2 was trusted"; fi
    grep -qF 'Provider error code: 3106' said || { cat said log >&2; fail "$2 has another number"; }
    grep -qF -- "$3" log || { cat log >&2; fail "$2 is refused for another reason"; }
}

refused peers other-name 'no alternative certificate subject name matches'
refused peers self-signed 'self-signed certificate'
refused peers unknown-issuer 'unable to get local issuer certificate'
refused peers expired 'certificate has expired'
refused peers tls-1-1 'TLS 1.2 or later'
refused stranger akv 'certificate' # an authority that nobody named
