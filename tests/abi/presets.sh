#!/usr/bin/env bash
# CMakePresets.json: every preset for Linux configures; those for Windows are there (`./dev windows` uses
# the one for mingw).
# usage: presets.sh SOURCE_FOLDER
set -euo pipefail

source=$1
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$source"

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

for name in release debug asan tsan; do
    cmake --preset "$name" -B "$work/$name" -DBUILD_TESTING=OFF >"$work/log" 2>&1 ||
        { cat -- "$work/log" >&2; fail "preset $name does not configure"; }
done
grep -q '^KP_SANITIZE:[A-Z]*=address$' "$work/asan/CMakeCache.txt" || fail 'preset asan has no sanitizer'
grep -q '^KP_SANITIZE:[A-Z]*=thread$' "$work/tsan/CMakeCache.txt" || fail 'preset tsan has no sanitizer'
for name in mingw msvc; do
    grep -q "\"name\": \"$name\"" CMakePresets.json || fail "there is no preset $name"
done
