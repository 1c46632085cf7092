/*
 * Taking turns: ours and a yardstick, one after the other, several times, and the medians of what
 * the pairs say. Prints one line a measure:
 *
 *     CASE.MEASURE OURS YARDSTICK RATIO
 *
 *     cpu_us     processor time of the whole process per operation
 *     share      operations per second of processor time used or left idle
 *     rate       operations per second of wall clock; a busy neighbour shows in it
 *     switches   times a thread went to sleep, per operation; no ratio
 */
#ifndef KP_BENCH_PAIRS_H
#define KP_BENCH_PAIRS_H

#include "bench/yardstick.h"

#define BENCH_PAIRS 6

struct bench_case {
    const char *name;
    struct bench_load load;
    struct bench_job job;       /* ours */
    struct bench_job yardstick; /* its twin */
};

/* Runs the pairs and prints. False when a run failed. */
bool bench_case_run(const struct bench_case *c, struct bench_yardstick *yardstick);

/* A job for ms milliseconds; mode is cut to fit. */
struct bench_job bench_job(const char *mode, unsigned size, unsigned n_threads, unsigned ms);

#endif /* KP_BENCH_PAIRS_H */
