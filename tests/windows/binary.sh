#!/usr/bin/env bash
# What the DLL asks for and gives, its version, and that nothing in it tells where it was built.
# usage: binary.sh DLL
set -euo pipefail

dll=$1
objdump=x86_64-w64-mingw32-objdump
stripped=$(mktemp)
trap 'rm -f -- "$stripped"' EXIT

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

"$objdump" -p "$dll" | sed -n '/^\[Ordinal\/Name Pointer\]/,/^$/p' | awk '/\[/ { print $NF }' |
    grep -v '^Table$' | sort >"$stripped"
sed -n '/^EXPORTS/,$p' "${KP_SRC:?}/packaging/keyprovider-ekm.def" | sed 1d | awk 'NF { print $1 }' |
    sort | diff -u - "$stripped" || fail 'the exports are not those of packaging/keyprovider-ekm.def'

# DLLs that every Windows Server from 2016 on has.
system='advapi32|api-ms-win-core-synch-l1-2-0|bcrypt|crypt32|iphlpapi|kernel32|msvcrt|user32|userenv|winhttp|wintrust|ws2_32'
others=$("$objdump" -p "$dll" | sed -n 's/^\tDLL Name: //p' | sort -u |
    grep -viE "^($system)\.dll\$" || true)
[ -z "$others" ] || fail "asks for DLLs that are not the system's: $others"

# Of the host process, none of our business. (The console's other functions hang on libuv's terminals.)
takes='SetErrorMode|SetConsoleCtrlHandler|AddVectoredExceptionHandler|SetUnhandledExceptionFilter'
takes+='|_controlfp|_controlfp_s|_control87|setlocale|_onexit|atexit'
taken=$("$objdump" -p "$dll" | awk 'NF == 3 { print $3 }' | grep -xE "$takes" || true)
[ -z "$taken" ] || fail "changes what belongs to the host process: $taken"

characteristics=$("$objdump" -p "$dll" |
    grep -cE '^[[:space:]]+(HIGH_ENTROPY_VA|DYNAMIC_BASE|NX_COMPAT)$')
[ "$characteristics" = 3 ] || fail 'is not hardened against guesses of addresses and data that runs'

x86_64-w64-mingw32-strip -o "$stripped" "$dll"
strings -a -el "$stripped" | grep -q '^FileVersion$' || fail 'has no version resource'
# A path without a drive is one on the current drive, in whose root everybody may make folders. (libcurl
# knows one, /etc/ssl/certs, and is told on each connection to read none.)
bundles=$(strings -a "$stripped" | grep -E '^/etc/(pki|ssl/(ca-bundle|cert)\.pem)' || true)
[ -z "$bundles" ] || fail "would believe a file that anybody could make: $bundles"
places=$(strings -a "$stripped" | grep -F -e "$KP_SRC" -e "$KP_BUILD" -e "${HOME:-/nowhere}/" -e /tmp/ || true)
[ -z "$places" ] || fail "tells where it was built: $places"
