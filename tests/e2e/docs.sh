#!/usr/bin/env bash
# What the documents quote is what the repository holds.
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

# blocks FILE: writes each ```c block of a page to block.1, block.2, ... and prints how many.
blocks() {
    awk '/^```c$/ { n++; on = 1; next }
         /^```$/ { on = 0; next }
         on { print > ("block." n) }
         END { print n + 0 }' "$1"
}

# quotes PAGE SOURCE...: every C block of the page stands in the sources, byte for byte.
quotes() {
    local n i source block page=$1
    shift
    n=$(blocks "$KP_SRC/$page")
    [ "$n" -gt 0 ] || fail "$page quotes no C"
    source=$(cd -- "$KP_SRC" && cat -- "$@")
    for i in $(seq "$n"); do
        block=$(cat "block.$i")
        case $source in
        *"$block"*) ;;
        *) fail "block $i of $page is not what $* says" ;;
        esac
    done
    rm -f block.*
}

quotes README.md examples/wrap.c
quotes docs/PLUGIN-TUTORIAL.md examples/plugin-null/null.c
quotes docs/PLUGIN-PKCS11.md examples/plugin-pkcs11/plugin.c examples/plugin-pkcs11/open.c

# The README has the whole example, not a part of it.
blocks "$KP_SRC/README.md" >/dev/null
cmp -s block.1 "$KP_SRC/examples/wrap.c" || fail "README.md does not show all of examples/wrap.c"

# The shell commands of the README run as they stand.
sed -n '/^<!-- e2e -->$/,/^<!-- end -->$/s/^    //p' "$KP_SRC/README.md" >readme.sh
[ -s readme.sh ] || fail "README.md has no commands to run"
PATH=$KP_BIN:$PATH bash -euo pipefail readme.sh >out 2>err || fail "the commands of README.md fail"
"$KP_BIN/example-wrap" "$KP_PLUGIN_DIR" >out 2>err || fail "examples/wrap.c fails"
has 'wrapped with version'

# Every page is in the index, and every link of the index leads to a page.
for page in "$KP_SRC"/docs/*.md; do
    name=${page##*/}
    [ "$name" = README.md ] || has "($name)" "$KP_SRC/docs/README.md"
done
for name in $(grep -oE '\]\([A-Za-z0-9_./-]+\)' "$KP_SRC/docs/README.md" | tr -d '](\)'); do
    [ -e "$KP_SRC/docs/$name" ] || fail "docs/README.md names $name, which is not there"
done

# Every command and every option of kp is in the man page, the CLI page and the completion.
kp help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\( [a-z]*\)\{0,1\}\)  .*/\1/p' >commands
[ "$(wc -l <commands)" -ge 25 ] || fail "kp help lists too few commands"
while read -r command; do
    has "**kp $command**" "$KP_SRC/docs/CLI.md"
    has "*$command*" "$KP_SRC/packaging/kp.1.scd"
    # shellcheck disable=SC2086 # two words
    kp help $command | sed -n 's/^  .*--\([a-z-]*\).*/\1/p' | cut -d' ' -f1
done <commands | sort -u >options
while read -r option; do
    has "--$option" "$KP_SRC/docs/CLI.md"
    has "--$option" "$KP_SRC/packaging/kp.1.scd"
done <options

printf 'docs: ok\n'
