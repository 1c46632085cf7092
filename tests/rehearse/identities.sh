#!/usr/bin/env bash
# The provider as every identity a vault knows beside a client secret, through SQL Server's statements
# and over TLS: the machine's managed identity, named either way, and a certificate from each kind of
# file. The emulator's login service checks each assertion; nothing here calls the provider's tables.
if [ -z "${KP_EMULATOR_VAULT:-}" ]; then
    exec "${KP_BIN:?set by ctest}/kp-emulator" --ephemeral -- bash "$0"
fi
# shellcheck source=lib/rehearse.bash
. "$KP_SRC/tests/rehearse/lib/rehearse.bash"
# shellcheck source=../e2e/lib/azure.bash
. "$KP_SRC/tests/e2e/lib/azure.bash"

library=$KP_BUILD/lib/libkeyprovider-ekm.so
printf s3cret >access
key_file=$KP_EMULATOR_CLIENT_CERTIFICATE # key and certificate

# encrypts FOLDER: sets TDE up, starts the server again, opens the database.
encrypts() {
    quiet --folder "$1" tde-setup.sql
    has 'Orders   ENCRYPTED'
    quiet --folder "$1" --restart
    has "Starting up database 'Orders'"
}

# ---- Managed identity: IDENTITY and SECRET are all that crosses the interface ----

# machine NAME [MEMBERS]: the provider of a machine with an identity, which knows the clouds' hosts only.
machine() {
    printf '{"http": {"ca_file": "%s", "proxy": "%s"}, "plugin_dir": "%s", "ekm": {%s' \
        "$KP_EMULATOR_CA" "$KP_EMULATOR_PROXY" "$KP_PLUGIN_DIR" "${2:-}" >"$1.json"
    printf '"key_map": "%s/%s.map", "log_file": "%s/%s.log", "patience_ms": 0, "event_level": 2}}' \
        "$work" "$1" "$work" "$1" >>"$1.json"
    export KP_EKM_CONFIG=$work/$1.json
}

export AZURE_POD_IDENTITY_AUTHORITY_HOST=$KP_EMULATOR_IMDS
for key in ContosoKey ContosoKey2; do
    ok kp --config "$(dirname -- "$KP_EMULATOR_CA")/kp.json" -V emulated key create $key --type RSA --size 3072
done

control DELETE /requests
machine named
use_scripts emulated.vault.azure.net emulated.vault.azure.net 'Managed Identity'
encrypts named
asked token 0
[ "$(requests imds)" -gt 0 ] || fail "the machine's identity was not asked for a token"

machine configured '"managed_identity_vault": "emulated.vault.azure.net",'
use_scripts 'Managed Identity' 'Managed Identity' ''
encrypts configured
asked token 0

machine unset
message 33028 'Provider error code: 5' --folder unset tde-setup.sql
has 'ekm.managed_identity_vault' unset.log
lacks 'number=2050' unset.log

# A machine that was given no identity: the metadata service says so, and the vault is asked nothing more.
machine bare
use_scripts emulated.vault.azure.net emulated.vault.azure.net 'Managed Identity'
fault '{"kind": "imds", "times": 99, "fault": "status", "status": 400}'
message 33049 'Provider error code: 3303' --folder bare tde-setup.sql
control DELETE /scenario

# ---- Certificates: config:NAME with whatever identity stands there ----

openssl pkey -in "$key_file" -out key.pem 2>err || fail "openssl read no key"
openssl x509 -in "$key_file" -out certificate.pem 2>err || fail "openssl read no certificate"
thumbprint=$(openssl x509 -in certificate.pem -noout -fingerprint -sha1 | tr -d : | cut -d= -f2)
printf pfx-pass >pfx.pass
pfx() { openssl pkcs12 -export -inkey key.pem -in certificate.pem -passout file:pfx.pass "$@" 2>err; }
pfx -out new.pfx || fail "openssl made no PFX"
pfx -legacy -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-RC2-40 -macalg sha1 -out old.pfx ||
    fail "openssl made no old PFX"
cat key.pem certificate.pem >both.pem
openssl rsa -in key.pem -outform MSBLOB -out key.blob 2>err || fail "openssl made no MSBLOB"
openssl rsa -in key.pem -outform PVK -pvk-none -out key.pvk 2>err || fail "openssl made no PVK"
openssl rsa -in key.pem -outform PVK -pvk-strong -passout file:pfx.pass -provider default \
    -provider legacy -out locked.pvk 2>err || fail "openssl made no PVK with a password"
cp key.pem bare.pem
sha256=$(openssl x509 -in certificate.pem -noout -fingerprint -sha256 | tr -d : | cut -d= -f2)
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=stranger -keyout stranger.key \
    -out stranger.crt 2>err || fail "openssl made no certificate"
cat stranger.key stranger.crt >stranger.pem

with_password='"certificate_password": {"file": "'$work/pfx.pass'"},'
with_thumbprint="\"thumbprint\": \"$thumbprint\","
certificate() {
    vault "$1" azure-keyvault "$port" $key_vault \
        "\"client_id\": \"$AZURE_CLIENT_ID\", $3 \"certificate\": \"$work/$2\"" \
        "\"access_secret\": {\"file\": \"$work/access\"}, \"retry\": {\"base_ms\": 10},"
}

{
    printf '{"http": {"ca_file": "%s"}, "plugin_dir": "%s", "vaults": {' \
        "$KP_EMULATOR_CA" "$KP_PLUGIN_DIR"
    certificate pfx new.pfx "$with_password" && printf ,
    certificate oldpfx old.pfx "$with_password" && printf ,
    certificate pem both.pem '' && printf ,
    certificate barepem bare.pem "$with_thumbprint" && printf ,
    certificate msblob key.blob "$with_thumbprint" && printf ,
    certificate sha256 bare.pem "\"thumbprint\": \"$sha256\"," && printf ,
    certificate pvk key.pvk "$with_thumbprint" && printf ,
    certificate lockedpvk locked.pvk "$with_password $with_thumbprint" && printf ,
    certificate forged stranger.key "$with_thumbprint" && printf ,
    certificate unlisted both.pem '' && printf ,
    certificate stranger stranger.pem ''
    printf '}, "ekm": {"allow": ["config:pfx", "config:oldpfx", "config:pem", "config:barepem",'
    printf '"config:sha256", "config:msblob", "config:pvk", "config:lockedpvk", "config:forged",'
    printf '"config:stranger"], "key_map": "%s/certs.map",' "$work"
    printf '"log_file": "%s/certs.log", "patience_ms": 0, "event_level": 2}}' "$work"
} >certs.json
export KP_EKM_CONFIG=$work/certs.json

for kind in pfx oldpfx pem barepem sha256 msblob pvk lockedpvk; do
    use_scripts "config:$kind" "config:$kind" s3cret
    control DELETE /requests
    encrypts "$kind"
    [ "$(requests token)" -gt 0 ] || fail "$kind: no assertion was checked"
    [ "$(requests unwrap)" -gt 0 ] || fail "$kind: no key was unwrapped"
done

use_scripts config:pem config:pem another
message 33028 'Provider error code: 3303' --folder refused tde-setup.sql
use_scripts config:unlisted config:unlisted s3cret
message 33028 'Provider error code: 5' --folder unlisted tde-setup.sql
for kind in stranger forged; do # another certificate; the right one's thumbprint with another key
    use_scripts "config:$kind" "config:$kind" s3cret
    message 33049 'Provider error code: 3303' --folder "$kind" tde-setup.sql
done
lacks "$(cat pfx.pass)" certs.log
