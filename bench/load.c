#define _DEFAULT_SOURCE /* syscall */
#include "bench/load.h"

#include "bench/stats.h"
#include "bench/yardsticks/futex.h"

#define SAMPLES_MAX 32768 /* of one thread; later calls are not sampled */

static double *samples; /* SAMPLES_MAX of each thread, NULL: not kept */
static size_t n_samples[BENCH_THREADS_MAX];

static bool say_failure(const char *call, kp_status st, const struct kp_error *error)
{
    fprintf(stderr, "bench: %s: %s: %s\n", call, kp_status_text(st), error->text);
    return false;
}

/* ---- Callers that wait ---- */

static void keep_sample(const struct bench_lane *lane, uint64_t start_ns)
{
    size_t *n = &n_samples[lane->at];
    if (*n < SAMPLES_MAX)
        samples[lane->at * (size_t)SAMPLES_MAX + (*n)++] = (double)(bench_now_ns() - start_ns);
}

static bool call_once(const struct bench_load *load)
{
    struct kp_result result;
    kp_status st = kp_call(load->vault, load->request, &result);
    if (st != KP_OK)
        (void)say_failure("call", st, &result.error);
    kp_result_clear(&result);
    return st == KP_OK;
}

static bool run_sync(struct bench_lane *lane)
{
    const struct bench_load *load = lane->ctx;
    bool ok = true;
    for (uint64_t n = 0; ok && bench_lane_goes_on(lane, n); n++) {
        uint64_t start_ns = samples ? bench_now_ns() : 0;
        ok = call_once(load);
        if (samples)
            keep_sample(lane, start_ns);
        bench_lane_count(lane, ok);
    }
    return ok;
}

/* ---- Submitters with a window ---- */

enum word { IDLE = 0, UNDER_WAY = 1, AWAITED = 2 };

struct slot {
    _Atomic uint32_t word; /* enum word */
    struct bench_lane *lane;
    bool failed;
};

static void take_result(void *ctx, kp_op_id id, struct kp_result *result)
{
    struct slot *slot = ctx;
    (void)id;
    if (result->status != KP_OK)
        slot->failed = !say_failure("submit", result->status, &result->error);
    bench_lane_count(slot->lane, 1); /* only the loop thread counts */
    if (atomic_exchange_explicit(&slot->word, IDLE, memory_order_acq_rel) == AWAITED)
        bench_wake_one(&slot->word);
}

static void await_slot(struct slot *slot)
{
    for (uint32_t word; (word = atomic_load_explicit(&slot->word, memory_order_acquire)) != IDLE;) {
        if (word == UNDER_WAY)
            (void)atomic_compare_exchange_strong(&slot->word, &word, AWAITED);
        else
            bench_wait_on(&slot->word, AWAITED);
    }
}

static bool submit_once(const struct bench_load *load, struct slot *slot)
{
    struct kp_error error;
    atomic_store_explicit(&slot->word, UNDER_WAY, memory_order_relaxed);
    kp_status st = kp_submit(load->vault, load->request, take_result, slot, NULL, &error);
    if (st == KP_OK)
        return true;
    atomic_store(&slot->word, IDLE);
    return say_failure("submit", st, &error);
}

/* A full window waits until about half of it is free: one sleep for many. */
static void make_room(struct slot *slots, size_t at, size_t window)
{
    if (atomic_load_explicit(&slots[at].word, memory_order_acquire) != IDLE)
        await_slot(&slots[(at + window / 2) % window]);
    await_slot(&slots[at]);
}

static bool drive_window(struct bench_lane *lane, struct slot *slots, size_t window)
{
    bool ok = true;
    for (uint64_t n = 0; ok && bench_lane_goes_on(lane, n); n++) {
        struct slot *slot = &slots[n % window];
        make_room(slots, n % window, window);
        slot->lane = lane;
        ok = !slot->failed && submit_once(lane->ctx, slot);
    }
    return ok;
}

static bool run_async(struct bench_lane *lane)
{
    size_t window = lane->job->size;
    struct slot *slots = calloc(window, sizeof *slots);
    if (!slots)
        return false;
    bool ok = drive_window(lane, slots, window);
    for (size_t i = 0; i < window; i++) {
        await_slot(&slots[i]);
        ok = ok && !slots[i].failed;
    }
    free(slots);
    return ok;
}

/* ---- Runs ---- */

/* Leaves out what each thread saw while the load was running in. */
static void sum_up_latencies(unsigned n_threads, struct bench_run *ret)
{
    size_t n = 0;
    for (unsigned i = 0; i < n_threads; i++) {
        size_t skip = n_samples[i] / (BENCH_WARM_UP_DIVISOR + 1);
        const double *own = &samples[i * (size_t)SAMPLES_MAX];
        memmove(&samples[n], own + skip, (n_samples[i] - skip) * sizeof *samples);
        n += n_samples[i] - skip;
    }
    ret->p50_ns = bench_percentile(samples, n, 50);
    ret->p99_ns = bench_percentile(samples, n, 99);
}

bool bench_load_run(const struct bench_load *load, const struct bench_job *job,
                    struct bench_run *ret)
{
    struct bench_load own = *load;
    bool sync = strcmp(job->mode, "sync") == 0;
    *ret = (struct bench_run){0};
    memset(n_samples, 0, sizeof n_samples);
    samples = NULL;
    if (sync && load->keep_latencies)
        samples = calloc(job->n_threads, SAMPLES_MAX * sizeof *samples);
    bool ok = bench_lanes_run(job, sync ? run_sync : run_async, &own, &ret->n_ops, &ret->cost);
    if (ok && samples)
        sum_up_latencies(job->n_threads, ret);
    free(samples);
    samples = NULL;
    return ok;
}
