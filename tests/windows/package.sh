#!/usr/bin/env bash
# The zip: the same bytes twice, what it holds, and a list of components that is JSON.
set -euo pipefail

pack=${KP_SRC:?}/tools/windows/package
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

export SOURCE_DATE_EPOCH=1700000000
umask 022
"$pack" one.zip
umask 077
TZ=Asia/Tokyo "$pack" two.zip
cmp one.zip two.zip || fail 'the zip is another one the second time'

cmake -E tar xf one.zip
cd keyprovider-*
for file in keyprovider-ekm.dll kp.exe ekm-rehearse.exe install.ps1 LICENSE docs/WINDOWS.md \
    sql/tde-setup.sql sbom.cdx.json; do
    [ -s "$file" ] || fail "the zip lacks $file"
done
# shellcheck disable=SC2016 # perl's own variables
names=$(perl -MJSON::PP -0777 -ne 'print join " ", map { $_->{name} } @{ decode_json($_)->{components} }' \
    sbom.cdx.json)
for name in curl jansson libuv1 nghttp2 openssl gcc-mingw-w64 mingw-w64; do
    [[ " $names " == *" $name "* ]] || fail "the list of components lacks $name: $names"
done
