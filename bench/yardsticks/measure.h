/*
 * What a stretch of work cost: wall clock, this process's processor time, what the machine's
 * processors had left over, and how often a thread of ours went to sleep. Header only, so that a
 * yardstick leans on nothing of ours. Linux.
 *
 * Other programs may be at work on the same machine. What they use is neither ours nor idle, so
 * operations per second of (ours + idle) compares two programs fairly where operations per second
 * of wall clock would not: a design that leaves a processor idle pays for it, a busy neighbour does
 * not count.
 */
#ifndef KP_BENCH_YARDSTICKS_MEASURE_H
#define KP_BENCH_YARDSTICKS_MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define BENCH_NS_PER_MS UINT64_C(1000000)
#define BENCH_NS_PER_S UINT64_C(1000000000)

/* Totals since the start of the process (idle: of the machine), or the difference of two. */
struct bench_cost {
    uint64_t wall_ns;
    uint64_t cpu_ns;
    uint64_t idle_ns;
    uint64_t n_switches; /* voluntary: a thread went to sleep */
    uint64_t p99_ns;     /* of the operations in between, where the program keeps it; else 0 */
};

static inline uint64_t bench_clock_ns(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t); /* clocks every Linux has */
    return (uint64_t)t.tv_sec * BENCH_NS_PER_S + (uint64_t)t.tv_nsec;
}

static inline uint64_t bench_now_ns(void)
{
    return bench_clock_ns(CLOCK_MONOTONIC);
}

/* Idle and waiting for a disk, all processors together: fields 4 and 5 of "cpu", in clock ticks. */
static inline uint64_t bench_idle_ns(void)
{
    char line[256] = "";
    uint64_t ticks = 0;
    FILE *stat = fopen("/proc/stat", "r");
    if (!stat)
        return 0;
    char *at = fgets(line, sizeof line, stat) ? line + strlen("cpu") : line;
    for (int field = 1; field <= 5; field++) {
        uint64_t value = strtoull(at, &at, 10);
        ticks += field >= 4 ? value : 0;
    }
    (void)fclose(stat);
    return ticks * BENCH_NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
}

static inline struct bench_cost bench_cost_now(void)
{
    struct rusage usage;
    struct bench_cost now = {.wall_ns = bench_now_ns(), .idle_ns = bench_idle_ns()};
    (void)getrusage(RUSAGE_SELF, &usage);
    now.cpu_ns = bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    now.n_switches = (uint64_t)usage.ru_nvcsw;
    return now;
}

static inline struct bench_cost bench_cost_since(const struct bench_cost *start)
{
    struct bench_cost now = bench_cost_now();
    now.wall_ns -= start->wall_ns;
    now.cpu_ns -= start->cpu_ns;
    now.idle_ns -= start->idle_ns;
    now.n_switches -= start->n_switches;
    return now;
}

static inline void bench_sleep_ms(uint64_t ms)
{
    struct timespec left = {(time_t)(ms / 1000), (long)(ms % 1000 * BENCH_NS_PER_MS)};
    while (nanosleep(&left, &left) != 0)
        ;
}

#endif /* KP_BENCH_YARDSTICKS_MEASURE_H */
