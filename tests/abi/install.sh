#!/usr/bin/env bash
# Installs into a scratch prefix and builds against it as a stranger would: with pkg-config, with the
# CMake package, and statically with the plugin linked in. The plugins of examples/ as their authors
# would, with the installed headers alone.
# usage: install.sh BUILD_FOLDER COMPILER
set -euo pipefail

examples=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../examples" && pwd -P)
build=$1
compiler=$2
prefix=$(mktemp -d)
trap 'rm -rf -- "$prefix"' EXIT

quietly() {
    "$@" >"$prefix/log" 2>&1 || {
        cat -- "$prefix/log" >&2
        echo "install: failed: $*" >&2
        exit 1
    }
}

write_client() {
    cat >"$prefix/client.c" <<'C'
#include <keyprovider/keyprovider.h>
#include <stdio.h>
int main(void)
{
    printf("%s %s\n", kp_version(), kp_op_text(KP_OP_WRAP));
    return 0;
}
C
    cat >"$prefix/static_client.c" <<'C'
#include <keyprovider/keyprovider.h>
kp_plugin_get_fn kp_file_test_plugin_get;
int main(void)
{
    return kp_version() && kp_file_test_plugin_get(KP_ABI_MAJOR, KP_ABI_MINOR) ? 0 : 1;
}
C
}

use_pkg_config() {
    export PKG_CONFIG_PATH=$libdir/pkgconfig
    local -a flags
    read -r -a flags < <(pkg-config --cflags --libs keyprovider)
    quietly "$compiler" "$prefix/client.c" -o "$prefix/client" "${flags[@]}" "-Wl,-rpath,$libdir"
    "$prefix/client"
}

use_cmake() {
    mkdir "$prefix/cmake"
    cat >"$prefix/cmake/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(client C)
find_package(keyprovider 0.1 REQUIRED COMPONENTS static)
add_executable(client ../client.c)
target_link_libraries(client PRIVATE keyprovider::keyprovider)
add_executable(static_client ../static_client.c)
target_link_libraries(static_client PRIVATE keyprovider::file-test-static)
CMAKE
    quietly cmake -S "$prefix/cmake" -B "$prefix/cmake/build" -G Ninja \
        "-DCMAKE_C_COMPILER=$compiler" "-DCMAKE_PREFIX_PATH=$prefix"
    quietly cmake --build "$prefix/cmake/build"
    "$prefix/cmake/build/client"
    "$prefix/cmake/build/static_client"
}

# build_plugin NAME SOURCES...: as docs/PLUGIN-TUTORIAL.md says, without the library.
build_plugin() {
    local -a flags
    read -r -a flags < <(pkg-config --cflags keyprovider)
    read -r -a p11 < <(pkg-config --cflags p11-kit-1 2>/dev/null || echo)
    quietly "$compiler" -std=c11 -D_POSIX_C_SOURCE=200809L -shared -fPIC -fvisibility=hidden \
        -Wall -Wextra -Werror \
        "${flags[@]}" "${p11[@]}" -o "$prefix/$1.so" "${@:2}"
    install -m 755 "$prefix/$1.so" "$(pkg-config --variable=plugindir keyprovider)"
}

use_plugins() {
    local -a names=(null)
    if pkg-config --exists p11-kit-1; then names+=(pkcs11); fi
    local name
    for name in "${names[@]}"; do
        build_plugin "$name" "$examples/plugin-$name"/*.c
    done
    "$prefix/bin/kp" plugins >"$prefix/plugins"
    for name in "${names[@]}"; do
        grep -q "^$name 1.0.0 " "$prefix/plugins" || {
            cat -- "$prefix/plugins" >&2
            echo "install: kp does not know the plugin $name" >&2
            exit 1
        }
    done
}

quietly cmake --install "$build" --prefix "$prefix"
libdir=$(dirname -- "$(find "$prefix" -name libkeyprovider.so)")
test -e "$libdir/keyprovider/plugins/file-test.so"
write_client
use_pkg_config
use_cmake
use_plugins
"$prefix/bin/kp" version
