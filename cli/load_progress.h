/*
 * How a run goes, on standard error, while it lasts: on a terminal one line that is written over
 * and never wider than the terminal; into a pipe or a file, where nothing can be written over, a
 * line of its own every ten seconds.
 *
 * A thread of its own, so that a vault that stalls every caller does not stall the line too.
 */
#ifndef KP_CLI_LOAD_PROGRESS_H
#define KP_CLI_LOAD_PROGRESS_H

#include "cli/load_result.h"

struct load_progress;

/*
 * Starts the line of a run that began at begin_ns (monotonic). result is borrowed until the end.
 * NULL: no memory or no thread; the run goes on without.
 */
struct load_progress *cli_load_progress_start(struct load_result *result, uint64_t begin_ns);
/* Ends the thread and takes the line away. NULL is allowed. */
void cli_load_progress_end(struct load_progress *progress);

/* The line at a moment of the run, cut to columns letters. Pure. */
#define LOAD_PROGRESS_LEN 160u
void cli_load_progress_text(const struct load_plan *plan, const struct load_glance *glance,
                            uint64_t now_ns, uint32_t columns, char out[LOAD_PROGRESS_LEN]);

#endif /* KP_CLI_LOAD_PROGRESS_H */
