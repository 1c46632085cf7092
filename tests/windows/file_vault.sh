#!/usr/bin/env bash
# kp.exe on a file vault: wrapped, rotated, unwrapped with the old version, backed up, restored.
set -euo pipefail
# shellcheck source=tests/windows/lib/windows.bash
. "${KP_SRC:?}/tests/windows/lib/windows.bash"
enter_work

head -c 32 /dev/urandom >dek
head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >backup.key
vault() {
    printf '"%s": {"location": "file:%s\\\\%s", "settings": {"backup_key": {"file": "%s"}}}' \
        "$1" "$windows_work" "$1" "$windows_work\\\\backup.key"
}
printf '{"vaults": {%s, %s}}' "$(vault main)" "$(vault spare)" >kp.json
export KP_CONFIG="C:\\${work##*/}\\kp.json"

kp -V main key create app --type RSA --size 2048 >/dev/null
kp -V main wrap app --in dek --out dek.kp
kp -V main unwrap --in dek.kp --out dek.2
cmp dek dek.2 || fail 'unwrapped bytes differ'
kp -V main key rotate app >/dev/null
kp -V main unwrap --in dek.kp --out dek.3
cmp dek dek.3 || fail 'unwrapped bytes differ after a rotation'
[ "$(kp -V main key versions app | grep -c app/)" = 2 ] || fail 'two versions were made'
kp -V main key backup app --out app.backup
kp -V spare key restore --in app.backup >/dev/null
kp -V spare unwrap --in dek.kp --out dek.4
cmp dek dek.4 || fail 'unwrapped bytes differ in the other vault'

# Somebody else could write the vault: it is refused.
chmod 777 main
if kp -V main key list 2>err; then fail 'a vault that everybody can write was opened'; fi
grep -q . err || fail 'nothing was said of it'
