#include "base/histogram.h"

#include "base/bits.h"

#define STEP_BITS 6u
#define MAX_NS ((UINT64_C(2) << KPB_HISTOGRAM_TOP_BIT) - 1u)

/*
 * Below 64 a bucket is one value; above, the top seven bits of the value name the bucket. The two
 * ranges join without a gap: 64 is bucket 64.
 */
static uint32_t bucket_of(uint64_t ns)
{
    if (ns < KPB_HISTOGRAM_STEPS)
        return (uint32_t)ns;
    if (ns > MAX_NS)
        ns = MAX_NS;
    unsigned shift = kpb_highest_bit(ns) - STEP_BITS;
    return (uint32_t)(shift * KPB_HISTOGRAM_STEPS + (ns >> shift));
}

/* The largest value that falls into a bucket. */
static uint64_t bucket_end(uint32_t bucket)
{
    if (bucket < KPB_HISTOGRAM_STEPS)
        return bucket;
    unsigned shift = bucket / KPB_HISTOGRAM_STEPS - 1u;
    uint64_t step = bucket % KPB_HISTOGRAM_STEPS + KPB_HISTOGRAM_STEPS;
    return ((step + 1u) << shift) - 1u;
}

static uint64_t read_count(const _Atomic uint64_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

static void raise_max(struct kpb_histogram *histogram, uint64_t ns)
{
    uint64_t max = read_count(&histogram->max_ns);
    while (ns > max &&
           !atomic_compare_exchange_weak_explicit(&histogram->max_ns, &max, ns,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

void kpb_histogram_record(struct kpb_histogram *histogram, uint64_t ns)
{
    atomic_fetch_add_explicit(&histogram->counts[bucket_of(ns)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_ns, ns, memory_order_relaxed);
    raise_max(histogram, ns);
}

void kpb_histogram_add(struct kpb_histogram *histogram, uint64_t ns, uint64_t count)
{
    if (count == 0)
        return;
    atomic_fetch_add_explicit(&histogram->counts[bucket_of(ns)], count, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_ns, ns * count, memory_order_relaxed);
    raise_max(histogram, ns);
}

void kpb_histogram_subtract(struct kpb_histogram *histogram, const struct kpb_histogram *before)
{
    uint64_t max = 0;
    for (uint32_t i = 0; i < KPB_HISTOGRAM_BUCKETS; i++) {
        atomic_fetch_sub_explicit(&histogram->counts[i], read_count(&before->counts[i]),
                                  memory_order_relaxed);
        if (read_count(&histogram->counts[i]) > 0)
            max = bucket_end(i);
    }
    atomic_fetch_sub_explicit(&histogram->sum_ns, read_count(&before->sum_ns),
                              memory_order_relaxed);
    if (max < read_count(&histogram->max_ns))
        atomic_store_explicit(&histogram->max_ns, max, memory_order_relaxed);
}

uint64_t kpb_histogram_count(const struct kpb_histogram *histogram)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < KPB_HISTOGRAM_BUCKETS; i++)
        count += read_count(&histogram->counts[i]);
    return count;
}

uint64_t kpb_histogram_count_up_to(const struct kpb_histogram *histogram, uint64_t ns)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < KPB_HISTOGRAM_BUCKETS && bucket_end(i) <= ns; i++)
        count += read_count(&histogram->counts[i]);
    return count;
}

uint64_t kpb_histogram_mean(const struct kpb_histogram *histogram)
{
    uint64_t count = kpb_histogram_count(histogram);
    return count > 0 ? read_count(&histogram->sum_ns) / count : 0;
}

uint64_t kpb_histogram_quantile(const struct kpb_histogram *histogram, double q)
{
    uint64_t count = kpb_histogram_count(histogram);
    uint64_t max = read_count(&histogram->max_ns);
    double wanted = q * (double)count;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < KPB_HISTOGRAM_BUCKETS; i++) {
        seen += read_count(&histogram->counts[i]);
        if (seen > 0 && (double)seen >= wanted)
            return bucket_end(i) < max ? bucket_end(i) : max;
    }
    return max;
}

void kpb_histogram_each(const struct kpb_histogram *histogram, kpb_histogram_each_fn *each,
                        void *ctx)
{
    for (uint32_t i = 0; i < KPB_HISTOGRAM_BUCKETS; i++) {
        uint64_t count = read_count(&histogram->counts[i]);
        if (count > 0)
            each(ctx, bucket_end(i), count);
    }
}

void kpb_histogram_merge(struct kpb_histogram *into, const struct kpb_histogram *from)
{
    for (uint32_t i = 0; i < KPB_HISTOGRAM_BUCKETS; i++)
        atomic_fetch_add_explicit(&into->counts[i], read_count(&from->counts[i]),
                                  memory_order_relaxed);
    atomic_fetch_add_explicit(&into->sum_ns, read_count(&from->sum_ns), memory_order_relaxed);
    raise_max(into, read_count(&from->max_ns));
}
