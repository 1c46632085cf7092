#include "cli/load_svg.h"

#include <math.h>
#include <stdio.h>

#define WIDTH 860.0
#define HEIGHT 320.0
#define LEFT 70.0
#define RIGHT 34.0
#define TOP 34.0
#define BOTTOM 46.0
#define TICKS 5.0

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

static bool shown(const struct load_chart *chart, const struct load_point *point)
{
    return (!chart->log_x || point->x > 0) && (!chart->log_y || point->y > 0);
}

/* ---- Ranges ---- */

static void widen(struct axis *axis, double value, bool *first)
{
    axis->low = *first || value < axis->low ? value : axis->low;
    axis->high = *first || value > axis->high ? value : axis->high;
}

/* Whole decades on a logarithmic axis, from 0 on a linear one; never empty. */
static void round_range(struct axis *axis)
{
    if (axis->log) {
        axis->low = pow(10, floor(log10(axis->low)));
        axis->high = pow(10, ceil(log10(axis->high)));
    } else {
        axis->low = axis->low > 0 ? 0 : axis->low;
    }
    if (axis->high <= axis->low) {
        axis->high = axis->low + (axis->log ? axis->low * 9 : 1);
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
    round_range(x);
    round_range(y);
}

/* ---- Drawing ---- */

/* A command of a path or a point of a line: a letter, a number, and what stands behind it. */
static void draw_number(struct cli_out *o, const char *before, double value, const char *behind)
{
    cli_out_text(o, before);
    cli_out_real(o, value, 1);
    cli_out_text(o, behind);
}

static void draw_text(struct cli_out *o, double x, double y, const char *anchor, const char *text)
{
    char head[96];
    (void)snprintf(head, sizeof head, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y,
                   anchor);
    cli_out_text(o, head);
    cli_out_text(o, text);
    cli_out_text(o, "</text>\n");
}

static void format_tick(const struct load_chart *chart, bool is_x, double value, char text[32])
{
    if (is_x && chart->x_is_percentile) {
        (void)snprintf(text, 32, "%.10g%%", 100 - 100 / value);
    } else {
        (void)snprintf(text, 32, "%.6g", value);
    }
}

static void draw_x_tick(const struct load_chart *chart, const struct axis *x, double value,
                        struct cli_out *o)
{
    char text[32];
    const double at = place(x, value);
    draw_number(o, "<path class=\"grid\" d=\"M", at, " ");
    draw_number(o, "", TOP, "V");
    draw_number(o, "", HEIGHT - BOTTOM, "\"/>\n");
    format_tick(chart, true, value, text);
    draw_text(o, at, HEIGHT - BOTTOM + 16, "middle", text);
}

static void draw_y_tick(const struct load_chart *chart, const struct axis *y, double value,
                        struct cli_out *o)
{
    char text[32];
    const double at = place(y, value);
    draw_number(o, "<path class=\"grid\" d=\"M", LEFT, " ");
    draw_number(o, "", at, "H");
    draw_number(o, "", WIDTH - RIGHT, "\"/>\n");
    format_tick(chart, false, value, text);
    draw_text(o, LEFT - 6, at + 4, "end", text);
}

typedef void tick_fn(const struct load_chart *chart, const struct axis *axis, double value,
                     struct cli_out *o);

/* A step of 1, 2 or 5 times a power of ten that gives about TICKS of them. */
static double tick_step(const struct axis *axis)
{
    const double rough = (axis->high - axis->low) / TICKS;
    const double decade = pow(10, floor(log10(rough)));
    const double n = rough / decade;
    return decade * (n < 1.5 ? 1 : n < 3.5 ? 2 : n < 7.5 ? 5 : 10);
}

static void draw_ticks(const struct load_chart *chart, const struct axis *axis, tick_fn *tick,
                       struct cli_out *o)
{
    const double step = axis->log ? 0 : tick_step(axis);
    double value = axis->low;
    for (int i = 0; i < 32 && value <= axis->high * (1 + 1e-9); i++) {
        tick(chart, axis, value, o);
        value = axis->log ? value * 10 : value + step;
    }
}

static void draw_line(const struct load_chart *chart, uint32_t i, const struct axis *x,
                      const struct axis *y, struct cli_out *o)
{
    char head[48];
    const struct load_line *line = &chart->lines[i];
    (void)snprintf(head, sizeof head, "<polyline class=\"line c%u\" points=\"", i);
    cli_out_text(o, head);
    for (uint32_t j = 0; j < line->n; j++) {
        if (shown(chart, &line->points[j])) {
            draw_number(o, "", place(x, line->points[j].x), ",");
            draw_number(o, "", place(y, line->points[j].y), " ");
        }
    }
    cli_out_text(o, "\"/>\n");
    (void)snprintf(head, sizeof head, "<g class=\"key c%u\">", i);
    cli_out_text(o, head);
    draw_text(o, LEFT + 10 + 110.0 * i, TOP + 14, "start", line->name);
    cli_out_text(o, "</g>\n");
}

void cli_load_svg(const struct load_chart *chart, struct cli_out *o)
{
    struct axis x = {0, 0, chart->log_x, LEFT, WIDTH - RIGHT};
    struct axis y = {0, 0, chart->log_y, HEIGHT - BOTTOM, TOP};
    find_ranges(chart, &x, &y);
    draw_number(o, "<svg viewBox=\"0 0 ", WIDTH, " ");
    draw_number(o, "", HEIGHT, "\" role=\"img\">\n");
    cli_out_text(o, "<g class=\"title\">");
    draw_text(o, LEFT, 20, "start", chart->title);
    cli_out_text(o, "</g>\n");
    draw_ticks(chart, &x, draw_x_tick, o);
    draw_ticks(chart, &y, draw_y_tick, o);
    draw_text(o, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "middle", chart->x_label);
    draw_text(o, WIDTH - RIGHT, 20, "end", chart->y_label);
    for (uint32_t i = 0; i < chart->n_lines; i++) {
        draw_line(chart, i, &x, &y, o);
    }
    cli_out_text(o, "</svg>\n");
}
