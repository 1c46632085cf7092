#!/usr/bin/env bash
# The provider on network vaults, over TLS: the walkthroughs on an emulated Key Vault and an emulated
# Managed HSM, and the number a DBA sees for what can go wrong on the way. Each fault is planted in
# the service; nothing here calls the provider's own tables.
if [ -z "${KP_EMULATOR_VAULT:-}" ]; then
    exec "${KP_BIN:?set by ctest}/kp-emulator" --ephemeral -- bash "$0"
fi
# shellcheck source=lib/rehearse.bash
. "$KP_SRC/tests/rehearse/lib/rehearse.bash"
# shellcheck source=../e2e/lib/azure.bash
. "$KP_SRC/tests/e2e/lib/azure.bash"

library=$KP_BUILD/lib/libkeyprovider-ekm.so
printf %s "$AZURE_CLIENT_SECRET" >secret
printf %s a-secret-of-nobody >wrong
printf s3cret >access
id="\"client_id\": \"$AZURE_CLIENT_ID\", \"secret\": {\"file\": \"$work/secret\"}"
stranger="\"client_id\": \"$AZURE_CLIENT_ID\", \"secret\": {\"file\": \"$work/wrong\"}"
# Retried at once, so that a fault that lasts is seen soon; the SQL Server login's own secret.
login="\"access_secret\": {\"file\": \"$work/access\"}, \"retry\": {\"base_ms\": 10},"

# configuration NAME: what the provider of that node reads.
configuration() {
    printf '{"http": {"ca_file": "%s"}, "plugin_dir": "%s", "vaults": {' \
        "$KP_EMULATOR_CA" "$KP_PLUGIN_DIR"
    vault akv azure-keyvault "$port" $key_vault "$id" "$login"
    printf ','
    vault hsm managed-hsm "$hsm_port" $managed_hsm "$id" "$login"
    printf ','
    vault stranger azure-keyvault "$port" $key_vault "$stranger" "$login"
    printf '}, "ekm": {"allow": ["config:akv", "config:hsm", "config:stranger"],'
    printf '"key_map": "%s/%s.map", "log_file": "%s/%s.log",' "$work" "$1" "$work" "$1"
    printf '"patience_ms": 0, "event_level": 2}}'
}

# node NAME: from now on that node's provider, with a key map of its own.
node() {
    configuration "$1" >"$1.json"
    export KP_EKM_CONFIG=$work/$1.json
}

# ---- The walkthroughs, on either service; on the Managed HSM with keys of all three sizes ----

for service in akv hsm; do
    node "$service-node1"
    kpc() { kp --config "$service-node1.json" "$@"; }
    type=RSA
    backup_size=2048
    if [ "$service" = hsm ]; then
        type=RSA-HSM
        backup_size=4096
    fi
    ok kpc -V "$service" key create ContosoKey --type "$type" --size 3072
    ok kpc -V "$service" key create ContosoKey2 --type "$type" --size 2048
    ok kpc -V "$service" key create ContosoBackupKey --type "$type" --size "$backup_size"
    use_scripts "config:$service" "config:$service" s3cret
    quiet --folder "$service" tde-setup.sql
    has 'Orders   ENCRYPTED'
    ok kpc -V "$service" key create ContosoKey --type "$type" --size 3072 # a new version
    quiet --folder "$service" --restart column.sql
    quiet --folder "$service" --restart rotation.sql backup.sql
    quiet --folder "$service" --restart
    has "Starting up database 'Orders'"
    node "$service-node2"
    quiet --folder "$service" --node node2 second-node.sql
    quiet --folder "$service" --node node2 --restart
    has "Starting up database 'OrdersAgain'"
done

# ---- IDENTITY is a host, as the connector has it: nothing of the vault is configured ----

# hosts NAME: that node's provider, which reaches the clouds' host names through the proxy.
hosts() {
    printf '{"http": {"ca_file": "%s", "proxy": "%s"}, "plugin_dir": "%s", "ekm": {' \
        "$KP_EMULATOR_CA" "$KP_EMULATOR_PROXY" "$KP_PLUGIN_DIR" >"$1.json"
    printf '"key_map": "%s/%s.map", "log_file": "%s/%s.log", "patience_ms": 0, "event_level": 2}}' \
        "$work" "$1" "$work" "$1" >>"$1.json"
    export KP_EKM_CONFIG=$work/$1.json
}

client=${AZURE_CLIENT_ID//-/}
for host in emulated emulated.vault.azure.net emulatedhsm.managedhsm.azure.net; do
    hosts "$host"
    use_scripts "$host" "$host" "$client$AZURE_CLIENT_SECRET"
    quiet --folder "$host" tde-setup.sql column.sql
    has 'Orders   ENCRYPTED'
    lacks 'file-test' err # its file in the folder says nothing beside the one that is linked in
    quiet --folder "$host" --restart rotation.sql backup.sql
    quiet --folder "$host" --restart
    has "Starting up database 'Orders'"
    lacks "$AZURE_CLIENT_SECRET" "$host.log"
done

# The other clouds: each has a login host and an audience of its own.
for host in emulated.vault.usgovcloudapi.net emulatedhsm.managedhsm.usgovcloudapi.net \
    emulated.vault.azure.cn emulatedhsm.managedhsm.azure.cn; do
    hosts "$host"
    use_scripts "$host" "$host" "$client$AZURE_CLIENT_SECRET"
    quiet --folder "$host" tde-setup.sql
    quiet --folder "$host" --restart
    has "Starting up database 'Orders'"
done

# A client secret that is wrong: no session waits for the login service, so the first call says it;
# from then on a session with it is refused at once, and the service is not asked.
cat >again.sql <<SQL
CREATE CREDENTIAL Again
    WITH IDENTITY = 'emulated.vault.azure.net', SECRET = '${client}a-secret-of-nobody'
    FOR CRYPTOGRAPHIC PROVIDER VaultProvider;
ALTER LOGIN sa DROP CREDENTIAL AdminVault;
ALTER LOGIN sa ADD CREDENTIAL Again;
CREATE ASYMMETRIC KEY TdeKey FROM PROVIDER VaultProvider
WITH PROVIDER_KEY_NAME = 'ContosoKey', CREATION_DISPOSITION = OPEN_EXISTING;
SQL
hosts refused
use_scripts emulated.vault.azure.net emulated.vault.azure.net "${client}a-secret-of-nobody"
control DELETE /requests
message 33049 'Provider error code: 3303' --folder refused --trace --stop tde-setup.sql
has '-- SqlCryptOpenSession: 0'
has '-- SqlCryptGetKeyInfoByName: 3303'
asked token 1
rm -rf -- refused
control DELETE /requests
message 33028 'Provider error code: 3303' --folder refused --trace tde-setup.sql again.sql
has '-- SqlCryptOpenSession: 0'
has '-- SqlCryptOpenSession: 3303'
asked token 1
has 'call=GetKeyInfoByName step=read number=3303' refused.log
has 'call=OpenSession step=check number=3303' refused.log

# ---- What is wrong with a credential ----

# malformed NUMBER SENTENCE IDENTITY SECRET: the number, and a line that says what to fix; nobody is
# asked, and no piece of the SECRET is shown.
malformed() {
    rm -rf -- malformed malformed.log
    control DELETE /requests
    use_scripts "$3" "$3" "$4"
    message 33028 "Provider error code: $1" --folder malformed tde-setup.sql
    has "call=OpenSession step=check number=$1 " malformed.log
    has "$2" malformed.log
    asked token 0
    asked get_key 0
    lacks "$4" malformed.log
}

host=emulated.vault.azure.net
secret=$client$AZURE_CLIENT_SECRET
hosts malformed
malformed 2050 'SECRET has 5 characters' $host hush!
malformed 3303 'has its hyphens: take the four of them out' $host "$AZURE_CLIENT_ID$AZURE_CLIENT_SECRET"
malformed 3303 'does not begin with a client id' $host "${client/?/x}hush!"
malformed 3303 'the client secret is missing' $host "$client"
malformed 3900 'leave https:// and everything after' https://$host "$secret"
malformed 3900 'is no name of a vault' 'con toso' "$secret"
malformed 5 'network or device path' file://server/share "$secret"

# ---- What a DBA sees ----

# sees NUMBER RULE: while the service does what the rule says, opening the key prints that number.
sees() {
    control DELETE /scenario
    [ -z "$2" ] || fault "$2"
    rm -rf -- faults.d
    rm -f -- faults.log
    message '' "Provider error code: $1" --folder faults.d tde-setup.sql
}

# tells WORDS...: the line of the call that failed has these words.
tells() {
    local words
    grep -F ' ekm failed call=GetKeyInfoByName step=read ' faults.log | tail -n 1 >line || true
    for words in "$@"; do has "$words" line; done
}

node faults
use_scripts config:akv config:akv s3cret
sees 3109 '{"kind": "get_key", "times": 99, "fault": "status", "status": 429}'
sees 3111 '{"kind": "get_key", "times": 99, "fault": "status", "status": 503}'
sees 3113 '{"kind": "get_key", "times": 99, "fault": "status", "status": 403}'
tells ' number=3113 ' ' vault=config:akv ' ' key=ContosoKey ' ' class=forbidden ' \
    ' http_status=403 ' ' service_code=Forbidden' ' request_id=' \
    ' text="get_key of key ContosoKey at localhost:' \
    'HTTP 403 Forbidden' ' advice="'
sees 3112 '{"kind": "get_key", "times": 99, "fault": "status", "status": 404}'
sees 3404 '{"kind": "get_key", "times": 99, "fault": "body", "body": "<html></html>"}'
sees 3405 '{"kind": "get_key", "times": 99, "fault": "body", "body": "{}"}'
sees 3206 '{"kind": "*", "times": 99, "fault": "challenge", "challenge": "Bearer x=y"}'
sees 3203 '{"kind": "*", "times": 99, "fault": "challenge", "challenge":
  "Bearer authorization=\"https://login.evil.example/x\", resource=\"https://vault.azure.net\""}'
sees 3307 '{"kind": "token", "times": 99, "fault": "body", "body": "<html></html>"}'
control DELETE /scenario

tells ' number=3307 ' ' class=protocol ' ' advice="'

# An identity that the login service refuses, and the login's own secret.
use_scripts config:stranger config:stranger s3cret
sees 3303 ''
use_scripts config:akv config:akv another
sees 3303 ''
use_scripts config:nobody config:nobody s3cret
sees 5 ''
lacks "$(cat secret)" faults.log
lacks "$(cat wrong)" faults.log
