/*
 * Operations at their times: one every so many nanoseconds, whether or not the ones before have
 * ended, and how long each took from its time on. Header only. One thread at a time.
 */
#ifndef KP_BENCH_YARDSTICKS_PACE_H
#define KP_BENCH_YARDSTICKS_PACE_H

#include "bench/yardsticks/job.h"

#define BENCH_PACE_SAMPLES_MAX 262144 /* later ones are not kept */

struct bench_pace {
    uint64_t period_ns;
    uint64_t next_ns; /* when the next operation is due */
    double *samples;  /* BENCH_PACE_SAMPLES_MAX */
    size_t n_samples;
};

/* Begins now, with rate operations a second. False for want of memory. */
static inline bool bench_pace_begin(struct bench_pace *pace, unsigned rate)
{
    *pace = (struct bench_pace){.period_ns = BENCH_NS_PER_S / (rate > 0 ? rate : 1)};
    pace->samples = malloc(BENCH_PACE_SAMPLES_MAX * sizeof *pace->samples);
    pace->next_ns = bench_now_ns() + pace->period_ns;
    return pace->samples != NULL;
}

/* Takes the next operation when it is due; its time in ret_ns. */
static inline bool bench_pace_take(struct bench_pace *pace, uint64_t *ret_ns)
{
    if (bench_now_ns() < pace->next_ns)
        return false;
    *ret_ns = pace->next_ns;
    pace->next_ns += pace->period_ns;
    return true;
}

/* One that was due at due_ns has ended. */
static inline void bench_pace_note(struct bench_pace *pace, uint64_t due_ns)
{
    if (pace->n_samples < BENCH_PACE_SAMPLES_MAX)
        pace->samples[pace->n_samples++] = (double)(bench_now_ns() - due_ns);
}

static inline int bench_pace_compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Ends it: the time 99 of 100 did not exceed, those before the run was warm left out. */
static inline uint64_t bench_pace_end(struct bench_pace *pace)
{
    size_t skip = pace->n_samples / (BENCH_WARM_UP_DIVISOR + 1);
    size_t n = pace->n_samples - skip;
    uint64_t p99_ns = 0;
    if (n > 0) {
        qsort(pace->samples + skip, n, sizeof *pace->samples, bench_pace_compare);
        p99_ns = (uint64_t)pace->samples[skip + (n * 99 + 99) / 100 - 1];
    }
    free(pace->samples);
    pace->samples = NULL;
    return p99_ns;
}

#endif /* KP_BENCH_YARDSTICKS_PACE_H */
