#!/usr/bin/env bash
# The scripts of examples/sql from set-up to tear-down, then the vault that is lost; with every order
# of calls that is not confirmed, one by one and all at once.
# shellcheck source=lib/rehearse.bash
. "$KP_SRC/tests/rehearse/lib/rehearse.bash"

make_vault template ContosoKey ContosoKey2 ContosoBackupKey
use_scripts

set_up() {
    rm -rf -- rehearsal "$SCRIPTED_EKM_ROOT/ContosoVault" "$SCRIPTED_EKM_ROOT/FabrikamVault" lost
    cp -r -- "$SCRIPTED_EKM_ROOT/template" "$SCRIPTED_EKM_ROOT/ContosoVault"
    mkdir -- "$SCRIPTED_EKM_ROOT/FabrikamVault"
    quiet tde-setup.sql
    has 'Orders   ENCRYPTED             AES           256'
    quiet --restart
    has "Starting up database 'Orders'"
}

use() {
    quiet --restart rotation.sql
    quiet --restart backup.sql
    quiet column.sql
    has '256                     4111 1111 1111 1111'
    quiet new-key.sql
    has 'still is in the provider'
}

second_node() {
    quiet --node node2 second-node.sql
    has 'OrdersAgain ONLINE     1'
    quiet --node node2 --restart
    has "Starting up database 'OrdersAgain'"
}

lose_the_vault() {
    mv -- "$SCRIPTED_EKM_ROOT/ContosoVault" lost
    message 3414 'Provider error code: 3900' --restart
    message 945 RECOVERY_PENDING backup.sql
    cp -r -- lost/. "$SCRIPTED_EKM_ROOT/FabrikamVault"
    quiet vault-lost.sql
    has 'BackupVault FabrikamVault'
    quiet --restart
    has "Starting up database 'Orders'"
}

tear_down() {
    quiet tear-down.sql
    grep -qF '"credentials": []' rehearsal/node1/catalog.json || fail 'credentials are left'
    grep -qF '"keys": []' rehearsal/node1/catalog.json || fail 'keys are left'
    grep -qF '"providers": []' rehearsal/node1/catalog.json || fail 'a provider is left'
}

# ---- As it is, and all orders the other way ----

set_up
lacks 's3cret' rehearsal/node1/catalog.json
mode_is 600 rehearsal/node1/catalog.json
mode_is 600 rehearsal/node1/service.key
use
second_node
lose_the_vault
tear_down

ok rehearse --help
mapfile -t orders < <(sed -n '/^orders/,$s/^  \([a-z-]*\) .*/\1/p' out)
[ "${#orders[@]}" -eq 10 ] || fail "--help lists ${#orders[@]} orders"

for order in "${orders[@]}"; do
    has "| \`$order\` |" "$KP_SRC/docs/REHEARSAL.md"
    options+=(--order "$order=b")
done
set_up
use
second_node
rm -rf -- rehearsal

# ---- One by one ----

for order in "${orders[@]}"; do
    options=(--order "$order=b")
    set_up
    quiet rotation.sql
    quiet column.sql
done

# The two orders that ask the provider about a credential by themselves.
options=(--order credential=open-session)
rm -rf -- rehearsal
sed "s/s3cret/wrong/" tde-setup.sql >wrong.sql
message 33028 'Provider error code: 3303' wrong.sql

# ---- Chance repeats with its seed ----

options=()
set_up
ok rehearse --seed 7 --trace --restart
cp out first
ok rehearse --seed 7 --trace --restart
same first out

printf 'walkthroughs: ok\n'
