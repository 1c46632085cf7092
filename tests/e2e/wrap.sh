#!/usr/bin/env bash
# wrap and unwrap through the real program: envelopes, versions, restarts, tampering.
# Each kp is a process of its own: what it finds is what the one before left on disk.
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

data_key dek

# ---- The sample calls ----

ok kp -V file:./vault key create app --type RSA --size 3072
v1=$(version_of out)
[ -n "$v1" ] || fail "key create printed no version"
ok kp -V file:./vault wrap app --in dek --out dek.kp
ok kp -V file:./vault unwrap --in dek.kp --out dek.2
same dek dek.2
ok kp -V file:./vault key rotate app
v2=$(version_of out)
[ "$v1" != "$v2" ] || fail "rotate made no new version"

# ---- The version it was made with, and no other ----

ok kp -V $V unwrap --in dek.kp --out dek.3
same dek dek.3
has "\"key\":\"app/$v1\"" dek.kp
ok kp -V $V wrap app --in dek --out new.kp
has "\"key\":\"app/$v2\"" new.kp
ok kp -V $V wrap "app/$v1" --in dek --out old.kp
has "\"key\":\"app/$v1\"" old.kp
ok kp -V $V unwrap --in old.kp --out dek.4
same dek dek.4

ok kp -V $V wrap "app/$v1" --raw --in dek --out dek.raw
[ "$(stat -c %s dek.raw)" -eq 384 ] || fail "raw RSA-3072 ciphertext is not 384 bytes"
ok kp -V $V unwrap "app/$v1" --raw --in dek.raw --out dek.5
same dek dek.5
fails 21 '[integrity' kp -V $V unwrap "app/$v2" --raw --in dek.raw --out dek.wrong
[ ! -e dek.wrong ] || fail "a failed unwrap left a file"
fails 2 'NAME/VERSION' kp -V $V unwrap app --raw --in dek.raw

# ---- Where the vault comes from ----

ok kp unwrap --in dek.kp --out dek.6
same dek dek.6
mv vault moved
fails 15 '[not_found' kp unwrap --in dek.kp
ok kp -V file:./moved unwrap --in dek.kp --out dek.7
same dek dek.7
mv moved vault
ok kp -V $V unwrap app --in dek.kp --out dek.8
ok kp -V $V unwrap "app/$v1" --in dek.kp --out dek.8
same dek dek.8
fails 2 'another key' kp -V $V unwrap other --in dek.kp
fails 2 'another key' kp -V $V unwrap "app/$v2" --in dek.kp

# ---- Pipes, modes, JSON ----

kp -V $V wrap app <dek | kp -V $V unwrap >dek.9
same dek dek.9
mode_is 600 dek.9
(umask 022 && kp -V $V unwrap --in dek.kp --out dek.10 && kp -V $V wrap app --in dek --out open.kp)
mode_is 600 dek.10
mode_is 644 open.kp
ok kp -V $V wrap app --in dek --json
is_json
has '"op":"wrap"'
ok kp -V $V wrap app --in dek --out w.kp --json
is_json
has '"out":"w.kp"'
has '"alg":"RSA-OAEP-256"'
ok kp -V $V unwrap --in w.kp --json
is_json
has '"len":32'
want=$(base64 -w0 dek | tr '+/' '-_' | tr -d =)
[ "$(member value)" = "$want" ] || fail "the JSON value is another key"
ok kp -V $V unwrap --in w.kp --out dek.11 --json
lacks '"value"'
same dek dek.11

ok kp -V $V unwrap --in w.kp --out -
same dek out
[ ! -e ./- ] || fail "--out - made a file"

# A terminal gets no binary unless it is asked for; an envelope is text.
on_terminal() {
    script -qec "$KP_BIN/kp -V $V $*" /dev/null >out 2>err </dev/null
}
rc=0
on_terminal unwrap --in w.kp || rc=$?
[ $rc -eq 2 ] || fail "binary on a terminal gives exit $rc"
has 'stdout is a terminal'
on_terminal unwrap --in w.kp --out - || fail "--out - is refused on a terminal"
on_terminal unwrap --in w.kp --json || fail "--json is refused on a terminal"
on_terminal wrap app --in dek || fail "an envelope is refused on a terminal"

# ---- Damage ----

for change in 's/"app\//"apq\//' "s/$v1/$v2/" 's/RSA-OAEP-256/RSA1_5/' 's/"value":"./"value":"_/' \
    's/^{/[/' 's/"kp":1/"kp":1,"x":1/' 's/"sum":"./"sum":"_/' 's/"vault"/"valut"/'; do
    sed "$change" dek.kp >bad.kp
    if cmp -s dek.kp bad.kp; then sed 's/"value":"./"value":"-/;s/"sum":"./"sum":"-/' dek.kp >bad.kp; fi
    fails 21 'kp: unwrap: ' kp -V $V unwrap --in bad.kp --out dek.bad
    [ ! -e dek.bad ] || fail "a damaged envelope gave a file"
done
head -c 100 dek.kp >bad.kp
fails 21 'not a JSON object' kp -V $V unwrap --in bad.kp
fails 21 'it is empty' kp -V $V unwrap --in /dev/null
fails 25 'version 2' kp -V $V unwrap --in <(sed 's/"kp":1/"kp":2/' dek.kp)
head -c 5000000 /dev/zero >big
fails 2 'larger than' kp -V $V unwrap --in big
fails 2 'larger than 1048576 bytes' kp -V $V wrap app --in big
fails 2 "use 'kp unwrap'" kp -V $V decrypt --in dek.kp

# ---- Wrong calls ----

fails 15 '[not_found' kp -V $V wrap nosuch --in dek
fails 2 'no algorithm' kp -V $V wrap app --alg ROT13 --in dek
fails 3 '[io' kp -V $V wrap app --in nosuch
fails 3 '[io' kp -V $V unwrap --in dek.kp --out nosuch/dek
fails 2 'KEY is missing' kp -V $V wrap --in dek
fails 2 '--alg goes' kp -V $V unwrap --in dek.kp --alg RSA1_5
fails 15 '[not_found' kp -V file:./none wrap app --in dek
[ ! -e none ] || fail "wrap made a vault"
fails 12 '[config' kp -V nosuchname wrap app --in dek
fails 2 'no time span' kp -V $V wrap app --in dek --timeout soon
ok kp -V $V wrap app --in dek --timeout 20s
fails 15 '"class":"not_found"' kp -V $V wrap nosuch --in dek --json
has '"exit":15' err

printf 'wrap: ok\n'
