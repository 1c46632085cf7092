#!/usr/bin/env bash
# Compiles each installed header alone, in the common subset of pedantic C99, C11 and C++17.
# usage: headers.sh SOURCE_ROOT COMPILER...   (a compiler named *++* is given C++17)
set -euo pipefail

root=$1
shift
failed=0

# compile COMPILER LANGUAGE STANDARD HEADER
compile() {
    local header=${4#"$root/include/"}
    # Twice, so that a missing guard shows; a declaration, since a header may hold macros only.
    if ! printf '#include <%s>\n#include <%s>\nextern int kp_alone;\n' "$header" "$header" |
        "$1" -x "$2" "-std=$3" -pedantic-errors -Wall -Wextra -Werror -fsyntax-only \
            -I "$root/include" -; then
        echo "headers: <$header> does not compile alone with $1 -std=$3" >&2
        failed=1
    fi
}

for compiler in "$@"; do
    for header in "$root"/include/keyprovider/*.h; do
        case $compiler in
        *++*) compile "$compiler" c++ c++17 "$header" ;;
        *)
            compile "$compiler" c c99 "$header"
            compile "$compiler" c c11 "$header"
            ;;
        esac
    done
done
exit "$failed"
