#!/usr/bin/env bash
# Steps with a key: reading it, backup, wrap, unwrap; and what a vault says about a request.
# shellcheck source=../lib/atlas.bash
. "$KP_SRC/tests/atlas/lib/atlas.bash"

make_key

# ---- Statuses ----

refuses() {
    answered "$1" "the vault answers $2" show akv \
        "\"kind\": \"get_key\", \"fault\": \"status\", \"status\": $2"
}
refuses 3001 302
refuses 3109 429
refuses 3110 400
refuses 3111 503
refuses 3112 404
refuses 3113 403
answered 3305 'the vault refuses a token that was just made for it' show akv \
    "\"kind\": \"get_key\", \"fault\": \"challenge\", \"challenge\": \
    \"Bearer authorization=\\\"{A}\\\", resource=\\\"{R}\\\"\""

# ---- Reading a key ----

jwk() {
    told "$1" "$2" show get_key "{\"key\": {$3}, \"attributes\": {\"enabled\": true}}"
}
answered 3403 'the vault resets every connection' show akv '"kind": "get_key", "fault": "reset"'
sed 's/"patience_ms"/"timeout_ms": 1000, &/' kp.json >short.json
KP_CONFIG=$work/short.json
answered 3403 'the vault never answers' sql_show akv '"kind": "*", "fault": "drop"'
KP_CONFIG=$work/kp.json
told 3404 'the answer is a page of HTML' show get_key '<html></html>'
told 3405 'the answer has no key' show get_key '{}'
jwk 3406 'the key has no identifier' '"kty": "RSA", "n": "sKD9", "e": "AQAB"'
jwk 3407 'the key has no type' "\"kid\": \"$kid\", \"n\": \"sKD9\", \"e\": \"AQAB\""
jwk 3408 'the key has no modulus' "\"kid\": \"$kid\", \"kty\": \"RSA\", \"e\": \"AQAB\""
jwk 3409 'the modulus is not base64url' \
    "\"kid\": \"$kid\", \"kty\": \"RSA\", \"n\": \"*\", \"e\": \"AQAB\""
jwk 3410 'the key has no exponent' "\"kid\": \"$kid\", \"kty\": \"RSA\", \"n\": \"sKD9\""
jwk 3411 'the exponent is not base64url' \
    "\"kid\": \"$kid\", \"kty\": \"RSA\", \"n\": \"sKD9\", \"e\": \"*\""
jwk 3412 'the identifier has no version' \
    "\"kid\": \"${kid%/*}\", \"kty\": \"RSA\", \"n\": \"sKD9\", \"e\": \"AQAB\""

# ---- Backup, wrap, unwrap ----

answered 3503 'the vault resets every connection' backup akv '"kind": "backup", "fault": "reset"'
told 3504 'the answer is a page of HTML' backup backup '<html></html>'
told 3505 'the answer has no value' backup backup '{}'
told 3506 'the value is not base64url' backup backup '{"value": "*"}'

ok kp -V akv key show app --json
kid=$(member kid)
told 3606 'the value is not base64url' wrap wrap "{\"kid\": \"$kid\", \"value\": \"*\"}"
told 3607 'the answer is a page of HTML' wrap wrap '<html></html>'
told 3608 'the answer has no value' wrap wrap "{\"kid\": \"$kid\"}"
answered 3609 'the vault resets every connection' wrap akv '"kind": "wrap", "fault": "reset"'

told 3706 'the value is not base64url' unwrap unwrap "{\"kid\": \"$kid\", \"value\": \"*\"}"
told 3707 'the answer is a page of HTML' unwrap unwrap '<html></html>'
told 3708 'the answer has no value' unwrap unwrap "{\"kid\": \"$kid\"}"
answered 3709 'the vault resets every connection' unwrap akv '"kind": "unwrap", "fault": "reset"'

# ---- Memory ----

starved 2051 list azure-rest.url
starved 3400 show azure-rest.answer
starved 3401 show azure-rest.url
starved 3402 show http.request 3
starved 3500 backup azure-rest.answer
starved 3501 backup azure-rest.url
starved 3502 backup http.request 3
starved 3600 wrap azure-rest.answer
starved 3601 wrap azure-rest.url
starved 3602 wrap http.request 3
starved 3603 wrap azure-rest.body
starved 3700 unwrap azure-rest.answer
starved 3701 unwrap azure-rest.url
starved 3702 unwrap http.request 3
starved 3703 unwrap azure-rest.body

# ---- Steps that do not exist here ----

encoded='the value is written into the body as base64url; there is no second text to convert'
never 3604 "$encoded"
never 3704 "$encoded"
writes='any bytes can be written as base64url; what can fail is memory, with'
never 3605 "$writes 3603"
never 3705 "$writes 3703"

finish
