/*
 * What two results of `kp bench --json` have in common as numbers: rate, latencies, failures, each
 * of both runs, and whether they are further apart than the runs themselves scatter. Pure. Any
 * thread.
 */
#ifndef KP_CLI_LOAD_FIGURES_H
#define KP_CLI_LOAD_FIGURES_H

#include <jansson.h>

#define LOAD_FIGURE_NAME_LEN 32u

/* One number of both runs. */
struct load_figure {
    char name[LOAD_FIGURE_NAME_LEN]; /* with its unit: "p99 ms", "wrap p99 ms" */
    double a;
    double b;
    double ratio;        /* b to a; 0 when a is 0 */
    const char *verdict; /* "within noise", "beyond noise", "too short to tell" */
};

typedef void cli_load_figure_fn(void *ctx, const struct load_figure *figure);

/*
 * Calls each for every figure: those of all operations, then p50 and p99 of each operation that
 * both runs have, where there are several.
 *
 * A difference is beyond noise when it is more than three standard errors, as the slices of the
 * course over time scatter: whole slices within the duration, each around the mean of its step of
 * --rate. Percentiles other than p50 scatter as p99 does; an operation as all do, but more by the
 * root of how few of them it is. Less than LOAD_SLICES_TO_TELL slices tell nothing.
 */
#define LOAD_SLICES_TO_TELL 5u
void cli_load_figures_each(const json_t *a, const json_t *b, cli_load_figure_fn *each, void *ctx);

#endif /* KP_CLI_LOAD_FIGURES_H */
