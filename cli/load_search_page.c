#include "cli/load_report.h"
#include "cli/load_search.h"
#include "cli/load_svg.h"

/* ---- Plots ---- */

/* Trials in the order of their rates: each next one goes before those that are above it. */
static void sort_trials(const struct load_trial *trials, uint32_t n, struct load_trial *sorted)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = i;
        for (; at > 0 && sorted[at - 1].rate > trials[i].rate; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = trials[i];
    }
}

static void draw_latency(const struct load_trial *trials, uint32_t n, struct cli_out *o)
{
    struct load_point p50[LOAD_TRIALS_MAX];
    struct load_point p99[LOAD_TRIALS_MAX];
    for (uint32_t i = 0; i < n; i++) {
        p50[i] = (struct load_point){trials[i].rate, (double)trials[i].p50_ns / LOAD_NS_PER_MS};
        p99[i] = (struct load_point){trials[i].rate, (double)trials[i].p99_ns / LOAD_NS_PER_MS};
    }
    const struct load_chart chart = {
        .title = "Latency by offered rate",
        .x_label = "operations offered per second",
        .y_label = "latency, ms (logarithmic)",
        .log_y = true,
        .lines = {{"p50", p50, n, LOAD_LINE_SOLID}, {"p99", p99, n, LOAD_LINE_SOLID}},
        .n_lines = 2};
    cli_load_svg(&chart, o);
}

static void draw_achieved(const struct load_trial *trials, uint32_t n, struct cli_out *o)
{
    struct load_point achieved[LOAD_TRIALS_MAX];
    struct load_point offered[LOAD_TRIALS_MAX];
    for (uint32_t i = 0; i < n; i++) {
        achieved[i] = (struct load_point){trials[i].rate, trials[i].achieved};
        offered[i] = (struct load_point){trials[i].rate, trials[i].rate};
    }
    const struct load_chart chart = {.title = "Achieved by offered rate",
                                     .x_label = "operations offered per second",
                                     .y_label = "operations per second",
                                     .lines = {{"achieved", achieved, n, LOAD_LINE_SOLID},
                                               {"offered", offered, n, LOAD_LINE_REFERENCE}},
                                     .n_lines = 2};
    cli_load_svg(&chart, o);
}

/* ---- The page ---- */

static void write_cell(struct cli_out *o, double value, unsigned digits)
{
    cli_out_text(o, "<td>");
    cli_out_real(o, value, digits);
    cli_out_text(o, "</td>");
}

static void write_trial(struct cli_out *o, const struct load_trial *trial)
{
    cli_out_text(o, "<tr>");
    write_cell(o, trial->rate, 1);
    write_cell(o, trial->achieved, 1);
    write_cell(o, (double)trial->p50_ns / LOAD_NS_PER_MS, 3);
    write_cell(o, (double)trial->p99_ns / LOAD_NS_PER_MS, 3);
    write_cell(o, (double)trial->n_failed, 0);
    cli_out_text(o, trial->held ? "<td class=\"good\">held</td></tr>\n"
                                : "<td class=\"bad\">broken</td></tr>\n");
}

static void write_trials(const struct load_trial *trials, uint32_t n, struct cli_out *o)
{
    cli_out_text(o, "<h2>Trials, in the order they were run</h2>\n"
                    "<table><tr><th>offered per s</th><th>achieved per s</th><th>p50, ms</th>"
                    "<th>p99, ms</th><th>failed</th><th>SLO</th></tr>\n");
    for (uint32_t i = 0; i < n; i++) {
        write_trial(o, &trials[i]);
    }
    cli_out_text(o, "</table>\n");
}

static void write_promise(const struct load_slo *slo, const struct load_promise *promise,
                          struct cli_out *o)
{
    char limit[LOAD_LIMIT_LEN];
    cli_load_limit_text(slo, promise, limit);
    cli_out_text(o, promise ? promise->name : "errors");
    cli_out_text(o, " &lt;= ");
    cli_out_text(o, limit);
}

static void write_slo(const struct load_slo *slo, struct cli_out *o)
{
    cli_out_text(o, " at which ");
    for (uint32_t i = 0; i < slo->n_promises; i++) {
        cli_out_text(o, i > 0 ? ", " : "");
        write_promise(slo, &slo->promises[i], o);
    }
    if (slo->errors_percent >= 0) {
        cli_out_text(o, slo->n_promises > 0 ? ", " : "");
        write_promise(slo, NULL, o);
    }
    cli_out_text(o, " holds");
}

void cli_load_search_write_page(const struct load_plan *plan, const struct load_trial *trials,
                                uint32_t n, struct cli_out *o)
{
    struct load_trial sorted[LOAD_TRIALS_MAX];
    const double answer = cli_load_search_answer(trials, n);
    sort_trials(trials, n, sorted);
    cli_out_text(o, cli_load_page_head);
    cli_load_page_keys(plan, o);
    cli_out_text(o, "<p>Search for the highest rate");
    write_slo(&plan->slo, o);
    cli_out_text(o, "; trials of ");
    cli_out_real(o, (double)plan->duration_ns / LOAD_NS_PER_S, 1);
    cli_out_text(o, " s. Holds at <b>");
    cli_out_real(o, answer, 1);
    cli_out_text(o,
                 answer > 0 ? " per s</b></p>\n" : " per s</b>: at no rate that was tried</p>\n");
    draw_latency(sorted, n, o);
    draw_achieved(sorted, n, o);
    write_trials(trials, n, o);
    cli_load_page_end(o);
}
