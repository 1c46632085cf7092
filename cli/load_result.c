#include "cli/load_result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/load_threads.h"

struct load_result {
    /* ---- fixed after new ---- */
    struct load_plan plan;

    /* ---- under lock ---- */
    struct cli_lock lock;
    struct load_op_result ops[LOAD_N_OPS];
    struct load_key_result keys[LOAD_KEYS_SHOWN];
    uint32_t n_keys; /* fixed before the first operation */
    struct kpb_histogram all;
    uint64_t n_failed;
    struct load_slice slices[LOAD_SLICES_MAX];
    uint32_t n_slices;
    uint64_t slice_ns;
    struct load_failure failures[LOAD_CODES_MAX];
    uint32_t n_failures;

    /* ---- once finished ---- */
    struct load_cost cost;
    struct load_proven proven;
    struct load_counters counters;
    uint64_t measured_ns;
};

struct load_result *cli_load_result_new(const struct load_plan *plan)
{
    struct load_result *result = kpb_alloc("cli.load.result", sizeof *result);
    if (!result) {
        return NULL;
    }
    result->plan = *plan;
    result->slice_ns = plan->duration_ns / LOAD_SLICES_MAX + 1;
    if (plan->is_open_ended || result->slice_ns < LOAD_NS_PER_S / 4) {
        result->slice_ns = LOAD_NS_PER_S / 4; /* short runs: enough operations to a slice */
    }
    if (!cli_lock_init(&result->lock)) {
        kpb_free(result);
        return NULL;
    }
    return result;
}

void cli_load_result_free(struct load_result *result)
{
    if (result) {
        cli_lock_clear(&result->lock);
        kpb_free(result);
    }
}

void cli_load_result_name_key(struct load_result *result, uint32_t key, const char *name)
{
    if (key < LOAD_KEYS_SHOWN) {
        (void)snprintf(result->keys[key].name, sizeof result->keys[key].name, "%s", name);
        result->n_keys = key + 1;
    }
}

/* ---- Counting ---- */

/* Two slices become one, each twice as long: how long the run will be nobody knew. */
static void fold_slices(struct load_result *result)
{
    for (uint32_t i = 0; i < LOAD_SLICES_MAX; i += 2) {
        struct load_slice *into = &result->slices[i / 2];
        if (i > 0) {
            *into = result->slices[i];
        }
        kpb_histogram_merge(&into->latency, &result->slices[i + 1].latency);
        into->n_failed += result->slices[i + 1].n_failed;
    }
    memset(&result->slices[LOAD_SLICES_MAX / 2], 0, LOAD_SLICES_MAX / 2 * sizeof result->slices[0]);
    result->n_slices = (result->n_slices + 1) / 2;
    result->slice_ns *= 2;
}

static struct load_slice *slice_at(struct load_result *result, uint64_t at_ns)
{
    while (result->plan.is_open_ended && at_ns / result->slice_ns >= LOAD_SLICES_MAX) {
        fold_slices(result);
    }
    uint64_t i = at_ns / result->slice_ns;
    if (i >= LOAD_SLICES_MAX) {
        i = LOAD_SLICES_MAX - 1; /* what ended after the run belongs to its end */
    }
    if (i >= result->n_slices) {
        result->n_slices = (uint32_t)i + 1;
    }
    return &result->slices[i];
}

/* The kind a failure belongs to; the last one takes what is left when there are too many. */
static struct load_failure *failure_of(struct load_result *result,
                                       const struct load_outcome *outcome)
{
    for (uint32_t i = 0; i < result->n_failures; i++) {
        struct load_failure *known = &result->failures[i];
        if (known->status == outcome->status && known->code == outcome->error->code) {
            return known;
        }
    }
    if (result->n_failures == LOAD_CODES_MAX) {
        return &result->failures[LOAD_CODES_MAX - 1];
    }
    struct load_failure *failure = &result->failures[result->n_failures++];
    failure->status = outcome->status;
    failure->code = outcome->error->code;
    memcpy(failure->text, outcome->error->text, sizeof failure->text);
    return failure;
}

static void count_failure(struct load_result *result, const struct load_outcome *outcome,
                          struct load_slice *slice)
{
    result->n_failed++;
    if (outcome->key < result->n_keys) {
        result->keys[outcome->key].n_failed++;
    }
    result->ops[outcome->op].n_failed++;
    slice->n_failed++;
    failure_of(result, outcome)->n++;
}

void cli_load_result_add(struct load_result *result, const struct load_outcome *outcome)
{
    if (outcome->start_ns < result->plan.warm_up_ns) {
        return;
    }
    const uint64_t latency_ns =
        outcome->end_ns > outcome->start_ns ? outcome->end_ns - outcome->start_ns : 0;
    cli_lock_take(&result->lock);
    struct load_slice *slice = slice_at(result, outcome->end_ns - result->plan.warm_up_ns);
    if (outcome->status != KP_OK) {
        count_failure(result, outcome, slice);
    } else {
        kpb_histogram_record(&result->ops[outcome->op].latency, latency_ns);
        kpb_histogram_record(&result->all, latency_ns);
        if (outcome->key < result->n_keys) {
            kpb_histogram_record(&result->keys[outcome->key].latency, latency_ns);
        }
        kpb_histogram_record(&slice->latency, latency_ns);
    }
    cli_lock_give(&result->lock);
}

void cli_load_result_now(struct load_result *result, struct load_glance *ret)
{
    cli_lock_take(&result->lock);
    ret->n_ok = kpb_histogram_count(&result->all);
    ret->n_failed = result->n_failed;
    ret->p99_ns = kpb_histogram_quantile(&result->all, 0.99);
    cli_lock_give(&result->lock);
}

/* ---- The end ---- */

static int compare_failures(const void *a, const void *b)
{
    const uint64_t n_a = ((const struct load_failure *)a)->n;
    const uint64_t n_b = ((const struct load_failure *)b)->n;
    return n_a < n_b ? 1 : n_a > n_b ? -1 : 0;
}

void cli_load_result_finish(struct load_result *result, const struct load_cost *cost,
                            const struct load_counters *counters, uint64_t measured_ns)
{
    result->cost = *cost;
    memcpy(&result->counters, counters, sizeof result->counters);
    result->measured_ns = measured_ns;
    qsort(result->failures, result->n_failures, sizeof result->failures[0], compare_failures);
}

void cli_load_result_prove(struct load_result *result, const struct load_proven *proven)
{
    result->proven = *proven;
}

/* ---- Reading ---- */

const struct load_proven *cli_load_result_proven(const struct load_result *result)
{
    return &result->proven;
}

const struct load_plan *cli_load_result_plan(const struct load_result *result)
{
    return &result->plan;
}

const struct load_op_result *cli_load_result_op(const struct load_result *result, enum load_op op)
{
    return &result->ops[op];
}

const struct kpb_histogram *cli_load_result_all(const struct load_result *result)
{
    return &result->all;
}

uint64_t cli_load_result_n_ok(const struct load_result *result)
{
    return kpb_histogram_count(&result->all);
}

uint64_t cli_load_result_n_failed(const struct load_result *result)
{
    return result->n_failed;
}

uint64_t cli_load_result_measured_ns(const struct load_result *result)
{
    return result->measured_ns;
}

uint64_t cli_load_result_drain_ns(const struct load_result *result)
{
    return result->measured_ns > result->plan.duration_ns
               ? result->measured_ns - result->plan.duration_ns
               : 0;
}

const struct load_cost *cli_load_result_cost(const struct load_result *result)
{
    return &result->cost;
}

const struct load_key_result *cli_load_result_key(const struct load_result *result, uint32_t i)
{
    return result->n_keys > 1 && i < result->n_keys ? &result->keys[i] : NULL;
}

const struct load_counters *cli_load_result_counters(const struct load_result *result)
{
    return &result->counters;
}

const struct load_failure *cli_load_result_failure(const struct load_result *result, uint32_t i)
{
    return i < result->n_failures ? &result->failures[i] : NULL;
}

const struct load_slice *cli_load_result_slice(const struct load_result *result, uint32_t i)
{
    return i < result->n_slices ? &result->slices[i] : NULL;
}

uint64_t cli_load_result_slice_ns(const struct load_result *result)
{
    return result->slice_ns;
}

static double errors_percent(const struct load_result *result)
{
    const double n_all = (double)(cli_load_result_n_ok(result) + result->n_failed);
    return n_all > 0 ? 100.0 * (double)result->n_failed / n_all : 0;
}

static void keep_latency(const struct load_result *result, const struct load_promise *promise,
                         struct load_kept *ret)
{
    const uint64_t ns = kpb_histogram_quantile(&result->all, promise->quantile);
    *ret = (struct load_kept){.promise = promise,
                              .latency_ns = ns,
                              .held = cli_load_result_n_ok(result) > 0 && ns <= promise->limit_ns};
}

bool cli_load_result_promise(const struct load_result *result, uint32_t i, struct load_kept *ret)
{
    const struct load_slo *slo = &result->plan.slo;
    if (i < slo->n_promises) {
        keep_latency(result, &slo->promises[i], ret);
        return true;
    }
    if (!slo->given || i > slo->n_promises || slo->errors_percent < 0) {
        return false;
    }
    const double percent = errors_percent(result);
    const bool measured = cli_load_result_n_ok(result) + result->n_failed > 0;
    *ret = (struct load_kept){.errors_percent = percent,
                              .held = measured && percent <= slo->errors_percent};
    return true;
}

bool cli_load_result_slo_held(const struct load_result *result)
{
    struct load_kept kept;
    bool held = true;
    for (uint32_t i = 0; cli_load_result_promise(result, i, &kept); i++) {
        held = held && kept.held;
    }
    return held;
}
