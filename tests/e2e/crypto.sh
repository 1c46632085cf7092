#!/usr/bin/env bash
# encrypt, decrypt, sign, verify, random, import; and our results under OpenSSL's own program where
# it is installed.
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

have_openssl=$(command -v openssl || true)
printf 'some words to protect' >text
ok kp -V $V key create rsa --type RSA --size 2048
rsa1=$(version_of out)
ok kp -V $V key create aes --type oct --size 192
aes1=$(version_of out)
for curve in P-256 P-256K P-384 P-521; do
    ok kp -V $V key create "ec-${curve#P-}" --type EC --curve "$curve"
done

# ---- encrypt, decrypt ----

for alg in A192GCM A192CBC A192CBCPAD; do
    printf '0123456789abcdef' >block # A192CBC takes whole blocks
    ok kp -V $V encrypt aes --alg $alg --in block --out $alg.kp
    has "\"alg\":\"$alg\"" $alg.kp
    has '"iv":' $alg.kp
    ok kp -V $V decrypt --in $alg.kp --out block.2
    same block block.2
    mode_is 600 block.2
done
ok kp -V $V encrypt aes --in text --aad 'row 7' --out text.kp
has '"alg":"A192GCM"' text.kp
ok kp -V $V decrypt --in text.kp --out text.2
same text text.2
ok kp -V $V decrypt --in text.kp --aad 'row 7'
fails 21 'other authenticated data' kp -V $V decrypt --in text.kp --aad 'row 8'
ok kp -V $V encrypt rsa --in text --out rsa.kp
ok kp -V $V decrypt --in rsa.kp --out text.3
same text text.3
fails 2 'kp: encrypt: value is empty' kp -V $V encrypt aes --in /dev/null
fails 2 'cannot be undone' kp -V $V encrypt aes --raw --in text
fails 2 '--aad is for' kp -V $V encrypt rsa --aad x --in text
fails 2 'no usual algorithm' kp -V $V encrypt ec-256 --in text
fails 2 "use 'kp decrypt'" kp -V $V unwrap --in text.kp
fails 2 'leave out --raw' kp -V $V decrypt "aes/$aes1" --raw --in text

# ---- wrap with oct ----

data_key dek 24
for alg in A192KW CKM_AES_KEY_WRAP CKM_AES_KEY_WRAP_PAD; do
    ok kp -V $V wrap aes --alg $alg --in dek --out dek.kp
    ok kp -V $V unwrap --in dek.kp --out dek.2
    same dek dek.2
done
ok kp -V $V wrap aes --in dek --out dek.kp
has '"alg":"A192KW"' dek.kp

# ---- sign, verify ----

for key in rsa ec-256 ec-256K ec-384 ec-521 aes; do
    ok kp -V $V sign $key --in text --out sig.kp
    ok kp -V $V verify --in text --signature sig.kp
    has 'good signature'
    ok kp -V $V verify $key --in text --signature sig.kp --json
    is_json
    has '"verified":true'
    rc=0
    kp -V $V verify --in dek --signature sig.kp >out 2>err || rc=$?
    [ $rc -eq 1 ] || fail "verify of another file exits $rc"
    has 'BAD signature'
done
rc=0
kp -V $V verify --in dek --signature sig.kp --json >out 2>err || rc=$?
[ $rc -eq 1 ] || fail "verify --json of another file exits $rc"
has '"verified":false'
ok kp -V $V sign rsa --digest SHA-512 --in text --out sig.kp
has '"alg":"PS512"' sig.kp
ok kp -V $V sign rsa --alg RS384 --in text --out sig.kp
ok kp -V $V verify --in text --signature sig.kp
ok kp -V $V sign aes --digest SHA-384 --in text --out sig.kp
has '"alg":"HS384"' sig.kp
fails 2 'signs SHA-384, not SHA-256' kp -V $V sign rsa --alg RS384 --digest SHA-256 --in text
fails 2 'is none of SHA-256' kp -V $V sign rsa --digest MD5 --in text
fails 2 'raw-digest' kp -V $V sign rsa --alg RSNULL --in text
fails 2 '--signature FILE is missing' kp -V $V verify --in text
head -c 32 /dev/urandom >digest
ok kp -V $V sign ec-256 --raw-digest --in digest --out sig.kp
ok kp -V $V verify --raw-digest --in digest --signature sig.kp
ok kp -V $V sign ec-256 --raw --in text --out sig.raw
[ "$(stat -c %s sig.raw)" -eq 64 ] || fail "a raw P-256 signature is not 64 bytes"
ok kp -V $V verify ec-256 --raw --in text --signature sig.raw
# The envelope names the version that signed: rotation changes nothing for it.
ok kp -V $V sign ec-256 --in text --out sig.kp
ok kp -V $V key rotate ec-256
ok kp -V $V verify --in text --signature sig.kp
head -c 3000000 /dev/zero >large
ok kp -V $V sign rsa --in large --out large.sig
ok kp -V $V verify --in large --signature large.sig

# ---- random ----

ok kp -V $V random 128 --out r1
ok kp -V $V random 128 --out r2
[ "$(stat -c %s r1)" -eq 128 ] || fail "random 128 gave $(stat -c %s r1) bytes"
mode_is 600 r1
if cmp -s r1 r2; then fail "random repeats"; fi
ok kp -V $V random 16 --json
is_json
has '"len":16'
for n in 0 129 x -1; do fails 2 '[usage' kp -V $V random -- $n; done

# ---- import ----

printf '{"kty":"oct","k":"AAECAwQFBgcICQoLDA0ODw","key_ops":["wrapKey","unwrapKey"]}' >oct.jwk
ok kp -V $V key import kek --in oct.jwk
# RFC 3394 section 4.1: this key, this data, this ciphertext.
printf '\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff' >data
ok kp -V $V wrap kek --alg A128KW --raw --in data --out wrapped
printf '\x1f\xa6\x8b\x0a\x81\x12\xb4\x47\xae\xf3\x4b\xd8\xfb\x5a\x7b\x82\x9d\x3e\x86\x23\x71\xd2\xcf\xe5' >want
same wrapped want
fails 2 'neither a JWK nor a PEM' kp -V $V key import bad --in text
fails 2 'no private part' kp -V $V key import bad --in <(printf '{"kty":"oct"}')
fails 15 '[not_found' kp -V $V key show bad

if [ -n "$have_openssl" ]; then
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem 2>/dev/null
    openssl pkey -in rsa.pem -pubout -out rsa.pub
    ok kp -V $V key import mine --in rsa.pem
    ok kp -V $V sign mine --alg RS256 --raw --in text --out sig.raw
    openssl dgst -sha256 -verify rsa.pub -signature sig.raw text >out || fail "OpenSSL refuses our signature"
    data_key dek
    openssl pkeyutl -encrypt -pubin -inkey rsa.pub -in dek -out dek.enc \
        -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256
    ok kp -V $V key show mine --json
    ok kp -V $V unwrap "mine/$(member version)" --raw --alg RSA-OAEP-256 --in dek.enc --out dek.2
    same dek dek.2
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out ec.pem 2>/dev/null
    ok kp -V $V key import mine-ec --in ec.pem
    ok kp -V $V sign mine-ec --in text --out sig.kp
    ok kp -V $V verify --in text --signature sig.kp
    openssl pkey -in ec.pem -aes256 -passout pass:x -out sealed.pem
    fails 2 'is encrypted' kp -V $V key import mine-2 --in sealed.pem
fi
ok kp -V $V wrap "rsa/$rsa1" --in dek --out dek.kp

printf 'crypto: ok\n'
