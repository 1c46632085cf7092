/*
 * What many requests at once cost: processor time with 10,000 of them pending against 64, and
 * memory, of those that are under way over HTTP/2 and of those that wait in line.
 *
 *     bench_pending FOLDER http      requests over HTTP/1.1 to the canned server
 *     bench_pending FOLDER null      requests to a vault that answers in the next turn of the loop
 *     bench_pending FOLDER memory    requests over HTTP/2 to a server that holds its answers
 *
 * Memory is what the kernel says the process has, so that each of these is a process of its own.
 */
#include "bench/pairs.h"
#include "bench/stats.h"
#include "bench/target.h"

#define CASE_MS 500
#define FEW 64u
#define MANY 10000u
#define IN_FLIGHT 1000u /* of memory; at 100 on a connection ten connections */
#define KIB 1024.0

/* in_flight 0: as many at once as the plugin likes. */
static bool open_target(struct bench_target *target, const char *location, unsigned in_flight)
{
    char config[640];
    (void)snprintf(config, sizeof config,
                   "{\"http\": {\"proxy\": \"none\", \"ca_file\": \"%s\","
                   " \"max_connections_h2\": %u, \"timeout_ms\": 600000},"
                   " \"defaults\": {\"max_in_flight\": %u, \"max_queued\": %u,"
                   " \"timeout_ms\": 600000},"
                   " \"provider\": {\"max_operations\": %u}}",
                   getenv("KP_BENCH_CA"), IN_FLIGHT / 100, in_flight, MANY, 2 * MANY);
    return bench_target_open(target, config, location, NULL);
}

static double rss_kib(void)
{
    unsigned long pages = 0;
    char line[128] = "";
    FILE *statm = fopen("/proc/self/statm", "r");
    if (!statm)
        return 0;
    char *second = fgets(line, sizeof line, statm) ? strchr(line, ' ') : NULL;
    if (second)
        pages = strtoul(second, NULL, 10);
    (void)fclose(statm);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / KIB;
}

static double peak_rss_kib(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss;
}

/* ---- Processor time ---- */

/* Completions submit the next request: there are n of them pending, neither more nor fewer. */
struct crowd {
    const struct bench_target *target;
    struct bench_lane *lane; /* counted by the loop thread alone */
    _Atomic unsigned n_pending;
    _Atomic bool failed;
};

static void submit_next(struct crowd *crowd);

static void on_done(void *ctx, kp_op_id id, struct kp_result *result)
{
    struct crowd *crowd = ctx;
    (void)id;
    bench_lane_count(crowd->lane, 1);
    if (result->status != KP_OK)
        atomic_store(&crowd->failed, true);
    if (bench_lane_goes_on(crowd->lane, 0) && !atomic_load(&crowd->failed))
        submit_next(crowd);
    else
        atomic_fetch_sub(&crowd->n_pending, 1);
}

static void submit_next(struct crowd *crowd)
{
    const struct bench_target *target = crowd->target;
    if (kp_submit(target->vault, &target->request, on_done, crowd, NULL, NULL) == KP_OK)
        return;
    atomic_store(&crowd->failed, true);
    atomic_fetch_sub(&crowd->n_pending, 1);
}

static bool run_crowd(struct bench_lane *lane)
{
    struct crowd crowd = {.target = lane->ctx, .lane = lane};
    for (unsigned i = 0; i < lane->job->size; i++) {
        atomic_fetch_add(&crowd.n_pending, 1);
        submit_next(&crowd);
    }
    while (atomic_load(&crowd.n_pending) > 0)
        bench_sleep_ms(1);
    return !atomic_load(&crowd.failed);
}

static bool run_pending(struct bench_target *target, unsigned n, double *ret_cpu_us)
{
    struct bench_job job = bench_job("crowd", n, 1, CASE_MS);
    struct bench_cost cost = {0};
    uint64_t n_ops = 0;
    if (!bench_lanes_run(&job, run_crowd, target, &n_ops, &cost) || n_ops == 0)
        return false;
    *ret_cpu_us = (double)cost.cpu_ns / (double)n_ops / 1e3;
    return true;
}

static bool run_pairs(struct bench_target *target, const char *name)
{
    double many[BENCH_PAIRS];
    double few[BENCH_PAIRS];
    double ratio[BENCH_PAIRS];
    double peak_kib = 0;
    for (int i = 0; i < BENCH_PAIRS; i++) {
        if (!run_pending(target, FEW, &few[i]))
            return false;
        peak_kib = i == 0 ? peak_rss_kib() : peak_kib;
        if (!run_pending(target, MANY, &many[i]))
            return false;
        ratio[i] = many[i] / few[i];
    }
    printf("pending.%s.cpu_us %.4f %.4f %.4f\n", name, bench_median(many, BENCH_PAIRS),
           bench_median(few, BENCH_PAIRS), bench_median(ratio, BENCH_PAIRS));
    printf("pending.%s.rss_mib %.2f 0 0\n", name, (peak_rss_kib() - peak_kib) / KIB);
    return true;
}

static bool run_processor(const char *name, const char *location)
{
    struct bench_target target;
    bool ok = open_target(&target, location, 0) && run_pairs(&target, name);
    bench_target_close(&target);
    return ok;
}

/* ---- Memory ---- */

/* Every request ends with its server, long after it was weighed. */
static void forget(void *ctx, kp_op_id id, struct kp_result *result)
{
    (void)ctx;
    (void)id;
    (void)result;
}

static bool submit(const struct bench_target *target, unsigned n)
{
    struct kp_error error;
    for (unsigned i = 0; i < n; i++) {
        if (kp_submit(target->vault, &target->request, forget, NULL, NULL, &error) == KP_OK)
            continue;
        fprintf(stderr, "bench_pending: %s\n", error.text);
        return false;
    }
    return true;
}

/* The server says a line for each request that it has in full. */
static bool await_held(struct bench_yardstick *server, unsigned n)
{
    char line[16];
    for (unsigned i = 0; i < n; i++)
        if (!fgets(line, sizeof line, server->answers))
            return false;
    return true;
}

/* The first request is answered: now the host knows that it speaks HTTP/2. */
static bool meet(const struct bench_target *target)
{
    struct kp_result result;
    kp_status st = kp_call(target->vault, &target->request, &result);
    kp_result_clear(&result);
    return st == KP_OK;
}

static bool weigh(const struct bench_target *target, struct bench_yardstick *server)
{
    if (!meet(target) || !submit(target, FEW) || !await_held(server, FEW))
        return false;
    double few_kib = rss_kib();
    if (!submit(target, IN_FLIGHT - FEW) || !await_held(server, IN_FLIGHT - FEW))
        return false;
    double in_flight_kib = rss_kib();
    if (!submit(target, MANY))
        return false;
    double queued_kib = rss_kib();
    printf("pending.h2.memory_kib %.3f 0 0\n", (in_flight_kib - few_kib) / (IN_FLIGHT - FEW));
    printf("pending.queued.memory_kib %.3f 0 0\n", (queued_kib - in_flight_kib) / MANY);
    return true;
}

/* The server goes first: what it holds then fails, and the vault can close. */
static bool run_memory(struct bench_yardstick *server)
{
    struct bench_target target;
    char location[256];
    (void)snprintf(location, sizeof location, "canned:%s", getenv("KP_BENCH_HELD"));
    bool ok = open_target(&target, location, IN_FLIGHT) && weigh(&target, server);
    bench_yardstick_end(server);
    bench_target_close(&target);
    return ok;
}

/* ---- Commands ---- */

static bool run_command(struct bench_yardstick *server, const char *what)
{
    char location[256];
    (void)snprintf(location, sizeof location, "canned:%s", getenv("KP_BENCH_H1"));
    if (strcmp(what, "http") == 0)
        return run_processor("http", location);
    if (strcmp(what, "null") == 0)
        return run_processor("null", "null:later");
    if (strcmp(what, "memory") == 0)
        return run_memory(server);
    fprintf(stderr, "bench_pending: nothing is called %s\n", what);
    return false;
}

int main(int argc, char **argv)
{
    return bench_main_with_server(argc, argv, "http|null|memory", run_command);
}
