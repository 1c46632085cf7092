#!/usr/bin/env bash
# Shows that the layering check sees what it is there for: one small file per rule, good and bad.
# usage: layering.sh SOURCE_ROOT
set -euo pipefail

check=$(cd -- "$1" && pwd -P)/tools/lint/layering.pl
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
cd -- "$scratch"
failed=0

# judge FILE LINE: prints what the check says of a file that holds this line.
judge() {
    mkdir -p -- "$(dirname -- "$1")"
    printf '%s\n' "$2" >"$1"
    perl "$check" "$1" 2>&1 || true
}

allows() {
    local found
    found=$(judge "$1" "$2")
    if [ -n "$found" ]; then
        printf 'should pass: %s\n    %s\n' "$2" "$found" >&2
        failed=1
    fi
}

# refuses FILE LINE WORDS: the finding holds these words.
refuses() {
    local found
    found=$(judge "$1" "$2")
    if [[ $found != *"$3"* ]]; then
        printf 'should be found in %s: %s\n    said: %s\n' "$1" "$2" "${found:-nothing}" >&2
        failed=1
    fi
}

allows base/a.c '#include <stdint.h>'
allows base/a.c '#include <keyprovider/types.h>'
allows base/posix_a.c '#include <unistd.h>'
allows base/mem.c 'void *p = malloc(1);'
allows crypto/a.c '#include <openssl/evp.h>'
allows core/a.c '#include <uv.h>'
allows plugins/file-test/a.c '#include "plugins/file-test/b.h"'
allows plugins/azure-keyvault/a.c '#include "plugins/azure-rest/b.h"'
allows tests/unit/a.c '#include "core/op.h"'
allows core/a.c 'host->free(p); /* malloc(1) */ text = "malloc(1)";'

refuses base/a.c '#include <unistd.h>' 'posix_'
refuses base/a.c '#include "crypto/rsa.h"' 'may not use'
refuses base/a.c '#include "buf.h"' 'from the root'
refuses base/a.c '#include <openssl/evp.h>' 'does not use openssl'
refuses crypto/a.c '#include <uv.h>' 'does not use uv'
refuses crypto/a.c '#include "core/op.h"' 'may not use'
refuses core/a.c '#include "plugins/file-test/a.h"' 'may not use'
refuses core/a.c 'ft_open();' 'knows no plugin'
refuses plugins/file-test/a.c '#include "core/op.h"' 'may not use'
refuses plugins/file-test/a.c '#include <uv.h>' 'does not use uv'
refuses plugins/file-test/a.c '#include <curl/curl.h>' 'does not use curl'
refuses plugins/file-test/a.c '#include "plugins/azure-rest/b.h"' 'may not use'
refuses include/keyprovider/a.h '#include "base/buf.h"' 'may not use'
refuses include/keyprovider/a.h '#include <jansson.h>' 'does not use jansson'
refuses cli/a.c '#include "core/op.h"' 'may not use'
refuses examples/a.c '#include "base/buf.h"' 'may not use'
refuses core/a.c 'void *p = malloc (1);' 'base/mem.h'
refuses core/a.c 'abort();' 'host process'
refuses core/a.c 't = localtime(&now);' 'all threads share'
for call in strcpy strcat sprintf gets strtok alloca system popen; do
    refuses tests/unit/a.c "$call(x);" "calls $call"
done
refuses base/a.h 'int x;' 'no guard'
refuses base/a.c $'int\tx;' 'a tab'
refuses base/a.c "/* $(printf 'x%.0s' {1..100}) */" 'wider than 100'
refuses attic/a.c 'int x;' 'no known room'
exit "$failed"
