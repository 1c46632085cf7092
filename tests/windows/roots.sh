#!/usr/bin/env bash
# Whom a connection believes: the roots in the machine's store, for servers, but those that are banned.
# usage: roots.sh TRUST_ROOT BELIEVES
set -euo pipefail
# shellcheck source=tests/windows/lib/windows.bash
. "${KP_SRC:?}/tests/windows/lib/windows.bash"
trust_root=$1
believes=$2
enter_work
root="C:\\${work##*/}\\root.der"

# A process looks at the store once under wine, so each answer is another's.
expect() {
    local said
    said=$(windows "$believes" "$root") || true
    [ "$said" = "$1" ] || fail "$2: '$said'"
}
store() { windows "$trust_root" "$1" "$2" "$root" "${@:3}" >said || fail "$1 $2: $(cat said)"; }
forget() {
    windows "$trust_root" remove ROOT "$root" >said 2>&1 || true
    windows "$trust_root" remove Disallowed "$root" >said 2>&1 || true
    rm -rf -- "$work"
}
trap forget EXIT

openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 30 \
    -subj '/CN=keyprovider test root' >openssl.log 2>&1
openssl x509 -in root.pem -outform der -out root.der

expect no 'in no store'
store add ROOT
expect yes 'in the store of roots'
store add Disallowed
expect no 'banned'
store remove Disallowed
expect yes 'not banned any more'
store remove ROOT
expect no 'not in the store any more'
store add ROOT code
expect no 'for signing code alone'
