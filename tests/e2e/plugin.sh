#!/usr/bin/env bash
# A plugin of somebody else, the smallest example: loaded from its folder, refused where others can
# write, and not believed when it answers for another key version.
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

: "${KP_BUILD:?set by ctest}"
mkdir plugins
cp "$KP_BUILD/examples/plugin-null.so" plugins/
null() {
    kp --plugin-dir plugins "$@"
}

data_key dek
ok null plugins
has 'null 1.0.0'
has 'PROTECTS NOTHING' "$KP_SRC/examples/plugin-null/null.c"
has 'operations wrap, unwrap'
ok null -V null:x wrap any --alg A256KW --in dek --out dek.kp
has '"key":"any/1"' dek.kp
ok null unwrap --in dek.kp --out dek.2
same dek dek.2
ok null -V null:x wrap any --alg A256KW --raw --in dek --out dek.raw
same dek dek.raw
# It answers for version 1 whatever it is asked.
fails 21 '[integrity' null -V null:x unwrap any/2 --raw --alg A256KW --in dek --out dek.3
[ ! -e dek.3 ] || fail "an answer for another version left a file"

fails 2 'name the algorithm with --alg' null -V null:x wrap any --in dek
fails 25 '[unsupported' null -V null:x key create any
fails 25 '[unsupported' null -V null:x key list
fails 12 '[config' kp -V null:x key list

chmod 777 plugins
fails 12 'plugins' null plugins
chmod 700 plugins
chmod 666 plugins/plugin-null.so
ok null plugins
lacks 'null 1.0.0'
has 'refused' err
has "chmod go-w '$PWD/plugins/plugin-null.so'" err
fails 12 '[config' null -V null:x key list
chmod 600 plugins/plugin-null.so
printf 'hello' >plugins/text.so
ok null plugins
has 'null 1.0.0'
has 'plugins/text.so' err
rm plugins/text.so

# ---- Pinned ----

ok kp plugin inspect plugins/plugin-null.so
pin=$(sha256sum <plugins/plugin-null.so | cut -c1-64)
has "sha256         $pin"
lacks sign
ok kp plugin inspect plugins/plugin-null.so --json
is_json
has "\"sha256\":\"$pin\""
fails 3 'nosuch.so' kp plugin inspect nosuch.so
fails 2 "'plugin' needs one more word: inspect" kp plugin
printf '{"plugins": [{"name": "plugin-null", "sha256": "%s"}]}' "$pin" >pinned.json
ok null --config pinned.json plugins
has 'null 1.0.0'
printf '{"plugins": [{"name": "plugin-null", "sha256": "%s0"}]}' "${pin:1}" >pinned.json
fails 12 'its SHA-256 is not the one the configuration pins' null --config pinned.json plugins
# Nobody signs files here, and a pin of a signer is not passed over.
printf '{"plugins": [{"name": "plugin-null", "sha256": "%s", "signer_sha256": "%s"}]}' "$pin" "$pin" \
    >pinned.json
fails 12 'signer_sha256 is for Windows' null --config pinned.json plugins

# ---- Checked from outside ----

printf '{"vaults": {"f": {"location": "file:%s/vault", "may_create": true}}}' "$PWD" >file.json
ok "$KP_BIN/example-check" file.json file-test f checked "$KP_PLUGIN_DIR"
has 'ok      wrap with RSA-OAEP-256'
has 'ok      another version is refused'
has 'ok      each operation under way ends once'
printf '{"vaults": {"n": {"location": "null:x"}}}' >null.json
fails 2 'does not create RSA keys' "$KP_BIN/example-check" null.json null n checked plugins
fails 2 'there is no such plugin' "$KP_BIN/example-check" null.json nosuch n checked plugins

# ---- Which folder ----

printf '{"plugin_dir": "%s/plugins"}' "$PWD" >plugins.json
ok kp --config plugins.json plugins
has 'null 1.0.0'
lacks file-test
ok kp --config plugins.json --plugin-dir "$KP_PLUGIN_DIR" plugins
has file-test
fails 12 'nosuch' kp --plugin-dir nosuch plugins

printf 'plugin: ok\n'
