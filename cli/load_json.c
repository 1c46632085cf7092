#include "cli/load_environment.h"
#include "cli/load_report.h"

#define FORMAT 1 /* raised when a member changes its meaning */

static void write_quantiles(const struct kpb_histogram *latency, struct cli_out *o)
{
    for (uint32_t i = 0; i < LOAD_N_QUANTILES; i++) {
        cli_json_member_uint(o, cli_load_quantile_texts[i],
                             kpb_histogram_quantile(latency, cli_load_quantiles[i]));
    }
    cli_json_member_uint(o, "max", kpb_histogram_quantile(latency, 1.0));
}

static void write_bucket(void *ctx, uint64_t ns, uint64_t count)
{
    struct cli_out *o = ctx;
    cli_json_begin(o, '[');
    cli_out_uint(o, ns);
    cli_out_text(o, ",");
    cli_out_uint(o, count);
    cli_json_end(o, ']');
}

static void write_latency(const struct kpb_histogram *latency, struct cli_out *o)
{
    cli_json_name(o, "latency_ns");
    cli_json_begin(o, '{');
    write_quantiles(latency, o);
    cli_json_end(o, '}');
    cli_json_name(o, "histogram_ns");
    cli_json_begin(o, '[');
    kpb_histogram_each(latency, write_bucket, o);
    cli_json_end(o, ']');
}

static void write_op(const char *name, const struct kpb_histogram *latency, uint64_t n_failed,
                     struct cli_out *o)
{
    cli_json_begin(o, '{');
    cli_json_member_text(o, "op", name);
    cli_json_member_uint(o, "ok", kpb_histogram_count(latency));
    cli_json_member_uint(o, "failed", n_failed);
    write_latency(latency, o);
    cli_json_end(o, '}');
}

/* The first keys of --key, where there are several. */
static void write_keys(const struct load_result *result, struct cli_out *o)
{
    const struct load_key_result *key;
    cli_json_name(o, "keys");
    cli_json_begin(o, '[');
    for (uint32_t i = 0; (key = cli_load_result_key(result, i)) != NULL; i++) {
        cli_json_begin(o, '{');
        cli_json_member_text(o, "key", key->name);
        cli_json_member_uint(o, "ok", kpb_histogram_count(&key->latency));
        cli_json_member_uint(o, "failed", key->n_failed);
        write_latency(&key->latency, o);
        cli_json_end(o, '}');
    }
    cli_json_end(o, ']');
}

static void write_phases(const struct load_result *result, struct cli_out *o)
{
    const struct load_counters *counters = cli_load_result_counters(result);
    cli_json_name(o, "phases");
    cli_json_begin(o, '[');
    for (uint32_t i = 0; i < KP_PHASE_COUNT; i++) {
        cli_json_begin(o, '{');
        cli_json_member_text(o, "phase", cli_load_phase_text(i));
        cli_json_member_uint(o, "count", kpb_histogram_count(&counters->phases[i]));
        write_latency(&counters->phases[i], o);
        cli_json_end(o, '}');
    }
    cli_json_end(o, ']');
}

static void write_ops(const struct load_result *result, struct cli_out *o)
{
    cli_json_name(o, "ops");
    cli_json_begin(o, '[');
    for (int i = 0; i < LOAD_N_OPS; i++) {
        const struct load_op_result *op = cli_load_result_op(result, (enum load_op)i);
        if (cli_load_result_plan(result)->weights[i] > 0) {
            write_op(cli_load_op_text((enum load_op)i), &op->latency, op->n_failed, o);
        }
    }
    cli_json_end(o, ']');
    cli_json_name(o, "all");
    write_op("all", cli_load_result_all(result), cli_load_result_n_failed(result), o);
}

static void write_mix(const struct load_plan *plan, struct cli_out *o)
{
    cli_json_name(o, "mix");
    cli_json_begin(o, '{');
    for (int i = 0; i < LOAD_N_OPS; i++) {
        if (plan->weights[i] > 0) {
            cli_json_member_uint(o, cli_load_op_text((enum load_op)i), plan->weights[i]);
        }
    }
    cli_json_end(o, '}');
}

static void write_rates(const struct load_plan *plan, struct cli_out *o)
{
    cli_json_name(o, "rates_per_s");
    cli_json_begin(o, '[');
    for (uint32_t i = 0; i < plan->n_rates; i++) {
        cli_out_text(o, i > 0 ? "," : "");
        cli_out_real(o, plan->rates[i], 2);
    }
    cli_json_end(o, ']');
}

static void write_payloads(const struct load_plan *plan, struct cli_out *o)
{
    cli_json_name(o, "payload_lens");
    cli_json_begin(o, '[');
    for (uint32_t i = 0; i < plan->n_payloads; i++) {
        cli_out_text(o, i > 0 ? "," : "");
        cli_out_uint(o, plan->payload_lens[i]);
    }
    cli_json_end(o, ']');
}

static void write_plan(const struct load_plan *plan, struct cli_out *o)
{
    cli_json_name(o, "plan");
    cli_json_begin(o, '{');
    if (plan->keys) {
        cli_json_member_text(o, "keys", plan->keys);
    }
    if (plan->vault) {
        cli_json_member_text(o, "vault", plan->vault);
    }
    cli_json_member_text(o, "loop", plan->n_rates > 0 ? "open" : "closed");
    cli_json_member_text(o, "arrivals",
                         plan->n_rates == 0 ? "closed"
                         : plan->poisson    ? "poisson"
                                            : "constant");
    cli_json_member_text(o, "api", plan->sync ? "blocking" : "asynchronous");
    write_mix(plan, o);
    write_rates(plan, o);
    cli_json_member_uint(o, "callers", plan->n_callers);
    cli_json_member_uint(o, "duration_ms", plan->duration_ns / LOAD_NS_PER_MS);
    cli_json_member_uint(o, "ramp_ms", plan->ramp_ns / LOAD_NS_PER_MS);
    cli_json_member_uint(o, "warm_up_ms", (plan->warm_up_ns - plan->ramp_ns) / LOAD_NS_PER_MS);
    cli_json_member_uint(o, "count", plan->n_ops);
    write_payloads(plan, o);
    cli_json_member_uint(o, "timeout_ms", plan->timeout_ms);
    cli_json_member_real(o, "zipf", plan->zipf, 3);
    cli_json_member_uint(o, "seed", plan->seed);
    cli_json_end(o, '}');
}

static void write_failures(const struct load_result *result, struct cli_out *o)
{
    const struct load_failure *failure;
    cli_json_name(o, "failures");
    cli_json_begin(o, '[');
    for (uint32_t i = 0; (failure = cli_load_result_failure(result, i)) != NULL; i++) {
        cli_json_begin(o, '{');
        cli_json_member_text(o, "class", kp_status_text(failure->status));
        cli_json_member_uint(o, "code", failure->code);
        cli_json_member_uint(o, "count", failure->n);
        cli_json_member_text(o, "first", failure->text);
        cli_json_end(o, '}');
    }
    cli_json_end(o, ']');
}

static void write_slice(const struct load_slice *slice, uint64_t start_ns, uint64_t len_ns,
                        struct cli_out *o)
{
    const uint64_t n = kpb_histogram_count(&slice->latency);
    cli_json_begin(o, '{');
    cli_json_member_uint(o, "start_ms", start_ns / LOAD_NS_PER_MS);
    cli_json_member_uint(o, "ok", n);
    cli_json_member_uint(o, "failed", slice->n_failed);
    cli_json_member_real(o, "per_s", (double)n * LOAD_NS_PER_S / (double)len_ns, 1);
    cli_json_member_uint(o, "p50", kpb_histogram_quantile(&slice->latency, 0.5));
    cli_json_member_uint(o, "p99", kpb_histogram_quantile(&slice->latency, 0.99));
    cli_json_end(o, '}');
}

static void write_timeline(const struct load_result *result, struct cli_out *o)
{
    const struct load_slice *slice;
    const uint64_t len_ns = cli_load_result_slice_ns(result);
    cli_json_member_uint(o, "slice_ms", len_ns / LOAD_NS_PER_MS);
    cli_json_name(o, "timeline");
    cli_json_begin(o, '[');
    for (uint32_t i = 0; (slice = cli_load_result_slice(result, i)) != NULL; i++) {
        write_slice(slice, i * len_ns, len_ns, o);
    }
    cli_json_end(o, ']');
}

static void write_totals(const struct load_result *result, struct cli_out *o)
{
    const struct load_cost *cost = cli_load_result_cost(result);
    const struct load_counters *counters = cli_load_result_counters(result);
    cli_json_member_uint(o, "measured_ms", cli_load_result_measured_ns(result) / LOAD_NS_PER_MS);
    cli_json_member_uint(o, "drain_ms", cli_load_result_drain_ns(result) / LOAD_NS_PER_MS);
    cli_json_member_real(o, "offered_per_s", cli_load_offered_per_s(result), 2);
    cli_json_member_real(o, "achieved_per_s", cli_load_achieved_per_s(result), 2);
    cli_json_member_uint(o, "retries", counters->retries);
    cli_json_member_uint(o, "refused", counters->refused);
    cli_json_member_uint(o, "coalesced", counters->coalesced);
    cli_json_member_uint(o, "throttled", counters->throttled);
    cli_json_member_uint(o, "breaker_trips", counters->breaker_trips);
    cli_json_member_uint(o, "connections", counters->connections);
    cli_json_member_uint(o, "cpu_ns", cost->cpu_ns);
    cli_json_member_uint(o, "max_rss_bytes", cost->max_rss_bytes);
    cli_json_member_uint(o, "grown_bytes", cost->grown_bytes);
    cli_json_member_uint(o, "most_under_way", cost->most_under_way);
}

static void write_proven(const struct load_proven *proven, struct cli_out *o)
{
    cli_json_name(o, "proven");
    cli_json_begin(o, '{');
    cli_json_member_uint(o, "right", proven->n_right);
    cli_json_member_uint(o, "wrong", proven->n_wrong);
    cli_json_member_uint(o, "untried", proven->n_untried);
    cli_json_end(o, '}');
}

static void write_environment(struct cli_out *o)
{
    struct load_fact facts[LOAD_N_FACTS];
    cli_load_environment(facts);
    cli_json_name(o, "environment");
    cli_json_begin(o, '{');
    for (size_t i = 0; i < LOAD_N_FACTS; i++) {
        cli_json_member_text(o, facts[i].name, facts[i].text);
    }
    cli_json_end(o, '}');
}

static void write_slo(const struct load_result *result, struct cli_out *o)
{
    struct load_kept kept;
    const struct load_slo *slo = &cli_load_result_plan(result)->slo;
    cli_json_name(o, "slo");
    cli_json_begin(o, '[');
    for (uint32_t i = 0; cli_load_result_promise(result, i, &kept); i++) {
        cli_json_begin(o, '{');
        cli_json_member_text(o, "promise", kept.promise ? kept.promise->name : "errors");
        if (kept.promise) {
            cli_json_member_uint(o, "limit_ns", kept.promise->limit_ns);
            cli_json_member_uint(o, "measured_ns", kept.latency_ns);
        } else {
            cli_json_member_real(o, "limit_percent", slo->errors_percent, 6);
            cli_json_member_real(o, "measured_percent", kept.errors_percent, 6);
        }
        cli_json_member_bool(o, "held", kept.held);
        cli_json_end(o, '}');
    }
    cli_json_end(o, ']');
    cli_json_member_bool(o, "slo_held", cli_load_result_slo_held(result));
}

void cli_load_open_json(const struct load_result *result, struct cli_out *o)
{
    cli_json_begin(o, '{');
    cli_json_member_uint(o, "format", FORMAT);
    write_environment(o);
    write_plan(cli_load_result_plan(result), o);
    write_totals(result, o);
    write_ops(result, o);
    write_keys(result, o);
    write_phases(result, o);
    write_failures(result, o);
    write_proven(cli_load_result_proven(result), o);
    write_timeline(result, o);
    if (cli_load_result_plan(result)->slo.given) {
        write_slo(result, o);
    }
}

void cli_load_close_json(struct cli_out *o)
{
    cli_json_end(o, '}');
    cli_out_text(o, "\n");
}

void cli_load_write_json(const struct load_result *result, struct cli_out *o)
{
    cli_load_open_json(result, o);
    cli_load_close_json(o);
}
