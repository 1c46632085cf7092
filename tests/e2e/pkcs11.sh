#!/usr/bin/env bash
# examples/plugin-pkcs11 over a token of SoftHSM's: its life of a key, keys that others put there, and
# what it refuses. Each kp is a process of its own, so what is found again the token kept.
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

: "${KP_BUILD:?set by ctest}"
module=/usr/lib/softhsm/libsofthsm2.so
if ! command -v softhsm2-util >/dev/null || [ ! -e "$module" ] ||
    [ ! -e "$KP_BUILD/examples/plugin-pkcs11.so" ]; then
    [ "${CI:-}" != true ] || fail "CI has no SoftHSM (softhsm2) or no p11-kit headers (libp11-kit-dev)"
    echo "skipped: there is no SoftHSM (softhsm2), or there were no p11-kit headers (libp11-kit-dev)"
    exit 77
fi
module=$(realpath -- "$module")

mkdir plugins tokens
install -m 700 "$KP_BUILD/examples/plugin-pkcs11.so" plugins/
export SOFTHSM2_CONF=$work/softhsm2.conf
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\n' "$work" >softhsm2.conf
ok softhsm2-util --init-token --free --label 'app keys' --pin 1234-right --so-pin 5678
printf '1234-right\n' >pin

# vault LOCATION [MODULE]: a configuration with the one vault t.
vault() {
    printf '{"vaults": {"t": {"location": "pkcs11:%s", "settings": {"module": "%s",' \
        "$1" "${2:-$module}"
    printf '"pin": {"file": "%s/pin"}}}}}' "$work"
}
p11() {
    kp --plugin-dir plugins --config t.json "$@"
}
# foreign LABEL ID: a private key that somebody else puts into the token.
foreign() {
    ok softhsm2-util --import foreign.pem --token 'app keys' --pin 1234-right --label "$1" --id "$2" \
        --no-public-key --force
}
vault token=app%20keys >t.json

# ---- The life of a key ----

data_key dek
ok p11 plugins
has 'pkcs11 1.0.0'
has 'pin (secret)'
ok p11 -V t key list
[ ! -s out ] || fail "a new token has keys"
ok p11 -V t key create app --type RSA
v1=$(version_of out)
[ "${#v1}" -eq 32 ] || fail "the version is no ID of 16 bytes: $v1"
ok p11 -V t key show app
has 'RSA 2048'
ok p11 -V t wrap app --alg RSA-OAEP --in dek --out dek.kp
has "\"key\":\"app/$v1\"" dek.kp
ok p11 -V t unwrap --in dek.kp --out dek.2
same dek dek.2
# Within one second of the clock, and yet each is the newest.
for i in 2 3 4; do
    ok p11 -V t key rotate app
    latest=$(version_of out)
    ok p11 -V t wrap app --alg RSA-OAEP --in dek --out "new.$i"
    has "\"key\":\"app/$latest\"" "new.$i"
done
ok p11 -V t key versions app
[ "$(wc -l <out)" -eq 4 ] || fail "not four versions"
ok p11 -V t unwrap --in dek.kp --out dek.3
same dek dek.3
for alg in RSA1_5 RSA-OAEP; do
    ok p11 -V t wrap "app/$v1" --alg $alg --raw --in dek --out raw
    ok p11 -V t unwrap "app/$v1" --alg $alg --raw --in raw --out dek.4
    same dek dek.4
done
ok p11 -V t random 64 --out bytes
[ "$(stat -c %s bytes)" -eq 64 ] || fail "random gave another length"

ok "$KP_BIN/example-check" t.json pkcs11 t checked plugins
has 'another version is refused'
has '-       wrap with RSA-OAEP-256'

# ---- Another version, another length, what the token has not ----

fails 21 '[integrity' p11 -V t unwrap "app/$latest" --alg RSA-OAEP --raw --in raw --out dek.5
[ ! -e dek.5 ] || fail "another version left a file"
fails 21 '[integrity' p11 -V t unwrap "app/$v1" --alg RSA-OAEP --raw --in dek
fails 15 "label app and ID 00ff" p11 -V t unwrap app/00ff --alg RSA-OAEP --raw --in raw
fails 15 'label nosuch' p11 -V t key rotate nosuch
data_key long 215
fails 2 'too long' p11 -V t wrap app --alg RSA-OAEP --in long
data_key long 214
ok p11 -V t wrap app --alg RSA-OAEP --in long
fails 25 'CKR_MECHANISM_PARAM_INVALID' p11 -V t wrap app --alg RSA-OAEP-256 --in dek
fails 25 'keeps no tags' p11 -V t key create tagged --type RSA --tag a=b
fails 25 '[unsupported' p11 -V t key delete app

# ---- Keys that others put there ----

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out foreign.pem 2>/dev/null
foreign other 01
ok p11 -V t key versions other
has 'other/01'
ok p11 -V t wrap other --alg RSA-OAEP --in dek --out other.kp
ok p11 -V t key rotate other
ok p11 -V t unwrap --in other.kp --out dek.6
same dek dek.6
foreign 'not a name' 02
ok p11 -V t key list
[ "$(cut -d' ' -f1 out | tr '\n' ' ')" = 'app checked other ' ] || fail "not the keys app, checked and other"
# Two keys behind one version: neither is used.
foreign other 01
fails 16 'one of them is the wrong one' p11 -V t unwrap --in other.kp
# No new version could become the current one.
foreign last ffffffffffffffffffffffffffffffff
fails 16 'would not be the current one' p11 -V t key rotate last

# ---- What is refused ----

printf 'wrong-9999' >pin
fails 13 'CKR_PIN_INCORRECT' p11 -V t key list
lacks wrong-9999 err
: >pin
fails 12 'is empty' p11 -V t key list
printf '1234-right' >pin
vault token=absent >t.json
fails 15 'has the label absent' p11 -V t key list
ok softhsm2-util --init-token --free --label 'app keys' --pin 4321 --so-pin 5678
vault token=app%20keys >t.json
fails 12 'add ;serial=NUMBER' p11 -V t key list
for text in token= 'token=a;' 'token=a;object=x' token=%4 'token=a;token=b' serial=1; do
    vault "$text" >t.json
    fails 12 'pkcs11:token=LABEL' p11 -V t key list
done
fails 12 'absolute path' p11 -V pkcs11:token=absent key list

install -m 755 "$module" own.so
vault token=absent "$work/own.so" >t.json
fails 15 'has the label absent' p11 -V t key list
chmod 766 own.so
fails 12 "chmod go-w '$work/own.so'" p11 -V t key list
chmod 755 own.so
mkdir shared
mv own.so shared
chmod 777 shared
vault token=absent "$work/shared/own.so" >t.json
fails 12 "chmod go-w '$work/shared'" p11 -V t key list
vault token=absent "$work/nosuch.so" >t.json
fails 12 'nosuch.so does not exist' p11 -V t key list
install -m 755 plugins/plugin-pkcs11.so own.so
vault token=absent "$work/own.so" >t.json
fails 12 'is no PKCS #11 module' p11 -V t key list
vault token=absent own.so >t.json
fails 12 'absolute path' p11 -V t key list

printf 'pkcs11: ok\n'
