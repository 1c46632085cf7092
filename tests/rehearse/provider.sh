#!/usr/bin/env bash
# The same walkthroughs against the provider of this project on file vaults: set-up, restart,
# rotation by a new version and by a new key, backup, a second node without local state, and the
# vault that is lost while its keys come back under the same names in another one.
# shellcheck source=lib/rehearse.bash
. "$KP_SRC/tests/rehearse/lib/rehearse.bash"

library=$KP_BUILD/lib/libkeyprovider-ekm.so

# node NAME: the configuration of that node's provider, with a key map and a log of its own.
node() {
    cat >"$1.json" <<JSON
{
  "vaults": {
    "main": {"location": "file:$work/main", "access_secret": {"file": "$work/access"},
             "settings": {"backup_key": {"file": "$work/backup.key"}}},
    "moved": {"location": "file:$work/moved", "access_secret": {"file": "$work/access"}},
    "spare": {"location": "file:$work/spare", "access_secret": {"file": "$work/access"},
              "settings": {"backup_key": {"file": "$work/backup.key"}}}
  },
  "ekm": {"allow": ["config:main", "config:moved", "config:spare"], "key_map": "$work/$1.map",
          "log_file": "$work/$1.log", "patience_ms": 0, "event_level": 2}
}
JSON
    export KP_EKM_CONFIG=$work/$1.json
}

printf 's3cret' >access
head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >backup.key
node node1
kpc() { kp --config node1.json "$@"; }
ok kpc -V main key create ContosoKey --type RSA --size 3072
ok kpc -V main key create ContosoKey2 --type RSA --size 2048
ok kpc -V main key create ContosoBackupKey --type RSA --size 2048
use_scripts config:main config:spare s3cret

quiet tde-setup.sql
has 'Orders   ENCRYPTED'
quiet --restart
has "Starting up database 'Orders'"

# ---- Rotation: a new version of the old key changes nothing, a new key does ----

ok kpc -V main key rotate ContosoKey
quiet --restart column.sql
quiet --restart rotation.sql backup.sql new-key.sql
quiet --restart

# NAME/VERSION as a server key of its own: an older version beside the current one, and each stays.
ok kpc -V main key versions ContosoKey
grep -o '[0-9a-f]\{32\}' out >versions
[ "$(sort -u versions | wc -l)" -eq 2 ] || fail "ContosoKey has other versions than two: $(cat versions)"
ok kpc -V main key show ContosoKey
older=$(grep -v "$(grep -o '[0-9a-f]\{32\}' out | head -n 1)" versions | head -n 1)
sed "s|ContosoKey2|ContosoKey/$older|; s/TdeKey2/TdeKeyOld/; s/TdeLogin2/TdeLoginOld/; s/TdeVault2/TdeVaultOld/" \
    rotation.sql >pinned.sql
quiet --node pinned tde-setup.sql pinned.sql
quiet --node pinned --restart column.sql
has "Starting up database 'Orders'"
ok kpc keymap list --map node1.map
has "ContosoKey/$older"

# ---- A second node knows the vault and nothing else ----

node node2
quiet --node node2 second-node.sql
quiet --node node2 --restart
has "Starting up database 'OrdersAgain'"
[ -s node2.map ] || fail 'node2 kept no key map'
rm node2.map
quiet --node node2 --restart

# ---- Many databases start on one vault ----

for i in $(seq 500); do
    cat <<SQL
CREATE DATABASE Many$i;
USE Many$i;
CREATE DATABASE ENCRYPTION KEY WITH ALGORITHM = AES_256 ENCRYPTION BY SERVER ASYMMETRIC KEY TdeKey;
ALTER DATABASE Many$i SET ENCRYPTION ON;
SQL
done >many.sql
quiet --node many tde-setup.sql many.sql
quiet --node many --restart
[ "$(grep -c '^Starting up database' out)" -eq 501 ] || fail 'not all of 501 databases started'

# ---- Every order of calls the other way ----

for order in register credential altered-credential open-key new-key new-key-size use-key crypt params \
    reencrypt; do
    options+=(--order "$order=b")
done
quiet --node node3 tde-setup.sql
quiet --node node3 --restart rotation.sql
quiet --node node3 --restart column.sql
sed 's/ContosoFreshKey/ContosoFreshKey3/' new-key.sql >new-key3.sql
quiet --node node3 new-key3.sql
options=()

# ---- From another provider to this one, on the same key ----

make_vault OldVault ContosoKey
ok kpc -V moved key import ContosoKey --in "$SCRIPTED_EKM_ROOT/OldVault/ContosoKey.pem"
sed 's/config:main/OldVault/' tde-setup.sql >old.sql
ours=$library
library=$KP_TEST_PLUGIN_DIR/scripted-ekm.so
options=(--node moving --map "C:\\Program Files\\keyprovider\\new\\keyprovider-ekm.dll=$ours")
quiet old.sql
sed -i 's/config:spare/config:moved/' moving-over.sql
quiet --restart moving-over.sql
lacks VaultProvider
quiet --restart
has "Starting up database 'Orders'"
library=$ours
options=()

# ---- Wrong SECRET, wrong vault ----

node node1
sed 's/s3cret/wrong/' tde-setup.sql >wrong.sql
message '' 'Provider error code: 3303' --node stranger wrong.sql
sed 's/config:main/config:other/' tde-setup.sql >elsewhere.sql
message '' 'Provider error code: 5' --node stranger2 elsewhere.sql

# ---- The vault is lost ----

for key in ContosoKey ContosoKey2 ContosoBackupKey; do
    ok kpc -V main key backup "$key" --out "$key.backup"
done
mv main gone
message 3414 'Provider error code: ' --restart
for key in ContosoKey ContosoKey2 ContosoBackupKey; do
    ok kpc -V spare key restore --in "$key.backup"
done
quiet vault-lost.sql
quiet --restart
has 'ekm note vault=config:spare text="key ContosoKey' node1.log
has 'has moved to this vault; its record is updated' node1.log
has "Starting up database 'Orders'"
quiet column.sql
quiet tear-down.sql

printf 'provider: ok\n'
