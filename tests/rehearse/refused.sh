#!/usr/bin/env bash
# Many databases start at once while nothing listens on the vault's port, and their connections are
# refused. It listens again once the provider has seen that; then all of them open. Where it stays away,
# the one patience ends for all, and the documented number comes at once.
if [ -z "${KP_EMULATOR_VAULT:-}" ]; then
    exec "${KP_BIN:?set by ctest}/kp-emulator" --ephemeral --region 127.0.0.2 -- bash "$0"
fi
# shellcheck source=lib/rehearse.bash
. "$KP_SRC/tests/rehearse/lib/rehearse.bash"
# shellcheck source=../e2e/lib/azure.bash
. "$KP_SRC/tests/e2e/lib/azure.bash"

# region STATE: what the vault's own port does, "cut": nothing listens there.
region() {
    control POST /regions "{\"region\": 0, \"state\": \"$1\"}"
}

# configuration PATIENCE BREAKER: one call may last longer than any test; only patience ends it.
configuration() {
    {
        printf '{"http": {"ca_file": "%s"}, "plugin_dir": "%s", "vaults": {' \
            "$KP_EMULATOR_CA" "$KP_PLUGIN_DIR"
        vault hsm managed-hsm "$hsm_port" $managed_hsm \
            "\"client_id\": \"$AZURE_CLIENT_ID\", \"secret\": {\"env\": \"AZURE_CLIENT_SECRET\"}" \
            "\"access_secret\": {\"file\": \"$work/access\"}, \"retry\": {\"base_ms\": 10},
             \"breaker\": {\"failures\": 3, \"open_ms\": 200, \"open_max_ms\": 200},"
        printf '}, "ekm": {"allow": ["config:hsm"], "timeout_ms": %s, "patience_ms": %s,' "$2" "$1"
        printf '"key_map": "%s/map", "log_file": "%s/log", "event_level": 2}}' "$work" "$work"
    } >ekm.json
}

printf %s s3cret >access
export KP_EKM_CONFIG=$work/ekm.json

# begin N: N databases that are set up and start with the next line in the pipe; go: they start.
begin() {
    rm -f -- pipe log out
    mkfifo pipe
    "$KP_TEST_PLUGIN_DIR/../bin/start-many" "$KP_BUILD/lib/libkeyprovider-ekm.so" config:hsm s3cret \
        app "$1" >out 2>err <pipe &
    starting=$!
    exec 4>pipe
    await 'set up' out
}
go() {
    printf '\n' >&4
    exec 4>&-
}

# await TEXT FILE: until it is written there, or the server has ended.
await() {
    until [ -f "$2" ] && grep -qF -- "$1" "$2"; do
        if ! kill -0 $starting 2>/dev/null; then
            has "$1" "$2"
            return
        fi
    done
}

# ---- It comes while patience lasts ----

configuration 3600000 30000
ok kp --config ekm.json -V hsm key create app --type RSA-HSM --size 2048
begin 12
region cut
control DELETE /requests
go
await 'breaker opened' log # three connections in a row were refused
has 'code=3103 text="localhost:'"$hsm_port while connecting" log
region open
wait $starting || { cat out log >&2; fail 'not all databases are up'; }
has '12 of 12 databases are up'
lacks 'number=' log
asked unwrap 12

# ---- It stays away ----

configuration 10 3600000
begin 12
region cut
go
rc=0
wait $starting || rc=$?
[ $rc -eq 1 ] || fail "exit $rc instead of 1"
has '0 of 12 databases are up'
[ "$(grep -c ': GetKeyInfoByThumb: 3103$' out)" -eq 12 ] || { cat out log >&2; fail 'another number'; }
region open
