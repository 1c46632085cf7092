/*
 * A chart as SVG, drawn into text: axes with ticks, lines, a legend. Linear or logarithmic axes.
 * Numbers go in as they are; labels come from literals of ours and need no escaping. Main thread.
 */
#ifndef KP_CLI_LOAD_SVG_H
#define KP_CLI_LOAD_SVG_H

#include "cli/out.h"

#define LOAD_CHART_LINES_MAX 8u

struct load_point {
    double x;
    double y;
};

struct load_line {
    const char *name;
    const struct load_point *points; /* borrowed, ascending x */
    uint32_t n;
};

struct load_chart {
    const char *title;
    const char *x_label;
    const char *y_label;
    bool log_x; /* values at or below 0 are left out */
    bool log_y;
    bool x_is_percentile; /* x is 1/(1-p); ticks read 90%, 99%, ... */
    struct load_line lines[LOAD_CHART_LINES_MAX];
    uint32_t n_lines;
};

void cli_load_svg(const struct load_chart *chart, struct cli_out *o);

#endif /* KP_CLI_LOAD_SVG_H */
