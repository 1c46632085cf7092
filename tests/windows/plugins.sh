#!/usr/bin/env bash
# Which plugins of somebody else are loaded: those that are pinned, or signed by whom they must be,
# out of the plugin folder alone. kp.exe loads none of its own from a file.
# usage: plugins.sh TRUST_ROOT
set -euo pipefail
# shellcheck source=tests/windows/lib/windows.bash
. "${KP_SRC:?}/tests/windows/lib/windows.bash"
trust_root=$1
enter_work

folder="C:\\${work##*/}"
mkdir plugins elsewhere signed
cp "$build/examples/plugin-null.dll" null.unsigned

# loaded CONFIGURATION, refused CONFIGURATION SENTENCE: by the kp.exe that $program names.
program=$kp
list() {
    printf '%s' "$1" >kp.json
    windows "$program" --config "$folder\\kp.json" --plugin-dir "$folder\\plugins" plugins >listed 2>said
}
loaded() {
    list "$1" || fail "not loaded with $1: $(cat said)"
    grep -q '^null 1.0.0' listed || fail "not loaded with $1: $(cat said)"
    [ ! -s said ] || fail "loaded with $1, but: $(cat said)"
}
refused() {
    if list "$1" && grep -q '^null 1.0.0' listed; then fail "loaded with $1"; fi
    grep -qF -- "$2" said || fail "with $1, expected '$2': $(cat said)"
}

# ---- Without a signature ----

cp null.unsigned plugins/null.dll
sum=$(sha256sum <plugins/null.dll | cut -c1-64)
refused '{}' 'its signature does not count: there is none (0x800b0100)'
refused '{"plugins": [{"name": "null"}]}' 'plugins[0]: '
loaded "{\"plugins\": [{\"name\": \"null\", \"sha256\": \"$sum\"}]}"
refused "{\"plugins\": [{\"name\": \"null\", \"sha256\": \"${sum:1}0\"}]}" 'its SHA-256 is not the one'
refused "{\"plugins\": [{\"name\": \"null\", \"sha256\": \"$sum\", \"signer_sha256\": \"$sum\"}]}" \
    'there is none'
windows "$program" plugin inspect "$folder\\plugins\\null.dll" >listed
grep -qx "sha256 *$sum" listed || fail 'inspect tells another SHA-256'
grep -qx 'signature *there is none' listed || fail 'inspect finds a signature'

# ---- Elsewhere ----

cp null.unsigned elsewhere/null.dll
at() {
    printf '{"plugins": [{"path": "%s", "sha256": "%s"}]}' "${1//\\/\\\\}" "$sum"
}
refused "$(at "$folder\\elsewhere\\null.dll")" 'plugins are loaded from the folder'
refused "$(at "$folder\\plugins\\..\\elsewhere\\null.dll")" 'plugins are loaded from the folder'
loaded "$(at "$folder\\plugins\\null.dll")"
loaded "$(at "${folder,,}/elsewhere/../PLUGINS/null.dll")"

# ---- With one ----

# signer NAME DAYS SUBJECT: a certificate that has itself as issuer.
signer() {
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.pem" -days "$2" \
        -subj "/CN=$3" -addext extendedKeyUsage=codeSigning >openssl.log 2>&1
    openssl x509 -in "$1.pem" -outform der -out "$1.der"
}
sign() { osslsigncode sign -certs "$1.pem" -key "$1.key" -h sha256 -in "$2" -out "$3" >sign.log; }
trusted=()
forget() {
    for name in "${trusted[@]}"; do
        windows "$trust_root" remove ROOT "$folder\\$name.der" >/dev/null || true
    done
    rm -rf -- "$work"
}
trap forget EXIT
trust() {
    trusted+=("$1")
    windows "$trust_root" add ROOT "$folder\\$1.der" >/dev/null || fail "$1 is not trusted"
}

signer one 30 'keyprovider test'
signer two 30 'keyprovider test'
pin_one=$(sha256sum <one.der | cut -c1-64)
pin_two=$(sha256sum <two.der | cut -c1-64)
pinned_one="{\"plugins\": [{\"name\": \"null\", \"signer_sha256\": \"$pin_one\"}]}"
pinned_two="{\"plugins\": [{\"name\": \"null\", \"signer_sha256\": \"$pin_two\"}]}"
sign one null.unsigned null.one
sign two null.unsigned null.two
cp null.one plugins/null.dll

refused "$pinned_one" 'none this machine trusts'
trust one
loaded "$pinned_one"
refused "$pinned_two" "has the SHA-256 $pin_one, not the one that signer_sha256 pins"
refused '{}' 'what loads it has no signature that counts (there is none)'
windows "$program" plugin inspect "$folder\\plugins\\null.dll" --json >listed
grep -qF "\"signer_sha256\":\"$pin_one\",\"signature_counts\":true" listed ||
    fail 'inspect tells another signer'

# A byte of the code, which the signature covers, is another.
cp null.one plugins/null.dll
printf '\xff' | dd of=plugins/null.dll bs=1 seek=1500 conv=notrunc 2>dd.log
cmp -s null.one plugins/null.dll && fail 'nothing was changed'
refused "$pinned_one" 'the file was changed after it was signed (0x80096010)'

# The same signer as of what loads it.
sign one "$bin/kp.exe" signed/kp.exe
chmod 755 signed/kp.exe
program=$work/signed/kp.exe
cp null.one plugins/null.dll
loaded '{}'
trust two
cp null.two plugins/null.dll
refused '{}' 'another certificate signed it than what loads it'
loaded "$pinned_two"
cp null.unsigned plugins/null.dll
refused '{}' 'there is none'

# ---- The DLL, as SQL Server loads it ----

sign one "$build/lib/keyprovider-ekm.dll" signed/keyprovider-ekm.dll
printf s3cret >access
printf '{"plugin_dir": "%s", "plugins": [{"name": "null"}],
    "vaults": {"main": {"location": "file:%s", "access_secret": {"file": "%s"}}},
    "ekm": {"allow": ["config:main"], "key_map": "%s", "log_file": "%s", "patience_ms": 0,
    "event_level": 2}}' "$windows_work\\\\plugins" "$windows_work\\\\main" "$windows_work\\\\access" \
    "$windows_work\\\\map" "$windows_work\\\\log" >node.json
export KP_EKM_CONFIG="$folder\\node.json"
sed 's/ContosoVault/config:main/; s/ContosoSecret/s3cret/' "$src/examples/sql/tde-setup.sql" >setup.sql
kp -V "file:$folder\\main" key create ContosoKey --type RSA --size 2048 >/dev/null
rehearse() {
    windows "$bin/ekm-rehearse.exe" --provider "$folder\\signed\\keyprovider-ekm.dll" "$@" >said 2>&1
}
cp null.one plugins/null.dll
rehearse setup.sql || fail "the DLL has not loaded what its signer has signed: $(cat said)"
cp null.two plugins/null.dll
if rehearse --restart; then fail 'the DLL has loaded what another has signed'; fi
grep -qF 'another certificate signed it than what loads it' said || fail "what it said: $(cat said)"
cp null.one plugins/null.dll
rehearse --restart || fail "the databases did not open: $(cat said)"

# ---- Past its time, without a time stamp ----

mkdir ca
: >ca/index
printf '01' >ca/serial
printf '%s\n' '[ca]' 'default_ca = it' '[it]' 'database = ca/index' 'serial = ca/serial' \
    'new_certs_dir = ca' 'default_md = sha256' 'policy = any' '[any]' 'commonName = supplied' >ca/cnf
openssl req -newkey rsa:2048 -nodes -keyout old.key -out old.csr -subj '/CN=old' >openssl.log 2>&1
printf 'extendedKeyUsage = codeSigning\n' >ca/extensions
signer issuer 30 'keyprovider test issuer'
openssl ca -batch -config ca/cnf -in old.csr -cert issuer.pem -keyfile issuer.key -out old.pem \
    -notext -startdate 20200101000000Z -enddate 20210101000000Z -extfile ca/extensions >openssl.log 2>&1
trust issuer
sign old null.unsigned null.old
cp null.old plugins/null.dll
pin_old=$(openssl x509 -in old.pem -outform der | sha256sum | cut -c1-64)
refused "{\"plugins\": [{\"name\": \"null\", \"signer_sha256\": \"$pin_old\"}]}" 'has expired'
