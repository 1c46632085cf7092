#!/usr/bin/env bash
# The completion offers what the program takes: every command, and for each command every option.
# shellcheck source=lib/common.bash
. "$KP_SRC/tests/e2e/lib/common.bash"

PATH=$KP_BIN:$PATH
# shellcheck source=../../packaging/kp.bash-completion
. "$KP_SRC/packaging/kp.bash-completion"

# offer WORD...: what is offered for the last word, one per line, in the file out.
offer() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _kp
    printf '%s\n' "${COMPREPLY[@]}" >out
}

has_line() {
    grep -qxF -- "$1" out || fail "'$1' is not offered"
}

"$KP_BIN/kp" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\( [a-z]*\)\{0,1\}\)  .*/\1/p' >commands
while read -r first second; do
    offer kp ''
    has_line "$first"
    if [ -n "$second" ]; then
        offer kp -V x "$first" ''
        has_line "$second"
    fi
    # shellcheck disable=SC2086 # second may be empty
    "$KP_BIN/kp" help $first $second | sed -n 's/^  .*\(--[a-z-]*\).*/\1/p' >options
    # shellcheck disable=SC2086
    offer kp $first $second --
    cp out offered
    while read -r option; do
        grep -qxF -- "$option" offered || fail "'$option' is not offered for '$first $second'"
    done <options
    # Nothing is offered that the command does not take.
    while read -r option; do
        grep -qxF -- "$option" options || fail "'$option' is offered for '$first $second'"
    done <offered
done <commands

offer kp key create app --type ''
has_line RSA
has_line oct-HSM
offer kp wrap app --alg RSA-OAEP
has_line RSA-OAEP-256
offer kp sign app --digest ''
has_line SHA-384
printf '{"vaults": {"payroll": {"location": "file:/tmp/x"}}}' >good.json
export KP_CONFIG=$PWD/good.json
offer kp -V pay
has_line payroll

printf 'completion: ok\n'
