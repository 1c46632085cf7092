/*
 * The plots of a run: latency by percentile, of operations and, where there are any, of keys and
 * phases; latency and rate over time. Main thread.
 */
#ifndef KP_CLI_LOAD_PLOTS_H
#define KP_CLI_LOAD_PLOTS_H

#include "cli/load_report.h"

/* Draws them one below the other. */
void cli_load_plots(const struct load_result *result, struct cli_out *o);

#endif /* KP_CLI_LOAD_PLOTS_H */
