/*
 * What a load test tells: text for people, JSON for programs, a percentile log for plotters, one
 * page for a browser. All of them say the same numbers; none keeps state. Main thread.
 */
#ifndef KP_CLI_LOAD_REPORT_H
#define KP_CLI_LOAD_REPORT_H

#include "cli/load_result.h"

/* The percentiles every report shows: p50, p90, p99, p99.9, p99.99. */
#define LOAD_N_QUANTILES 5u
extern const double cli_load_quantiles[LOAD_N_QUANTILES];
extern const char *const cli_load_quantile_texts[LOAD_N_QUANTILES];

/* Operations that succeeded per second of the measured time. */
double cli_load_achieved_per_s(const struct load_result *result);
/* Processor time per measured operation, in us, and memory: of the process at most, in MiB, and
 * what it has grown by per operation under way, in KiB. */
double cli_load_cpu_us(const struct load_result *result);
double cli_load_max_rss_mib(const struct load_result *result);
double cli_load_grown_kib(const struct load_result *result);
/* What the plan offered per second while it was measured, as the mean over the steps it came to; 0
 * for a closed loop. */
double cli_load_offered_per_s(const struct load_result *result);

/* A drain that is worth a word: shorter ones every run has, when its last operation ends. */
#define LOAD_DRAIN_TOLD_NS (LOAD_NS_PER_S / 10)

/* One line that says what was run, without a line end. */
void cli_load_describe(const struct load_plan *plan, struct cli_out *o);
/* What a promise asks, NULL: the one about errors: "50.000 ms", "0.100%". */
#define LOAD_LIMIT_LEN 40u
void cli_load_limit_text(const struct load_slo *slo, const struct load_promise *promise,
                         char out[LOAD_LIMIT_LEN]);
/* What a promise asked and got, in one line without its end. */
#define LOAD_KEPT_LEN 96u
void cli_load_kept_text(const struct load_slo *slo, const struct load_kept *kept,
                        char out[LOAD_KEPT_LEN]);
/* Tables as text. */
void cli_load_write_text(const struct load_result *result, struct cli_out *o);
/* One JSON object; docs/LOAD.md describes its members. Between open and close the caller may add
 * members of its own. */
void cli_load_write_json(const struct load_result *result, struct cli_out *o);
void cli_load_open_json(const struct load_result *result, struct cli_out *o);
void cli_load_close_json(struct cli_out *o);
/*
 * The latencies of all operations as HdrHistogram's percentile log, values in milliseconds.
 * Source: outputPercentileDistribution of HdrHistogram, as its plotting page reads it.
 */
void cli_load_write_percentiles(const struct load_result *result, struct cli_out *o);
/* How every page begins, up to its heading; what was loaded, a paragraph; and how it ends, with the
 * environment. */
extern const char cli_load_page_head[];
void cli_load_page_keys(const struct load_plan *plan, struct cli_out *o);
void cli_load_page_end(struct cli_out *o);
/* A page without scripts, links or fonts from elsewhere. */
void cli_load_write_page(const struct load_result *result, struct cli_out *o);

#endif /* KP_CLI_LOAD_REPORT_H */
