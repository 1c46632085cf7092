#!/usr/bin/env bash
# The way to a vault: name, connection, TLS, headers, body.
# shellcheck source=../lib/atlas.bash
. "$KP_SRC/tests/atlas/lib/atlas.bash"

# ---- Servers that something is wrong with ----

coproc peers { exec "$KP_ATLAS_BIN/atlas-tls-peers" "$work"; }
exec 4>&"${peers[1]}"
trap 'exec 4>&-; rm -rf -- "$work"' EXIT
vaults=("$(at "$port" akv)")
while read -r name peer_port && [ -n "$name" ]; do
    vaults+=("$(at "$peer_port" "$name")")
done <&"${peers[0]}"
vaults+=("$(at 1 nobody)" "\"sealed\": {$login \"location\": \"file:$work/sealed\", \"settings\":
    {\"passphrase\": {\"file\": \"$work/passphrase\"}}}")
cat -- "$KP_EMULATOR_CA" >>ca.pem
configure kp.json '' "${vaults[@]}"
configure listed.json ", \"crl_file\": \"$work/crl.pem\"" "${vaults[@]}"
make_key

# ---- Name ----

# A part longer than a name may have: the look-up fails on this machine.
sed "s|\"proxy\": \"none\"|\"proxy\": \"http://$(printf %064d 0).example.test:1\"|" kp.json >lost.json
KP_CONFIG=$work/lost.json
seen 3900 'the name of the proxy has no address' show akv
KP_CONFIG=$work/kp.json

# ---- TLS ----

seen_as 3106 'subject name' "the certificate is another host's" show other-name
seen_as 3106 'has expired' 'the certificate has expired' show expired
seen_as 3106 'not yet valid' 'the certificate is not valid yet' show not-yet-valid
seen_as 3106 'local issuer' 'the certificate is of an unknown authority' show unknown-issuer
seen_as 3106 'self-signed' 'the certificate is self-signed' show self-signed
seen_as 3106 'revocation answer' 'the stapled answer says that the certificate is revoked' \
    show stapled
KP_CONFIG=$work/listed.json
seen_as 3106 'revoked' 'the revocation list has the certificate' show listed
KP_CONFIG=$work/kp.json
seen_as 3106 'TLS 1.2 or later' 'the server speaks TLS 1.0 only' show tls-1-0
seen_as 3106 'TLS 1.2 or later' 'the server speaks TLS 1.1 only' show tls-1-1

# ---- Connection and answer ----

seen 3103 'nobody listens at the port' show nobody
seen_as 3107 'closed without' 'the server closes without an answer' show close
seen_as 3107 'not HTTP' 'the answer is not HTTP' show garbage
seen_as 3114 'broke off' 'the server closes among the headers' show close-headers
seen_as 3114 max_headers_kib 'the answer has more headers than allowed' show many-headers
seen 3119 'the server closes within the body' show close-body

# ---- Memory ----

starved 3100 show http.handle
starved 3115 show http.head
starved 3116 show http.lines
starved 3120 show http.body
starved 3121 show http.headers
export KP_STARVE=http.body:2
seen 3122 'no memory at `http.body`, allocation 2' show unbounded
unset KP_STARVE

# ---- The other 401 ----

printf right >passphrase
ok kp -V sealed key create app --type RSA
printf wrong >passphrase
seen 3108 'the passphrase of a file vault is wrong' show sealed

# ---- Steps that do not exist here ----

never 3101 'libcurl has one session for all, made with the first request; no memory for it is 3100'
never 3102 'no session is bound to a host; a location that is no host is refused as configuration'
never 3104 'a request handle has nothing to fail with but memory, with 3100'
never 3105 'headers are written in one piece with the request: 3402, 3502, 3602, 3702 and 3100'
never 3118 'a header is kept in a buffer that knows its length; none is told back and forth'

finish
