# shellcheck shell=bash disable=SC2034
# For the scripts of tests/windows: programs run under wine, and a folder of Windows' own to work in.
# The folder lies on drive C:, because the ways to it are judged as a server would judge them.

src=${KP_SRC:?} bin=${KP_BIN:?} build=${KP_BUILD:?}
run_windows=$src/tools/windows/wine-run

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

# windows PROGRAM [ARGUMENT...]: what it prints, without carriage returns. A crash while the process
# ends leaves its exit status as it was, so the words wine prints are looked for too.
windows() {
    local status=0
    "$run_windows" "$@" >"$work/out" 2>"$work/err" || status=$?
    tr -d '\r' <"$work/out"
    tr -d '\r' <"$work/err" >&2
    if grep -q 'Unhandled' "$work/out" "$work/err"; then fail "crashed: $*"; fi
    return "$status"
}

kp() { windows "$kp" "$@"; }

# Makes $work, which is $windows_work to Windows, and goes there; it is gone at the end. $kp is a
# kp.exe in it: the build folder may lie below one that everybody can write, and plugins beside kp
# would be refused.
enter_work() {
    local drive=${KP_WINE_PREFIX:?}/drive_c
    work=$(mktemp -d "$drive/kp-test.XXXXXX")
    windows_work="C:\\\\${work##*/}" # as JSON writes it
    chmod 755 "$work"
    trap 'rm -rf -- "$work"' EXIT
    cd -- "$work" || exit 1
    mkdir -m 755 programs
    kp=$work/programs/kp.exe
    cp -- "$bin/kp.exe" "$kp"
}
