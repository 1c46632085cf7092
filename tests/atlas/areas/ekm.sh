#!/usr/bin/env bash
# What SQL Server's interface has numbers for, on a file vault.
# shellcheck source=../lib/atlas.bash
. "$KP_SRC/tests/atlas/lib/atlas.bash"

# provider NAME [MEMBERS]: from now on a provider with a key map and a log of its own.
provider() {
    cat >"$1.json" <<JSON
{"vaults": {"main": {"location": "file:$work/main", "access_secret": {"file": "$work/access"}}},
 "ekm": {"allow": ["config:main"], "key_map": "$work/$1.map", "log_file": "$work/$1.log",
         "patience_ms": 0, "event_level": 2${2:-}}}
JSON
    export KP_EKM_CONFIG=$work/$1.json
}

# opened CODE FAULT IDENTITY SECRET KEY: opening that key shows that number.
opened() {
    script "$3" "$4" "$5"
    seen "$1" "$2" sql --stop open.sql
}

# traced CALL CODE: SQL Server hides this answer; a trace has it.
traced() {
    sql --trace open.sql >trace || true
    sed -n "s/^-- $1: $2\$/Provider error code: $2./p" trace
}

provider plain
kpc() { "$KP_BIN/kp" --config plain.json "$@"; }
ok kpc -V main key create app --type RSA --size 2048
ok kpc -V main key create app2 --type RSA --size 2048
ok kpc -V main key create curve --type EC
ok kpc -V main key create a-name-longer-than-26-characters --type RSA --size 2048

# ---- The interface ----

opened 3 'the key is no RSA key' config:main s3cret curve
opened 5 'IDENTITY names a vault that the configuration does not know' config:nobody s3cret app
opened 6 'IDENTITY is empty' '' s3cret app
opened 2050 'SECRET is shorter than a client id' some.vault.azure.net short app
opened 3900 'IDENTITY is a host that no plugin serves' nosuch.example.test \
    0123456789abcdef0123456789abcdefsecret app
opened 3303 "SECRET is not the vault's access secret" config:main wrong app

script config:main s3cret app
seen 2 'the buffer of a call is too small' traced SqlCryptExportKey 2


printf '{"ekm": nonsense' >broken.json
KP_EKM_CONFIG=$work/broken.json
seen 1 'the configuration is no JSON' sql --stop open.sql

# ---- Thumbprints and the key map ----

provider names ', "thumbprint": "name"'
opened 2049 'the key name does not fit into a name thumbprint' config:main s3cret \
    a-name-longer-than-26-characters
opened 2052 'the key name has a character that a name thumbprint cannot carry' config:main s3cret \
    app_2
script config:main s3cret app2
ok sql --stop open.sql
ok kpc -V main key rotate app2
seen 2057 'the key map has another version under this thumbprint' sql --stop open.sql

provider nowhere
sed -i "s|$work/nowhere.map|$work/access/x.map|" nowhere.json
script config:main s3cret app
seen 2058 'the folder of the key map is none' sql --stop open.sql

provider used
ok sql --stop open.sql
sed -i 's/"key": "0x..../"key": "0x0000/' used.map
seen 2053 'the key map has another public key under this thumbprint' again wrap.sql
rm used.map
ok kpc -V main key delete app
seen 4 'the vault has no key of this thumbprint any more' again wrap.sql

finish
