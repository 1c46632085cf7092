#!/usr/bin/env bash
# Whom kp trusts: the system's store and http.ca_file, one beside the other. The system's store is a
# file below /etc, so this runs in a name space of mounts that has one of its own; where the system
# gives out none, it is skipped.
stores=(/etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem
    /etc/ssl/cert.pem)
if [ -z "${KP_EMULATOR_VAULT:-}" ]; then
    if ! unshare --user --map-root-user --mount true 2>/dev/null; then
        echo "skipped: this system gives out no name space of mounts (unshare --user --mount)"
        exit 77
    fi
    exec unshare --user --map-root-user --mount \
        "${KP_BIN:?set by ctest}/kp-emulator" --ephemeral -- bash "$0"
fi
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

# shellcheck source=lib/azure.bash
. "$KP_SRC/tests/e2e/lib/azure.bash"

store=
for file in "${stores[@]}"; do
    if [ -z "$store" ] && [ -e "$file" ]; then store=$(realpath -- "$file"); fi
done
if [ -z "$store" ]; then
    echo "skipped: this system has no store of authorities to put another in place of"
    exit 77
fi
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=stranger -keyout stranger.key \
    -out stranger.pem 2>/dev/null
printf %s "$AZURE_CLIENT_SECRET" >secret
for name in emulator stranger; do
    file=$KP_EMULATOR_CA
    [ $name = emulator ] || file=$work/stranger.pem
    {
        printf '{"http": {"ca_file": "%s"}, "vaults": {' "$file"
        vault akv azure-keyvault "$port" $key_vault \
            "\"client_id\": \"$AZURE_CLIENT_ID\", \"secret\": {\"file\": \"$work/secret\"}"
        printf '}}'
    } >$name.json
done

# The environment is no configuration: these name the authority, and nobody looks.
[ -n "$SSL_CERT_FILE" ] && [ -n "$CURL_CA_BUNDLE" ]

mount --bind stranger.pem "$store"
ok kp --config emulator.json -V akv key create app --type EC
fails 19 'code 3106' kp --config stranger.json -V akv key show app
umount "$store"
mount --bind "$KP_EMULATOR_CA" "$store"
ok kp --config stranger.json -V akv key show app

printf 'trust: ok\n'
