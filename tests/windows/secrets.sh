#!/usr/bin/env bash
# kp secret protect, and a vault whose passphrase it has sealed.
set -euo pipefail
# shellcheck source=tests/windows/lib/windows.bash
. "${KP_SRC:?}/tests/windows/lib/windows.bash"
enter_work
folder="C:\\${work##*/}"

printf '{"vaults": {"main": {"location": "file:%s", "settings": {"passphrase": {"dpapi": "%s"}}}}}' \
    "$windows_work\\\\main" "$windows_work\\\\sealed" >kp.json
printf '{"vaults": {"main": {"location": "file:%s", "settings": {"passphrase": {"file": "%s"}}}}}' \
    "$windows_work\\\\main" "$windows_work\\\\plain" >plain.json
sealed() { kp --config "$folder\\kp.json" "$@"; }

# denied SENTENCE COMMAND...
denied() {
    local sentence=$1
    shift
    if "$@" >listed 2>said; then fail "done all the same: $*"; fi
    grep -qF -- "$sentence" said || fail "expected '$sentence': $(cat said)"
}

for scope in machine user; do
    printf 'hunter2-hunter2\r\n' | kp secret protect "$scope" --out "$folder\\sealed"
    if grep -aq hunter2 sealed; then fail 'the file holds the secret itself'; fi
    sealed config check >listed 2>said
    tr -d ' \n' <listed | grep -qF '"present":true' || fail "not there: $(cat listed)"
    if grep -q hunter2 listed said; then fail 'the secret was shown'; fi
    rm -rf main
    sealed -V main key create app --type RSA --size 2048 >/dev/null
    # The line end is none of the secret's.
    printf 'hunter2-hunter2' >plain
    kp --config "$folder\\plain.json" -V main key show app >/dev/null
done

# Another secret, a changed file, none.
printf 'hunter3' | kp secret protect machine >sealed
denied '[' sealed -V main key show app
head -c 20 sealed >short
mv short sealed
denied 'DPAPI does not open' sealed -V main key show app
sealed config check 2>said | tr -d ' \n' | grep -qF '"present":false' || fail 'said to be there'
rm sealed
denied 'does not exist' sealed -V main key show app

protect() { printf '%s' "$1" | kp secret protect "${@:2}"; }
denied "'me' is neither machine nor user" protect x me
denied 'the secret is empty' protect '' machine
denied 'SCOPE is missing' protect x
head -c 70000 /dev/zero | tr '\0' x >plain
denied 'the input is larger than' kp secret protect machine <plain
