#!/usr/bin/env bash
# The page of kp bench --report in a browser: headless Chromium, where there is one.
# shellcheck source=tests/e2e/lib/common.bash
source "$KP_SRC/tests/e2e/lib/common.bash"

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ]; then
    echo "skipped: no chromium (Debian package: chromium) to show the page in"
    [ "${CI:-}" != true ] || exit 1
    exit 77
fi

ok kp -V "$V" key create app --type RSA
ok kp -V "$V" bench --key app --mix get_key,wrap --count 400 --duration 60s --callers 4 \
    --report r.html --slo p99=10s

# The page as the browser has understood it, and a picture of it.
"$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
    --user-data-dir="$work/profile" --window-size=1000,1600 --screenshot="$work/page.png" \
    --dump-dom "file://$work/r.html" >dom 2>browser.log || fail "browser: $(tail -n 3 browser.log)"
for text in "Latency by percentile" "Latency over time" "Rate over time" "<td>wrap</td>" \
    "<td>get_key</td>" "<td>all</td>" "connections opened" "SLO held" "cpu_features" "build_flags"; do
    has "$text" dom
done
[ "$(grep -c '<svg' dom)" -eq 3 ] || fail "$(grep -c '<svg' dom) plots instead of 3"
[ "$(grep -c '<polyline' dom)" -ge 7 ] || fail "lines are missing from the plots"
if grep -qE '<script|src=|href=|url\(' dom; then fail "the page loads something"; fi
