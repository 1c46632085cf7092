/*
 * What one run of load is: a mode, a size, threads, and how long. A yardstick reads one job a line
 * from its standard input, runs it and answers with one line, so that a benchmark can take turns
 * with it. Header only.
 *
 *     job     MODE SIZE THREADS MS OPS       OPS 0: for MS milliseconds; else that many, unmeasured
 *     answer  OPS WALL_NS CPU_NS IDLE_NS SWITCHES P99_NS     P99_NS 0: latencies were not kept
 */
#ifndef KP_BENCH_YARDSTICKS_JOB_H
#define KP_BENCH_YARDSTICKS_JOB_H

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "bench/yardsticks/measure.h"

#define BENCH_MODE_LEN 16
#define BENCH_THREADS_MAX 256
#define BENCH_WARM_UP_DIVISOR 5 /* a fifth of the measured time goes before it */

struct bench_job {
    char mode[BENCH_MODE_LEN];
    unsigned size; /* key bits, window: what the mode says */
    unsigned n_threads;
    unsigned ms;
    uint64_t n_ops;
};

/* One thread under load. It counts in `done`, alone on its cache line, until told to stop. */
struct bench_lane {
    _Alignas(64) _Atomic uint64_t done;
    uint64_t quota; /* of this thread; UINT64_MAX: until told to stop */
    const struct bench_job *job;
    _Atomic bool *stop;
    void *ctx;
    unsigned at;
    pthread_t thread;
    bool (*work)(struct bench_lane *lane);
    bool failed;
};

/* Whether the lane starts another operation after n_started of them. */
static inline bool bench_lane_goes_on(const struct bench_lane *lane, uint64_t n_started)
{
    return !atomic_load_explicit(lane->stop, memory_order_relaxed) && n_started < lane->quota;
}

/* One thread alone writes it: a plain add, made visible. */
static inline void bench_lane_count(struct bench_lane *lane, uint64_t n)
{
    uint64_t done = atomic_load_explicit(&lane->done, memory_order_relaxed);
    atomic_store_explicit(&lane->done, done + n, memory_order_relaxed);
}

static inline void *bench_lane_main(void *arg)
{
    struct bench_lane *lane = arg;
    lane->failed = !lane->work(lane);
    return NULL;
}

static inline uint64_t bench_lanes_done(const struct bench_lane *lanes, unsigned n)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += atomic_load_explicit(&lanes[i].done, memory_order_relaxed);
    return sum;
}

static inline uint64_t bench_quota(const struct bench_job *job, unsigned at)
{
    if (job->n_ops == 0)
        return UINT64_MAX;
    return job->n_ops / job->n_threads + (at < job->n_ops % job->n_threads);
}

/* Lets the lanes run in, then takes stock twice while they run: no start, no end in the numbers. */
static inline void bench_lanes_measure(struct bench_lane *lanes, const struct bench_job *job,
                                       _Atomic bool *stop, uint64_t *ret_ops,
                                       struct bench_cost *ret_cost)
{
    bench_sleep_ms(job->ms / BENCH_WARM_UP_DIVISOR);
    struct bench_cost start = bench_cost_now();
    uint64_t before = bench_lanes_done(lanes, job->n_threads);
    bench_sleep_ms(job->ms);
    *ret_ops = bench_lanes_done(lanes, job->n_threads) - before;
    *ret_cost = bench_cost_since(&start);
    atomic_store(stop, true);
}

/*
 * Runs work on job->n_threads threads, each with its own lane and the same ctx. False when a thread
 * could not be started or its work returned false.
 */
static inline bool bench_lanes_run(const struct bench_job *job,
                                   bool (*work)(struct bench_lane *lane), void *ctx,
                                   uint64_t *ret_ops, struct bench_cost *ret_cost)
{
    static struct bench_lane lanes[BENCH_THREADS_MAX];
    _Atomic bool stop = false;
    unsigned n = 0;
    bool ok = job->n_threads >= 1 && job->n_threads <= BENCH_THREADS_MAX;
    struct bench_cost start = bench_cost_now();
    for (; ok && n < job->n_threads; n += ok) {
        lanes[n] = (struct bench_lane){.quota = bench_quota(job, n), .at = n, .work = work};
        lanes[n].job = job;
        lanes[n].stop = &stop;
        lanes[n].ctx = ctx;
        ok = pthread_create(&lanes[n].thread, NULL, bench_lane_main, &lanes[n]) == 0;
    }
    if (ok && job->n_ops == 0)
        bench_lanes_measure(lanes, job, &stop, ret_ops, ret_cost);
    if (!ok)
        atomic_store(&stop, true);
    for (unsigned i = 0; i < n; i++) {
        (void)pthread_join(lanes[i].thread, NULL);
        ok = ok && !lanes[i].failed;
    }
    if (job->n_ops == 0)
        return ok;
    *ret_ops = bench_lanes_done(lanes, n);
    *ret_cost = bench_cost_since(&start);
    return ok;
}

/* ---- Lines ---- */

/* Reads a job; false for a line that is none. */
static inline bool bench_job_parse(char *line, struct bench_job *ret)
{
    char *rest = line + strcspn(line, " \n");
    size_t len = (size_t)(rest - line);
    if (len == 0 || len >= sizeof ret->mode)
        return false;
    *ret = (struct bench_job){.mode = ""};
    memcpy(ret->mode, line, len);
    ret->size = (unsigned)strtoul(rest, &rest, 10);
    ret->n_threads = (unsigned)strtoul(rest, &rest, 10);
    ret->ms = (unsigned)strtoul(rest, &rest, 10);
    ret->n_ops = strtoull(rest, &rest, 10);
    return *rest == '\n' && ret->n_threads > 0 && (ret->ms > 0 || ret->n_ops > 0);
}

/*
 * The main of a yardstick: job after job until the input ends. run does one and says whether it
 * could. Returns the exit status.
 */
static inline int bench_serve(const char *name,
                              bool (*run)(const struct bench_job *job, uint64_t *ret_ops,
                                          struct bench_cost *ret_cost))
{
    char line[128];
    while (fgets(line, sizeof line, stdin)) {
        struct bench_job job;
        struct bench_cost cost;
        uint64_t n_ops;
        if (!bench_job_parse(line, &job) || !run(&job, &n_ops, &cost)) {
            fprintf(stderr, "%s: cannot run: %s", name, line);
            return 1;
        }
        printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", n_ops,
               cost.wall_ns, cost.cpu_ns, cost.idle_ns, cost.n_switches, cost.p99_ns);
        (void)fflush(stdout); /* whoever drives us sees the end of the pipe */
    }
    return 0;
}

#endif /* KP_BENCH_YARDSTICKS_JOB_H */
