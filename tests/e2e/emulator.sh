#!/usr/bin/env bash
# kp-emulator as a program: what it says, what it leaves behind, how it ends.
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

emulator=$KP_BIN/kp-emulator

# ---- The command's environment and exit code ----

mkdir tmp
export TMPDIR=$PWD/tmp
code=0
# shellcheck disable=SC2016 # for the inner shell
"$emulator" --ephemeral -- sh -c 'echo "$KP_EMULATOR_VAULT" >url; cp "$KP_CONFIG" kp.json; exit 7' \
    2>said || code=$?
[ "$code" -eq 7 ] || fail "the command's exit code 7 came out as $code"
has 'https://localhost:' url
has '"emulated"' kp.json
has 'for tests and offline development only' said
[ -z "$(ls tmp)" ] || fail "an ephemeral emulator left $(ls tmp)"

# ---- State stays, and so does the authority that clients trust ----

"$emulator" --state kept -- cp kept/ca.pem first.pem 2>said
"$emulator" --state kept -- cp kept/ca.pem second.pem 2>said
same first.pem second.pem

# ---- Up in under a second ----

# Of processor time, which a busy machine does not stretch, and the least of three: how long it takes to
# find the primes of the client's key is a matter of luck.
spent() {
    local TIMEFORMAT="%3U %3S"
    for _ in 1 2 3; do
        { time "$emulator" --ephemeral -- true 2>said; } 2>&1
    done | awk '{ ms = 1000 * ($1 + $2) } NR == 1 || ms < least { least = ms } END { printf "%d", least }'
}
if [ -z "${KP_SANITIZER:-}" ]; then
    ms=$(spent)
    [ "$ms" -lt 1000 ] || fail "beginning and ending took $ms ms of processor time"
fi

# ---- Refusals ----

fails 2 'either --ephemeral or --state' "$emulator"
fails 2 'no option' "$emulator" --ephemeral --loud
fails 1 'cannot be run' "$emulator" --ephemeral -- ./not-there
printf '{"tenant":"x"}' >bad.json
: >empty.json
fails 1 'kp-emulator: unable to open none.json: No such file' "$emulator" --ephemeral --config none.json
fails 1 'empty.json' "$emulator" --ephemeral --config empty.json
fails 1 'tenant must be a guid' "$emulator" --ephemeral --config bad.json

# ---- The proxy leads nowhere but here ----

cat >connect.sh <<'SH'
port=${KP_EMULATOR_PROXY##*:}
# answer REQUEST: the first line the proxy says to it.
answer() {
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf '%b' "$1" >&3
    head -n 1 <&3
    exec 3<&- 3>&-
}
answer 'CONNECT emulated.vault.azure.net:443 HTTP/1.1\r\nHost: emulated.vault.azure.net\r\n\r\n'
answer "CONNECT localhost:${KP_EMULATOR_LOGIN##*:} HTTP/1.1\r\n\r\n"
answer "CONNECT localhost:$port HTTP/1.1\r\n\r\n"
answer 'CONNECT example.com:443 HTTP/1.1\r\n\r\n'
answer 'GET http://emulated.vault.azure.net/ HTTP/1.1\r\n\r\n'
answer "CONNECT $(printf 'a%.0s' {1..8184})" # as much as a head may have
SH
"$emulator" --ephemeral -- bash connect.sh >answers 2>said
[ "$(grep -c 'HTTP/1.1 200' answers)" -eq 2 ] || fail "the proxy said: $(cat answers)"
[ "$(grep -c 'HTTP/1.1 403' answers)" -eq 4 ] || fail "the proxy said: $(cat answers)"
