# What every area of the atlas begins with, started by atlas.sh under an emulator of its own: a
# configuration, a key, and the words in which a fault and its number are written down. Sourced.
# shellcheck shell=bash disable=SC2034
# shellcheck source=../../e2e/lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"
# shellcheck source=../../e2e/lib/azure.bash
. "$KP_SRC/tests/e2e/lib/azure.bash"

: "${KP_ATLAS_BIN:?set by atlas.sh}" "${KP_ATLAS_ROWS:?set by atlas.sh}"

n_wrong=0
kid=https://localhost:$port/keys/app/0123456789abcdef0123456789abcdef
printf %s "$AZURE_CLIENT_SECRET" >secret
printf s3cret >access
id="\"client_id\": \"$AZURE_CLIENT_ID\""
own="$id, \"secret\": {\"file\": \"$work/secret\"}"
# What lets SQL Server's credentials in.
login="\"access_secret\": {\"file\": \"$work/access\"},"
# Repeated at once, so that a fault that lasts is seen soon.
hasty="$login \"retry\": {\"base_ms\": 1, \"max_attempts\": 2},"

# configure FILE HTTP VAULT...: a configuration with these members of "http" and these vaults, each
# as `vault` writes it; SQL Server may name them all.
configure() {
    local file=$1 http=$2 vault name allow=()
    shift 2
    for vault in "$@"; do
        name=${vault#*\"}
        allow+=("\"config:${name%%\"*}\"")
    done
    {
        printf '{"plugin_dir": "%s", "http": {"ca_file": "%s/ca.pem", "proxy": "none"%s}, "vaults": {' \
            "$KP_PLUGIN_DIR" "$work" "$http"
        (IFS=, && printf '%s' "$*")
        printf '}, "ekm": {"allow": ['
        (IFS=, && printf '%s' "${allow[*]}")
        printf '], "key_map": "%s/map", "log_file": "%s/log", "patience_ms": 0, "event_level": 2}}' \
            "$work" "$work"
    } >"$file"
}

# at PORT NAME [IDENTITY]: a vault of that name at a port of this machine.
at() {
    vault "$2" azure-keyvault "$1" $key_vault "${3:-$own}" "$hasty"
}

cat -- "$KP_EMULATOR_CA" >ca.pem
configure kp.json '' "$(at "$port" akv)"
export KP_CONFIG=$work/kp.json

kp() {
    local program=$KP_BIN/kp
    [ -z "${KP_STARVE:-}" ] || program=$KP_ATLAS_BIN/atlas-starved-kp
    "$program" "$@"
}

# ---- What is done while the fault is there ----

show() { kp -V "$1" key show app; }
list() { kp -V "$1" key list; }
backup() { kp -V "$1" key backup app --out blob; }
wrap() { kp -V "$1" wrap app --alg RSA-OAEP-256 --in dek --out wrapped; }
unwrap() { kp -V "$1" unwrap --in dek.kp --out unwrapped; }
again() { "$KP_BIN/ekm-rehearse" --provider "$KP_BUILD/lib/libkeyprovider-ekm.so" "$@"; }
sql() { # on a new server
    rm -rf -- rehearsal
    again "$@"
}

# script IDENTITY SECRET KEY: open.sql opens a key of a vault.
script() {
    cat >open.sql <<SQL
EXEC sp_configure 'show advanced options', 1;
RECONFIGURE;
EXEC sp_configure 'EKM provider enabled', 1;
RECONFIGURE;
GO
CREATE CRYPTOGRAPHIC PROVIDER P FROM FILE = 'C:\ekm\keyprovider-ekm.dll';
CREATE CREDENTIAL C WITH IDENTITY = '$1', SECRET = '$2' FOR CRYPTOGRAPHIC PROVIDER P;
ALTER LOGIN sa ADD CREDENTIAL C;
GO
CREATE ASYMMETRIC KEY K FROM PROVIDER P
WITH PROVIDER_KEY_NAME = '$3', CREATION_DISPOSITION = OPEN_EXISTING;
SQL
}

# by_sql VAULT SCRIPT...: on a new server, with a key of that vault.
by_sql() {
    local vault=$1
    shift
    script "config:$vault" s3cret app
    KP_EKM_CONFIG=$KP_CONFIG sql --stop open.sql "$@"
}

cat >wrap.sql <<'SQL'
DECLARE @wrapped varbinary(8000) = ENCRYPTBYASYMKEY(ASYMKEY_ID('K'), N'4111');
SQL
cat wrap.sql - >unwrap.sql <<'SQL'
PRINT DECRYPTBYASYMKEY(ASYMKEY_ID('K'), @wrapped);
SQL
# What SQL Server does in the place of a command of kp.
sql_show() { by_sql "$1"; }
sql_wrap() { by_sql "$1" wrap.sql; }
sql_unwrap() { by_sql "$1" unwrap.sql; }

where_of() {
    case $1 in
    show | list | backup) echo "\`kp key $1\`" ;;
    sql | sql_* | again) echo 'T-SQL' ;;
    traced) echo 'T-SQL, traced' ;;
    run) echo "\`$2${3:+ $3}\`" ;;
    *) echo "\`kp $1\`" ;;
    esac
}

# number_of COMMAND...: the number that kp, or SQL Server's message, shows.
number_of() {
    rm -f -- out err log
    "$@" >out 2>err </dev/null || true
    {
        sed -n 's/^kp: .*, code \([0-9]*\)\]$/\1/p' err
        sed -n 's/.*Provider error code: \([0-9]*\)\..*/\1/p' out
    } | head -n 1
}

# has_number CODE WORDS COMMAND...: that is its number, and the words, where one number stands for
# several faults, are among its own.
has_number() {
    local code=$1 words=$2 number
    shift 2
    number=$(number_of "$@")
    if grep -q Sanitizer err; then number='a finding'; fi
    [ "$number" = "$code" ] && { [ -z "$words" ] || grep -qsF -- "$words" err log; } && return
    n_wrong=$((n_wrong + 1))
    printf 'FAILED: %s instead of %s: %s\n' "${number:-nothing}" "$code" "$*" >&2
    sed 's/^/  /' err >&2
    sed 's/^/  /' out >&2
    return 1
}

# seen CODE FAULT COMMAND...: with the fault planted, the command shows that number.
seen() { seen_as "$1" '' "${@:2}"; }

# has_twin COMMAND: SQL Server does the same.
has_twin() {
    [ -z "${KP_STARVE:-}" ] && declare -F "sql_$1" >/dev/null
}

# is_due CODE: under ThreadSanitizer, which is slow, one number of a hundred stands for the others.
is_due() {
    [ "${KP_SANITIZER:-}" = thread ] && [ -e "twin.${1::2}" ] && return 1
    : >"twin.${1::2}"
}

# seen_as CODE WORDS FAULT COMMAND...: and these words. What kp shows, SQL Server shows too.
seen_as() {
    local code=$1 words=$2 fault=$3 where
    shift 3
    where=$(where_of "$@")
    has_number "$code" "$words" "$@" || return 0
    if has_twin "$1"; then
        where+=', T-SQL'
        ! is_due "$code" || has_number "$code" "$words" "sql_$1" "${@:2}" || return 0
    fi
    printf '%s\t%s\t%s\n' "$code" "$fault" "$where" >>"$KP_ATLAS_ROWS"
}

# never CODE REASON: no environment shows this number.
never() {
    printf '%s\t%s\t-\n' "$1" "$2" >>"$KP_ATLAS_ROWS"
}

# ---- How a fault is planted ----

# answered CODE FAULT COMMAND VAULT RULE: the emulator meets every request of a kind like that.
answered() {
    control DELETE /scenario
    fault "{\"times\": 99, $5}"
    seen "$1" "$2" "$3" "$4"
    control DELETE /scenario
}

# told CODE FAULT COMMAND KIND BODY: requests of a kind are answered 200 with that body.
told() {
    local text=${5//\\/\\\\}
    answered "$1" "$2" "$3" akv "\"kind\": \"$4\", \"fault\": \"body\", \"body\": \"${text//\"/\\\"}\""
}

# starved CODE COMMAND SITE [N]: the Nth allocation at that site fails.
starved() {
    local words="no memory at \`$3\`"
    [ -z "${4:-}" ] || words="no memory at \`$3\`, allocation $4"
    export KP_STARVE=$3:${4:-1}
    seen "$1" "$words" "$2" akv
    unset KP_STARVE
}

# ---- What is there ----

make_key() {
    ok kp -V akv key create app --type RSA --size 2048
    data_key dek
    ok kp -V akv wrap app --in dek --out dek.kp
}

finish() {
    [ "$n_wrong" -eq 0 ] || fail "$n_wrong numbers are not as they should be"
}
