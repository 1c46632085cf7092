#include "cli/load_figures.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define BEYOND_NOISE 3.0 /* standard errors of the difference */
#define NS_PER_MS 1e6
#define MS_PER_S 1000.0

/* One number of one run, and its standard error in the same unit; infinite: too short to tell. */
struct sample {
    double value;
    double error;
};

static double member(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

/* ---- How slices scatter ---- */

/* What a slice shows of a figure; false when nothing. */
typedef bool slice_fn(const json_t *slice, double *ret);

static bool slice_rate(const json_t *slice, double *ret)
{
    *ret = member(slice, "per_s");
    return true;
}

static bool slice_p50(const json_t *slice, double *ret)
{
    *ret = member(slice, "p50") / NS_PER_MS;
    return member(slice, "ok") > 0;
}

static bool slice_p99(const json_t *slice, double *ret)
{
    *ret = member(slice, "p99") / NS_PER_MS;
    return member(slice, "ok") > 0;
}

static bool slice_failed(const json_t *slice, double *ret)
{
    const double n = member(slice, "ok") + member(slice, "failed");
    *ret = n > 0 ? 100 * member(slice, "failed") / n : 0;
    return n > 0;
}

/* Slices so far, and the squares of their distances from the mean of their step. */
struct tally {
    double n;
    double sum;
    double squares;
    double n_steps;
    int step; /* the one that is under way */
    double n_of_step;
    double mean_of_step;
};

static void add_slice(struct tally *tally, int step, double x)
{
    if (tally->n < 1 || step != tally->step) {
        tally->step = step;
        tally->n_steps += 1;
        tally->n_of_step = 0;
        tally->mean_of_step = 0;
    }
    const double before = x - tally->mean_of_step;
    tally->n += 1;
    tally->sum += x;
    tally->n_of_step += 1;
    tally->mean_of_step += before / tally->n_of_step;
    tally->squares += before * (x - tally->mean_of_step);
}

/* The step of --rate that the middle of a slice is in. */
static int step_at(const json_t *plan, double middle_ms)
{
    const double n = (double)json_array_size(json_object_get(plan, "rates_per_s"));
    const double duration_ms = member(plan, "duration_ms");
    return n > 1 && duration_ms > 0 ? (int)(fmin(middle_ms / duration_ms, 1) * n) : 0;
}

/* What came after the duration, and a slice that is not whole, tell of the end of the run. */
static struct tally tally_slices(const json_t *root, slice_fn *show)
{
    const json_t *slices = json_object_get(root, "timeline");
    const json_t *plan = json_object_get(root, "plan");
    const double end_ms = fmin(member(root, "measured_ms"), member(plan, "duration_ms"));
    struct tally tally = {.n = 0};
    for (size_t i = 0; i + 1 < json_array_size(slices); i++) {
        const json_t *slice = json_array_get(slices, i);
        const double from_ms = member(slice, "start_ms");
        const double to_ms = member(json_array_get(slices, i + 1), "start_ms");
        double x = 0;
        if (to_ms <= end_ms && show(slice, &x)) {
            add_slice(&tally, step_at(plan, (from_ms + to_ms) / 2), x);
        }
    }
    return tally;
}

/* Standard error of the mean of the slices; infinite where they are too few. */
static double scatter(const json_t *root, slice_fn *show)
{
    const struct tally tally = tally_slices(root, show);
    const double freedom = tally.n - tally.n_steps;
    return freedom + 1 < LOAD_SLICES_TO_TELL ? INFINITY : sqrt(tally.squares / freedom / tally.n);
}

/* The same as a share of that mean. */
static double relative_scatter(const json_t *root, slice_fn *show)
{
    const struct tally tally = tally_slices(root, show);
    return tally.sum > 0 ? scatter(root, show) * tally.n / tally.sum : INFINITY;
}

/* ---- Verdicts ---- */

static double sum_of_errors(double a, double b)
{
    return sqrt(a * a + b * b);
}

/* Latencies and rates differ by a factor. */
static const char *judge_ratio(const struct sample *a, const struct sample *b)
{
    const double error =
        a->value > 0 && b->value > 0 ? sum_of_errors(a->error / a->value, b->error / b->value) : 0;
    if (a->value <= 0 || b->value <= 0 || !(error < HUGE_VAL)) {
        return "too short to tell";
    }
    return fabs(log(b->value / a->value)) > BEYOND_NOISE * error ? "beyond noise" : "within noise";
}

/* Failures may well be none, which no factor leads to. */
static const char *judge_difference(const struct sample *a, const struct sample *b)
{
    const double error = sum_of_errors(a->error, b->error);
    if (!(error < HUGE_VAL)) {
        return "too short to tell";
    }
    return fabs(b->value - a->value) > BEYOND_NOISE * error ? "beyond noise" : "within noise";
}

typedef const char *judge_fn(const struct sample *a, const struct sample *b);

static struct load_figure judge(const struct sample *a, const struct sample *b, judge_fn *verdict)
{
    return (struct load_figure){.a = a->value,
                                .b = b->value,
                                .ratio = a->value > 0 ? b->value / a->value : 0,
                                .verdict = verdict(a, b)};
}

/* ---- All operations ---- */

static struct sample rate_of(const json_t *root)
{
    const double value = member(root, "achieved_per_s");
    return (struct sample){value, relative_scatter(root, slice_rate) * value};
}

/* Percent of all operations. */
static struct sample failed_of(const json_t *root)
{
    const json_t *all = json_object_get(root, "all");
    const double n = member(all, "ok") + member(all, "failed");
    return (struct sample){n > 0 ? 100 * member(all, "failed") / n : 0,
                           scatter(root, slice_failed)};
}

static const struct {
    const char *name;
    const char *member; /* of latency_ns */
    slice_fn *show;
} LATENCIES[] = {
    {"p50 ms", "p50", slice_p50},
    {"p90 ms", "p90", slice_p99},
    {"p99 ms", "p99", slice_p99},
    {"p99.9 ms", "p99.9", slice_p99},
};
#define N_LATENCIES (sizeof LATENCIES / sizeof LATENCIES[0])

/* A percentile of some of the operations; row is "all", or that of one operation. */
static struct sample latency_of(const json_t *root, const json_t *row, size_t i)
{
    const double value =
        member(json_object_get(row, "latency_ns"), LATENCIES[i].member) / NS_PER_MS;
    const double n_all = member(json_object_get(root, "all"), "ok");
    const double fewer = sqrt(n_all / fmax(member(row, "ok"), 1));
    return (struct sample){value, relative_scatter(root, LATENCIES[i].show) * fewer * value};
}

static void tell_latency(const json_t *const roots[2], const json_t *const rows[2], const char *op,
                         size_t i, cli_load_figure_fn *each, void *ctx)
{
    const struct sample a = latency_of(roots[0], rows[0], i);
    const struct sample b = latency_of(roots[1], rows[1], i);
    struct load_figure figure = judge(&a, &b, judge_ratio);
    (void)snprintf(figure.name, sizeof figure.name, "%.16s%s%s", op, op[0] != '\0' ? " " : "",
                   LATENCIES[i].name);
    each(ctx, &figure);
}

static void tell(const char *name, const struct sample *a, const struct sample *b,
                 judge_fn *verdict, cli_load_figure_fn *each, void *ctx)
{
    struct load_figure figure = judge(a, b, verdict);
    (void)snprintf(figure.name, sizeof figure.name, "%s", name);
    each(ctx, &figure);
}

static void tell_all(const json_t *const roots[2], cli_load_figure_fn *each, void *ctx)
{
    const json_t *const rows[2] = {json_object_get(roots[0], "all"),
                                   json_object_get(roots[1], "all")};
    const struct sample rate[2] = {rate_of(roots[0]), rate_of(roots[1])};
    const struct sample failed[2] = {failed_of(roots[0]), failed_of(roots[1])};
    tell("rate per s", &rate[0], &rate[1], judge_ratio, each, ctx);
    for (size_t i = 0; i < N_LATENCIES; i++) {
        tell_latency(roots, rows, "", i, each, ctx);
    }
    tell("failed %", &failed[0], &failed[1], judge_difference, each, ctx);
}

/* ---- Operation by operation ---- */

static const json_t *find_op(const json_t *root, const char *name)
{
    const json_t *ops = json_object_get(root, "ops");
    for (size_t i = 0; i < json_array_size(ops); i++) {
        const json_t *row = json_array_get(ops, i);
        const char *op = json_string_value(json_object_get(row, "op"));
        if (op && strcmp(op, name) == 0) {
            return row;
        }
    }
    return NULL;
}

static void tell_op(const json_t *const roots[2], const json_t *row, cli_load_figure_fn *each,
                    void *ctx)
{
    const char *name = json_string_value(json_object_get(row, "op"));
    const json_t *const rows[2] = {row, name ? find_op(roots[1], name) : NULL};
    for (size_t i = 0; rows[1] && i < N_LATENCIES; i++) {
        if (strcmp(LATENCIES[i].member, "p50") == 0 || strcmp(LATENCIES[i].member, "p99") == 0) {
            tell_latency(roots, rows, name, i, each, ctx);
        }
    }
}

void cli_load_figures_each(const json_t *a, const json_t *b, cli_load_figure_fn *each, void *ctx)
{
    const json_t *const roots[2] = {a, b};
    const json_t *ops = json_object_get(a, "ops");
    const bool alone = json_array_size(ops) <= 1 && json_array_size(json_object_get(b, "ops")) <= 1;
    tell_all(roots, each, ctx);
    for (size_t i = 0; !alone && i < json_array_size(ops); i++) {
        tell_op(roots, json_array_get(ops, i), each, ctx);
    }
}
