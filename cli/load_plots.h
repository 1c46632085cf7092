/*
 * The plots of a run: latency by percentile, of operations and, where there are any, of keys and
 * phases; latency and rate over time. Main thread.
 */
#ifndef KP_CLI_LOAD_PLOTS_H
#define KP_CLI_LOAD_PLOTS_H

#include "cli/load_report.h"
#include "cli/load_svg.h"

/* Charts without lines yet: latency, in ms, by percentile; operations per second over time. */
struct load_chart cli_load_percentile_chart(const char *title);
struct load_chart cli_load_rate_chart(void);
/* A point of the first: a latency that a share in [0, 1) of all stays below. */
struct load_point cli_load_percentile_point(double below, double ns);

/* Draws them one below the other. */
void cli_load_plots(const struct load_result *result, struct cli_out *o);

#endif /* KP_CLI_LOAD_PLOTS_H */
