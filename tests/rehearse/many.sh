#!/usr/bin/env bash
# Five hundred databases start at once on one Key Vault that counts requests as the service does: its
# documented limits in buckets of ten seconds. Then on one that allows a tenth of that.
#
# many.sh PERCENT runs inside the emulator, whose clock ends a bucket early.
# shellcheck source=lib/rehearse.bash
. "$KP_SRC/tests/rehearse/lib/rehearse.bash"
shopt -s inherit_errexit # an emulator that is gone ends this, too

id=01234567-89ab-4cde-8f01-23456789abcd

# emulated PERCENT: this script again, under an emulator with so much of the limits.
emulated() {
    cat >emulator.json <<JSON
{"tenant": "11111111-2222-4333-8444-555555555555", "throttle_percent": $1,
 "apps": [{"client_id": "$id", "secrets": ["open-sesame"]}], "vaults": [{"name": "contoso"}]}
JSON
    "$KP_BIN/kp-emulator" --ephemeral --config emulator.json -- bash "$KP_SRC/tests/rehearse/many.sh" "$1"
}

if [ $# -eq 0 ]; then
    unset KP_EMULATOR_VAULT
    emulated 100
    emulated 10
    exit 0
fi

# shellcheck source=../e2e/lib/azure.bash
. "$KP_SRC/tests/e2e/lib/azure.bash"

# count KIND: how many requests of that kind have come. all_counted: of those that use the key.
count() {
    control GET /requests
    sed -n "s/.*\"$1\": *\\([0-9]*\\).*/\\1/p" control | grep . || printf '0\n'
}
all_counted() {
    local reads wraps unwraps
    reads=$(count get_key)
    wraps=$(count wrap)
    unwraps=$(count unwrap)
    printf '%d\n' $((reads + wraps + unwraps))
}

cat >ekm.json <<JSON
{"http": {"ca_file": "$KP_EMULATOR_CA", "proxy": "$KP_EMULATOR_PROXY"}, "plugin_dir": "$KP_PLUGIN_DIR",
 "ekm": {"key_map": "$work/map", "log_file": "$work/log", "event_level": 2}}
JSON
export KP_EKM_CONFIG=$work/ekm.json
cat >kp.json <<JSON
{"http": {"ca_file": "$KP_EMULATOR_CA", "proxy": "$KP_EMULATOR_PROXY"}, "plugin_dir": "$KP_PLUGIN_DIR",
 "vaults": {"contoso": {"location": "contoso.vault.azure.net", "settings":
   {"identity": {"client_id": "$id", "secret": {"env": "AZURE_CLIENT_SECRET"}}}}}}
JSON
ok kp --config kp.json -V contoso key create app --type RSA --size 2048

"$KP_TEST_PLUGIN_DIR/../bin/start-many" "$KP_BUILD/lib/libkeyprovider-ekm.so" contoso \
    "${id//-/}open-sesame" app 500 >out 2>err </dev/null &
starting=$!
# A tenth of the limits is 400 in ten seconds: the vault says 429 to the rest until the bucket ends.
seen=0
while [ "$1" -lt 100 ] && kill -0 $starting 2>err; do
    n=$(all_counted)
    [ "$n" -gt $((seen + 450)) ] || continue
    seen=$n
    control POST /clock '{"advance_s": 10}'
done
wait $starting || { tail -n 5 log >&2; tail -n 5 out >&2; fail "not all databases are up"; }
has '500 of 500 databases are up'

# One token for all; each database reads its key once and unwraps once, and within the limits nothing
# is asked for twice.
n=$(all_counted)
if [ "$1" -eq 100 ]; then
    [ "$n" -le 1027 ] || fail "$n requests for 500 databases"
    lacks 'number=' log
else
    [ "$n" -gt 1030 ] || fail 'nothing was throttled'
    [ "$n" -le 3000 ] || fail "$n requests for 500 databases"
fi
n=$(count token)
[ "$n" -le 3 ] || fail "$n tokens"
