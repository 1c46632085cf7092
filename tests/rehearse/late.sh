#!/usr/bin/env bash
# A server that is up before its network: nobody listens where the vault will be, so connections are
# refused, and the databases wait for it. Then the same with a patience that is used up.
#
# late.sh set-up runs inside the emulator, the first time it is up.
# shellcheck source=lib/rehearse.bash
. "$KP_SRC/tests/rehearse/lib/rehearse.bash"
library=$KP_BUILD/lib/libkeyprovider-ekm.so

# The emulator has to come back where it was. These ports are below those the system gives out.
state=${KP_TEST_STATE:-$work/state}
port=${KP_TEST_PORT:-$((10000 + $$ % 20000))}
emulator=("$KP_BIN/kp-emulator" --state "$state" --vault-port "$port" --login-port $((port + 1))
    --hsm-port $((port + 2)) --metadata-port $((port + 3)) --proxy-port $((port + 4)))

if [ "${1:-}" = set-up ]; then
    printf %s "$AZURE_CLIENT_SECRET" >"$state/secret"
    sed "s|ContosoVault|config:akv|; s|ContosoSecret|s3cret|" "$KP_SRC/examples/sql/tde-setup.sql" >set-up.sql
    for name in Invoices People; do
        cat >>set-up.sql <<SQL
CREATE DATABASE $name;
GO
USE $name;
CREATE DATABASE ENCRYPTION KEY WITH ALGORITHM = AES_256 ENCRYPTION BY SERVER ASYMMETRIC KEY TdeKey;
ALTER DATABASE $name SET ENCRYPTION ON;
GO
SQL
    done
    cat >"$state/ekm.json" <<JSON
{"http": {"ca_file": "$KP_EMULATOR_CA"}, "plugin_dir": "$KP_PLUGIN_DIR",
 "log": {"levels": "info,pipeline=debug"},
 "vaults": {"akv": {"plugin": "azure-keyvault", "location": "localhost:$port",
   "access_secret": {"file": "$state/access"}, "breaker": {"open_ms": 100, "open_max_ms": 200},
   "settings": {"custom_suffix": "localhost", "custom_resource": "https://vault.azure.net",
     "authority": "$KP_EMULATOR_LOGIN",
     "identity": {"client_id": "$AZURE_CLIENT_ID", "secret": {"file": "$state/secret"}}}}},
 "ekm": {"allow": ["config:akv"], "key_map": "$state/map", "log_file": "$state/log",
         "patience_ms": 600000}}
JSON
    printf s3cret >"$state/access"
    export KP_EKM_CONFIG=$state/ekm.json
    ok kp --config "$state/ekm.json" -V akv key create ContosoKey --type RSA --size 2048
    quiet --folder "$state/server" set-up.sql
    exit 0
fi

export KP_TEST_STATE=$state KP_TEST_PORT=$port
"${emulator[@]}" -- bash "$0" set-up 2>err || { cat err >&2; fail "no server to start again"; }
export KP_EKM_CONFIG=$state/ekm.json

# ---- The network comes up late ----

: >"$state/log"
rehearse --folder "$state/server" --restart >out 2>err </dev/null &
starting=$!
# Blocks until the log shows that connections were refused; ends early with the server.
grep -m 3 'pipeline retry .*code=3103' < <(tail -n +1 -F --pid=$starting "$state/log" 2>/dev/null) >seen ||
    { cat out "$state/log" >&2; fail "the server did not wait"; }
kill -0 $starting || { cat out "$state/log" >&2; fail "the server did not wait"; }
"${emulator[@]}" >/dev/null 2>emulator.err &
service=$!
wait $starting || { cat out "$state/log" >&2; fail "not all databases are up"; }
for name in Orders Invoices People; do
    has "Starting up database '$name'"
done
kill $service
wait $service || true

# ---- It does not come at all ----

sed -i 's/"patience_ms": 600000/"patience_ms": 0/' "$state/ekm.json"
message '' 'Provider error code: 3103' --folder "$state/server" --restart
