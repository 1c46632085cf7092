# What bench/run and bench/gate count with. Sourced; needs $bin, the folder of the programs.
# shellcheck shell=bash
: "${bin:?}"

# Operations of the two runs whose difference is counted: start and end cancel out.
count_short=2000
count_long=12000

# User instructions of a whole run of the command.
count_instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 >/dev/null |
        awk '/Collected/ { print $4 }'
}

# System calls of a whole run of the command, threads included. On one processor, so that who sleeps
# and who is awake does not depend on what else the machine does.
count_syscalls() {
    local calls cpu
    calls=$(mktemp)
    cpu=$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')
    taskset -c "$cpu" strace -f -qq -c -U calls,name -o "$calls" "$@" >/dev/null
    awk '$2 == "total" { print $1 }' "$calls"
    rm -f -- "$calls"
}

# System calls of a whole run of the command that send, receive or wait for a socket. How often the
# loop and its callers wake each other depends on who is faster, these do not.
count_network_calls() {
    local calls
    calls=$(mktemp)
    strace -f -qq -c -e trace=%network,poll -U calls,name -o "$calls" "$@" >/dev/null
    awk '$2 == "total" { print $1 }' "$calls"
    rm -f -- "$calls"
}

count_ours() { count_instructions "$bin/bench_pipeline" count "$1" "$2"; }
count_bare() { count_instructions "$bin/bare_handoff" <<<"$1 256 1 0 $2"; }
count_calls() { count_syscalls "$bin/bench_pipeline" count "$1" "$2"; }

# What one more operation costs: COUNTER MODE.
per_operation() {
    local long short
    long=$("$1" "$2" "$count_long")
    short=$("$1" "$2" "$count_short")
    awk -v l="$long" -v s="$short" -v n=$((count_long - count_short)) \
        'BEGIN { printf "%.1f", (l - s) / n }'
}
