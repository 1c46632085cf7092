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
id="\"client_id\": \"$AZURE_CLIENT_ID\""
own="$id, \"secret\": {\"file\": \"$work/secret\"}"
# Repeated at once, so that a fault that lasts is seen soon.
hasty='"retry": {"base_ms": 1, "max_attempts": 2},'

# configure FILE HTTP VAULT...: a configuration with these members of "http" and these vaults, each
# as `vault` writes it.
configure() {
    local file=$1 http=$2
    shift 2
    {
        printf '{"plugin_dir": "%s", "http": {"ca_file": "%s/ca.pem", "proxy": "none"%s}, "vaults": {' \
            "$KP_PLUGIN_DIR" "$work" "$http"
        (IFS=, && printf '%s' "$*")
        printf '}}'
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

where_of() {
    case $1 in
    show | list | backup) echo "\`kp key $1\`" ;;
    sql | again) echo 'T-SQL' ;;
    traced) echo 'T-SQL, traced' ;;
    run) echo "\`$2${3:+ $3}\`" ;;
    *) echo "\`kp $1\`" ;;
    esac
}

# number_of COMMAND...: the number that kp, or SQL Server's message, shows.
number_of() {
    rm -f -- out err
    "$@" >out 2>err </dev/null || true
    {
        sed -n 's/^kp: .*, code \([0-9]*\)\]$/\1/p' err
        sed -n 's/.*Provider error code: \([0-9]*\)\..*/\1/p' out
    } | head -n 1
}

# seen CODE FAULT COMMAND...: with the fault planted, the command shows that number.
seen() { seen_as "$1" '' "${@:2}"; }

# seen_as CODE WORDS FAULT COMMAND...: and these words, where one number stands for several faults.
seen_as() {
    local code=$1 words=$2 fault=$3 number
    shift 3
    number=$(number_of "$@")
    if grep -q Sanitizer err; then number='a finding'; fi
    if [ "$number" = "$code" ] && { [ -z "$words" ] || grep -qF -- "$words" err; }; then
        printf '%s\t%s\t%s\n' "$code" "$fault" "$(where_of "$@")" >>"$KP_ATLAS_ROWS"
        return
    fi
    n_wrong=$((n_wrong + 1))
    printf 'FAILED: %s instead of %s: %s: %s\n' "${number:-nothing}" "$code" "$fault" "$*" >&2
    sed 's/^/  /' err >&2
    sed 's/^/  /' out >&2
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
