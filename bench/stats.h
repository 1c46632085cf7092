/* Medians and percentiles. Pure but for the order of the values they are given. */
#ifndef KP_BENCH_STATS_H
#define KP_BENCH_STATS_H

#include <stddef.h>

/* The value that percent of 100 do not exceed (nearest rank); 0 for none. Sorts values. */
double bench_percentile(double *values, size_t n, unsigned percent);
/* The middle one, or the mean of the middle two; 0 for none. Sorts values. */
double bench_median(double *values, size_t n);

#endif /* KP_BENCH_STATS_H */
