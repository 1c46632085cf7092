#!/usr/bin/env bash
# The key map from the command line: added to, copied to another node, imported from the registry.
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

M="--map $work/keys.json"
O="--map $work/other.json"
T=0x373B314B78E8D59A0925494558FEF14B726216C5

ok kp -V file:./vault key create tde --type RSA
# shellcheck disable=SC2086
{
    ok kp -V file:./vault keymap add tde $M
    has '1 added'
    ok kp -V file:./vault keymap add tde $M
    has '1 known already'
    ok kp keymap list $M
    has 'public-key'
    has 'file:./vault'
    has 'tde/'

    # The thumbprint is the one that the openssl command computes.
    ok kp -V file:./vault key show tde --json
    ok kp keymap list --json $M
    has '"scheme":"public-key"'

    # A rotated key has another thumbprint, so nothing is in conflict.
    ok kp -V file:./vault key rotate tde
    ok kp -V file:./vault keymap add tde $M
    has '1 added'
    ok kp -V file:./vault keymap add tde --thumbprint $T $M
    ok kp -V file:./vault key create two --type RSA
    fails 16 'is recorded for' kp -V file:./vault keymap add two --thumbprint $T $M

    # Another node.
    ok kp keymap export --out map.json $M
    ok kp keymap import --in map.json $O
    has '3 added'
    ok kp keymap import --in map.json $O
    has '3 known already'

    # The registry of the connector.
    {
        printf 'Windows Registry Editor Version 5.00\r\n\r\n'
        printf '[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\SQL Server Cryptographic Provider'
        printf '\\Azure Key Vault\\https://team.vault.azure.net\\%s]\r\n' "${T#0x}"
        printf '"KeyUri"="https://team.vault.azure.net/keys/tde/8f2a"\r\n'
    } >map.reg
    ok kp keymap import --in map.reg --json $O
    has '"added":1'
    ok kp keymap list $O
    has 'team.vault.azure.net'
    has 'tde/8f2a'
    printf 'neither\n' >bad
    fails 2 'line 1' kp keymap import --in bad $O

    # Forgetting.
    fails 2 'say --yes' kp keymap remove $T $O
    ok kp -V team.vault.azure.net keymap remove $T --yes $O
    ok kp keymap list $O
    lacks team.vault.azure.net
    has $T
    ok kp keymap remove $T --yes $O
    fails 15 'no record' kp keymap remove $T --yes $O
    fails 2 'hex' kp keymap remove xyz --yes $O

    # Without --map it is the configuration's, which the SQL Server provider writes to.
    printf '{"ekm": {"key_map": "%s/ours.json"}}' "$work" >ekm.json
    ok kp --config ekm.json -V file:./vault keymap add tde
    [ -s ours.json ] || fail 'ekm.key_map was not written to'
    ok kp --config ekm.json keymap list
    has 'tde/'
    ok kp keymap export --out again.json --map ours.json
    has 'tde' again.json

    # A map that somebody else can write is not used.
    chmod 666 keys.json
    fails 12 'can be written' kp keymap list $M
    chmod 600 keys.json
    printf '{' >keys.json
    fails 12 'JSON' kp keymap list $M
}

printf 'keymap: ok\n'
