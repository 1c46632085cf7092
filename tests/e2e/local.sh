#!/usr/bin/env bash
# What needs no vault: help, explain, version, config, plugins, metrics; exit codes and errors.
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

# ---- help ----

ok kp help
has 'usage: kp [-V VAULT] COMMAND'
ok kp --help
has 'commands:'
while read -r command; do
    # shellcheck disable=SC2086 # "key create" is two words
    ok kp help $command
    has "usage: kp"
    # shellcheck disable=SC2086
    ok kp $command --help
    has "options:"
done < <(kp help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\( [a-z]*\)\{0,1\}\)  .*/\1/p')
ok kp help exit-codes
has 'integrity'
ok kp help algorithms
has RSA-OAEP-256
ok kp help key
has 'key rotate'
fails 2 "no help page 'nosuch'" kp help nosuch
fails 2 "did you mean 'wrap'?" kp warp
fails 2 'no command given' kp
fails 2 'did you mean --vault?' kp --valut x wrap app

# The table of exit codes in docs/CLI.md is the one of the program.
kp help exit-codes | while read -r code name _; do
    grep -qE "^\| $code \| .?$name" "$KP_SRC/docs/CLI.md" || fail "docs/CLI.md lacks exit code $code $name"
done

# ---- version, explain ----

ok kp version
has 'kp 0.'
ok kp --version
has 'plugin abi'
for library in openssl libcurl nghttp2 libuv jansson; do
    grep -qE "^$library [0-9]+[.][0-9]+" out || fail "kp version does not tell the version of $library"
done
ok kp version --json
is_json
has '"abi_major":0'
has '"dependencies":{"openssl":"3'
ok kp explain 2051
has scp_err_OutOfMemory
has 'no_memory'
ok kp explain scp_err_OutOfMemory --json
is_json
has '"code":2051'
ok kp explain throttled
has 'exit code 17'
ok kp explain throttled --json
is_json
fails 15 "'99999' is no documented code" kp explain 99999
fails 15 'no documented code' kp explain nonsense

# ---- config ----

ok kp config schema
is_json
has '$schema'
ok kp config check
is_json
printf '{"vaults": {"main": {"location": "file:/tmp/x", "timeuot_ms": 1}}}' >bad.json
fails 12 'vaults.main.timeuot_ms' kp --config bad.json config check
fails 12 '[config' kp --config bad.json vaults
printf '{"vaults": ' >bad.json
fails 12 'line 1' kp --config bad.json config check
fails 12 'nosuch.json' kp --config nosuch.json vaults
printf '{}' >loose.json
chmod 666 loose.json
fails 12 'loose.json' kp --config loose.json vaults
printf '{"vaults": {"mine": {"location": "file:/tmp/x"}}}' >good.json
ok env KP_CONFIG=good.json "$KP_BIN/kp" vaults
has mine
mkdir -p "$XDG_CONFIG_HOME/keyprovider"
cp good.json "$XDG_CONFIG_HOME/keyprovider/keyprovider.json"
ok kp vaults
has mine
rm -r "$XDG_CONFIG_HOME/keyprovider"
# A secret shows as its source, never as itself.
printf 'hunter2-hunter2' >pass
printf '{"vaults":{"v":{"location":"file:%s/v","settings":{"passphrase":{"file":"%s/pass"}}}}}' \
    "$PWD" "$PWD" >secret.json
ok kp --config secret.json config check
lacks hunter2
has pass

# ---- plugins, metrics ----

ok kp plugins
has file-test
has 'passphrase (secret) '
ok kp plugins --json
is_json
has '"schemes":["file"]'
has '{"name":"passphrase","type":"secret","reloadable":false,"doc":'
ok kp --plugin-dir "$KP_PLUGIN_DIR" plugins
has file-test
ok kp metrics
has '# TYPE'
ok kp metrics --json
is_json

# ---- output that cannot be written ----

if [ -w /dev/full ]; then
    rc=0
    kp help >/dev/full 2>err || rc=$?
    [ $rc -eq 3 ] || fail "a full device gives exit $rc"
    has '[io' err
fi

printf 'local: ok\n'
