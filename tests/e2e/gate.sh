#!/usr/bin/env bash
# The gate fails when a request costs more than its baseline allows, and when nobody measured it.
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

printf 'instructions\t1000\t3%%\nallocations\t0\t3%%\ncalls\t2.0\t1\n' >baseline.tsv

# judge INSTRUCTIONS ALLOCATIONS CALLS
judge() {
    printf 'instructions %s\nallocations %s\ncalls %s\n' "$@" |
        awk -f "$KP_SRC/bench/gate.awk" baseline.tsv - >out
}

judge 1030 0.00 2.9 || fail "what is allowed fails: $(cat out)"
for grown in "1031 0 2" "1000 0.01 2" "1000 0 3.0" "1000 0"; do
    # shellcheck disable=SC2086
    if judge $grown; then fail "$grown passes: $(cat out)"; fi
    grep -q FAILED out || fail "$grown fails without a word"
done

# Every line of the real one is one of these.
grep -v '^#' "$KP_SRC/bench/baseline.tsv" >lines
if grep -vE $'^[a-z0-9._]+\t[0-9.]+\t[0-9.]+%?$' lines; then fail "baseline.tsv has other lines"; fi
