#include "cli/load_plots.h"

#include <math.h>

#include "base/mem.h"

#define CURVE_POINTS_MAX 2600u /* a histogram has fewer buckets */

/* ---- Latency by percentile ---- */

struct load_point cli_load_percentile_point(double below, double ns)
{
    return (struct load_point){1 / (1 - below), ns / LOAD_NS_PER_MS};
}

struct curve {
    struct load_point *points;
    uint32_t n;
    uint64_t seen;
    uint64_t total;
};

static void add_bucket(void *ctx, uint64_t ns, uint64_t count)
{
    struct curve *curve = ctx;
    const double share = (double)curve->seen / (double)curve->total; /* below this bucket */
    curve->seen += count;
    if (curve->n < CURVE_POINTS_MAX) {
        curve->points[curve->n++] = cli_load_percentile_point(share, (double)ns);
    }
}

static uint32_t make_curve(const struct kpb_histogram *latency, struct load_point *points)
{
    struct curve curve = {.points = points, .total = kpb_histogram_count(latency)};
    kpb_histogram_each(latency, add_bucket, &curve);
    return curve.n;
}

struct load_chart cli_load_percentile_chart(const char *title)
{
    return (struct load_chart){.title = title,
                               .x_label = "percentile",
                               .y_label = "latency, ms (logarithmic)",
                               .log_x = true,
                               .log_y = true,
                               .x_is_percentile = true};
}

/* points: CURVE_POINTS_MAX for each line. */
static void add_curve(struct load_chart *chart, struct load_point *points, const char *name,
                      const struct kpb_histogram *latency)
{
    struct load_point *own = points + (size_t)chart->n_lines * CURVE_POINTS_MAX;
    const uint32_t n = make_curve(latency, own);
    chart->lines[chart->n_lines++] = (struct load_line){name, own, n, LOAD_LINE_SOLID};
}

static void draw_operations(const struct load_result *result, struct load_point *points,
                            struct cli_out *o)
{
    struct load_chart chart = cli_load_percentile_chart("Latency by percentile");
    for (int i = 0; i < LOAD_N_OPS; i++) {
        if (cli_load_result_plan(result)->weights[i] > 0) {
            add_curve(&chart, points, cli_load_op_text((enum load_op)i),
                      &cli_load_result_op(result, (enum load_op)i)->latency);
        }
    }
    cli_load_svg(&chart, o);
}

/* The keys against each other: what one slow vault does to the others. */
static void draw_keys(const struct load_result *result, struct load_point *points,
                      struct cli_out *o)
{
    struct load_chart chart = cli_load_percentile_chart("Latency by percentile, key by key");
    const struct load_key_result *key;
    for (uint32_t i = 0; (key = cli_load_result_key(result, i)) != NULL; i++) {
        add_curve(&chart, points, key->name, &key->latency);
    }
    if (chart.n_lines > 0) {
        cli_load_svg(&chart, o);
    }
}

/* Where the time of a request went; only what asks a service over HTTP has phases. */
static void draw_phases(const struct load_result *result, struct load_point *points,
                        struct cli_out *o)
{
    struct load_chart chart = cli_load_percentile_chart("Phases of a request by percentile");
    const struct load_counters *counters = cli_load_result_counters(result);
    for (uint32_t i = 0; i < KP_PHASE_COUNT; i++) {
        if (kpb_histogram_count(&counters->phases[i]) > 0) {
            add_curve(&chart, points, cli_load_phase_text(i), &counters->phases[i]);
        }
    }
    if (chart.n_lines > 0) {
        cli_load_svg(&chart, o);
    }
}

/* ---- Over time ---- */

#define TIME_LABEL "seconds since the end of the warm-up"

/* A slice the run did not fill tells of its end, not of the vault; the first one always counts. */
static const struct load_slice *whole_slice(const struct load_result *result, uint32_t i)
{
    const uint64_t end_ns = ((uint64_t)i + 1) * cli_load_result_slice_ns(result);
    const struct load_plan *plan = cli_load_result_plan(result);
    const bool whole = end_ns <= cli_load_result_measured_ns(result) && end_ns <= plan->duration_ns;
    return whole || i == 0 ? cli_load_result_slice(result, i) : NULL;
}

static double slice_second(const struct load_result *result, uint32_t i)
{
    return ((double)i + 0.5) * (double)cli_load_result_slice_ns(result) / LOAD_NS_PER_S;
}

/* A slice in which nothing succeeded has no latency: a gap, not a line across it. */
static uint32_t make_latency_line(const struct load_result *result, double q,
                                  struct load_point *points)
{
    uint32_t n = 0;
    const struct load_slice *slice;
    for (; n < LOAD_SLICES_MAX && (slice = whole_slice(result, n)) != NULL; n++) {
        const bool is_empty = kpb_histogram_count(&slice->latency) == 0;
        points[n] = (struct load_point){
            slice_second(result, n),
            is_empty ? NAN : (double)kpb_histogram_quantile(&slice->latency, q) / LOAD_NS_PER_MS};
    }
    return n;
}

static void draw_latency_over_time(const struct load_result *result, struct load_point *points,
                                   struct cli_out *o)
{
    struct load_chart chart = {.title = "Latency over time",
                               .x_label = TIME_LABEL,
                               .y_label = "latency, ms (logarithmic)",
                               .log_y = true,
                               .n_lines = 3};
    static const double quantiles[] = {0.5, 0.99, 1.0};
    static const char *const names[] = {"p50", "p99", "max"};
    for (uint32_t i = 0; i < chart.n_lines; i++) {
        struct load_point *own = points + (size_t)i * LOAD_SLICES_MAX;
        chart.lines[i] =
            (struct load_line){names[i], own, make_latency_line(result, quantiles[i], own),
                               quantiles[i] < 1 ? LOAD_LINE_SOLID : LOAD_LINE_DOTTED};
    }
    cli_load_svg(&chart, o);
}

/* What was offered, with its steps as steps: up to the last whole slice of the run. */
static uint32_t make_offered_line(const struct load_plan *plan, double end_s,
                                  struct load_point *points)
{
    uint32_t n = 0;
    const double step_s =
        (double)plan->duration_ns / LOAD_NS_PER_S / (plan->n_rates > 0 ? plan->n_rates : 1);
    for (uint32_t i = 0; i < plan->n_rates && i * step_s < end_s; i++) {
        const double rate = plan->rates[i];
        const double to_s = (i + 1) * step_s;
        points[n++] = (struct load_point){i * step_s, rate};
        points[n++] = (struct load_point){to_s < end_s ? to_s : end_s, rate};
    }
    return n;
}

struct load_chart cli_load_rate_chart(void)
{
    return (struct load_chart){
        .title = "Rate over time", .x_label = TIME_LABEL, .y_label = "operations per second"};
}

static void draw_rate_over_time(const struct load_result *result, struct load_point *points,
                                struct cli_out *o)
{
    const uint64_t slice_ns = cli_load_result_slice_ns(result);
    const double slice_s = (double)slice_ns / LOAD_NS_PER_S;
    struct load_point *failed = points + LOAD_SLICES_MAX;
    struct load_point *offered = failed + LOAD_SLICES_MAX;
    const struct load_slice *slice;
    uint32_t n = 0;
    for (; n < LOAD_SLICES_MAX && (slice = whole_slice(result, n)) != NULL; n++) {
        const double x = slice_second(result, n);
        points[n] = (struct load_point){x, (double)kpb_histogram_count(&slice->latency) / slice_s};
        failed[n] = (struct load_point){x, (double)slice->n_failed / slice_s};
    }
    struct load_chart chart = cli_load_rate_chart();
    chart.lines[chart.n_lines++] = (struct load_line){"ok", points, n, LOAD_LINE_SOLID};
    chart.lines[chart.n_lines++] = (struct load_line){"failed", failed, n, LOAD_LINE_SOLID};
    const uint32_t n_offered =
        make_offered_line(cli_load_result_plan(result), n * slice_s, offered);
    if (n_offered > 0) {
        chart.lines[chart.n_lines++] =
            (struct load_line){"offered", offered, n_offered, LOAD_LINE_REFERENCE};
    }
    cli_load_svg(&chart, o);
}

void cli_load_plots(const struct load_result *result, struct cli_out *o)
{
    struct load_point *points = kpb_alloc_array(
        "cli.load.points", (size_t)CURVE_POINTS_MAX * LOAD_CHART_LINES_MAX, sizeof *points);
    if (!points) {
        o->st = KP_NO_MEMORY;
        return;
    }
    draw_operations(result, points, o);
    draw_keys(result, points, o);
    draw_phases(result, points, o);
    draw_latency_over_time(result, points, o);
    draw_rate_over_time(result, points, o);
    kpb_free(points);
}
