#!/usr/bin/env bash
# The error atlas: plants the fault behind every documented number, sees the number where an operator
# would, and compares docs/ERRORS.md with what was seen. When it differs, the right page is left as
# ERRORS.md in the folder this runs in, to be copied over it.
set -euo pipefail
export LC_ALL=C

: "${KP_BIN:?set by ctest}" "${KP_SRC:?set by ctest}" "${KP_BUILD:?set by ctest}"
here=$KP_SRC/tests/atlas
export KP_ATLAS_BIN=$KP_BUILD/tests/atlas
# shellcheck source=lib/page.bash
. "$here/lib/page.bash"
rows=$(mktemp -d "${TMPDIR:-/tmp}/kp-atlas.XXXXXX")
trap 'rm -rf -- "$rows"' EXIT

# Each area has an emulator of its own: their scenarios do not mix.
areas=()
for script in "$here"/areas/*.sh; do
    KP_ATLAS_ROWS=$rows/$(basename -- "$script" .sh).tsv \
        "$KP_BIN/kp-emulator" --ephemeral -- bash "$script" &
    areas+=($!)
done
failed=0
left_out=
for area in "${areas[@]}"; do
    rc=0
    wait "$area" || rc=$?
    case $rc in
    0) ;;
    77) left_out='the name server' ;; # the rows of names.sh all have these words
    *) failed=1 ;;
    esac
done
[ "$failed" -eq 0 ] || exit 1

sort -s -n -k 1,1 "$rows"/*.tsv >"$rows/all"
check_codes "$rows/all"
write_page "$rows/all" >ERRORS.md
wanted=$KP_SRC/docs/ERRORS.md
if [ -n "$left_out" ]; then
    grep -v -- "$left_out" "$wanted" >"$rows/wanted"
    wanted=$rows/wanted
fi
cmp -s -- ERRORS.md "$wanted" || {
    diff -u -- "$wanted" ERRORS.md >&2 || true
    [ -n "$left_out" ] || echo "docs/ERRORS.md is not what was seen; copy $PWD/ERRORS.md over it" >&2
    exit 1
}
if [ -n "$left_out" ]; then
    echo "skipped: the faults of $left_out; this system gives out no name spaces" \
        "(unshare --user --mount --net). All others were seen." >&2
    exit 77
fi
