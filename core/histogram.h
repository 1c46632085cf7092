/*
 * Latencies counted in log-linear buckets: 64 steps to each power of two, so a quantile is at most
 * 1/64 (1.6%) above the truth, from nanoseconds to more than two hours; longer ones count as that.
 *
 * Threads: record from any, at once, without a lock; what is read meanwhile may miss the newest.
 * Source: the bucket layout of HdrHistogram (Gil Tene), with 6 bits of mantissa.
 */
#ifndef KP_CORE_HISTOGRAM_H
#define KP_CORE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define KPI_HISTOGRAM_STEPS 64u
#define KPI_HISTOGRAM_TOP_BIT 43u /* 2^43 ns is 2 h 26 min */
#define KPI_HISTOGRAM_BUCKETS (KPI_HISTOGRAM_STEPS * (KPI_HISTOGRAM_TOP_BIT - 4u))

/* A zeroed one is empty. */
struct kpi_histogram {
    _Atomic uint64_t sum_ns;
    _Atomic uint64_t max_ns;
    _Atomic uint64_t counts[KPI_HISTOGRAM_BUCKETS];
};

void kpi_histogram_record(struct kpi_histogram *histogram, uint64_t ns);
/* How many were recorded. */
uint64_t kpi_histogram_count(const struct kpi_histogram *histogram);
/* How many were at most ns, counted by whole buckets: those that reach beyond ns are left out. */
uint64_t kpi_histogram_count_up_to(const struct kpi_histogram *histogram, uint64_t ns);
/* The upper end of the bucket that holds quantile q in [0, 1]; 0 when empty. */
uint64_t kpi_histogram_quantile(const struct kpi_histogram *histogram, double q);
/* Adds what from has counted to into. */
void kpi_histogram_merge(struct kpi_histogram *into, const struct kpi_histogram *from);

#endif /* KP_CORE_HISTOGRAM_H */
