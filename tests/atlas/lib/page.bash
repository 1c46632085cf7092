# The page docs/ERRORS.md from what the areas have seen. Sourced by atlas.sh.
# shellcheck shell=bash

# write_page ROWS: the page from the rows CODE, FAULT, WHERE of that file; "-" in place of where: the
# fault is a reason.
write_page() {
    cat <<'EOF'
# The error atlas

Every documented number, the fault that leads to it, and where it was seen. The run of `tests/atlas`
plants each fault outside the programs, as a server, a file, an identity or memory that fails at one
place, and reads the number that `kp` or SQL Server's message shows. Nothing in it asks a table of the
code. The run writes this page too, and fails when the page differs. What to do about a number stands
in [ERROR-CODES.md](ERROR-CODES.md), and `kp explain CODE` says it.

EOF
    count_codes "$1"
    cat <<'EOF'

## From a fault to its number

"T-SQL" is `ekm-rehearse`, which plays SQL Server and loads the provider's library: opening a key of the
vault, ENCRYPTBYASYMKEY or DECRYPTBYASYMKEY, with "Provider error code" and the number in the message;
"traced" are answers that SQL Server deals with itself. Memory fails at the allocation that is named, and
at no other, in `kp` only.

| Number | Symbol | Fault | Seen by |
|---|---|---|---|
EOF
    join_codes "$1" | awk -F'\t' '$4 != "-" {printf "| %s | `%s` | %s | %s |\n", $1, $2, $3, $4}'
    cat <<'EOF'

## Numbers that no fault leads to

They name steps that do not exist here, or cannot fail from outside.

| Number | Symbol | Why |
|---|---|---|
EOF
    join_codes "$1" | awk -F'\t' '$4 == "-" {printf "| %s | `%s` | %s |\n", $1, $2, $3}'
    cat <<'EOF'

## Numbers that are not ours to return

| Number | Symbol | Why |
|---|---|---|
EOF
    "$KP_ATLAS_BIN/atlas-tables" codes |
        awk -F'\t' '$3 != "ours" {printf "| %s | `%s` | %s |\n", $1, $2, $3}'
    cat <<'EOF'

## From libcurl's result to a number

The first row that fits counts. What libcurl calls by several names is told apart by how far the
request had got; causes in words are the HTTP service's own. Where no answer came (3107), the steps with
a number of their own show that: 3403, 3503, 3609, 3709. [HTTP.md](HTTP.md) has the sentences.

| libcurl's result, or our own | Phase | Number | Class |
|---|---|---|---|
EOF
    "$KP_ATLAS_BIN/atlas-tables" map
}

# CODE, SYMBOL, FAULT, WHERE in the order of codes.
join_codes() {
    awk -F'\t' -v OFS='\t' 'NR == FNR {symbol[$1] = $2; next} {print $1, symbol[$1], $2, $3}' \
        <("$KP_ATLAS_BIN/atlas-tables" codes) "$1"
}

count_codes() {
    awk -F'\t' 'NR == FNR {all++; ours += $3 == "ours"; next}
        $3 == "-" {never[$1]} $3 != "-" {seen[$1]}
        END {
            printf "Of the %d documented numbers %d are not ours to return. ", all, all - ours
            printf "Of the other %d, %d were seen; %d have no fault that leads to them.\n", ours,
                length(seen), length(never)
        }' <("$KP_ATLAS_BIN/atlas-tables" codes) "$1"
}

# check_codes ROWS: each number is seen, or has a reason, and not both; kp explain tells each.
check_codes() {
    local code symbol origin bad=0
    while IFS=$'\t' read -r code symbol origin; do
        explains "$code" "$symbol" || bad=1
        [ "$origin" = ours ] || continue
        case $(awk -F'\t' -v code="$code" '$1 == code {print $3 == "-" ? "never" : "seen"}' "$1" |
            sort -u | tr '\n' ' ') in
        'seen ' | 'never ') ;;
        *) bad=1 && echo "number $code is neither seen nor has a reason, or both" >&2 ;;
        esac
    done < <("$KP_ATLAS_BIN/atlas-tables" codes)
    return "$bad"
}

explains() {
    local text
    text=$("$KP_BIN/kp" explain "$1") || return 1
    [[ $text == "$1 $2"$'\n'*$'\ncause     '?*$'\nadvice    '?* ]] && return
    echo "kp explain $1 does not say all there is to say" >&2
    return 1
}
