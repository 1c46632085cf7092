#!/usr/bin/env bash
# The life of a key through every `kp key` command.
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

# ---- create, show, list, versions ----

ok kp -V $V key create app --type RSA --size 2048 --ops wrapKey,unwrapKey --tag team=a --tag env=dev \
    --expires 2099-01-01 --not-before 2020-01-01T00:00:00Z
v1=$(version_of out)
ok kp -V $V key show app
has "version         $v1"
has 'type            RSA 2048'
has 'operations      wrapKey,unwrapKey'
has 'state           enabled'
has 'expires         2099-01-01T00:00:00Z'
has 'not before      2020-01-01T00:00:00Z'
has 'tag             team=a'
ok kp -V $V key show "app/$v1" --json
is_json
has '"kty":"RSA"'
has '"bits":2048'
has '"expires":4070908800'
has '"e":"AQAB"'
has '"key_ops":["wrapKey","unwrapKey"]'
has '"team":"a"'
lacks '"d"'
ok kp -V $V key create ec --type EC --curve P-384 --json
is_json
has '"crv":"P-384"'
ok kp -V $V key create aes --type oct --size 256 --disabled
ok kp -V $V key list
has app
[ "$(wc -l <out)" -eq 3 ] || fail "key list has not 3 lines"
ok kp -V $V key list --json
is_json
has '{"keys":[{"name":'
ok kp -V $V key show aes
has 'state           disabled'

for i in $(seq 24); do kp -V $V key create "many-$i" --type oct >/dev/null; done
ok kp -V $V key list
[ "$(wc -l <out)" -eq 27 ] || fail "key list lost keys between pages"
[ "$(cut -d' ' -f1 out | sort -u | wc -l)" -eq 27 ] || fail "key list repeats keys"

# ---- update ----

ok kp -V $V key update app --tag only=this --disabled
has 'tag             only=this'
lacks team=a
has 'state           disabled'
has 'expires         2099-01-01T00:00:00Z'
data_key dek
fails 14 '[forbidden' kp -V $V wrap app --in dek
ok kp -V $V key update app --enabled --no-tags --expires none
lacks 'tag  '
lacks expires
ok kp -V $V wrap app --in dek --out dek.kp
ok kp -V $V key update app --ops encrypt,decrypt
fails 14 '[forbidden' kp -V $V unwrap --in dek.kp
ok kp -V $V key update app --ops wrapKey,unwrapKey
ok kp -V $V unwrap --in dek.kp --out dek.2
same dek dek.2
fails 2 'nothing to change' kp -V $V key update app
fails 2 'exclude each other' kp -V $V key update app --enabled --disabled
fails 2 'no key operation' kp -V $V key update app --ops wrap
fails 2 'is not NAME=VALUE' kp -V $V key update app --tag x
fails 2 'is no time' kp -V $V key update app --expires soon

# ---- rotate, policy ----

ok kp -V $V key rotate app
v2=$(version_of out)
ok kp -V $V key versions app
has "app/$v1"
has "app/$v2"
[ "$(wc -l <out)" -eq 2 ] || fail "key versions has not 2 lines"
ok kp -V $V key update "app/$v1" --disabled
fails 14 '[forbidden' kp -V $V unwrap --in dek.kp
ok kp -V $V key update "app/$v1" --enabled
ok kp -V $V unwrap --in dek.kp --out dek.3
same dek dek.3
ok kp -V $V key policy app
ok kp -V $V key policy app --rotate-after P90D --notify-before P30D --valid-for P1Y
has 'rotate          P90D after creation'
has 'notify          P30D before expiry'
has 'valid for       P1Y'
ok kp -V $V key policy app --json
is_json
has '"action":"rotate","trigger":"after_create","duration":"P90D"'
fails 2 "--rotate-after '90days' is no duration; write P90D" kp -V $V key policy app --rotate-after 90days
fails 2 "--valid-for '' is no duration" kp -V $V key policy app --valid-for ''

# ---- delete, deleted, recover, purge ----

ok kp -V $V key delete app
has 'deleted         '
fails 15 '[not_found' kp -V $V key show app
fails 15 '[not_found' kp -V $V unwrap --in dek.kp
fails 16 '[conflict' kp -V $V key create app
ok kp -V $V key deleted
has app
ok kp -V $V key deleted app --json
is_json
has '"deleted":'
ok kp -V $V key recover app
ok kp -V $V unwrap --in dek.kp --out dek.4
same dek dek.4
fails 15 '[not_found' kp -V $V key deleted app
ok kp -V $V key delete app
fails 2 'say --yes' kp -V $V key purge app
ok kp -V $V key deleted app
ok kp -V $V key purge app --yes
has 'purged app'
fails 15 '[not_found' kp -V $V key recover app
ok kp -V $V key create app --type oct
fails 15 '[not_found' kp -V $V unwrap --in dek.kp

# ---- Wrong calls ----

fails 2 'is none of RSA' kp -V $V key create x --type DSA
fails 2 '[usage' kp -V $V key create x --type RSA --size 1024
fails 2 'is no number' kp -V $V key create x --size big
fails 2 'follows from --curve' kp -V $V key create x --type EC --size 256
fails 2 '--curve is for' kp -V $V key create x --curve P-256
fails 2 'is none of P-256' kp -V $V key create x --type EC --curve P-999
fails 2 '[usage' kp -V $V key create no_underscore
fails 2 'whole key' kp -V $V key rotate "app/$v1"
fails 2 'which vault' kp key list
fails 15 '[not_found' kp -V file:./none key list
[ ! -e none ] || fail "key list made a vault"

printf 'key_life: ok\n'
