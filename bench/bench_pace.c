/*
 * How long the slow requests take when there is room to spare: the same constant rate is offered to
 * a plugin and to the bare loop of libcurl and libuv, one at which that loop is busy half the time.
 * A request's time counts from when it was due, so that a stall is not hidden by the requests it
 * delays. Then what it takes to keep a full Managed HSM busy.
 *
 *     bench_pace FOLDER    writes a certificate to FOLDER
 */
#define _DEFAULT_SOURCE /* prctl */
#include <sys/prctl.h>

#include "bench/pairs.h"
#include "bench/stats.h"
#include "bench/target.h"
#include "bench/yardsticks/pace.h"

#define FIRST_RATE 2000u
#define SEARCH_STEPS 4
#define SEARCH_MS 500
#define PACE_MS 1000
#define N_PAIRS 18
#define QUIET_PERCENT 25u
#define DISTURBED_US 1000.0  /* half load leaves room to spare: it has waited for others' work */
#define FULL_HSM_RATE 3300u  /* unwraps a second with RSA-2048: three partitions of 1,100 */
#define UNDER_WAY_MAX 65536u /* a power of two; far above what half the capacity leaves waiting */

static struct bench_pace pace;

static bool open_target(struct bench_target *target, const char *url)
{
    char config[512];
    char location[256];
    (void)snprintf(config, sizeof config,
                   "{\"http\": {\"proxy\": \"none\", \"ca_file\": \"%s\"},"
                   " \"defaults\": {\"max_queued\": %u},"
                   " \"provider\": {\"max_operations\": %u}}",
                   getenv("KP_BENCH_CA"), UNDER_WAY_MAX / 2, UNDER_WAY_MAX);
    (void)snprintf(location, sizeof location, "canned:%s", url);
    return bench_target_open(target, config, location, NULL);
}

/* ---- Ours ---- */

struct pacer {
    const struct bench_target *target;
    struct bench_lane *lane;
    _Atomic unsigned n_under_way;
    _Atomic bool failed;
};

struct paced_op {
    struct pacer *pacer;
    uint64_t due_ns;
};

static void on_done(void *ctx, kp_op_id id, struct kp_result *result)
{
    struct paced_op *op = ctx;
    (void)id;
    if (result->status != KP_OK)
        atomic_store(&op->pacer->failed, true);
    bench_pace_note(&pace, op->due_ns); /* the loop thread alone */
    bench_lane_count(op->pacer->lane, 1);
    atomic_fetch_sub(&op->pacer->n_under_way, 1);
}

static void sleep_until(uint64_t ns)
{
    const struct timespec at = {(time_t)(ns / BENCH_NS_PER_S), (long)(ns % BENCH_NS_PER_S)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
        ;
}

static bool submit_at(struct pacer *pacer, struct paced_op *op)
{
    const struct bench_target *target = pacer->target;
    while (!bench_pace_take(&pace, &op->due_ns))
        sleep_until(pace.next_ns);
    op->pacer = pacer;
    atomic_fetch_add(&pacer->n_under_way, 1);
    if (kp_submit(target->vault, &target->request, on_done, op, NULL, NULL) == KP_OK)
        return true;
    atomic_fetch_sub(&pacer->n_under_way, 1);
    return false;
}

static bool run_ours(struct bench_lane *lane)
{
    static struct paced_op ops[UNDER_WAY_MAX];
    struct pacer pacer = {.target = lane->ctx, .lane = lane};
    (void)prctl(PR_SET_TIMERSLACK, 1); /* as exact as the yardstick's timer */
    bool ok = bench_pace_begin(&pace, lane->job->size);
    for (unsigned n = 0; ok && bench_lane_goes_on(lane, 0); n++)
        ok = atomic_load(&pacer.n_under_way) < UNDER_WAY_MAX / 2 &&
             submit_at(&pacer, &ops[n % UNDER_WAY_MAX]);
    while (atomic_load(&pacer.n_under_way) > 0)
        bench_sleep_ms(1);
    return ok && !atomic_load(&pacer.failed);
}

/* Opened anew for each run, as the yardstick's loop is: what lay idle meanwhile is out of
 * caches. */
static bool ours(const char *url, const struct bench_job *job, struct bench_run *ret)
{
    struct bench_target target = {.provider = NULL};
    bool ok = open_target(&target, url) &&
              bench_lanes_run(job, run_ours, &target, &ret->n_ops, &ret->cost);
    ret->p99_ns = (double)bench_pace_end(&pace);
    bench_target_close(&target);
    return ok;
}

/* ---- The rate ---- */

/*
 * The rate at which the bare loop is busy half the time. What it does when nothing holds it back
 * would say too much: requests that wait together are served together, for half the processor time
 * of those that come one by one.
 */
static bool half_rate(struct bench_yardstick *yardstick, unsigned *ret)
{
    *ret = FIRST_RATE;
    for (int i = 0; i < SEARCH_STEPS; i++) {
        const struct bench_job job = bench_job("pace", *ret, 1, SEARCH_MS);
        struct bench_run run;
        if (!bench_yardstick_run(yardstick, &job, &run) || run.cost.cpu_ns == 0)
            return false;
        *ret = (unsigned)(run.n_ops * BENCH_NS_PER_S / run.cost.cpu_ns / 2);
    }
    return *ret > 0;
}

/* ---- Pairs ---- */

static bool run_pair(struct bench_yardstick *yardstick, int at, const struct bench_job *job,
                     struct bench_run runs[2])
{
    const char *url = getenv("KP_BENCH_H1");
    if (at % 2 == 0)
        return ours(url, job, &runs[0]) && bench_yardstick_run(yardstick, job, &runs[1]);
    return bench_yardstick_run(yardstick, job, &runs[1]) && ours(url, job, &runs[0]);
}

struct series {
    double ours_us[N_PAIRS];
    double bare_us[N_PAIRS];
};

/*
 * Of either the lower quartile: whatever takes a processor away for a moment makes the slowest
 * hundredth slower and nothing faster, and a pair is seldom alone on the machine.
 */
static void print_series(struct series *s, unsigned rate)
{
    double ours_us = bench_percentile(s->ours_us, N_PAIRS, QUIET_PERCENT);
    double bare_us = bench_percentile(s->bare_us, N_PAIRS, QUIET_PERCENT);
    if (bare_us == 0 || bare_us > DISTURBED_US)
        printf("pace.h1.p99_us\tmissing\tthe machine is too busy: the bare loop fell behind\n");
    else
        printf("pace.h1.p99_us %.1f %.1f %.4f\n", ours_us, bare_us, ours_us / bare_us);
    printf("pace.h1.offered %u %u 1\n", rate, rate);
}

static bool run_pairs(struct bench_yardstick *yardstick)
{
    struct series series;
    unsigned rate;
    if (!half_rate(yardstick, &rate))
        return false;
    const struct bench_job job = bench_job("pace", rate, 1, PACE_MS);
    for (int i = 0; i < N_PAIRS; i++) {
        struct bench_run runs[2] = {{0}, {0}};
        if (!run_pair(yardstick, i, &job, runs))
            return false;
        series.ours_us[i] = runs[0].p99_ns / 1e3;
        series.bare_us[i] = runs[1].p99_ns / 1e3;
    }
    print_series(&series, rate);
    return true;
}

/* ---- A full Managed HSM ---- */

/* The processor time of this process while it sends what such a service answers, alone. */
static bool run_full(const char *measure, const char *url)
{
    const struct bench_job job = bench_job("pace", FULL_HSM_RATE, 1, PACE_MS);
    double percent[BENCH_PAIRS];
    for (int i = 0; i < BENCH_PAIRS; i++) {
        struct bench_run run = {0};
        if (!ours(url, &job, &run) || run.cost.wall_ns == 0)
            return false;
        percent[i] = 100.0 * (double)run.cost.cpu_ns / (double)run.cost.wall_ns;
    }
    printf("%s %.1f 0 0\n", measure, bench_median(percent, BENCH_PAIRS));
    return true;
}

static bool run_all(struct bench_yardstick *yardstick)
{
    return run_pairs(yardstick) && run_full("pace.full.h2.percent", getenv("KP_BENCH_H2")) &&
           run_full("pace.full.h1.percent", getenv("KP_BENCH_H1"));
}

int main(int argc, char **argv)
{
    struct bench_yardstick server;
    struct bench_yardstick bare = {.pid = 0};
    if (argc != 2) {
        fprintf(stderr, "usage: bench_pace FOLDER\n");
        return 1;
    }
    bool ok = bench_server_start(&server, argv[1]) && bench_yardstick_start(&bare, "bare_http") &&
              run_all(&bare);
    bench_yardstick_end(&bare);
    bench_yardstick_end(&server);
    return ok ? 0 : 1;
}
