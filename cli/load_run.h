/*
 * Drives the load: starts operations by the schedule, asynchronously from one thread or blocking
 * from many, and notes how each ended. Prints a progress line when stderr is a terminal; Ctrl-C
 * ends the run early and cleanly.
 *
 * Threads: call it on the main thread; it returns when every operation has ended.
 */
#ifndef KP_CLI_LOAD_RUN_H
#define KP_CLI_LOAD_RUN_H

#include "cli/load_result.h"
#include "cli/load_target.h"

/* Runs plan against targets into result. Errors: no_memory, internal when threads are not to be
 * had. */
kp_status cli_load_run(struct cli *c, const struct load_plan *plan,
                       const struct load_targets *targets, struct load_result *result) KP_MUST_USE;

#endif /* KP_CLI_LOAD_RUN_H */
