#include "cli/load_svg.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/span.h"

#define WIDTH 860.0
#define HEIGHT 340.0
#define LEFT 76.0
#define RIGHT 26.0
#define TOP 62.0
#define BOTTOM 52.0
#define TICKS 5.0
#define TICKS_MAX 64     /* of one axis, whatever the numbers */
#define FEW_DECADES 2.5  /* an axis as short as that has labels at 2 and 5 too */
#define MANY_DECADES 6.0 /* on a longer one the lines within a decade would be a grey field */
#define LETTER 7.0       /* pixels, about, of a letter of the legend */
#define SAMPLE 26.0      /* pixels of the line before it */

/* Told apart by those who see few colours too (after Okabe and Ito, darker where that was pale). */
static const char *const colours[LOAD_CHART_LINES_MAX] = {
    "#0072b2", "#d55e00", "#008f68", "#b0578d", "#2b9fd9", "#a87000", "#5b3f9e", "#333333"};
#define REFERENCE_COLOUR "#777777"

/* One axis: what part of the picture stands for what numbers. */
struct axis {
    double low;
    double high;
    bool log;
    double from; /* pixels */
    double to;
};

static double scaled(const struct axis *axis, double value)
{
    return axis->log ? log10(value) : value;
}

static double place(const struct axis *axis, double value)
{
    const double low = scaled(axis, axis->low);
    const double high = scaled(axis, axis->high);
    const double share = high > low ? (scaled(axis, value) - low) / (high - low) : 0;
    return axis->from + share * (axis->to - axis->from);
}

/* As isfinite, whose form in mingw-w64 narrows to float on the way. */
static bool is_finite(double value)
{
    return fabs(value) <= DBL_MAX;
}

static bool shown(const struct load_chart *chart, const struct load_point *point)
{
    return is_finite(point->x) && is_finite(point->y) && (!chart->log_x || point->x > 0) &&
           (!chart->log_y || point->y > 0);
}

/* ---- Ranges ---- */

static void widen(struct axis *axis, double value, bool *first)
{
    axis->low = *first || value < axis->low ? value : axis->low;
    axis->high = *first || value > axis->high ? value : axis->high;
}

/* A step of 1, 2 or 5 times a power of ten that gives about TICKS of them. */
static double tick_step(const struct axis *axis)
{
    const double rough = (axis->high - axis->low) / TICKS;
    const double decade = pow(10, floor(log10(rough)));
    const double n = rough / decade;
    return decade * (n < 1.5 ? 1 : n < 3.5 ? 2 : n < 7.5 ? 5 : 10);
}

/* Whole decades on a logarithmic axis, from 0 on a linear one; never empty. */
static void round_range(struct axis *axis, bool to_last_point)
{
    if (axis->log) {
        axis->low = pow(10, floor(log10(axis->low)));
        axis->high = to_last_point ? axis->high : pow(10, ceil(log10(axis->high)));
    } else {
        axis->low = axis->low > 0 ? 0 : axis->low;
    }
    if (axis->high <= axis->low) {
        axis->high = axis->low + (axis->log ? axis->low * 9 : 1);
    }
}

/* No line of a linear axis touches the end of it. */
static void add_headroom(struct axis *axis)
{
    if (!axis->log) {
        const double step = tick_step(axis);
        axis->high = axis->low + step * ceil((axis->high - axis->low) / step * 1.02);
    }
}

static void find_ranges(const struct load_chart *chart, struct axis *x, struct axis *y)
{
    bool first = true;
    for (uint32_t i = 0; i < chart->n_lines; i++) {
        for (uint32_t j = 0; j < chart->lines[i].n; j++) {
            const struct load_point *point = &chart->lines[i].points[j];
            if (shown(chart, point)) {
                widen(x, point->x, &first);
                widen(y, point->y, &first);
                first = false;
            }
        }
    }
    if (first) {
        *x = (struct axis){1, 10, x->log, x->from, x->to};
        *y = (struct axis){1, 10, y->log, y->from, y->to};
    }
    round_range(x, chart->x_is_percentile);
    round_range(y, false);
    add_headroom(y);
}

/* ---- Text ---- */

void cli_load_markup(struct cli_out *o, const char *text)
{
    static const char *const entities[256] = {
        ['<'] = "&lt;", ['>'] = "&gt;", ['&'] = "&amp;", ['"'] = "&quot;"};
    for (; *text != '\0'; text++) {
        const uint8_t byte = (uint8_t)*text;
        if (entities[byte]) {
            cli_out_text(o, entities[byte]);
        } else {
            cli_out_receive(o, kpb_span(&byte, 1));
        }
    }
}

/* A command of a path or a point of a line: a letter, a number, and what stands behind it. */
static void draw_number(struct cli_out *o, const char *before, double value, const char *behind)
{
    cli_out_text(o, before);
    cli_out_real(o, value, 1);
    cli_out_text(o, behind);
}

static void draw_text(struct cli_out *o, double x, double y, const char *attributes,
                      const char *text)
{
    draw_number(o, "<text x=\"", x, "\"");
    draw_number(o, " y=\"", y, "\" ");
    cli_out_text(o, attributes);
    cli_out_text(o, ">");
    cli_load_markup(o, text);
    cli_out_text(o, "</text>\n");
}

/* ---- Axes ---- */

static void format_tick(const struct load_chart *chart, bool is_x, double value, char text[32])
{
    if (is_x && chart->x_is_percentile) {
        (void)snprintf(text, 32, "%.10g%%", 100 - 100 / value);
    } else {
        (void)snprintf(text, 32, "%.6g", value);
    }
}

#define GRID "\" stroke=\"#dcdcdc\"/>\n"
#define MINOR_GRID "\" stroke=\"#f1f1f1\"/>\n"

static void draw_x_tick(const struct load_chart *chart, const struct axis *x, double value,
                        bool is_named, struct cli_out *o)
{
    char text[32];
    const double at = place(x, value);
    draw_number(o, "<path d=\"M", at, " ");
    draw_number(o, "", TOP, "V");
    draw_number(o, "", HEIGHT - BOTTOM, is_named ? GRID : MINOR_GRID);
    if (is_named) {
        format_tick(chart, true, value, text);
        draw_text(o, at, HEIGHT - BOTTOM + 18, "text-anchor=\"middle\"", text);
    }
}

static void draw_y_tick(const struct load_chart *chart, const struct axis *y, double value,
                        bool is_named, struct cli_out *o)
{
    char text[32];
    const double at = place(y, value);
    draw_number(o, "<path d=\"M", LEFT, " ");
    draw_number(o, "", at, "H");
    draw_number(o, "", WIDTH - RIGHT, is_named ? GRID : MINOR_GRID);
    if (is_named) {
        format_tick(chart, false, value, text);
        draw_text(o, LEFT - 8, at + 4, "text-anchor=\"end\"", text);
    }
}

typedef void tick_fn(const struct load_chart *chart, const struct axis *axis, double value,
                     bool is_named, struct cli_out *o);

static void draw_linear_ticks(const struct load_chart *chart, const struct axis *axis,
                              tick_fn *tick, struct cli_out *o)
{
    const double step = tick_step(axis);
    const double n = floor((axis->high - axis->low) / step + 1e-6);
    for (int i = 0; i < TICKS_MAX && i <= n; i++) {
        tick(chart, axis, axis->low + i * step, true, o);
    }
}

static void draw_log_ticks(const struct load_chart *chart, const struct axis *axis, tick_fn *tick,
                           struct cli_out *o)
{
    const double n_decades = log10(axis->high / axis->low);
    const int n_steps = n_decades > MANY_DECADES ? 1 : 9;
    const double end = axis->high * (1 + 1e-9);
    for (int i = 0; i < TICKS_MAX && axis->low * pow(10, i) <= end; i++) {
        const double decade = axis->low * pow(10, i);
        for (int n = 1; n <= n_steps && decade * n <= end; n++) {
            const bool is_named = n == 1 || (n_decades < FEW_DECADES && (n == 2 || n == 5));
            tick(chart, axis, decade * n, is_named, o);
        }
    }
}

/* Percentiles: the decades are 0%, 90%, 99%; between them the median alone has a name. */
static void draw_percentile_ticks(const struct load_chart *chart, const struct axis *axis,
                                  struct cli_out *o)
{
    const double end = axis->high * (1 + 1e-9);
    for (int i = 0; i < TICKS_MAX && axis->low * pow(10, i) <= end; i++) {
        draw_x_tick(chart, axis, axis->low * pow(10, i), true, o);
    }
    if (axis->high >= 2) {
        draw_x_tick(chart, axis, 2, true, o);
    }
}

static void draw_ticks(const struct load_chart *chart, const struct axis *axis, tick_fn *tick,
                       struct cli_out *o)
{
    if (axis->log) {
        draw_log_ticks(chart, axis, tick, o);
    } else {
        draw_linear_ticks(chart, axis, tick, o);
    }
}

static void draw_axes(const struct load_chart *chart, const struct axis *x, const struct axis *y,
                      struct cli_out *o)
{
    char turned[96];
    const double middle = (TOP + HEIGHT - BOTTOM) / 2;
    if (chart->x_is_percentile) {
        draw_percentile_ticks(chart, x, o);
    } else {
        draw_ticks(chart, x, draw_x_tick, o);
    }
    draw_ticks(chart, y, draw_y_tick, o);
    draw_number(o, "<path d=\"M", LEFT, " ");
    draw_number(o, "", TOP, "V");
    draw_number(o, "", HEIGHT - BOTTOM, "H");
    draw_number(o, "", WIDTH - RIGHT, "\" fill=\"none\" stroke=\"#444444\"/>\n");
    draw_text(o, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "text-anchor=\"middle\"", chart->x_label);
    (void)snprintf(turned, sizeof turned,
                   "text-anchor=\"middle\" transform=\"rotate(-90 18 %.1f)\"", middle);
    draw_text(o, 18, middle, turned, chart->y_label);
}

/* ---- Lines ---- */

static const char *colour_of(const struct load_chart *chart, uint32_t i)
{
    return chart->lines[i].style == LOAD_LINE_REFERENCE ? REFERENCE_COLOUR : colours[i];
}

static void draw_style(const struct load_chart *chart, uint32_t i, struct cli_out *o)
{
    static const char *const dashes[] = {[LOAD_LINE_SOLID] = "",
                                         [LOAD_LINE_DOTTED] = " stroke-dasharray=\"3 3\"",
                                         [LOAD_LINE_REFERENCE] = " stroke-dasharray=\"7 4\""};
    cli_out_text(o, "fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\" stroke=\"");
    cli_out_text(o, colour_of(chart, i));
    cli_out_text(o, "\"");
    cli_out_text(o, dashes[chart->lines[i].style]);
}

/* One point makes no line: it is a dot. */
static void draw_dot(const struct load_chart *chart, uint32_t i, const struct load_point *point,
                     const struct axis *x, const struct axis *y, struct cli_out *o)
{
    draw_number(o, "<circle cx=\"", place(x, point->x), "\"");
    draw_number(o, " cy=\"", place(y, point->y), "\" r=\"3\" fill=\"");
    cli_out_text(o, colour_of(chart, i));
    cli_out_text(o, "\"/>\n");
}

/* Draws line i from its point at from, which is shown, up to the next gap; returns where that
 * is. */
static uint32_t draw_stretch(const struct load_chart *chart, uint32_t i, uint32_t from,
                             const struct axis *x, const struct axis *y, struct cli_out *o)
{
    const struct load_line *line = &chart->lines[i];
    uint32_t at = from;
    cli_out_text(o, "<polyline ");
    draw_style(chart, i, o);
    cli_out_text(o, " points=\"");
    for (; at < line->n && shown(chart, &line->points[at]); at++) {
        draw_number(o, "", place(x, line->points[at].x), ",");
        draw_number(o, "", place(y, line->points[at].y), " ");
    }
    cli_out_text(o, "\"/>\n");
    if (at == from + 1) {
        draw_dot(chart, i, &line->points[from], x, y, o);
    }
    return at;
}

static void draw_line(const struct load_chart *chart, uint32_t i, const struct axis *x,
                      const struct axis *y, struct cli_out *o)
{
    const struct load_line *line = &chart->lines[i];
    for (uint32_t at = 0; at < line->n;) {
        at = shown(chart, &line->points[at]) ? draw_stretch(chart, i, at, x, y, o) : at + 1;
    }
}

/* What the legend shows of a name: its end, where there is no room for the whole. */
static const char *cut(const char *name, double room)
{
    const size_t len = strlen(name);
    const size_t most = room > 4 * LETTER ? (size_t)(room / LETTER) : 4;
    const char *at = len > most ? name + (len - most + 3) : name; /* 3: the dots before it */
    while (((uint8_t)*at & 0xC0u) == 0x80u) {
        at++; /* not within a letter of several bytes */
    }
    return at;
}

/* Between title and plot, where no line can cross it. */
static void draw_legend(const struct load_chart *chart, struct cli_out *o)
{
    double at = LEFT;
    const double share = (WIDTH - RIGHT - LEFT) / (chart->n_lines > 0 ? chart->n_lines : 1);
    for (uint32_t i = 0; i < chart->n_lines; i++) {
        const char *name = chart->lines[i].name;
        const char *end = cut(name, share - SAMPLE - 2 * LETTER);
        const size_t len = strlen(end) + (end > name ? 3 : 0);
        draw_number(o, "<path d=\"M", at, " 43h20\" ");
        draw_style(chart, i, o);
        draw_number(o, "/><text x=\"", at + SAMPLE, "\" y=\"47\">");
        cli_out_text(o, end > name ? "..." : "");
        cli_load_markup(o, end);
        cli_out_text(o, "</text>\n");
        at += SAMPLE + LETTER * (double)(len + 2);
    }
}

void cli_load_svg(const struct load_chart *chart, struct cli_out *o)
{
    struct axis x = {0, 0, chart->log_x, LEFT, WIDTH - RIGHT};
    struct axis y = {0, 0, chart->log_y, HEIGHT - BOTTOM, TOP};
    find_ranges(chart, &x, &y);
    draw_number(o, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ", WIDTH, " ");
    draw_number(o, "", HEIGHT,
                "\" role=\"img\" font-family=\"system-ui,sans-serif\" font-size=\"13\""
                " fill=\"#222222\">\n");
    draw_number(o, "<rect width=\"", WIDTH, "\" height=\"");
    draw_number(o, "", HEIGHT, "\" fill=\"#ffffff\"/>\n");
    draw_text(o, LEFT, 22, "font-size=\"16\" font-weight=\"600\"", chart->title);
    draw_legend(chart, o);
    draw_axes(chart, &x, &y, o);
    for (uint32_t i = 0; i < chart->n_lines; i++) {
        draw_line(chart, i, &x, &y, o);
    }
    cli_out_text(o, "</svg>\n");
}
