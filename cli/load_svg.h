/*
 * A chart as SVG, drawn into text: title, legend, axes with ticks and units, lines. Linear or
 * logarithmic axes. What it looks like is in its attributes, so that a chart can be cut out of a
 * page and pasted elsewhere. Main thread.
 */
#ifndef KP_CLI_LOAD_SVG_H
#define KP_CLI_LOAD_SVG_H

#include "cli/out.h"

#define LOAD_CHART_LINES_MAX 8u

struct load_point {
    double x;
    double y;
};

enum load_line_style {
    LOAD_LINE_SOLID,
    LOAD_LINE_DOTTED,   /* shows a line that it may lie on */
    LOAD_LINE_REFERENCE /* grey and dashed: what the others are read against */
};

struct load_line {
    const char *name;                /* of any origin; a long one is cut in the legend */
    const struct load_point *points; /* borrowed, ascending x; one without a finite y is a gap */
    uint32_t n;
    enum load_line_style style;
};

struct load_chart {
    const char *title;
    const char *x_label;
    const char *y_label;
    bool log_x; /* values at or below 0 are left out */
    bool log_y;
    bool x_is_percentile; /* x is 1/(1-p); ticks read 50%, 90%, 99%, ... */
    struct load_line lines[LOAD_CHART_LINES_MAX];
    uint32_t n_lines;
};

void cli_load_svg(const struct load_chart *chart, struct cli_out *o);

/* Appends text of any origin as it has to stand in HTML and SVG. */
void cli_load_markup(struct cli_out *o, const char *text);

#endif /* KP_CLI_LOAD_SVG_H */
