#!/usr/bin/env bash
# Checks what shared objects export.
# usage: exports.sh library SOURCE_ROOT LIBRARY    every KP_API name of the headers and no other
#        exports.sh plugin PLUGIN                  kp_plugin_get and no other
#        exports.sh ekm SOURCE_ROOT PROVIDER       SQL Server's seventeen and no other
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT

# Names a shared object defines for others, without version nodes.
exported_names() {
    nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u
}

# Names declared with KP_API in the installed headers: comments, directives and line breaks go,
# then each declaration's name is what stands before its first parenthesis.
declared_names() {
    cat -- "$1"/include/keyprovider/*.h |
        perl -0777 -pe 's{/\*.*?\*/}{}gs; s{^\h*#(?:.*\\\n)*.*\n}{}gm; s{\s+}{ }g; tr/;{/\n\n/' |
        sed -n 's/^.*\bKP_API\b[^(]*\b\(kp_[a-z0-9_]*\) *(.*$/\1/p' | sort -u
}

# compare EXPECTED ACTUAL OBJECT
compare() {
    local missing extra
    missing=$(comm -23 "$1" "$2")
    extra=$(comm -13 "$1" "$2")
    if [ -n "$missing" ]; then printf '%s does not export:\n%s\n' "$3" "$missing" >&2; fi
    if [ -n "$extra" ]; then printf '%s exports, though it should not:\n%s\n' "$3" "$extra" >&2; fi
    [ -z "$missing$extra" ]
}

case $1 in
library)
    declared_names "$2" >"$scratch/expected"
    object=$3
    ;;
plugin)
    echo kp_plugin_get >"$scratch/expected"
    object=$2
    ;;
ekm)
    sed -n 's/^    XX([0-9]*, \([A-Za-z]*\),.*/SqlCrypt\1/p' "$2/ekm/abi.h" | sort -u >"$scratch/expected"
    [ "$(wc -l <"$scratch/expected")" -eq 17 ] || {
        echo "exports: ekm/abi.h does not list 17 functions" >&2
        exit 1
    }
    object=$3
    ;;
*)
    echo "exports: first argument is library, plugin or ekm, not '$1'" >&2
    exit 2
    ;;
esac
if [ ! -s "$scratch/expected" ]; then
    echo "exports: found no declared name; has KP_API moved?" >&2
    exit 1
fi
exported_names "$object" >"$scratch/actual"
compare "$scratch/expected" "$scratch/actual" "$object"
echo "$(wc -l <"$scratch/actual") exported names as declared"
