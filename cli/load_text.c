#include <inttypes.h>
#include <stdio.h>

#include "base/span.h"
#include "cli/load_environment.h"
#include "cli/load_report.h"

#define COLUMN 11u

const double cli_load_quantiles[LOAD_N_QUANTILES] = {0.5, 0.9, 0.99, 0.999, 0.9999};
const char *const cli_load_quantile_texts[LOAD_N_QUANTILES] = {"p50", "p90", "p99", "p99.9",
                                                               "p99.99"};

double cli_load_achieved_per_s(const struct load_result *result)
{
    const uint64_t ns = cli_load_result_measured_ns(result);
    return ns == 0 ? 0 : (double)cli_load_result_n_ok(result) * LOAD_NS_PER_S / (double)ns;
}

/* A run that a count or Ctrl-C ended has not come to its later steps. */
double cli_load_offered_per_s(const struct load_result *result)
{
    const struct load_plan *plan = cli_load_result_plan(result);
    const uint64_t measured_ns = cli_load_result_measured_ns(result);
    const double end =
        measured_ns < plan->duration_ns ? (double)measured_ns : (double)plan->duration_ns;
    const double step = (double)plan->duration_ns / (plan->n_rates > 0 ? plan->n_rates : 1);
    double sum = 0;
    if (plan->n_rates == 0 || end <= 0) {
        return plan->n_rates == 0 ? 0 : plan->rates[0];
    }
    for (uint32_t i = 0; i < plan->n_rates && i * step < end; i++) {
        sum += plan->rates[i] * ((i + 1) * step < end ? step : end - i * step);
    }
    return sum / end;
}

double cli_load_cpu_us(const struct load_result *result)
{
    const uint64_t n = cli_load_result_n_ok(result) + cli_load_result_n_failed(result);
    return n > 0 ? (double)cli_load_result_cost(result)->cpu_ns / 1000 / (double)n : 0;
}

double cli_load_max_rss_mib(const struct load_result *result)
{
    return (double)cli_load_result_cost(result)->max_rss_bytes / (1024 * 1024);
}

double cli_load_grown_kib(const struct load_result *result)
{
    const struct load_cost *cost = cli_load_result_cost(result);
    return cost->most_under_way > 0 ? (double)cost->grown_bytes / 1024 / cost->most_under_way : 0;
}

static void write_mix(const struct load_plan *plan, struct cli_out *o)
{
    const char *separator = "";
    for (int i = 0; i < LOAD_N_OPS; i++) {
        if (plan->weights[i] > 0) {
            cli_out_text(o, separator);
            cli_out_text(o, cli_load_op_text((enum load_op)i));
            cli_out_text(o, ":");
            cli_out_uint(o, plan->weights[i]);
            separator = ",";
        }
    }
}

static void write_rates(const struct load_plan *plan, struct cli_out *o)
{
    for (uint32_t i = 0; i < plan->n_rates; i++) {
        cli_out_text(o, i > 0 ? ", " : "");
        cli_out_real(o, plan->rates[i], plan->rates[i] < 10 ? 2 : 0);
    }
}

static void write_seconds(struct cli_out *o, const char *before, uint64_t ns, const char *behind)
{
    cli_out_text(o, before);
    cli_out_real(o, (double)ns / LOAD_NS_PER_S, 1);
    cli_out_text(o, behind);
}

static void write_length(const struct load_plan *plan, struct cli_out *o)
{
    const uint64_t warm_up_ns = plan->warm_up_ns - plan->ramp_ns;
    if (plan->ramp_ns > 0) {
        write_seconds(o, ", ", plan->ramp_ns, " s of ramp");
    }
    if (warm_up_ns > 0) {
        write_seconds(o, ", ", warm_up_ns, " s of warm-up");
    }
    if (!plan->is_open_ended) {
        write_seconds(o, ", ", plan->duration_ns, " s");
    }
    if (plan->n_ops > 0) {
        cli_out_text(o, plan->is_open_ended ? ", " : " or ");
        cli_out_uint(o, plan->n_ops);
        cli_out_text(o, " operations");
    }
}

static void write_payloads(const struct load_plan *plan, struct cli_out *o)
{
    for (uint32_t i = 0; i < plan->n_payloads; i++) {
        cli_out_text(o, i == 0 ? ", payload of " : ", ");
        cli_out_uint(o, plan->payload_lens[i]);
    }
    cli_out_text(o, plan->n_payloads > 0 ? " bytes" : "");
}

void cli_load_describe(const struct load_plan *plan, struct cli_out *o)
{
    write_mix(plan, o);
    if (plan->n_rates > 0) {
        cli_out_text(o, plan->poisson ? ", open loop with Poisson arrivals, "
                                      : ", open loop with constant arrivals, ");
        write_rates(plan, o);
        cli_out_text(o, " per s, at most ");
        cli_out_uint(o, plan->n_callers);
        cli_out_text(o, plan->sync ? " blocking callers" : " under way");
    } else {
        cli_out_text(o, ", closed loop, ");
        cli_out_uint(o, plan->n_callers);
        cli_out_text(o, plan->sync ? " blocking callers" : " under way");
    }
    write_length(plan, o);
    write_payloads(plan, o);
}

/* A number right-aligned in its column. */
static void write_cell(struct cli_out *o, const char *text)
{
    char cell[32];
    (void)snprintf(cell, sizeof cell, "%*s", (int)COLUMN, text);
    cli_out_text(o, cell);
}

static void write_ms(struct cli_out *o, uint64_t ns)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%.3f", (double)ns / LOAD_NS_PER_MS);
    write_cell(o, text);
}

static void write_count(struct cli_out *o, uint64_t n)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, n);
    write_cell(o, text);
}

static void write_head(struct cli_out *o)
{
    cli_out_text(o, "latency in ms ");
    write_cell(o, "ok");
    write_cell(o, "failed");
    for (uint32_t i = 0; i < LOAD_N_QUANTILES; i++) {
        write_cell(o, cli_load_quantile_texts[i]);
    }
    write_cell(o, "max");
    cli_out_text(o, "\n");
}

static void write_row(struct cli_out *o, const char *name, const struct kpb_histogram *latency,
                      uint64_t n_failed)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%-14s", name);
    cli_out_text(o, text);
    write_count(o, kpb_histogram_count(latency));
    write_count(o, n_failed);
    for (uint32_t i = 0; i < LOAD_N_QUANTILES; i++) {
        write_ms(o, kpb_histogram_quantile(latency, cli_load_quantiles[i]));
    }
    write_ms(o, kpb_histogram_quantile(latency, 1.0));
    cli_out_text(o, "\n");
}

static void write_table(const struct load_result *result, struct cli_out *o)
{
    write_head(o);
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
}

/* Only what asks a service over HTTP has phases. */
static void write_phases(const struct load_result *result, struct cli_out *o)
{
    const struct load_counters *counters = cli_load_result_counters(result);
    for (uint32_t i = 0, n = 0; i < KP_PHASE_COUNT; i++) {
        if (kpb_histogram_count(&counters->phases[i]) == 0) {
            continue;
        }
        cli_out_text(o, n++ == 0 ? "\nphases of requests that were answered\n" : "");
        write_row(o, cli_load_phase_text(i), &counters->phases[i], 0);
    }
}

static void write_failures(const struct load_result *result, struct cli_out *o)
{
    const struct load_failure *failure;
    for (uint32_t i = 0; (failure = cli_load_result_failure(result, i)) != NULL; i++) {
        cli_out_text(o, i == 0 ? "\nfailures\n" : "");
        write_count(o, failure->n);
        cli_out_text(o, "  ");
        cli_out_text(o, kp_status_text(failure->status));
        if (failure->code != 0) {
            cli_out_text(o, ", code ");
            cli_out_uint(o, failure->code);
        }
        cli_out_text(o, ", first: ");
        cli_out_safe(o, kpb_span_str(failure->text));
        cli_out_text(o, "\n");
    }
}

static void write_pair(struct cli_out *o, const char *name, double value, unsigned digits,
                       const char *unit)
{
    cli_out_text(o, name);
    cli_out_real(o, value, digits);
    cli_out_text(o, unit);
}

static void write_number(struct cli_out *o, uint64_t n, const char *behind)
{
    cli_out_uint(o, n);
    cli_out_text(o, behind);
}

/* Only wraps, encrypts and signs leave something to be undone. */
static void write_proven(const struct load_proven *proven, struct cli_out *o)
{
    if (proven->n_right + proven->n_wrong + proven->n_untried > 0) {
        cli_out_text(o, "proven      ");
        write_number(o, proven->n_right, " answers of wrap, encrypt, sign undone afterwards, ");
        write_number(o, proven->n_wrong, " wrong, ");
        write_number(o, proven->n_untried, " could not be tried\n");
    }
}

static void write_summary(const struct load_result *result, struct cli_out *o)
{
    const struct load_plan *plan = cli_load_result_plan(result);
    const struct load_counters *counters = cli_load_result_counters(result);
    if (plan->n_rates > 0) {
        write_pair(o, "\noffered     ", cli_load_offered_per_s(result), 1, " per s");
    }
    write_pair(o, "\nachieved    ", cli_load_achieved_per_s(result), 1, " per s\n");
    if (cli_load_result_drain_ns(result) >= LOAD_DRAIN_TOLD_NS) {
        write_seconds(o, "went on     ", cli_load_result_drain_ns(result),
                      " s after the end, until all that was due before had ended\n");
    }
    write_pair(o, "processor   ", cli_load_cpu_us(result), 1,
               " us per operation, client included\n");
    write_pair(o, "memory      ", cli_load_max_rss_mib(result), 1, " MiB at most\n");
    write_pair(o, "            ", cli_load_grown_kib(result), 1,
               " KiB per operation under way, grown since the start (");
    write_number(o, cli_load_result_cost(result)->most_under_way, " at most)\n");
    cli_out_text(o, "pipeline    ");
    write_number(o, counters->retries, " retries, ");
    write_number(o, counters->refused, " refused by a full queue, ");
    write_number(o, counters->coalesced, " coalesced\n");
    cli_out_text(o, "vault       ");
    write_number(o, counters->throttled, " throttled, ");
    write_number(o, counters->breaker_trips, " breaker trips, ");
    write_number(o, counters->connections, " connections opened\n");
    write_proven(cli_load_result_proven(result), o);
}

void cli_load_limit_text(const struct load_slo *slo, const struct load_promise *promise,
                         char out[LOAD_LIMIT_LEN])
{
    if (promise) {
        (void)snprintf(out, LOAD_LIMIT_LEN, "%.3f ms", (double)promise->limit_ns / LOAD_NS_PER_MS);
    } else {
        (void)snprintf(out, LOAD_LIMIT_LEN, "%.3f%%", slo->errors_percent);
    }
}

void cli_load_kept_text(const struct load_slo *slo, const struct load_kept *kept,
                        char out[LOAD_KEPT_LEN])
{
    char limit[LOAD_LIMIT_LEN];
    cli_load_limit_text(slo, kept->promise, limit);
    if (kept->promise) {
        (void)snprintf(out, LOAD_KEPT_LEN, "%s %.3f ms, promised %s", kept->promise->name,
                       (double)kept->latency_ns / LOAD_NS_PER_MS, limit);
    } else {
        (void)snprintf(out, LOAD_KEPT_LEN, "errors %.3f%%, promised %s", kept->errors_percent,
                       limit);
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
    cli_out_text(o,
                 cli_load_result_slo_held(result) ? "slo         held\n" : "slo         BROKEN\n");
    for (uint32_t i = 0; cli_load_result_promise(result, i, &kept); i++) {
        cli_load_kept_text(slo, &kept, text);
        cli_out_text(o, kept.held ? "            held: " : "            BROKEN: ");
        cli_out_text(o, text);
        cli_out_text(o, "\n");
    }
}

static void write_environment(struct cli_out *o)
{
    struct load_fact facts[LOAD_N_FACTS];
    char line[LOAD_FACT_LEN + 32];
    cli_load_environment(facts);
    cli_out_text(o, "\nenvironment\n");
    for (size_t i = 0; i < LOAD_N_FACTS; i++) {
        (void)snprintf(line, sizeof line, "  %-14s%s\n", facts[i].name, facts[i].text);
        cli_out_text(o, line);
    }
}

static void write_keys(const struct load_plan *plan, struct cli_out *o)
{
    if (plan->keys) {
        cli_out_safe(o, kpb_span_str(plan->keys));
        cli_out_text(o, plan->vault ? " in " : "");
        cli_out_safe(o, kpb_span_str(plan->vault ? plan->vault : ""));
        cli_out_text(o, "\n");
    }
}

void cli_load_write_text(const struct load_result *result, struct cli_out *o)
{
    write_keys(cli_load_result_plan(result), o);
    cli_load_describe(cli_load_result_plan(result), o);
    cli_out_text(o, "\n\n");
    write_table(result, o);
    write_phases(result, o);
    write_failures(result, o);
    write_summary(result, o);
    write_slo(result, o);
    write_environment(o);
}
