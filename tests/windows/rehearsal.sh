#!/usr/bin/env bash
# The walkthrough of examples/sql on file vaults: the engine, played, with the DLL that SQL Server loads.
set -euo pipefail
# shellcheck source=tests/windows/lib/windows.bash
. "${KP_SRC:?}/tests/windows/lib/windows.bash"
enter_work

printf s3cret >access
vault() {
    printf '"%s": {"location": "file:%s\\\\%s", "access_secret": {"file": "%s\\\\access"}}' \
        "$1" "$windows_work" "$1" "$windows_work"
}
printf '{"vaults": {%s, %s}, "ekm": {"allow": ["config:main", "config:spare"], "key_map": "%s\\\\map",
    "log_file": "%s\\\\log", "patience_ms": 0, "event_level": 2}}' \
    "$(vault main)" "$(vault spare)" "$windows_work" "$windows_work" >node.json
export KP_CONFIG="C:\\${work##*/}\\node.json" KP_EKM_CONFIG="C:\\${work##*/}\\node.json"

cp -- "$src"/examples/sql/*.sql .
sed -i 's/ContosoVault/config:main/; s/FabrikamVault/config:spare/; s/ContosoSecret/s3cret/' ./*.sql
cp -- "$build/lib/keyprovider-ekm.dll" .
for key in ContosoKey ContosoKey2 ContosoBackupKey; do
    kp -V main key create "$key" --type RSA --size 2048 >/dev/null
done
rehearse() { windows "$bin/ekm-rehearse.exe" --provider "C:\\${work##*/}\\keyprovider-ekm.dll" "$@"; }
rehearse tde-setup.sql || fail 'TDE could not be set up'
rehearse --restart || fail 'the databases did not open after a restart'
rehearse --restart rotation.sql backup.sql || fail 'rotation and backup'
mv main lost
if rehearse --restart; then fail 'a database opened without its vault'; fi
mv lost main
rehearse --restart || fail 'the databases did not open after the vault came back'
