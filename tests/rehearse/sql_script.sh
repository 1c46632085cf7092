#!/usr/bin/env bash
# What `kp sql script` writes runs as it stands, on file vaults: set-up, then a rotation to another
# key and to another version of it, each seen by a restarted server.
# shellcheck source=lib/rehearse.bash
. "$KP_SRC/tests/rehearse/lib/rehearse.bash"

library=$KP_BUILD/lib/libkeyprovider-ekm.so
vault=file:$work/vault

cat >node.json <<JSON
{"ekm": {"allow": ["$vault"], "key_map": "$work/keys.map", "log_file": "$work/log",
         "patience_ms": 0, "event_level": 2}}
JSON
export KP_EKM_CONFIG=$work/node.json

ok kp -V "$vault" key create tde --type RSA --size 3072
ok kp -V "$vault" key create tde2 --type RSA

printf 'CREATE DATABASE Sales;\nGO\n' >database.sql
quiet database.sql

# ---- Set-up ----

ok kp -V "$vault" sql script tde --database Sales
cp out setup.sql
quiet setup.sql
has 'Sales    ENCRYPTED'
quiet --restart
has "Starting up database 'Sales'"

# ---- Rotation ----

ok kp -V "$vault" sql script tde2 --database Sales --rotate
cp out rotate.sql
quiet --restart rotate.sql
quiet --restart
has "Starting up database 'Sales'"

ok kp -V "$vault" key rotate tde2
version=$(version_of out)
ok kp -V "$vault" sql script "tde2/$version" --database Sales --rotate
has "N'tde2/$version'"
cp out rotate.sql
quiet --restart rotate.sql
quiet --restart
has "Starting up database 'Sales'"

# ---- What it does not write ----

ok kp sql script contoso.vault.azure.net/app --json
has '{"sql":"'
has "IDENTITY = N'contoso'"
lacks 'DATABASE ENCRYPTION KEY'
ok kp sql script contoso.vault.azure.net/app --managed-identity --login 'CONTOSO\dba'
has "SECRET = N'Managed Identity'"
has 'ALTER LOGIN [CONTOSO\dba] ADD CREDENTIAL [kp_app_admin];'
fails 2 'whole path' kp -V file:./vault sql script tde
fails 2 'machine' kp -V payroll sql script tde --managed-identity
fails 2 'characters' kp sql script contoso.vault.azure.net/app --database ''
fails 2 'one more word' kp sql

printf 'sql_script: ok\n'
