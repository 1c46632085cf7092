/*
 * Throughput of the pipeline with one and with two loop threads: two vaults over the null plugin,
 * each kept busy by completions that submit the next operation. Only what the loops share can keep
 * two of them from doing twice as much, given two idle cores.
 *
 *     bench_shards
 */
#include <keyprovider/keyprovider.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench/null.h"
#include "bench/stats.h"
#include "bench/target.h"

#define CLOSE_MS 5000
#define WINDOW 256u
#define RUN_MS 500
#define N_PAIRS 6
#define N_VAULTS 2u

/* One vault with its operations under way. */
struct lane {
    kp_vault *vault;
    struct kp_request request;
    _Atomic bool stop;
    _Atomic uint64_t n_done;
    _Atomic uint32_t n_under_way;
    _Atomic bool failed;
};

static double seconds(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void on_done(void *ctx, kp_op_id id, struct kp_result *result);

static void submit(struct lane *lane)
{
    if (kp_submit(lane->vault, &lane->request, on_done, lane, NULL, NULL) == KP_OK)
        return;
    atomic_store(&lane->failed, true);
    atomic_fetch_sub(&lane->n_under_way, 1);
}

static void on_done(void *ctx, kp_op_id id, struct kp_result *result)
{
    struct lane *lane = ctx;
    (void)id;
    if (result->status != KP_OK)
        atomic_store(&lane->failed, true);
    atomic_fetch_add_explicit(&lane->n_done, 1, memory_order_relaxed);
    if (atomic_load_explicit(&lane->stop, memory_order_relaxed))
        atomic_fetch_sub(&lane->n_under_way, 1);
    else
        submit(lane);
}

static void pause_ms(long ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

static bool lane_open(kp_provider *provider, const char *vault, struct lane *lane)
{
    memset(lane, 0, sizeof *lane);
    bench_request_init(&lane->request);
    return kp_vault_acquire(provider, vault, NULL, &lane->vault, NULL) == KP_OK;
}

static void lane_start(struct lane *lane)
{
    for (uint32_t i = 0; i < WINDOW; i++) {
        atomic_fetch_add(&lane->n_under_way, 1);
        submit(lane);
    }
}

static void lane_end(struct lane *lane)
{
    atomic_store(&lane->stop, true);
    while (atomic_load(&lane->n_under_way) > 0)
        pause_ms(1);
    kp_vault_release(lane->vault);
}

/* Operations per second, and microseconds of processor time each, with that many loops. */
static bool measure(uint32_t n_loops, double *ret_rate, double *ret_cpu_us)
{
    static kp_plugin_get_fn *const plugins[] = {bench_null_plugin_get, NULL};
    static const char *const vaults[N_VAULTS] = {"null:now", "null:now/other"};
    static struct lane lanes[N_VAULTS];
    kp_provider *provider = NULL;
    struct kp_options options;
    kp_options_init(&options);
    options.flags = KP_OPEN_NO_PLUGIN_FILES;
    options.static_plugins = plugins;
    options.n_loops = n_loops;
    if (kp_provider_open(&options, &provider, NULL) != KP_OK)
        return false;
    bool ok = true;
    uint64_t n = 0;
    for (uint32_t i = 0; i < N_VAULTS && ok; i++)
        ok = lane_open(provider, vaults[i], &lanes[i]);
    const double wall = seconds(CLOCK_MONOTONIC);
    const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (uint32_t i = 0; i < N_VAULTS && ok; i++)
        lane_start(&lanes[i]);
    pause_ms(RUN_MS);
    for (uint32_t i = 0; i < N_VAULTS; i++)
        n += atomic_load(&lanes[i].n_done);
    *ret_rate = (double)n / (seconds(CLOCK_MONOTONIC) - wall);
    *ret_cpu_us = (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / (double)(n > 0 ? n : 1);
    for (uint32_t i = 0; i < N_VAULTS && ok; i++) {
        lane_end(&lanes[i]);
        ok = !atomic_load(&lanes[i].failed);
    }
    kp_provider_close_wait(provider, CLOSE_MS, NULL);
    return ok && n > 0;
}

int main(void)
{
    double rate[2][N_PAIRS];
    double cpu_us[2][N_PAIRS];
    for (int i = 0; i < N_PAIRS; i++) {
        for (uint32_t loops = 1; loops <= 2; loops++) {
            if (!measure(loops, &rate[loops - 1][i], &cpu_us[loops - 1][i])) {
                fprintf(stderr, "bench_shards: the null plugin with %u loops failed\n", loops);
                return 1;
            }
        }
    }
    const double one = bench_median(rate[0], N_PAIRS);
    const double two = bench_median(rate[1], N_PAIRS);
    const double cpu_one = bench_median(cpu_us[0], N_PAIRS);
    const double cpu_two = bench_median(cpu_us[1], N_PAIRS);
    printf("shards.2.rate %.0f %.0f %.4f\n", two, one, two / one);
    printf("shards.2.cpu_us %.4f %.4f %.4f\n", cpu_two, cpu_one, cpu_two / cpu_one);
    return 0;
}
