#!/usr/bin/env bash
# Backup and restore between vaults that share a backup key, and every way it is refused.
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

data_key dek
head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >backup.key
head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >other.key
vault_entry() {
    printf '"%s": {"location": "file:%s/%s", "settings": {"backup_key": {"file": "%s/%s"}}}' \
        "$1" "$PWD" "$1" "$PWD" "$2"
}
printf '{"vaults": {%s, %s, %s}}\n' "$(vault_entry main backup.key)" \
    "$(vault_entry spare backup.key)" "$(vault_entry stranger other.key)" >keyprovider.json
export KP_CONFIG=$PWD/keyprovider.json
ok kp vaults
has main
has spare
ok kp vaults --json
is_json
has '"name":"main"'

ok kp -V main key create app --tag team=a
v1=$(version_of out)
ok kp -V main wrap app --in dek --out v1.kp
ok kp -V main key rotate app
ok kp -V main wrap app --in dek --out v2.kp
ok kp -V main key backup app --out app.backup
mode_is 600 app.backup

# ---- Restored with all versions, under the same names ----

ok kp -V spare key restore --in app.backup
ok kp -V spare key versions app
has "app/$v1"
for n in 1 2; do
    ok kp -V spare unwrap --in v$n.kp --out dek.$n
    same dek dek.$n
done
ok kp -V spare key show app
has 'tag             team=a'

# VAULT/NAME without -V, and the vault recorded in the envelope.
ok kp wrap main/app --in dek --out main.kp
has '"vault":"main"' main.kp
ok kp unwrap --in main.kp --out dek.3
same dek dek.3

# ---- Refusals lose nothing ----

fails 16 '[conflict' kp -V spare key restore --in app.backup
ok kp -V spare unwrap --in v1.kp --out dek.4
same dek dek.4
ok kp -V spare key delete app
fails 16 '[conflict' kp -V spare key restore --in app.backup
ok kp -V spare key recover app
fails_any() {
    local rc=0
    "$@" >out 2>err </dev/null || rc=$?
    [ $rc -ge 12 ] || fail "exit $rc from: $*"
}
fails_any kp -V stranger key restore --in app.backup
fails_any kp -V file:./plain key restore --in app.backup
cp app.backup bad.backup
byte=$(dd if=bad.backup bs=1 skip=100 count=1 status=none)
[ "$byte" = x ] && other=y || other=x
printf '%s' "$other" | dd of=bad.backup bs=1 seek=100 conv=notrunc status=none
ok kp -V spare key delete app
ok kp -V spare key purge app --yes
fails 21 '[integrity' kp -V spare key restore --in bad.backup
fails 15 '[not_found' kp -V spare key show app
fails 21 '[integrity' kp -V spare key restore --in <(head -c 50 app.backup)
ok kp -V spare key restore --in app.backup
ok kp -V spare unwrap --in v1.kp --out dek.5
same dek dek.5
ok kp -V file:./plain key create app
fails_any kp -V file:./plain key backup app

printf 'backup: ok\n'
