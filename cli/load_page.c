#include "cli/load_environment.h"
#include "cli/load_plots.h"
#include "cli/load_report.h"
#include "cli/load_svg.h"

const char cli_load_page_head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<title>kp bench</title>\n<style>\n"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:900px;margin:2em auto;padding:0 1em;"
    "color:#1a1a1a;background:#fff}\n"
    "h1{font-size:1.5em;margin:0 0 .2em}h2{font-size:1.1em;margin:1.8em 0 .4em}\n"
    "table{border-collapse:collapse;margin:.4em 0;font-variant-numeric:tabular-nums}\n"
    "td,th{padding:.25em .8em;text-align:right;border-bottom:1px solid #ccc}\n"
    "th{border-bottom:2px solid #555;font-weight:600}\n"
    "td:first-child,th:first-child,td.text,th.text{text-align:left}\n"
    "tr.sum td{border-top:2px solid #555;font-weight:600}\n"
    ".tiles{display:flex;flex-wrap:wrap;gap:.6em;margin:1em 0}\n"
    ".tile{border:1px solid #bbb;border-radius:4px;padding:.3em .7em}\n"
    ".tile b{display:block;font-size:1.15em;white-space:nowrap}\n"
    ".good{color:#00604a;font-weight:600}.bad{color:#b3261e;font-weight:600}\n"
    "svg{width:100%;height:auto;margin:1em 0 0;display:block;break-inside:avoid}\n"
    "</style></head><body>\n<h1>kp bench</h1>\n";

/* ---- Numbers ---- */

static void write_ms_cell(struct cli_out *o, uint64_t ns)
{
    cli_out_text(o, "<td>");
    cli_out_real(o, (double)ns / LOAD_NS_PER_MS, 3);
    cli_out_text(o, "</td>");
}

static void write_quantile_heads(struct cli_out *o)
{
    for (uint32_t i = 0; i < LOAD_N_QUANTILES; i++) {
        cli_out_text(o, "<th>");
        cli_out_text(o, cli_load_quantile_texts[i]);
        cli_out_text(o, "</th>");
    }
    cli_out_text(o, "<th>max</th></tr>\n");
}

static void write_quantile_cells(struct cli_out *o, const struct kpb_histogram *latency)
{
    for (uint32_t i = 0; i < LOAD_N_QUANTILES; i++) {
        write_ms_cell(o, kpb_histogram_quantile(latency, cli_load_quantiles[i]));
    }
    write_ms_cell(o, kpb_histogram_quantile(latency, 1.0));
    cli_out_text(o, "</tr>\n");
}

/* ---- The first glance ---- */

static void write_tile(struct cli_out *o, const char *name, double value, unsigned digits,
                       const char *unit)
{
    cli_out_text(o, "<div class=\"tile\"><b>");
    cli_out_real(o, value, digits);
    cli_out_text(o, unit);
    cli_out_text(o, "</b>");
    cli_out_text(o, name);
    cli_out_text(o, "</div>\n");
}

static void write_rate_tile(const struct load_result *result, struct cli_out *o)
{
    const struct load_plan *plan = cli_load_result_plan(result);
    cli_out_text(o, "<div class=\"tile\"><b>");
    cli_out_real(o, cli_load_achieved_per_s(result), 1);
    cli_out_text(o, " per s</b>achieved");
    if (plan->n_rates > 0) {
        cli_out_text(o, " of ");
        cli_out_real(o, cli_load_offered_per_s(result), 1);
        cli_out_text(o, " offered");
    }
    cli_out_text(o, "</div>\n");
}

static void write_tiles(const struct load_result *result, struct cli_out *o)
{
    const struct kpb_histogram *all = cli_load_result_all(result);
    const uint64_t n_failed = cli_load_result_n_failed(result);
    const uint64_t n = cli_load_result_n_ok(result) + n_failed;
    cli_out_text(o, "<div class=\"tiles\">\n");
    write_rate_tile(result, o);
    write_tile(o, "p50", (double)kpb_histogram_quantile(all, 0.5) / LOAD_NS_PER_MS, 3, " ms");
    write_tile(o, "p99", (double)kpb_histogram_quantile(all, 0.99) / LOAD_NS_PER_MS, 3, " ms");
    write_tile(o, "p99.9", (double)kpb_histogram_quantile(all, 0.999) / LOAD_NS_PER_MS, 3, " ms");
    write_tile(o, "max", (double)kpb_histogram_quantile(all, 1.0) / LOAD_NS_PER_MS, 3, " ms");
    write_tile(o, "failed", n > 0 ? 100.0 * (double)n_failed / (double)n : 0, 2, "%");
    cli_out_text(o, "</div>\n");
}

/* What ended then is in the tables; the plots end with the duration. */
static void write_drain(const struct load_result *result, struct cli_out *o)
{
    if (cli_load_result_drain_ns(result) >= LOAD_DRAIN_TOLD_NS) {
        cli_out_text(o, "<p>Went on for ");
        cli_out_real(o, (double)cli_load_result_drain_ns(result) / LOAD_NS_PER_S, 1);
        cli_out_text(o, " s after the end, until all that was due before had ended; the plots "
                        "do not show that</p>\n");
    }
}

static void write_slo(const struct load_result *result, struct cli_out *o)
{
    char text[LOAD_KEPT_LEN];
    struct load_kept kept;
    const struct load_slo *slo = &cli_load_result_plan(result)->slo;
    if (!slo->given) {
        return;
    }
    cli_out_text(o, cli_load_result_slo_held(result) ? "<p><span class=\"good\">SLO held</span>"
                                                     : "<p><span class=\"bad\">SLO broken</span>");
    for (uint32_t i = 0; cli_load_result_promise(result, i, &kept); i++) {
        cli_load_kept_text(slo, &kept, text);
        cli_out_text(o, i == 0 ? ": " : "; ");
        cli_out_text(o, kept.held ? "<span>" : "<span class=\"bad\">");
        cli_out_text(o, text);
        cli_out_text(o, "</span>");
    }
    cli_out_text(o, "</p>\n");
}

void cli_load_page_keys(const struct load_plan *plan, struct cli_out *o)
{
    if (plan->keys) {
        cli_out_text(o, "<p><b>");
        cli_load_markup(o, plan->keys);
        cli_out_text(o, plan->vault ? "</b> in <b>" : "");
        cli_load_markup(o, plan->vault ? plan->vault : "");
        cli_out_text(o, "</b></p>\n");
    }
}

static void write_summary(const struct load_result *result, struct cli_out *o)
{
    const struct load_plan *plan = cli_load_result_plan(result);
    cli_load_page_keys(plan, o);
    cli_out_text(o, "<p>");
    cli_load_describe(plan, o);
    cli_out_text(o, "</p>\n");
    write_tiles(result, o);
    write_drain(result, o);
    write_slo(result, o);
}

/* ---- Tables ---- */

static void write_row(struct cli_out *o, const char *row, const char *name,
                      const struct kpb_histogram *latency, uint64_t n_failed)
{
    cli_out_text(o, row);
    cli_out_text(o, "<td>");
    cli_load_markup(o, name);
    cli_out_text(o, "</td><td>");
    cli_out_uint(o, kpb_histogram_count(latency));
    cli_out_text(o, n_failed > 0 ? "</td><td class=\"bad\">" : "</td><td>");
    cli_out_uint(o, n_failed);
    cli_out_text(o, "</td>");
    write_quantile_cells(o, latency);
}

static void write_latencies(const struct load_result *result, struct cli_out *o)
{
    cli_out_text(o, "<h2>Latency of operations that succeeded, in ms</h2>\n"
                    "<table><tr><th>operation</th><th>ok</th><th>failed</th>");
    write_quantile_heads(o);
    for (int i = 0; i < LOAD_N_OPS; i++) {
        const struct load_op_result *op = cli_load_result_op(result, (enum load_op)i);
        if (cli_load_result_plan(result)->weights[i] > 0) {
            write_row(o, "<tr>", cli_load_op_text((enum load_op)i), &op->latency, op->n_failed);
        }
    }
    write_row(o, "<tr class=\"sum\">", "all", cli_load_result_all(result),
              cli_load_result_n_failed(result));
    const struct load_key_result *key;
    for (uint32_t i = 0; (key = cli_load_result_key(result, i)) != NULL; i++) {
        write_row(o, "<tr>", key->name, &key->latency, key->n_failed);
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
    cli_out_text(o, "<h2>Phases of requests that were answered, in ms</h2>\n"
                    "<table><tr><th>phase</th><th>requests</th>");
    write_quantile_heads(o);
    for (uint32_t i = 0; i < KP_PHASE_COUNT; i++) {
        cli_out_text(o, "<tr><td>");
        cli_out_text(o, cli_load_phase_text(i));
        cli_out_text(o, "</td><td>");
        cli_out_uint(o, kpb_histogram_count(&counters->phases[i]));
        cli_out_text(o, "</td>");
        write_quantile_cells(o, &counters->phases[i]);
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

static void write_amount(struct cli_out *o, const char *name, double amount, const char *unit)
{
    cli_out_text(o, "<tr><td>");
    cli_out_text(o, name);
    cli_out_text(o, "</td><td>");
    cli_out_real(o, amount, 1);
    cli_out_text(o, unit);
    cli_out_text(o, "</td></tr>\n");
}

static void write_totals(const struct load_result *result, struct cli_out *o)
{
    const struct load_counters *counters = cli_load_result_counters(result);
    const struct load_proven *proven = cli_load_result_proven(result);
    cli_out_text(o, "<h2>What it took</h2>\n"
                    "<table><tr><th>during the run</th><th>amount</th></tr>\n");
    write_amount(o, "processor time per operation, client included", cli_load_cpu_us(result),
                 " us");
    write_amount(o, "memory of the process at most", cli_load_max_rss_mib(result), " MiB");
    write_amount(o, "memory grown per operation under way", cli_load_grown_kib(result), " KiB");
    write_count(o, "operations under way at most", cli_load_result_cost(result)->most_under_way);
    write_count(o, "retries", counters->retries);
    write_count(o, "refused by a full queue", counters->refused);
    write_count(o, "coalesced calls", counters->coalesced);
    write_count(o, "throttled by the vault", counters->throttled);
    write_count(o, "breaker trips", counters->breaker_trips);
    write_count(o, "connections opened", counters->connections);
    write_count(o, "answers of wrap, encrypt, sign undone afterwards", proven->n_right);
    write_count(o, "undone and wrong", proven->n_wrong);
    write_count(o, "not undone: the vault would not, or could not", proven->n_untried);
    cli_out_text(o, "</table>\n");
}

static void write_failures(const struct load_result *result, struct cli_out *o)
{
    const struct load_failure *failure = cli_load_result_failure(result, 0);
    if (!failure) {
        return;
    }
    cli_out_text(o, "<h2>Failures</h2>\n<table><tr><th>class</th><th>code</th><th>count</th>"
                    "<th class=\"text\">the first one</th></tr>\n");
    for (uint32_t i = 0; (failure = cli_load_result_failure(result, i)) != NULL; i++) {
        cli_out_text(o, "<tr><td>");
        cli_out_text(o, kp_status_text(failure->status));
        cli_out_text(o, "</td><td>");
        cli_out_uint(o, failure->code);
        cli_out_text(o, "</td><td>");
        cli_out_uint(o, failure->n);
        cli_out_text(o, "</td><td class=\"text\">");
        cli_load_markup(o, failure->text);
        cli_out_text(o, "</td></tr>\n");
    }
    cli_out_text(o, "</table>\n");
}

void cli_load_page_end(struct cli_out *o)
{
    struct load_fact facts[LOAD_N_FACTS];
    cli_load_environment(facts);
    cli_out_text(o, "<h2>Environment</h2>\n<table>\n");
    for (size_t i = 0; i < LOAD_N_FACTS; i++) {
        cli_out_text(o, "<tr><td>");
        cli_out_text(o, facts[i].name);
        cli_out_text(o, "</td><td class=\"text\">");
        cli_load_markup(o, facts[i].text);
        cli_out_text(o, "</td></tr>\n");
    }
    cli_out_text(o, "</table>\n</body></html>\n");
}

void cli_load_write_page(const struct load_result *result, struct cli_out *o)
{
    cli_out_text(o, cli_load_page_head);
    write_summary(result, o);
    cli_load_plots(result, o);
    write_latencies(result, o);
    write_phases(result, o);
    write_failures(result, o);
    write_totals(result, o);
    cli_load_page_end(o);
}
