#!/usr/bin/env bash
# kp bench: honest latencies, checked answers, exit codes, files.
# shellcheck source=tests/e2e/lib/common.bash
source "$KP_SRC/tests/e2e/lib/common.bash"

# value FILE MEMBER: the first number of that name in a JSON file.
value() {
    grep -oE "\"$2\":[0-9.]+" "$1" | head -n 1 | cut -d: -f2
}

# fits_schema [FILE]: a result is what docs/load says that it is.
fits_schema() {
    "$KP_BUILD/tests/e2e/json-fits" "$KP_SRC/docs/load/result.schema.json" "${1:-out}" ||
        fail "${1:-out} does not fit its schema"
}

above() {
    awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > b) }' || fail "$1 is not above $2"
}

ok kp -V "$V" key create app --type RSA
ok kp -V "$V" key create sig --type EC --curve P-256

# Every operation, both faces, several keys: nothing fails, every answer is what went in.
ok kp -V "$V" bench --key app --count 200 --duration 60s --callers 4 \
    --mix wrap:2,unwrap:2,encrypt:1,decrypt:1,sign:1,verify:1,get_key:1
has "all                   200          0"
has " answers of wrap, encrypt, sign undone afterwards, 0 wrong, 0 could not be tried"
ok kp -V "$V" bench --key app --count 96 --callers 1 --mix wrap,encrypt,sign --json
grep -qE '"proven":\{"right":[1-4][0-9],"wrong":0,"untried":0\}' out || fail "nothing was proven"
ok kp -V "$V" bench --key app,sig --mix sign,verify --count 50 --duration 60s --sync --callers 3 \
    --json
[ "$(value out ok)" != "" ] || fail "no count in the JSON"
has '"api":"blocking"'
has '"failures":[]'
fits_schema

# One at a time, each takes 100 ms, 40 are to start each second: whoever counts from the actual start
# sees 100 ms for ever. Counted from the intended start the middle one has waited for seconds.
cat >config.json <<JSON
{"vaults": {"slow": {"location": "file:$work/vault", "settings": {"fault": {"latency_ms": 100}}}}}
JSON
ok kp --config config.json -V slow bench --key app --mix get_key \
    --rate 40 --callers 1 --count 40 --duration 60s --json
above "$(value out p50)" 1000000000
above "$(value out max)" "$(value out p50)"

# What is due before the end is started after it, one at a time here, and the result says so.
ok kp --config config.json -V slow bench --key app --mix get_key \
    --rate 20 --callers 1 --duration 500ms --json
[ "$(value out ok)" -eq 10 ] || fail "$(value out ok) operations instead of 10"
[ "$(value out drain_ms)" -ge 500 ] || fail "went on for $(value out drain_ms) ms instead of 500"

# Warm-up and ramp are not counted, whatever the loop; nor is there a limit of time but the count.
ok kp -V "$V" bench --key app --mix get_key --rate 100 --ramp 200ms --warm-up 200ms --count 20 --json
[ "$(value out ok)" -eq 20 ] || fail "$(value out ok) operations instead of 20"
has '"ramp_ms":200,"warm_up_ms":200,"count":20'
ok kp -V "$V" bench --key app --mix get_key --callers 8 --ramp 200ms --count 20
has "0.2 s of ramp, 20 operations"
ok kp -V "$V" bench --key app --mix get_key --callers 8 --sync --ramp 200ms --count 20
has "all                    20          0"

# Processor time is that of what is measured: one operation, not the second of them before it.
ok kp -V "$V" bench --key app --mix wrap --callers 1 --warm-up 1s --count 1 --json
above 100000000 "$(value out cpu_ns)"

# Nothing more is due in the rest of the second, but it is measured all the same.
ok kp -V "$V" bench --key app --mix get_key --rate 0.5 --duration 700ms --json
[ "$(value out ok)" -eq 1 ] || fail "$(value out ok) operations instead of 1"
[ "$(value out measured_ms)" -ge 700 ] || fail "only $(value out measured_ms) ms were measured"

# One at a time is one under way, whatever there was room for.
ok kp -V "$V" bench --key app --mix get_key --callers 1 --count 20 --json
has '"most_under_way":1,'

# Payloads of several lengths; one that the key cannot wrap is the vault's to refuse.
ok kp -V "$V" bench --key app --mix wrap,unwrap --payload 1,32,190 --count 40
has "all                    40          0"
fails 2 "--payload '0'" kp -V "$V" bench --key app --payload 0

# Keys of several vaults, by name.
ok kp -V file:./second key create app --type oct --size 256
cat >config.json <<JSON
{"vaults": {"one": {"location": "file:$work/vault"}, "two": {"location": "file:$work/second"}}}
JSON
ok kp --config config.json bench --key one/app,two/app --count 40 --duration 60s --zipf 1.0
has "wrap"
has "one/app"
has "two/app"

# Failures are counted by class, and break what was promised.
cat >config.json <<JSON
{"vaults": {"bad": {"location": "file:$work/vault", "retry": {"max_attempts": 1},
  "settings": {"fault": {"class": "throttled", "rate_percent": 50, "seed": 3}}}}}
JSON
fails_with_output() {
    local rc=0
    "$@" >out 2>err </dev/null || rc=$?
    [ "$rc" -eq 1 ] || fail "exit $rc instead of 1 from: $*"
}
ok kp --config config.json -V bad bench --key app --mix get_key \
    --count 100 --duration 60s
has "throttled"
fails_with_output kp --config config.json -V bad bench --key app --mix get_key \
    --count 100 --duration 60s --slo errors=1%
has "slo         BROKEN"
ok kp -V "$V" bench --key app --mix get_key --count 100 --duration 60s --slo p99=10s,errors=0%
has "slo         held"
has "held: errors 0.000%, promised 0.000%"
fails_with_output kp -V "$V" bench --key app --mix get_key --count 100 --slo p50=1us,p99=10s
has "BROKEN: p50"
has "held: p99"
fails_with_output kp --config config.json -V bad bench --key app --mix get_key --count 100 \
    --slo p50=10s,errors=1% --json
has '"class":"throttled"'
fits_schema
if "$KP_BUILD/tests/e2e/json-fits" "$KP_SRC/docs/load/result.schema.json" config.json; then
    fail "everything fits the schema"
fi
ok kp -V "$V" bench --key app --mix wrap --rate 50 --count 20 --capacity 3300 --json
has '"capacity":{"wanted_per_s":3300.00'
fits_schema

# Files, and one result against another.
ok kp -V "$V" bench --key app --mix get_key --count 500 --duration 60s --report r.html --hdr r.hgrm \
    --json
cp out a.json
fits_schema a.json
has "<svg" r.html
has "Percentile TotalCount" r.hgrm
ok kp bench --compare a.json a.json
has "rate per s"
has "1.000"
lacks "compiler"
sed 's/"compiler":"[^"]*"/"compiler":"another"/; s/"callers":[0-9]*/"callers":77/' a.json >b.json
ok kp bench --compare a.json b.json
has "compiler       A  "
has "               B  another"
has "               B  77"
ok kp bench --compare a.json b.json --json
has '"b":"another"'
has '"figure":"failed %","a":0.000000,"b":0.000000,'
ok kp bench --compare a.json a.json --report c.html
[ "$(grep -c '<svg' c.html)" -eq 2 ] || fail "a comparison has two plots"
[ "$(grep -c ' 43h20" fill' c.html)" -eq 4 ] || fail "each plot has a legend for each run"
ok kp bench --compare a.json b.json --report c.html
has '<td class="text">another</td>' c.html

# A page that cannot be written costs nobody the numbers.
kept_though_unwritten() {
    local rc=0
    "$@" --report nosuch/r.html >out 2>err </dev/null || rc=$?
    [ "$rc" -eq 3 ] || fail "exit $rc instead of 3 from: $*"
    has "nosuch/r.html" err
}
kept_though_unwritten kp -V "$V" bench --key app --mix get_key --count 20
has "achieved"
kept_though_unwritten kp -V "$V" bench --key app --mix get_key --search --arrivals poisson \
    --slo p99=1us --rate 4 --duration 250ms
has "at no rate"
kept_though_unwritten kp bench --compare a.json a.json
has "rate per s"

fails 2 "--compare takes no --key" kp bench --compare a.json a.json --key app
fails 2 "--compare takes no --hdr" kp bench --compare a.json a.json --hdr c.hgrm
fails 2 "needs a second one" kp bench --compare a.json
echo '{"format":1}' >not.json
fails 2 "is no result" kp bench --compare a.json not.json
fails 3 "missing.json" kp bench --compare a.json missing.json

# The highest rate that holds a promise; and one that no rate can hold. One at a time, each takes
# 50 ms: about 20 a second.
cat >config.json <<JSON
{"vaults": {"slow": {"location": "file:$work/vault", "settings": {"fault": {"latency_ms": 50}}}}}
JSON
ok kp --config config.json -V slow bench --key app --mix get_key --search --slo p50=10s --rate 4 \
    --callers 1 --duration 500ms --capacity found --report s.html
has "holds at"
has "capacity for "
has "1 vault in 1 subscription"
has "Latency by offered rate" s.html
fails 2 "those of --key differ" kp -V "$V" bench --key app,sig --mix sign --rate 9 --capacity 100
fails 2 "--search takes no --hdr" kp -V "$V" bench --key app --search --slo p99=1s --hdr x
fails 2 "--search takes no --count" kp -V "$V" bench --key app --search --slo p99=1s --count 5
fails_with_output kp --config config.json -V slow bench --key app --mix get_key --search \
    --slo p50=10ms --rate 20 --duration 250ms
has "at no rate"
fails 2 "--search needs --slo" kp -V "$V" bench --key app --search

# Usage.
fails 2 "--key is missing" kp -V "$V" bench
fails 2 "--key 'app,'" kp -V "$V" bench --key app,
fails 2 "--key ',app'" kp -V "$V" bench --key ,app
fails 2 "--mix 'fly'" kp -V "$V" bench --key app --mix fly
fails 2 "--rate 'fast'" kp -V "$V" bench --key app --rate fast
fails 2 "goes with --rate" kp -V "$V" bench --key app --arrivals poisson
fails 2 "cannot wrap" kp -V "$V" bench --key sig --mix wrap
fails 2 "--yes-this-is-a-real-vault" kp -V "example.vault.azure.net" bench --key app
fails 15 "no key" kp -V "$V" bench --key nosuch

# Ctrl-C ends the run with the results so far.
"$KP_BIN/kp" -V "$V" bench --key app --mix get_key --rate 50 --duration 600s >out 2>err &
pid=$! # of the program itself, not of a shell around it; until it runs, the shell's copy listens
until [ "$(cat "/proc/$pid/comm")" = kp ]; do kill -0 "$pid"; done
until grep -q 'SigCgt:.*[2367abef]$' "/proc/$pid/status"; do kill -0 "$pid"; done
kill -INT "$pid"
wait "$pid" || fail "interrupted run ended with $?"
has "achieved"
