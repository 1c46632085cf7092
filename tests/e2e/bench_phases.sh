#!/usr/bin/env bash
# kp bench against the emulator: where the time went, what was throttled, how many connections.
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

if [ -z "${KP_EMULATOR_VAULT:-}" ]; then
    "$KP_BIN/kp-emulator" --ephemeral -- bash "$KP_SRC/tests/e2e/bench_phases.sh"
    exit
fi
# shellcheck source=lib/azure.bash
. "$KP_SRC/tests/e2e/lib/azure.bash"
KP_CONFIG=$(dirname -- "$KP_EMULATOR_CA")/kp.json # common.bash takes away whatever was set
export KP_CONFIG

# number MEMBER: the first one of that name in the file out.
number() {
    grep -oE "\"$1\":[0-9]+" out | head -n 1 | cut -d: -f2
}

# phase NAME: how many requests have been through it.
phase() {
    grep -oE "\"phase\":\"$1\",\"count\":[0-9]+" out | grep -oE '[0-9]+$'
}

is() {
    test "$2" "$3" "$4" || fail "$1: not $2 $3 $4"
}

ok kp -V emulated key create app --type RSA --size 2048
fails 2 "--yes-this-is-a-real-vault" kp -V emulated bench --key app --count 1

# Every request was answered by the service: each phase has seen each of them.
ok kp -V emulated bench --key app --count 40 --duration 60s --callers 4 --yes-this-is-a-real-vault \
    --json
for name in queue token server parse; do
    is "$name" "$(phase $name)" -ge 40
done
connections=$(number connections)
is "connections" "$connections" -le 5 # four, and one to the login
is "tls" "$(phase tls)" -le "$connections"
is "throttled" "$(number throttled)" -eq 0
is "breaker_trips" "$(number breaker_trips)" -eq 0

# Two answers of 429, each tried again.
fault '{"kind": "wrap", "fault": "status", "status": 429, "times": 2}'
ok kp -V emulated bench --key app --mix wrap --count 20 --duration 60s --callers 1 \
    --yes-this-is-a-real-vault --json
is "throttled" "$(number throttled)" -eq 2
is "retries" "$(number retries)" -eq 2

# One answer takes a second. The closed loop saw one slow operation of 200, which is beyond its p99;
# of the 100 a second that were meant to start meanwhile each has waited, and the open loop says so.
slowest() {
    fault '{"kind": "wrap", "nth": 20, "fault": "delay", "delay_ms": 1000}'
    ok kp -V emulated bench --key app --mix wrap --count 200 --callers 1 \
        --yes-this-is-a-real-vault --json "$@"
    is "max" "$(number max)" -ge 1000000000
}
slowest
closed=$(number p99)
slowest --rate 100 --capacity 100
is "p99" "$(number p99)" -ge 950000000
is "p90" "$(number p90)" -ge 700000000
is "p99 of the closed loop" "$closed" -lt 950000000
is "callers" "$(grep -oE '"callers":[0-9]+,"processes"' out | grep -oE '[0-9]+')" -ge 20 # by the mean

# A connection that is cut is opened again.
fault '{"kind": "wrap", "fault": "reset"}'
ok kp -V emulated bench --key app --mix wrap --count 20 --duration 60s --callers 1 \
    --yes-this-is-a-real-vault --json
is "connections" "$(number connections)" -ge 1
is "connect" "$(phase connect)" -ge 1

# Two unwraps that come back as something else: nobody but the comparison can tell.
version=$(kp -V emulated key versions app | grep -oE '[0-9a-f]{32}' | head -n 1)
body="{\\\"kid\\\": \\\"$KP_EMULATOR_VAULT/keys/app/$version\\\", \\\"value\\\": \\\"AAAA\\\"}"
fault "{\"kind\": \"unwrap\", \"nth\": 5, \"times\": 2, \"fault\": \"body\", \"body\": \"$body\"}"
ok kp -V emulated bench --key app --mix unwrap --count 20 --yes-this-is-a-real-vault --json
has '"op":"all","ok":18,"failed":2'
has '"class":"integrity"'
has "unwrap with app gave something else than what went in"

# The same of a decrypt, and of a verify that says no.
fault "{\"kind\": \"decrypt\", \"nth\": 5, \"times\": 2, \"fault\": \"body\", \"body\": \"$body\"}"
ok kp -V emulated bench --key app --mix decrypt --count 20 --yes-this-is-a-real-vault --json
has '"op":"all","ok":18,"failed":2'
has "decrypt with app gave something else than what went in"
fault '{"kind": "verify", "nth": 5, "times": 3, "fault": "body", "body": "{\"value\": false}"}'
ok kp -V emulated bench --key app --mix verify --count 20 --yes-this-is-a-real-vault --json
has '"op":"all","ok":17,"failed":3'
has "verify with app gave something else than what went in"

# A wrap whose answer nobody can unwrap, as long as RSA-2048 makes it; and a vault that lets nobody
# try.
body=${body/AAAA/$(printf 'A%.0s' {1..342})}
fault "{\"kind\": \"wrap\", \"nth\": 5, \"fault\": \"body\", \"body\": \"$body\"}"
ok kp -V emulated bench --key app --mix wrap --count 16 --yes-this-is-a-real-vault --json
has '"op":"all","ok":16,"failed":1'
has '"proven":{"right":15,"wrong":1,"untried":0}'
has "wrap did not come back: "
control DELETE /scenario
fault '{"kind": "unwrap", "fault": "status", "status": 403, "times": 16}'
ok kp -V emulated bench --key app --mix wrap --count 16 --yes-this-is-a-real-vault --json
has '"op":"all","ok":16,"failed":0'
has '"proven":{"right":0,"wrong":0,"untried":16}'
control DELETE /scenario

# Ctrl-C does not wait for a vault that stalls: the results so far, and nothing is called a failure.
control DELETE /requests
fault '{"kind": "wrap", "nth": 20, "fault": "delay", "delay_ms": 600000, "times": 1000}'
"$KP_BIN/kp" -V emulated bench --key app --mix wrap --callers 3 --timeout 10m --duration 20m \
    --yes-this-is-a-real-vault >out 2>err &
pid=$!
until [ "$(requests wrap)" -ge 22 ]; do kill -0 "$pid"; done # of 19 answers, and three that stall
kill -INT "$pid"
wait "$pid" || fail "interrupted run ended with $?"
has "achieved"
lacks "failures"
control DELETE /scenario

# What the load that was found, or is wanted, needs.
ok kp -V emulated bench --key app --mix wrap:1,unwrap:9 --rate 20 --duration 500ms \
    --capacity 3300 --yes-this-is-a-real-vault
has "capacity for 3300.0 per s"
has "9 vaults in 2 subscriptions"
has "17 vaults in 4 subscriptions"
has "1 pool of 3 partitions"
ok kp -V emulated bench --key app --mix wrap:1,unwrap:9 --rate 20 --duration 500ms \
    --capacity 3300 --yes-this-is-a-real-vault --json
has '"wanted_per_s":3300.00'
has '"units":17,"per_unit_per_s":200.00,"subscriptions":4'
ok kp -V emulated bench --key app --mix unwrap --search --slo p99=60s --rate 4 --callers 1 \
    --duration 300ms --capacity 3300 --yes-this-is-a-real-vault
has "holds at"
has "capacity for 3300.0 per s"
has "9 vaults in 2 subscriptions"
fails 2 "goes with --search or one --rate" kp -V emulated bench --key app --capacity 3300
fails 2 "neither a rate" kp -V emulated bench --key app --rate 20 --capacity much
