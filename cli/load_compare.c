#include "cli/load_compare.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "cli/io.h"
#include "cli/load_figures.h"
#include "cli/load_file.h"
#include "cli/load_plots.h"
#include "cli/load_report.h"

#define RESULT_MAX_LEN (64u * 1024u * 1024u)
#define TAKEN                                                                                      \
    (CLI_OPTS_COMMON | CLI_OPT_BIT(CLI_OPT_COMPARE) | CLI_OPT_BIT(CLI_OPT_REPORT)) /* options */

/* ---- Reading ---- */

/* No result nests deeper than eight levels; the reader must not recurse through more. */
static bool is_shallow(kp_span text)
{
    int depth = 0;
    for (size_t i = 0; i < text.len; i++) {
        depth += text.ptr[i] == '{' || text.ptr[i] == '[';
        depth -= text.ptr[i] == '}' || text.ptr[i] == ']';
        if (depth > 16) {
            return false;
        }
    }
    return true;
}

static kp_status parse(struct cli *c, const char *path, kp_span text, json_t **ret)
{
    json_error_t why;
    json_t *root = is_shallow(text)
                       ? json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &why)
                       : NULL;
    if (json_integer_value(json_object_get(root, "format")) != 1 ||
        !json_is_object(json_object_get(root, "all"))) {
        json_decref(root);
        return kpb_fail(&c->fault.error, KP_USAGE, "%s is no result of kp bench --json", path);
    }
    *ret = root;
    return KP_OK;
}

static kp_status read_result(struct cli *c, const char *path, json_t **ret)
{
    kp_buf text;
    kp_buf_init(&text, "cli.load.result", RESULT_MAX_LEN);
    kp_status st = cli_read(path, &text, &c->fault);
    if (st == KP_OK) {
        st = parse(c, path, kp_buf_view(&text), ret);
    }
    kp_buf_clear(&text);
    return st;
}

/* ---- Numbers ---- */

static double member(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

/* ---- What else differs ---- */

#define VALUE_LEN 400u

/* One member of both runs, as JSON writes it; a text without its quotes. */
struct difference {
    const char *name;
    char a[VALUE_LEN];
    char b[VALUE_LEN];
};

typedef void difference_fn(struct cli_out *o, const struct difference *difference);

static void put_value(const json_t *object, const char *name, char out[VALUE_LEN])
{
    const json_t *value = json_object_get(object, name);
    if (!value) {
        (void)snprintf(out, VALUE_LEN, "not told");
    } else if (json_is_string(value)) {
        (void)snprintf(out, VALUE_LEN, "%s", json_string_value(value));
    } else {
        const size_t len = json_dumpb(value, out, VALUE_LEN - 1,
                                      JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
        out[len < VALUE_LEN ? len : VALUE_LEN - 1] = '\0'; /* what is longer is cut */
    }
}

static void tell_member(const json_t *a, const json_t *b, const char *name, difference_fn *tell,
                        struct cli_out *o)
{
    struct difference difference = {.name = name};
    put_value(a, name, difference.a);
    put_value(b, name, difference.b);
    if (strcmp(difference.a, difference.b) != 0) {
        tell(o, &difference);
    }
}

/* Members of one object of both runs that are not the same: those of A, then those B alone has. */
static void each_member(const json_t *a, const json_t *b, difference_fn *tell, struct cli_out *o)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)a, name, value) {
        tell_member(a, b, name, tell, o);
    }
    json_object_foreach((json_t *)b, name, value) {
        if (!json_object_get(a, name)) {
            tell_member(a, b, name, tell, o);
        }
    }
}

/* Two runs are only as alike as what was run and where. */
static void each_difference(const json_t *const runs[2], difference_fn *tell, struct cli_out *o)
{
    static const char *const objects[] = {"plan", "environment"};
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        each_member(json_object_get(runs[0], objects[i]), json_object_get(runs[1], objects[i]),
                    tell, o);
    }
}

static void tell_value(struct cli_out *o, const char *name, const char *side, const char *value)
{
    cli_out_safe(o, kpb_span_str(name));
    cli_out_pad(o, 15);
    cli_out_text(o, side);
    cli_out_safe(o, kpb_span_str(value));
    cli_out_text(o, "\n");
}

static void tell_difference_text(struct cli_out *o, const struct difference *difference)
{
    tell_value(o, difference->name, "A  ", difference->a);
    tell_value(o, "", "B  ", difference->b);
}

static void tell_difference_json(struct cli_out *o, const struct difference *difference)
{
    cli_json_begin(o, '{');
    cli_json_member_text(o, "name", difference->name);
    cli_json_member_text(o, "a", difference->a);
    cli_json_member_text(o, "b", difference->b);
    cli_json_end(o, '}');
}

static void write_difference(struct cli_out *o, const struct difference *difference)
{
    cli_out_text(o, "<tr><td>");
    cli_load_markup(o, difference->name);
    cli_out_text(o, "</td><td class=\"text\">");
    cli_load_markup(o, difference->a);
    cli_out_text(o, "</td><td class=\"text\">");
    cli_load_markup(o, difference->b);
    cli_out_text(o, "</td></tr>\n");
}

/* ---- Telling ---- */

static void tell_figure_text(void *ctx, const struct load_figure *figure)
{
    char line[160];
    (void)snprintf(line, sizeof line, "%-18s %12.3f %12.3f %9.3f  %s\n", figure->name, figure->a,
                   figure->b, figure->ratio, figure->verdict);
    cli_out_text(ctx, line);
}

static void tell_figure_json(void *ctx, const struct load_figure *figure)
{
    struct cli_out *o = ctx;
    cli_json_begin(o, '{');
    cli_json_member_text(o, "figure", figure->name);
    cli_json_member_real(o, "a", figure->a, 6);
    cli_json_member_real(o, "b", figure->b, 6);
    cli_json_member_real(o, "ratio", figure->ratio, 6);
    cli_json_member_text(o, "verdict", figure->verdict);
    cli_json_end(o, '}');
}

/* ---- The page ---- */

#define CURVE_MAX 4096u /* points of a line; what a file has beyond is not drawn */

static uint32_t read_percentiles(const json_t *root, struct load_point *points)
{
    const json_t *buckets = json_object_get(json_object_get(root, "all"), "histogram_ns");
    const double total = member(json_object_get(root, "all"), "ok");
    double seen = 0;
    uint32_t n = 0;
    for (size_t i = 0; i < json_array_size(buckets) && n < CURVE_MAX && seen < total; i++) {
        const json_t *bucket = json_array_get(buckets, i);
        points[n++] =
            cli_load_percentile_point(seen / total, json_number_value(json_array_get(bucket, 0)));
        seen += json_number_value(json_array_get(bucket, 1));
    }
    return n;
}

static uint32_t read_rates(const json_t *root, struct load_point *points)
{
    const json_t *slices = json_object_get(root, "timeline");
    const double half_s = member(root, "slice_ms") / 2000;
    uint32_t n = 0;
    for (size_t i = 0; i + 1 < json_array_size(slices) && n < CURVE_MAX; i++) {
        const json_t *slice = json_array_get(slices, i);
        points[n++] =
            (struct load_point){member(slice, "start_ms") / 1000 + half_s, member(slice, "per_s")};
    }
    return n;
}

typedef uint32_t read_fn(const json_t *root, struct load_point *points);

/* One chart with a line of each run. */
static void draw_both(struct load_chart *chart, read_fn *read, const json_t *const runs[2],
                      struct load_point *points, struct cli_out *o)
{
    static const char *const names[2] = {"A", "B"};
    for (uint32_t i = 0; i < 2; i++) {
        struct load_point *own = points + (size_t)i * CURVE_MAX;
        chart->lines[i] = (struct load_line){names[i], own, read(runs[i], own), LOAD_LINE_SOLID};
    }
    chart->n_lines = 2;
    cli_load_svg(chart, o);
}

static void write_figure(void *ctx, const struct load_figure *figure)
{
    char numbers[160];
    struct cli_out *o = ctx;
    cli_out_text(o, "<tr><td>");
    cli_load_markup(o, figure->name);
    (void)snprintf(numbers, sizeof numbers,
                   "</td><td>%.3f</td><td>%.3f</td><td>%.3f</td><td class=\"text\">%s</td></tr>\n",
                   figure->a, figure->b, figure->ratio, figure->verdict);
    cli_out_text(o, numbers);
}

static void write_page(const json_t *const runs[2], struct load_point *points, struct cli_out *o)
{
    struct load_chart by_percentile = cli_load_percentile_chart("Latency by percentile");
    struct load_chart over_time = cli_load_rate_chart();
    cli_out_text(o, cli_load_page_head);
    cli_out_text(o, "<p>Two runs, A and B</p>\n<table><tr><th>figure</th><th>A</th>"
                    "<th>B</th><th>B/A</th><th class=\"text\">difference</th></tr>\n");
    cli_load_figures_each(runs[0], runs[1], write_figure, o);
    cli_out_text(o, "</table>\n");
    draw_both(&by_percentile, read_percentiles, runs, points, o);
    draw_both(&over_time, read_rates, runs, points, o);
    cli_out_text(o, "<h2>What else differs</h2>\n<table><tr><th>run, environment</th>"
                    "<th class=\"text\">A</th><th class=\"text\">B</th></tr>\n");
    each_difference(runs, write_difference, o);
    cli_out_text(o, "</table>\n</body></html>\n");
}

static kp_status report(struct cli *c, const json_t *a, const json_t *b)
{
    const json_t *const runs[2] = {a, b};
    struct cli_out out;
    struct load_point *points =
        kpb_alloc_array("cli.load.points", (size_t)2 * CURVE_MAX, sizeof *points);
    if (!points) {
        return kpb_fail_memory(&c->fault.error, "cli.load.points");
    }
    cli_out_init(&out);
    write_page(runs, points, &out);
    kpb_free(points);
    return cli_load_write_file(c, CLI_OPT_REPORT, &out);
}

static void tell_differences(struct cli *c, const json_t *a, const json_t *b)
{
    const json_t *const runs[2] = {a, b};
    if (!cli_has(c, CLI_OPT_JSON)) {
        cli_out_text(&c->out, "\nwhat else differs\n");
        each_difference(runs, tell_difference_text, &c->out);
        return;
    }
    cli_json_end(&c->out, ']');
    cli_json_name(&c->out, "differences");
    cli_json_begin(&c->out, '[');
    each_difference(runs, tell_difference_json, &c->out);
    cli_json_end(&c->out, ']');
    cli_json_end(&c->out, '}');
    cli_out_text(&c->out, "\n");
}

static kp_status tell(struct cli *c, const json_t *a, const json_t *b)
{
    const bool json = cli_has(c, CLI_OPT_JSON);
    if (json) {
        cli_json_begin(&c->out, '{');
        cli_json_name(&c->out, "comparison");
        cli_json_begin(&c->out, '[');
    } else {
        cli_out_text(&c->out, "                              A            B       B/A\n");
    }
    cli_load_figures_each(a, b, json ? tell_figure_json : tell_figure_text, &c->out);
    tell_differences(c, a, b);
    return cli_flush(c);
}

kp_status cli_load_compare(struct cli *c, const char *path, const char *other)
{
    json_t *a = NULL;
    json_t *b = NULL;
    if (!other) {
        return kpb_fail(&c->fault.error, KP_USAGE, "--compare FILE needs a second one: OTHER");
    }
    kp_status st = cli_load_refuse(c, CLI_OPT_COMPARE, ~TAKEN);
    if (st == KP_OK) {
        st = read_result(c, path, &a);
    }
    if (st == KP_OK) {
        st = read_result(c, other, &b);
    }
    if (st == KP_OK) {
        st = tell(c, a, b);
    }
    if (st == KP_OK && cli_has(c, CLI_OPT_REPORT)) {
        st = report(c, a, b);
    }
    json_decref(a);
    json_decref(b);
    return st;
}
