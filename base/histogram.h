/*
 * Latencies counted in log-linear buckets: 64 steps to each power of two, so a quantile is at most
 * 1/64 (1.6%) above the truth, from nanoseconds to more than two hours; longer ones count as that.
 *
 * Threads: record from any, at once, without a lock; what is read meanwhile may miss the newest.
 * Source: the bucket layout of HdrHistogram (Gil Tene), with 6 bits of mantissa.
 */
#ifndef KP_BASE_HISTOGRAM_H
#define KP_BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define KPB_HISTOGRAM_STEPS 64u
#define KPB_HISTOGRAM_TOP_BIT 43u /* 2^43 ns is 2 h 26 min */
#define KPB_HISTOGRAM_BUCKETS (KPB_HISTOGRAM_STEPS * (KPB_HISTOGRAM_TOP_BIT - 4u))

/* A zeroed one is empty. */
struct kpb_histogram {
    _Atomic uint64_t sum_ns;
    _Atomic uint64_t max_ns;
    _Atomic uint64_t counts[KPB_HISTOGRAM_BUCKETS];
};

void kpb_histogram_record(struct kpb_histogram *histogram, uint64_t ns);
/* How many were recorded. */
uint64_t kpb_histogram_count(const struct kpb_histogram *histogram);
/* How many were at most ns, counted by whole buckets: those that reach beyond ns are left out. */
uint64_t kpb_histogram_count_up_to(const struct kpb_histogram *histogram, uint64_t ns);
/* The mean of what was recorded, exact, rounded down; 0 when empty. */
uint64_t kpb_histogram_mean(const struct kpb_histogram *histogram);
/* The upper end of the bucket that holds quantile q in [0, 1]; 0 when empty. */
uint64_t kpb_histogram_quantile(const struct kpb_histogram *histogram, double q);
/* Receives a bucket that is not empty: its upper end and how many it holds. */
typedef void kpb_histogram_each_fn(void *ctx, uint64_t ns, uint64_t count);
/* Calls each for every bucket that is not empty, in ascending order. */
void kpb_histogram_each(const struct kpb_histogram *histogram, kpb_histogram_each_fn *each,
                        void *ctx);
/* Records count times the same. */
void kpb_histogram_add(struct kpb_histogram *histogram, uint64_t ns, uint64_t count);
/* Takes what before has counted out of histogram, which it was read from earlier. The maximum and,
 * where values were added by bucket, the sum are those of buckets then. One thread. */
void kpb_histogram_subtract(struct kpb_histogram *histogram, const struct kpb_histogram *before);
/* Adds what from has counted to into. */
void kpb_histogram_merge(struct kpb_histogram *into, const struct kpb_histogram *from);

#endif /* KP_BASE_HISTOGRAM_H */
