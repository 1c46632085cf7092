#!/usr/bin/env bash
# kp bench against the canned TLS server of the benchmarks, over HTTP/1.1 and HTTP/2.
# shellcheck source=tests/e2e/lib/common.bash
source "$KP_SRC/tests/e2e/lib/common.bash"

export KP_BENCH_CA=$work/canned.pem
coproc server { exec "$KP_BIN/canned_server"; }
read -r h1 h2 _ <&"${server[0]}"
printf '{"http": {"proxy": "none", "ca_file": "%s"}}\n' "$KP_BENCH_CA" >config.json

# number MEMBER: the first one of that name in the file out.
number() {
    grep -oE "\"$1\":[0-9]+" out | head -n 1 | cut -d: -f2
}

# load PORT: 400 operations there, each answered and checked.
load() {
    ok kp --config config.json --plugin-dir "$KP_BIN/../bench/plugins" \
        -V "canned:https://127.0.0.1:$1/keys/k/1/wrapkey" bench --key k --callers 8 \
        --mix wrap:1,unwrap:9 --count 400 --yes-this-is-a-real-vault --json
    has '"failures":[]'
    [ "$(grep -oE '"op":"all","ok":[0-9]+' out)" = '"op":"all","ok":400' ] || fail "not 400 answers"
}

load "$h1"
[ "$(number connections)" -le 8 ] || fail "$(number connections) connections for 8 callers"
load "$h2"
[ "$(number connections)" -lt 8 ] || fail "$(number connections) connections over HTTP/2"
