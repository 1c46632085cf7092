#!/usr/bin/env bash
# Certificates and keys of an identity: each file with what is wrong with it.
# shellcheck source=../lib/atlas.bash
. "$KP_SRC/tests/atlas/lib/atlas.bash"

# ---- Files ----

vaults=("$(at "$port" akv)")

# certificate FILE [MEMBERS]: a vault of that name whose identity is the certificate in the file.
certificate() {
    vaults+=("$(at "$port" "$1" "\"kind\": \"certificate\", $id, \"certificate\": \"$work/$1\"${2:-}")")
}
made() {
    "$@" 2>err || fail "cannot make a file: $*"
}
pfx() {
    made openssl pkcs12 -export "$@"
}

printf right >right
printf wrong >wrong
right=", \"certificate_password\": {\"file\": \"$work/right\"}"
nobody=0123456789012345678901234567890123456789
old=(-provider legacy -provider default)
made openssl pkey -in "$KP_EMULATOR_CLIENT_CERTIFICATE" -out own.key
made openssl x509 -in "$KP_EMULATOR_CLIENT_CERTIFICATE" -out own.crt
made openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out other.key
made openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=ec \
    -keyout ec.key -out ec.crt

pfx -in own.crt -inkey own.key -passout pass:right -out wrong.pfx
certificate wrong.pfx ", \"certificate_password\": {\"file\": \"$work/wrong\"}"
pfx -nocerts -inkey own.key -passout pass:right -out bare.pfx
certificate bare.pfx "$right"
pfx -nokeys -in own.crt -passout pass:right -out keyless.pfx
certificate keyless.pfx "$right"
pfx -in own.crt -inkey own.key -legacy -keypbe PBE-SHA1-RC2-40 -certpbe PBE-SHA1-RC2-40 \
    -passout pass:right -out old.pfx
certificate old.pfx "$right"
pfx -in ec.crt -inkey ec.key -passout pass:right -out ec.pfx
certificate ec.pfx "$right"

cp own.key thumbless.pem
certificate thumbless.pem ", \"thumbprint\": \"none\""
cp own.crt keyless.pem
certificate keyless.pem
made openssl pkcs8 -topk8 -in own.key -v1 PBE-SHA1-RC2-40 "${old[@]}" -passout pass:right -out old.pem
certificate old.pem "$right, \"thumbprint\": \"$nobody\""
cat ec.key ec.crt >ec.pem
certificate ec.pem
cat other.key own.crt >mixed.pem
certificate mixed.pem

made openssl rsa -in own.key -outform PVK -pvk-strong "${old[@]}" -passout pass:right -out old.pvk
certificate old.pvk "$right, \"thumbprint\": \"$nobody\""
made openssl rsa -in own.key -outform MSBLOB -out whole.blob
head -c 200 whole.blob >cut.blob
certificate cut.blob ", \"thumbprint\": \"$nobody\""

printf 'no token at all' >federated
vaults+=("$(at "$port" federated \
    "\"kind\": \"workload\", $id, \"token_file\": \"$work/federated\"")")
vaults+=("$(at "$port" stranger "$id, \"secret\": {\"file\": \"$work/wrong\"}")")
configure kp.json '' "${vaults[@]}"

# ---- Numbers ----

seen 3303 'the client secret is wrong' show stranger
seen 3800 'the federated token is no JWT' show federated
seen 3807 'the key does not belong to the certificate' show mixed.pem
seen 3809 'the password of the PFX file is wrong' show wrong.pfx
seen 3810 'the PFX file has no certificate' show bare.pfx
seen 3811 'the PFX file has no private key' show keyless.pfx
seen 3813 'the key in the PFX file is not RSA' show ec.pfx
seen 3815 'the thumbprint is none' show thumbless.pem
seen 3816 'the PEM file has no private key' show keyless.pem
seen 3818 'the key in the PEM file is not RSA' show ec.pem
seen 3821 'the key blob is cut off' show cut.blob
export OPENSSL_MODULES=$work/none
missing="OpenSSL's legacy provider is not installed, and"
seen 3812 "$missing the PFX file is encrypted with RC2" show old.pfx
seen 3817 "$missing the PEM key is encrypted with RC2" show old.pem
seen 3820 "$missing the PVK file is encrypted with RC4" show old.pvk
unset OPENSSL_MODULES

# ---- What nothing outside can do ----

never 3801 'the header is made of two words and the thumbprint; no memory for it is 3301'
never 3802 'TLS has drawn from the same source, the system, before; it does not run dry'
never 3803 'client id and address were checked before; with a clock before 1970 TLS fails first; no memory is 3301'
never 3804 'the steps of the signature say it themselves: 3806 and 3807'
never 3805 'SHA-256 is part of the library that is linked; there is no setting that takes it away'
never 3806 'a digest in memory has nothing to fail with but memory, with 3301'
never 3808 'putting it together has nothing to fail with but memory, with 3301'
made='the assertion was made a moment ago, so it is one; no memory for the request is 3301'
never 3814 "$made"
never 3819 "$made"
never 3822 "$made"

finish
