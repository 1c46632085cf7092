/*
 * A yardstick program at the other end of two pipes: it sleeps until it is given a job, so that it
 * and a benchmark can take turns in one run. Not for several threads.
 */
#ifndef KP_BENCH_YARDSTICK_H
#define KP_BENCH_YARDSTICK_H

#include <stdio.h>

#include "bench/load.h"

struct bench_yardstick {
    FILE *jobs;
    FILE *answers;
    long pid;
};

/* Starts the program of that name that lies beside this one. False, said on standard error. */
bool bench_yardstick_start(struct bench_yardstick *yardstick, const char *name);
/* Has it run a job. False when it could not. */
bool bench_yardstick_run(struct bench_yardstick *yardstick, const struct bench_job *job,
                         struct bench_run *ret);
/* Ends it. One that never started is allowed. */
void bench_yardstick_end(struct bench_yardstick *yardstick);

/* The path of something relative to this program's folder. False when it does not fit. */
bool bench_path_beside(const char *name, char *out, size_t len);

#endif /* KP_BENCH_YARDSTICK_H */
