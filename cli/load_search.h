/*
 * The highest rate at which the promises of --slo hold: trials of the whole run, the rate doubled
 * until one fails, then the gap halved. Main thread; takes as many runs as that needs, at most
 * LOAD_TRIALS_MAX.
 */
#ifndef KP_CLI_LOAD_SEARCH_H
#define KP_CLI_LOAD_SEARCH_H

#include "cli/load_target.h"

#define LOAD_TRIALS_MAX 24u
#define LOAD_SEARCH_START 50.0     /* per second, where --rate says nothing */
#define LOAD_SEARCH_PRECISION 1.05 /* the answer is at most this far below the first that fails */
#define LOAD_KEPT_UP 0.95          /* a trial that achieves less of its rate has not kept up */

/* One run at one rate, as the search sees it. */
struct load_trial {
    double rate;
    double achieved;
    uint64_t p50_ns;
    uint64_t p99_ns;
    uint64_t mean_ns;
    uint64_t n_failed;
    bool held;
};

/* The rate to try next after n trials; 0: the search is over. Pure. first: the rate to begin
 * with. */
double cli_load_search_next(const struct load_trial *trials, uint32_t n, double first);
/* The highest rate that held, 0 when none did. Pure. */
double cli_load_search_answer(const struct load_trial *trials, uint32_t n);

/* A page with the trials as plots and as a table. */
void cli_load_search_write_page(const struct load_plan *plan, const struct load_trial *trials,
                                uint32_t n, struct cli_out *o);

/* Searches and tells. Errors: usage without --slo; as cli_load_run. */
kp_status cli_load_search(struct cli *c, const struct load_plan *plan,
                          const struct load_targets *targets) KP_MUST_USE;

#endif /* KP_CLI_LOAD_SEARCH_H */
