#!/usr/bin/env bash
# The Azure plugins as loaded by kp, over TLS, against the emulator: every operation in both services,
# each identity it knows, faults on the way, and a challenge that wants the secret for somebody else.
if [ -z "${KP_EMULATOR_VAULT:-}" ]; then
    exec "${KP_BIN:?set by ctest}/kp-emulator" --ephemeral -- bash "$0"
fi
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

# shellcheck source=lib/azure.bash
. "$KP_SRC/tests/e2e/lib/azure.bash"

imds=http://127.0.0.1:${KP_EMULATOR_IMDS##*:}
printf %s a-secret-of-nobody >wrong
id="\"client_id\": \"$AZURE_CLIENT_ID\""
{
    both_vaults
    printf ','
    vault certificate azure-keyvault "$port" $key_vault \
        "$id, \"certificate\": \"$KP_EMULATOR_CLIENT_CERTIFICATE\""
    printf ','
    vault machine azure-keyvault "$port" $key_vault \
        "\"kind\": \"managed_identity\", \"imds_host\": \"$imds\""
    printf ','
    vault stranger azure-keyvault "$port" $key_vault \
        "$id, \"secret\": {\"file\": \"$work/wrong\"}"
    printf '}}'
} >kp.json
export KP_CONFIG=$work/kp.json
data_key dek

# ---- The life of a key, in both services ----

for v in akv hsm; do
    ok kp -V $v key create app --type RSA --size 3072
    v1=$(version_of out)
    ok kp -V $v wrap app --in dek --out dek.kp
    ok kp -V $v key policy app --rotate-after P90D --valid-for P2Y
    ok kp -V $v key policy app
    has P90D
    ok kp -V $v key rotate app
    [ "$(version_of out)" != "$v1" ] || fail "rotate made no new version"
    ok kp -V $v unwrap --in dek.kp --out dek.again
    same dek dek.again
    ok kp -V $v key versions app
    has "$v1"
    ok kp -V $v key create ec --type EC --curve P-384
    kp -V $v sign ec --in dek --out sig
    ok kp -V $v verify --signature sig --in dek
    ok kp -V $v key backup app --out app.bak
    ok kp -V $v key delete app
    fails 15 '[not_found' kp -V $v key show app
    ok kp -V $v key recover app
    ok kp -V $v key delete app
    ok kp -V $v key purge app --yes
    ok kp -V $v key restore --in app.bak
    ok kp -V $v unwrap --in dek.kp --out dek.back
    same dek dek.back
done
fails 25 '[unsupported' kp -V akv random 16

# ---- The largest keys ----

for v in akv hsm; do
    ok kp -V $v key create large --type RSA --size 4096
    ok kp -V $v wrap large --in dek --out dek.large
    ok kp -V $v unwrap --in dek.large --out dek.again
    same dek dek.again
done
kp -V akv sign large --alg PS512 --in <(head -c 64 /dev/urandom | tee digest) --out sig
ok kp -V akv verify --signature sig --in digest

# ---- What only a Managed HSM has ----

ok kp -V hsm random 16
for size in 128 192 256; do
    ok kp -V hsm key create "aes-$size" --type oct --size $size
    fails 2 'does not tell how long' kp -V hsm wrap "aes-$size" --in dek
    for alg in "A${size}KW" CKM_AES_KEY_WRAP CKM_AES_KEY_WRAP_PAD; do
        ok kp -V hsm wrap "aes-$size" --alg "$alg" --in dek --out dek.aes
        ok kp -V hsm unwrap --in dek.aes --out dek.again
        same dek dek.again
    done
    for alg in "A${size}GCM" "A${size}CBC" "A${size}CBCPAD"; do
        ok kp -V hsm encrypt "aes-$size" --alg "$alg" --in dek --out dek.aes
        ok kp -V hsm decrypt --in dek.aes --out dek.again
        same dek dek.again
    done
done
kp -V hsm sign aes-256 --alg HS256 --in dek --out mac
ok kp -V hsm verify --signature mac --in dek
fails 2 'does not notify' kp -V hsm key policy app --notify-before P30D --valid-for P90D

# ---- Pages ----

for i in $(seq 1 25); do
    ok kp -V akv key create "many-$i" --type EC
done
ok kp -V akv key list
[ "$(grep -c '^many-' out)" -eq 25 ] || fail "25 keys made, $(grep -c '^many-' out) listed"
# What TLS keeps secret goes into no file, whatever the environment names.
ok env SSLKEYLOGFILE="$work/tls.keys" "$KP_BIN/kp" -V akv key list
[ ! -s tls.keys ] || fail 'the secrets of TLS were written to a file'

# ---- Identities ----

ok kp -V certificate key show app
ok kp -V machine key show app

# The endpoints that a platform names in the environment: App Service, and Service Fabric, whose
# certificate is pinned and vouched for by nobody.
export IDENTITY_ENDPOINT=$KP_EMULATOR_APP_SERVICE_ENDPOINT IDENTITY_HEADER=$KP_EMULATOR_IDENTITY_HEADER
ok kp -V machine key show app
IDENTITY_ENDPOINT=$KP_EMULATOR_FABRIC_ENDPOINT
export IDENTITY_SERVER_THUMBPRINT=$KP_EMULATOR_FABRIC_THUMBPRINT
ok kp -V machine key show app
IDENTITY_SERVER_THUMBPRINT=0123456789012345678901234567890123456789
fails 19 'not the pinned one' kp -V machine key show app
unset IDENTITY_ENDPOINT IDENTITY_HEADER IDENTITY_SERVER_THUMBPRINT
fails 13 'code 3303' kp -V stranger key show app
lacks "$(cat wrong)" err

# ---- Faults ----

fault '{"kind": "get_key", "fault": "status", "status": 429}'
ok kp -V akv key show app
fault '{"kind": "get_key", "fault": "status", "status": 503, "times": 2}'
ok kp -V akv key show app
fault '{"kind": "get_key", "fault": "reset"}'
ok kp -V akv key show app
fault '{"kind": "get_key", "fault": "body", "body": "<html></html>"}'
fails 20 'code 3404' kp -V akv key show app
fault '{"kind": "token", "fault": "status", "status": 503}'
ok kp -V akv key show app

# What may have made a version is never sent again; what the vault refused, or only used a key, is.
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem 2>/dev/null
for makes in create import rotate; do
    case $makes in
    create) command=(kp -V akv key create once --type EC) ;;
    import) command=(kp -V akv key import once --in ec.pem) ;;
    rotate) command=(kp -V akv key rotate once) ;;
    esac
    for loss in '"fault": "reset", "after": true' '"fault": "truncate"' \
        '"fault": "status", "status": 503' '"fault": "body", "body": "<html>"'; do
        code=18
        [[ $loss != *html* ]] || code=20
        control DELETE /requests
        fault "{\"kind\": \"$makes\", $loss}"
        fails "$code" 'may have been done all the same' "${command[@]}"
        asked "$makes" 1
    done
    control DELETE /requests
    fault "{\"kind\": \"$makes\", \"fault\": \"status\", \"status\": 429}"
    ok "${command[@]}"
    asked "$makes" 2
done
control DELETE /requests
fault '{"kind": "wrap", "fault": "reset", "after": true}'
ok kp -V akv wrap app --in dek --out dek.kp
asked wrap 2

# A token that is refused with claims: one more token, one more request, no more.
control DELETE /requests
fault '{"kind": "get_key", "fault": "cae"}'
ok kp -V akv key show app
asked token 2

# ---- A challenge that wants the secret for somebody else ----

control DELETE /requests
fault '{"kind": "*", "times": 9, "fault": "challenge",
  "challenge": "Bearer authorization=\"https://login.evil.example/'"$AZURE_TENANT_ID"'\", resource=\"https://vault.azure.net\""}'
fails 20 'code 3203' kp -V akv key show app
asked token 0
control DELETE /scenario
