#include "cli/load_platform.h"
#include "cli/load_report.h"
#include "cli/load_schedule.h"
#include "cli/load_svg.h"

#include "base/mem.h"
#include "base/span.h"

#define CURVE_POINTS_MAX 2600u /* a histogram has fewer buckets */

const char cli_load_page_head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<title>kp bench</title>\n<style>\n"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:900px;margin:2em auto;padding:0 1em;"
    "color:#222;background:#fff}\n"
    "h1{font-size:1.4em}table{border-collapse:collapse;margin:1em 0}\n"
    "td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #ddd}\n"
    "td:first-child,th:first-child{text-align:left}\n"
    "svg{width:100%;height:auto;margin:1em 0;font-size:12px}svg text{fill:#444}\n"
    ".title text{font-size:14px;font-weight:600;fill:#222}.grid{stroke:#e4e4e4;fill:none}\n"
    ".line{fill:none;stroke-width:2}\n"
    ".c0{stroke:#1f6feb}.c1{stroke:#d1242f}.c2{stroke:#1a7f37}.c3{stroke:#9a6700}\n"
    ".c4{stroke:#8250df}.c5{stroke:#bf3989}.c6{stroke:#0a7d8c}.c7{stroke:#57606a}\n"
    ".key{stroke:none}.key.c0 text{fill:#1f6feb}.key.c1 text{fill:#d1242f}"
    ".key.c2 text{fill:#1a7f37}.key.c3 text{fill:#9a6700}.key.c4 text{fill:#8250df}"
    ".key.c5 text{fill:#bf3989}.key.c6 text{fill:#0a7d8c}.key.c7 text{fill:#57606a}\n"
    ".bad{color:#d1242f;font-weight:600}.small{color:#666;font-size:.9em}\n"
    "</style></head><body>\n<h1>kp bench</h1>\n";

/* Text that comes from outside: vaults write the sentences of their errors. */
static void write_escaped(struct cli_out *o, kp_span text)
{
    static const char *const entities[256] = {
        ['<'] = "&lt;", ['>'] = "&gt;", ['&'] = "&amp;", ['"'] = "&quot;"};
    for (size_t i = 0; i < text.len; i++) {
        if (entities[text.ptr[i]]) {
            cli_out_text(o, entities[text.ptr[i]]);
        } else {
            cli_out_receive(o, kpb_span(text.ptr + i, 1));
        }
    }
}

/* ---- Tables ---- */

static void write_ms_cell(struct cli_out *o, uint64_t ns)
{
    cli_out_text(o, "<td>");
    cli_out_real(o, (double)ns / LOAD_NS_PER_MS, 3);
    cli_out_text(o, "</td>");
}

static void write_row(struct cli_out *o, const char *name, const struct kpb_histogram *latency,
                      uint64_t n_failed)
{
    cli_out_text(o, "<tr><td>");
    write_escaped(o, kpb_span_str(name));
    cli_out_text(o, "</td><td>");
    cli_out_uint(o, kpb_histogram_count(latency));
    cli_out_text(o, n_failed > 0 ? "</td><td class=\"bad\">" : "</td><td>");
    cli_out_uint(o, n_failed);
    cli_out_text(o, "</td>");
    for (uint32_t i = 0; i < LOAD_N_QUANTILES; i++) {
        write_ms_cell(o, kpb_histogram_quantile(latency, cli_load_quantiles[i]));
    }
    write_ms_cell(o, kpb_histogram_quantile(latency, 1.0));
    cli_out_text(o, "</tr>\n");
}

static void write_head_row(struct cli_out *o, const char *first)
{
    cli_out_text(o, "<table><tr><th>");
    cli_out_text(o, first);
    cli_out_text(o, ", ms</th><th>ok</th><th>failed</th>");
    for (uint32_t i = 0; i < LOAD_N_QUANTILES; i++) {
        cli_out_text(o, "<th>");
        cli_out_text(o, cli_load_quantile_texts[i]);
        cli_out_text(o, "</th>");
    }
    cli_out_text(o, "<th>max</th></tr>\n");
}

static void write_table(const struct load_result *result, struct cli_out *o)
{
    write_head_row(o, "latency");
    for (int i = 0; i < LOAD_N_OPS; i++) {
        const struct load_op_result *op = cli_load_result_op(result, (enum load_op)i);
        if (cli_load_result_plan(result)->weights[i] > 0) {
            write_row(o, cli_load_op_text((enum load_op)i), &op->latency, op->n_failed);
        }
    }
    write_row(o, "all", cli_load_result_all(result), cli_load_result_n_failed(result));
    const struct load_key_result *key;
    for (uint32_t i = 0; (key = cli_load_result_key(result, i)) != NULL; i++) {
        write_row(o, key->name, &key->latency, key->n_failed);
    }
    cli_out_text(o, "</table>\n");
}

/* Only what asks a service over HTTP has phases. */
static void write_phases(const struct load_result *result, struct cli_out *o)
{
    const struct load_counters *counters = cli_load_result_counters(result);
    if (kpb_histogram_count(&counters->phases[KP_PHASE_SERVER]) == 0) {
        return;
    }
    write_head_row(o, "phase");
    for (uint32_t i = 0; i < KP_PHASE_COUNT; i++) {
        write_row(o, cli_load_phase_text(i), &counters->phases[i], 0);
    }
    cli_out_text(o, "</table>\n");
}

static void write_count(struct cli_out *o, const char *name, uint64_t n)
{
    cli_out_text(o, "<tr><td>");
    cli_out_text(o, name);
    cli_out_text(o, "</td><td>");
    cli_out_uint(o, n);
    cli_out_text(o, "</td></tr>\n");
}

static void write_counters(const struct load_result *result, struct cli_out *o)
{
    const struct load_counters *counters = cli_load_result_counters(result);
    cli_out_text(o, "<table><tr><th>during the run</th><th>count</th></tr>\n");
    write_count(o, "retries", counters->retries);
    write_count(o, "refused by a full queue", counters->refused);
    write_count(o, "coalesced", counters->coalesced);
    write_count(o, "throttled by the vault", counters->throttled);
    write_count(o, "breaker trips", counters->breaker_trips);
    write_count(o, "connections opened", counters->connections);
    cli_out_text(o, "</table>\n");
}

static void write_failures(const struct load_result *result, struct cli_out *o)
{
    const struct load_failure *failure = cli_load_result_failure(result, 0);
    if (!failure) {
        return;
    }
    cli_out_text(o, "<table><tr><th>failure</th><th>code</th><th>count</th><th>first</th></tr>\n");
    for (uint32_t i = 0; (failure = cli_load_result_failure(result, i)) != NULL; i++) {
        cli_out_text(o, "<tr><td>");
        cli_out_text(o, kp_status_text(failure->status));
        cli_out_text(o, "</td><td>");
        cli_out_uint(o, failure->code);
        cli_out_text(o, "</td><td>");
        cli_out_uint(o, failure->n);
        cli_out_text(o, "</td><td>");
        write_escaped(o, kpb_span_str(failure->text));
        cli_out_text(o, "</td></tr>\n");
    }
    cli_out_text(o, "</table>\n");
}

static void write_summary(const struct load_result *result, struct cli_out *o)
{
    const struct load_plan *plan = cli_load_result_plan(result);
    cli_out_text(o, "<p>");
    cli_load_describe(plan, o);
    cli_out_text(o, "</p>\n<p>achieved <b>");
    cli_out_real(o, cli_load_achieved_per_s(result), 1);
    cli_out_text(o, " per s</b>");
    if (plan->n_rates > 0) {
        cli_out_text(o, " of ");
        cli_out_real(o, cli_load_offered_per_s(plan), 1);
        cli_out_text(o, " offered");
    }
    if (plan->slo.given) {
        cli_out_text(o, cli_load_result_slo_held(result) ? "; the SLO held"
                                                         : "; <b class=\"bad\">SLO broken</b>");
    }
    cli_out_text(o, "</p>\n");
}

static void write_environment(struct cli_out *o)
{
    char machine[256];
    cli_machine_text(machine, sizeof machine);
    cli_out_text(o, "<p class=\"small\">");
    write_escaped(o, kpb_span_str(machine));
    cli_out_text(o, "; keyprovider ");
    cli_out_text(o, kp_version());
    cli_out_text(o, "</p>\n</body></html>\n");
}

/* ---- Charts ---- */

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
        curve->points[curve->n++] =
            (struct load_point){1 / (1 - share), (double)ns / LOAD_NS_PER_MS};
    }
}

static uint32_t make_curve(const struct kpb_histogram *latency, struct load_point *points)
{
    struct curve curve = {.points = points, .total = kpb_histogram_count(latency)};
    kpb_histogram_each(latency, add_bucket, &curve);
    return curve.n;
}

static void draw_percentiles(const struct load_result *result, struct load_point *points,
                             struct cli_out *o)
{
    struct load_chart chart = {.title = "Latency by percentile",
                               .x_label = "percentile",
                               .y_label = "ms, logarithmic",
                               .log_x = true,
                               .log_y = true,
                               .x_is_percentile = true};
    for (int i = 0; i < LOAD_N_OPS; i++) {
        if (cli_load_result_plan(result)->weights[i] == 0) {
            continue;
        }
        struct load_point *own = points + chart.n_lines * CURVE_POINTS_MAX;
        const uint32_t n = make_curve(&cli_load_result_op(result, (enum load_op)i)->latency, own);
        chart.lines[chart.n_lines++] =
            (struct load_line){cli_load_op_text((enum load_op)i), own, n};
    }
    cli_load_svg(&chart, o);
}

/* The keys against each other: what one slow vault does to the others. */
static void draw_keys(const struct load_result *result, struct load_point *points,
                      struct cli_out *o)
{
    static const char *const names[LOAD_KEYS_SHOWN] = {"1st key", "2nd key", "3rd key",
                                                       "4th key", "5th key", "6th key"};
    struct load_chart chart = {.title = "Latency by percentile, key by key",
                               .x_label = "percentile",
                               .y_label = "ms, logarithmic",
                               .log_x = true,
                               .log_y = true,
                               .x_is_percentile = true};
    const struct load_key_result *key;
    for (; (key = cli_load_result_key(result, chart.n_lines)) != NULL; chart.n_lines++) {
        struct load_point *own = points + chart.n_lines * CURVE_POINTS_MAX;
        const uint32_t n = make_curve(&key->latency, own);
        chart.lines[chart.n_lines] = (struct load_line){names[chart.n_lines], own, n};
    }
    if (chart.n_lines > 0) {
        cli_load_svg(&chart, o);
    }
}

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

static uint32_t make_latency_line(const struct load_result *result, double q,
                                  struct load_point *points)
{
    uint32_t n = 0;
    const struct load_slice *slice;
    for (uint32_t i = 0; (slice = whole_slice(result, i)) != NULL; i++) {
        if (kpb_histogram_count(&slice->latency) > 0) {
            points[n++] = (struct load_point){slice_second(result, i),
                                              (double)kpb_histogram_quantile(&slice->latency, q) /
                                                  LOAD_NS_PER_MS};
        }
    }
    return n;
}

static void draw_latency_over_time(const struct load_result *result, struct load_point *points,
                                   struct cli_out *o)
{
    struct load_chart chart = {.title = "Latency over time",
                               .x_label = "seconds",
                               .y_label = "ms, logarithmic",
                               .log_y = true,
                               .n_lines = 3};
    static const double quantiles[] = {0.5, 0.99, 1.0};
    static const char *const names[] = {"p50", "p99", "max"};
    for (uint32_t i = 0; i < chart.n_lines; i++) {
        struct load_point *own = points + (size_t)i * LOAD_SLICES_MAX;
        chart.lines[i] =
            (struct load_line){names[i], own, make_latency_line(result, quantiles[i], own)};
    }
    cli_load_svg(&chart, o);
}

static void draw_rate_over_time(const struct load_result *result, struct load_point *points,
                                struct cli_out *o)
{
    const struct load_plan *plan = cli_load_result_plan(result);
    const uint64_t slice_ns = cli_load_result_slice_ns(result);
    const struct load_slice *slice;
    uint32_t n = 0;
    for (; n < LOAD_SLICES_MAX && (slice = whole_slice(result, n)) != NULL; n++) {
        const double x = slice_second(result, n);
        const double per_s = (double)LOAD_NS_PER_S / (double)slice_ns;
        points[n] = (struct load_point){x, (double)kpb_histogram_count(&slice->latency) * per_s};
        points[LOAD_SLICES_MAX + n] = (struct load_point){x, (double)slice->n_failed * per_s};
        points[2u * LOAD_SLICES_MAX + n] = (struct load_point){
            x, cli_load_schedule_rate(plan, plan->warm_up_ns + n * slice_ns + slice_ns / 2)};
    }
    const struct load_chart chart = {
        .title = "Rate over time",
        .x_label = "seconds",
        .y_label = "operations per second",
        .lines = {{"ok", points, n},
                  {"failed", points + LOAD_SLICES_MAX, n},
                  {"offered", points + (size_t)2 * LOAD_SLICES_MAX, n}},
        .n_lines = plan->n_rates > 0 ? 3u : 2u};
    cli_load_svg(&chart, o);
}

void cli_load_write_page(const struct load_result *result, struct cli_out *o)
{
    struct load_point *points =
        kpb_alloc_array("cli.load.points", (size_t)CURVE_POINTS_MAX * LOAD_N_OPS, sizeof *points);
    if (!points) {
        o->st = KP_NO_MEMORY;
        return;
    }
    cli_out_text(o, cli_load_page_head);
    write_summary(result, o);
    write_table(result, o);
    write_phases(result, o);
    write_counters(result, o);
    draw_percentiles(result, points, o);
    draw_keys(result, points, o);
    draw_latency_over_time(result, points, o);
    draw_rate_over_time(result, points, o);
    write_failures(result, o);
    write_environment(o);
    kpb_free(points);
}
