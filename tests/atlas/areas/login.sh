#!/usr/bin/env bash
# What stands before every first request: the challenge, the identity, the token.
# shellcheck source=../lib/atlas.bash
. "$KP_SRC/tests/atlas/lib/atlas.bash"

make_key

# ---- The challenge ----

# challenged CODE FAULT HEADER
challenged() {
    answered "$1" "$2" show akv \
        "\"kind\": \"*\", \"fault\": \"challenge\", \"challenge\": \"${3//\"/\\\"}\""
}
answered 3117 'the 401 has no WWW-Authenticate header' show akv \
    '"kind": "*", "fault": "status", "status": 401, "headers": {"WWW-Authenticate": null}'
challenged 3201 'the login address is not https' \
    'Bearer authorization="http://login.example/x", resource="https://vault.azure.net"'
challenged 3202 'the login address ends before a tenant' \
    "Bearer authorization=\"$KP_EMULATOR_LOGIN/\", resource=\"{R}\""
challenged 3203 'the login address is of no cloud' \
    'Bearer authorization="https://login.example/x", resource="https://vault.azure.net"'
challenged 3206 'the resource is missing' 'Bearer authorization="{A}"'
challenged 3207 'the resource has no end' 'Bearer authorization="{A}", resource="https://vault'
starved 3200 show azure-rest.url 2

never 3204 'the login address stays where the header was read: nothing is allocated for it'
never 3205 'the tenant stays where the header was read: nothing is allocated for it'
never 3208 'the resource stays where the header was read: nothing is allocated for it'

# ---- The token ----

starved 3300 show azure-rest.token.url
starved 3301 show azure-rest.token.body
starved 3302 show azure-rest.token.reply
told 3304 'the token is of another type than Bearer' show token \
    '{"token_type": "mac", "expires_in": 3599, "access_token": "x"}'
told 3306 'the answer has no token' show token '{"token_type": "Bearer", "expires_in": 3599}'
told 3307 'the answer is a page of HTML' show token '<html></html>'
told 3308 'the token is no text' show token \
    '{"token_type": "Bearer", "expires_in": 3599, "access_token": 5}'

# ---- Retry ----

never 4000 'a retry is a part of the request it repeats: nothing is allocated for it'

finish
