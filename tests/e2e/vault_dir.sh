#!/usr/bin/env bash
# The directory: who may make one, whose permissions are too lax, a passphrase, many processes.
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

data_key dek

# ---- Only create, import and restore make a vault ----

for command in 'key list' 'key show app' 'key rotate app' 'wrap app' 'random 8' 'key delete app'; do
    # shellcheck disable=SC2086 # the words of a command
    fails 15 '[not_found' kp -V $V $command
done
[ ! -e vault ] || fail "a command that only reads made a vault"
mkdir folder
printf 'mine' >folder/letter
rc=0
kp -V file:./folder key create app >out 2>err || rc=$?
[ $rc -ne 0 ] || fail "a folder with other files became a vault"
[ "$(ls folder)" = letter ] || fail "something was put into a folder with other files"

# ---- Permissions ----

ok kp -V $V key create app
mode_is 700 vault
[ -z "$(find vault -type f ! -perm 600)" ] || fail "a file of the vault has not mode 600"
ok kp -V $V wrap app --in dek --out dek.kp
chmod 755 vault
fails 12 '[config' kp -V $V unwrap --in dek.kp
chmod 700 vault
ok kp -V $V unwrap --in dek.kp --out dek.2
same dek dek.2
file=$(find vault -type f | head -n 1)
chmod 644 "$file"
rc=0
kp -V $V key create other >out 2>err || rc=$?
kp -V $V unwrap --in dek.kp >out 2>err || rc=$?
[ $rc -ne 0 ] || fail "a file that others can read was accepted"
chmod 600 "$file"

# ---- A passphrase ----

printf 'correct horse battery staple' >pass
printf 'wrong horse' >wrong
entry='{"vaults":{"v":{"location":"file:%s/sealed","settings":{"scrypt_log2_n":10,"passphrase":{"file":"%s/%s"}}}}}'
# shellcheck disable=SC2059 # the format is the template
printf "$entry" "$PWD" "$PWD" pass >right.json
# shellcheck disable=SC2059
printf "$entry" "$PWD" "$PWD" wrong >wrong.json
ok kp --config right.json -V v key create app
ok kp --config right.json -V v wrap app --in dek --out sealed.kp
ok kp --config right.json -V v unwrap --in sealed.kp --out dek.3
same dek dek.3
fails 13 '[auth' kp --config wrong.json -V v unwrap --in sealed.kp
fails 13 '[auth' kp -V file:./sealed unwrap --in sealed.kp
lacks horse err
if grep -rqF horse sealed; then fail "the passphrase is in the vault"; fi

# ---- Many processes at once ----

pids=()
for i in $(seq 8); do
    (
        kp -V $V key create "own-$i" --type oct >/dev/null
        for _ in 1 2 3; do kp -V $V key rotate shared >/dev/null 2>&1 || kp -V $V key create shared --type oct >/dev/null; done
        kp -V $V wrap app --in dek --out "p$i.kp"
        kp -V $V unwrap --in "p$i.kp" --out "p$i.dek"
        cmp -s dek "p$i.dek"
    ) &
    pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || fail "one of the concurrent processes failed"; done
ok kp -V $V key list
[ "$(grep -c '^own-' out)" -eq 8 ] || fail "keys were lost"
ok kp -V $V key versions shared
[ "$(wc -l <out)" -eq 24 ] || fail "of 24 new versions $(wc -l <out) are there"

# A change of one process is honoured by the next call of every other.
ok kp -V $V key update app --disabled
fails 14 '[forbidden' kp -V $V wrap app --in dek
ok kp -V $V key update app --enabled
ok kp -V $V wrap app --in dek --out last.kp

printf 'vault_dir: ok\n'
