#!/usr/bin/env bash
# kp doctor: what is well, and each thing that can be wrong, with a file vault and with the emulator.
if [ -z "${KP_EMULATOR_VAULT:-}" ]; then
    exec "${KP_BIN:?set by ctest}/kp-emulator" --ephemeral -- bash "$0"
fi
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"
# shellcheck source=lib/azure.bash
. "$KP_SRC/tests/e2e/lib/azure.bash"

# says CODE ARGUMENT...: kp doctor exits with that code and tells all on stdout.
says() {
    local want=$1 rc=0
    shift
    kp doctor "$@" >out 2>err </dev/null || rc=$?
    [ "$rc" -eq "$want" ] || { sed 's/^/  /' out >&2 && fail "exit $rc instead of $want from: doctor $*"; }
    lacks pipeline err # a failure is told once
}

# result CHECK WANT: the check of the last run came out like that.
result() {
    grep -qE "^$2 +$1( |\$)" out || { sed 's/^/  /' out >&2 && fail "$1 is not $2"; }
}

# results WANT CHECK...
results() {
    local want=$1 check
    shift
    for check in "$@"; do result "$check" "$want"; done
}

# ---- A file vault ----

ok kp -V $V key create app --type RSA --size 2048
v1=$(version_of out)
ok kp -V $V key rotate app
v2=$(version_of out)
says 0 -V $V --key app
results ok configuration plugin vault key clock wrap unwrap
has 'no file, every default'
has 'file-test '
has ', abi '
has "app/$v2, RSA 2048, enabled, created "
has "RSA-OAEP-256 with version $v2"
has "the same bytes, with version $v2"
lacks warning
says 0 -V $V --key "app/$v1"
has "the same bytes, with version $v1"
says 0 -V $V
results ok configuration plugin vault keys
has '1 key'
lacks wrap
for i in $(seq 25); do kp -V $V key create "many-$i" --type oct >/dev/null; done
says 0 -V $V
has '25 keys on the first page, and more'

says 15 -V file:./none --key app
results ok configuration plugin
results failed vault
results skipped key clock wrap unwrap
has '[not_found, code 3112]'
has 'needs vault'
[ ! -e none ] || fail "doctor made a vault"
says 15 -V $V --key nobody
results ok vault
results failed key
has "has no key 'nobody'"
results skipped clock wrap unwrap
has 'needs key'

ok kp -V $V key update app --disabled
says 14 -V $V --key app
results ok key
has 'warning: the key is disabled'
results failed wrap
has '[forbidden, code 3113]'
results skipped unwrap
has 'needs wrap'
ok kp -V $V key update app --enabled --ops wrapKey
says 14 -V $V --key app
has 'may wrapKey'
has 'warning: SQL Server needs a key that may wrapKey and unwrapKey'
results ok wrap
results failed unwrap
ok kp -V $V key update app --ops unwrapKey
says 14 -V $V --key app
results failed wrap
ok kp -V $V key update app --ops wrapKey,unwrapKey --expires 2020-01-02
says 14 -V $V --key app
results ok clock
has 'warning: by this clock the key has expired'
results failed wrap
ok kp -V $V key update app --expires none --not-before 2099-01-01
says 14 -V $V --key app
has 'warning: by this clock the key may not be used yet'
says 0 -V $V --key many-1
has 'warning: SQL Server needs an RSA key'
ok kp -V $V key create curve --type EC
says 25 -V $V --key curve
results failed wrap

# ---- Configuration and plugin ----

printf '{"vaults": {"v": {"location": "file:%s/sealed", "settings":
    {"scrypt_log2_n": 10, "passphrase": {"file": "%s/pass"}}}}}' "$work" "$work" >sealed.json
printf 'correct horse' >pass
ok kp --config sealed.json -V v key create app --type RSA --size 2048
says 0 --config sealed.json -V v --key app
has sealed.json
printf 'battery staple' >pass
says 13 --config sealed.json -V v --key app
results ok plugin
results failed vault
lacks battery
says 12 --config sealed.json -V w
results ok configuration
results failed plugin
results skipped vault keys
has 'needs plugin'
printf '{"vaults": 7}' >bad.json
says 12 --config bad.json -V v
results failed configuration
has 'at: bad.json'
results skipped plugin vault keys
has 'needs configuration'
fails 2 'which vault' kp doctor
fails 2 'usage' kp doctor -V $V --key 'a,b'
fails 2 'is no time span' kp doctor -V $V --timeout soon

# ---- JSON ----

says 0 -V $V --key many-1 --json
is_json
has '{"checks":[{"check":"configuration","result":"ok","found":"no file, every default","warnings":[]},'
has '"warnings":["SQL Server needs an RSA key of 2048, 3072 or 4096 bits"]'
says 15 -V $V --key nobody --json
is_json
has '{"check":"key","result":"failed","found":"","warnings":[],"error":{"class":"not_found","code":3112,'
has '"exit":15}},{"check":"clock","result":"skipped","needs":"key"},'

# ---- A service ----

printf %s a-secret-of-nobody >wrong
id="\"client_id\": \"$AZURE_CLIENT_ID\""
{
    both_vaults
    printf ','
    vault stranger azure-keyvault "$port" $key_vault "$id, \"secret\": {\"file\": \"$work/wrong\"}"
    printf ','
    vault nowhere azure-keyvault "$port" $key_vault "$id, \"secret\": {\"file\": \"$work/secret\"}" |
        sed 's/"localhost:/"nowhere.invalid:/; s/"custom_suffix": "localhost"/"custom_suffix": "invalid"/'
    printf '}}'
} >kp.json
export KP_CONFIG=$work/kp.json

for v in akv hsm; do
    ok kp -V $v key create app --type RSA --size 2048
    says 0 -V $v --key app
    results ok configuration plugin vault key clock wrap unwrap
    has "$KP_CONFIG"
    grep -qE "^ok +vault +$v, connection .*token [0-9.]+ ms, answer [0-9.]+ ms\$" out || fail "no times of $v"
    says 0 -V $v
    has '1 key'
done
lacks "$AZURE_CLIENT_SECRET"

says 13 -V stranger --key app
results failed vault
has '[auth, code 3303]'
has 'advice: '
lacks "$(cat wrong)"
says 13 -V stranger --json
is_json
has '"error":{"class":"auth","code":3303,'

# What a resolver says, that there is no such name or nothing at all, is its own affair.
rc=0
kp doctor -V nowhere --key app --timeout 5s >out 2>err </dev/null || rc=$?
case $rc in 15 | 18 | 23) ;; *) fail "exit $rc when a host has no address" ;; esac
results ok plugin
results failed vault
results skipped key clock wrap unwrap

# forbidden KIND WHY: the next request of a kind is refused.
forbidden() {
    local body="{\\\"error\\\":{\\\"code\\\":\\\"Forbidden\\\",\\\"innererror\\\":{\\\"code\\\":\\\"$2\\\"}}}"
    fault "{\"kind\": \"$1\", \"fault\": \"status\", \"status\": 403, \"body\": \"$body\"}"
}
forbidden get_key ForbiddenByRbac
says 14 -V akv --key app
results ok vault
results failed key
has '[forbidden, code 3113]'
forbidden list_keys ForbiddenByRbac
says 0 -V akv
results ok vault keys
has 'warning: '
forbidden list_keys ForbiddenByFirewall
says 14 -V akv
results failed vault
results skipped keys
forbidden unwrap ForbiddenByRbac
says 14 -V akv --key app
results ok wrap
results failed unwrap

# Nothing that came back is good enough if it is not what went out.
ok kp -V akv key show app
version=$(sed -n 's/^version  *//p' out)
body="{\\\"kid\\\":\\\"https://localhost:$port/keys/app/$version\\\",\\\"value\\\":\\\"AAAA\\\"}"
fault "{\"kind\": \"unwrap\", \"fault\": \"body\", \"body\": \"$body\"}"
says 21 -V akv --key app
results failed unwrap
has 'what was unwrapped is not what was wrapped'

printf 'doctor: ok\n'
