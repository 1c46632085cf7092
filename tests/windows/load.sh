#!/usr/bin/env bash
# The DLL loaded, used, freed and let go a thousand times in one process, which then ends cleanly.
# usage: load.sh LOAD_DLL.EXE
set -euo pipefail
# shellcheck source=tests/windows/lib/windows.bash
. "${KP_SRC:?}/tests/windows/lib/windows.bash"
enter_work

cp -- "$build/lib/keyprovider-ekm.dll" .
printf '{"provider": {"max_operations": 16, "secret_arena_kib": 64}, "ekm": {"key_map": "%s\\\\map",
    "log_file": "%s\\\\log", "event_level": 2}}' "$windows_work" "$windows_work" >node.json
export KP_EKM_CONFIG="C:\\${work##*/}\\node.json"
windows "$1" "C:\\${work##*/}\\keyprovider-ekm.dll" 1000 || fail "load_dll said $?; $(tail -n 3 log)"
