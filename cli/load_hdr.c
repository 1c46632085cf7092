#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "cli/load_report.h"

/*
 * The layout in HdrHistogram's words: the first bucket has sub-buckets of one value each, every
 * further one twice the range in half as many, so that there are (BUCKETS + 1) * SUB_BUCKETS / 2
 * counters.
 */
#define SUB_BUCKETS (2 * KPB_HISTOGRAM_STEPS)
#define BUCKETS (2 * KPB_HISTOGRAM_BUCKETS / SUB_BUCKETS - 1)

#define TICKS_PER_HALF 5u /* lines each time the distance to 100% halves */

struct log {
    struct cli_out *o;
    uint64_t total;
    uint64_t max_ns;
    uint64_t seen;
    double level; /* the percentile the next line is due at, in [0, 1) */
    double sum;
    double sum_of_squares;
};

static void write_level(const struct log *log, uint64_t ns)
{
    char text[96];
    (void)snprintf(text, sizeof text, "%12.6f %14.12f %10" PRIu64 " %14.2f\n",
                   (double)ns / LOAD_NS_PER_MS, log->level, log->seen, 1 / (1 - log->level));
    cli_out_text(log->o, text);
}

static void write_last(const struct log *log, uint64_t ns)
{
    char text[96];
    (void)snprintf(text, sizeof text, "%12.6f %14.12f %10" PRIu64 "\n", (double)ns / LOAD_NS_PER_MS,
                   1.0, log->seen);
    cli_out_text(log->o, text);
}

/* From 0 to 50% in five steps, to 75% in five more, and so on: even steps on a logarithmic axis. */
static double next_level(double level)
{
    const double halvings = floor(-log2(1 - level) + 1e-9);
    return level + pow(2, -halvings - 1) / TICKS_PER_HALF;
}

/*
 * A line for each level that this bucket reaches. The last bucket has one for the level that was
 * due, and one for 100%.
 */
static void write_bucket(void *ctx, uint64_t end_ns, uint64_t count)
{
    struct log *log = ctx;
    const uint64_t ns = end_ns < log->max_ns ? end_ns : log->max_ns;
    const double ms = (double)ns / LOAD_NS_PER_MS;
    log->seen += count;
    log->sum += ms * (double)count;
    log->sum_of_squares += ms * ms * (double)count;
    if (log->seen == log->total) {
        write_level(log, ns);
        write_last(log, ns);
        return;
    }
    const double share = (double)log->seen / (double)log->total;
    while (log->level <= share + 1e-15) {
        write_level(log, ns);
        log->level = next_level(log->level);
    }
}

static void write_end(const struct log *log)
{
    char text[256];
    const double n = log->total > 0 ? (double)log->total : 1;
    const double mean = log->sum / n;
    const double variance = log->sum_of_squares / n - mean * mean;
    (void)snprintf(text, sizeof text,
                   "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n"
                   "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n"
                   "#[Buckets = %12u, SubBuckets     = %12u]\n",
                   mean, sqrt(variance > 0 ? variance : 0), (double)log->max_ns / LOAD_NS_PER_MS,
                   log->total, BUCKETS, SUB_BUCKETS);
    cli_out_text(log->o, text);
}

void cli_load_write_percentiles(const struct load_result *result, struct cli_out *o)
{
    const struct kpb_histogram *latency = cli_load_result_all(result);
    struct log log = {.o = o,
                      .total = kpb_histogram_count(latency),
                      .max_ns = kpb_histogram_quantile(latency, 1.0)};
    cli_out_text(o, "       Value     Percentile TotalCount 1/(1-Percentile)\n\n");
    kpb_histogram_each(latency, write_bucket, &log);
    write_end(&log);
}
