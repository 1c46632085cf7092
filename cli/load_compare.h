/*
 * Sets two results of `kp bench --json` against each other: rate and percentiles, their ratio, and
 * whether the difference is more than the course over time lets one expect by chance. Main thread.
 */
#ifndef KP_CLI_LOAD_COMPARE_H
#define KP_CLI_LOAD_COMPARE_H

#include "cli/cli.h"

/*
 * Reads both files and writes the comparison. Errors: usage when there is no second file or one is
 * no such result; io, no_memory.
 */
kp_status cli_load_compare(struct cli *c, const char *path, const char *other) KP_MUST_USE;

#endif /* KP_CLI_LOAD_COMPARE_H */
