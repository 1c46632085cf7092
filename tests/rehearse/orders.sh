#!/usr/bin/env bash
# The provider of this project under each order of calls that nobody has confirmed on a live engine:
# alone, on a server of its own, from set-up over rotation and backup to another server. All at once
# is provider.sh's.
# shellcheck source=lib/rehearse.bash
. "$KP_SRC/tests/rehearse/lib/rehearse.bash"

library=$KP_BUILD/lib/libkeyprovider-ekm.so
cat >ekm.json <<JSON
{"vaults": {"main": {"location": "file:$work/main", "access_secret": {"file": "$work/access"}}},
 "ekm": {"allow": ["config:main"], "key_map": "$work/map", "log_file": "$work/log",
         "patience_ms": 0, "event_level": 2}}
JSON
printf s3cret >access
export KP_EKM_CONFIG=$work/ekm.json
for key in ContosoKey ContosoKey2 ContosoBackupKey; do
    ok kp --config ekm.json -V main key create "$key" --type RSA --size 2048
done
use_scripts config:main config:main s3cret

"$KP_BIN/ekm-rehearse" --help >help
orders=$(sed -n 's/^  \([a-z-]*\)  *a: .*/\1/p' help)
[ "$(wc -w <<<"$orders")" -ge 10 ] || fail "the orders of --help: $orders"
for order in $orders; do
    options=(--folder "$order" --order "$order=b")
    sed "s/ContosoFreshKey/Fresh-$order/" new-key.sql >new-key1.sql
    quiet tde-setup.sql column.sql new-key1.sql
    quiet --restart rotation.sql backup.sql vault-lost.sql
    quiet --restart column.sql
    has "Starting up database 'Orders'"
    quiet --node node2 second-node.sql
    quiet --node node2 --restart
    has "Starting up database 'OrdersAgain'"
    quiet tear-down.sql
done
