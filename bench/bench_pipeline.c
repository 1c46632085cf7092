/*
 * What the pipeline costs when the vault costs nothing.
 *
 *     bench_pipeline [CASE]           every case against the bare hand-off, or one: pipeline.sync.8
 *     bench_pipeline count MODE N     N operations and out, for an instruction counter;
 *                                     MODE: async, sync
 *     bench_pipeline allocations N    allocations of ours per operation, after a warm-up
 */
#include <keyprovider/keyprovider.h>

#include "bench/null.h"
#include "bench/pairs.h"
#include "bench/target.h"

#define CLOSE_MS 5000
#define CASE_MS 250
#define WINDOW 1024
#define WARM_UP_OPS 20000

struct session {
    kp_provider *provider;
    kp_vault *now;
    kp_vault *later;
    struct kp_request request;
};

static bool session_open(struct session *s)
{
    static kp_plugin_get_fn *const plugins[] = {bench_null_plugin_get, NULL};
    struct kp_options options;
    struct kp_error error;
    *s = (struct session){.provider = NULL};
    kp_options_init(&options);
    options.flags = KP_OPEN_NO_PLUGIN_FILES;
    options.static_plugins = plugins;
    bench_request_init(&s->request);
    if (kp_provider_open(&options, &s->provider, &error) == KP_OK &&
        kp_vault_acquire(s->provider, "null:now", NULL, &s->now, &error) == KP_OK &&
        kp_vault_acquire(s->provider, "null:later", NULL, &s->later, &error) == KP_OK)
        return true;
    fprintf(stderr, "bench_pipeline: %s\n", error.text);
    return false;
}

static void session_close(struct session *s)
{
    kp_vault_release(s->now);
    kp_vault_release(s->later);
    kp_provider_close_wait(s->provider, CLOSE_MS, NULL);
}

/* ---- Against the bare hand-off ---- */

struct row {
    const char *name;
    bool later;
    const char *mode;
    unsigned window;
    unsigned n_threads;
};

static const struct row ROWS[] = {
    {"pipeline.async.1", false, "async", WINDOW, 1},
    {"pipeline.async.8", false, "async", WINDOW / 8, 8},
    {"pipeline.sync.1", false, "sync", 0, 1},
    {"pipeline.sync.8", false, "sync", 0, 8},
    {"pipeline.sync.64", false, "sync", 0, 64},
    {"pipeline.later.8", true, "sync", 0, 8},
    {"pipeline.later.64", true, "sync", 0, 64},
};

static bool run_row(const struct session *s, struct bench_yardstick *yardstick,
                    const struct row *row)
{
    struct bench_job job = bench_job(row->mode, row->window, row->n_threads, CASE_MS);
    const struct bench_case c = {.name = row->name,
                                 .load = {row->later ? s->later : s->now, &s->request, false},
                                 .job = job,
                                 .yardstick = job};
    return bench_case_run(&c, yardstick);
}

/* only: the name of one case, or NULL for all. */
static bool run_cases(const struct session *s, const char *only)
{
    struct bench_yardstick y;
    bool ok = bench_yardstick_start(&y, "bare_handoff");
    for (size_t i = 0; ok && i < sizeof ROWS / sizeof ROWS[0]; i++)
        if (!only || strcmp(only, ROWS[i].name) == 0)
            ok = run_row(s, &y, &ROWS[i]);
    bench_yardstick_end(&y);
    return ok;
}

/* ---- Counting ---- */

static bool run_ops(const struct session *s, const char *mode, unsigned window, uint64_t n_ops)
{
    struct bench_load load = {s->now, &s->request, false};
    struct bench_job job = bench_job(mode, window, 1, 0);
    struct bench_run run;
    job.n_ops = n_ops;
    return bench_load_run(&load, &job, &run);
}

static bool run_count(const struct session *s, const char *mode, uint64_t n_ops)
{
    return run_ops(s, mode, WINDOW / 4, n_ops);
}

static _Atomic uint64_t n_allocations;

static void *count_alloc(void *ctx, const char *site, size_t n)
{
    (void)ctx;
    (void)site;
    atomic_fetch_add_explicit(&n_allocations, 1, memory_order_relaxed);
    return calloc(1, n);
}

static void plain_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static void plain_secret_free(void *ctx, void *p, size_t n)
{
    (void)ctx;
    memset(p, 0, n); /* no secret in it: the payloads here are made up */
    free(p);
}

/* Secret memory is counted too, so that the arena hides nothing. */
static bool count_allocations(void)
{
    struct kp_memory memory = {.struct_size = sizeof memory,
                               .alloc = count_alloc,
                               .free = plain_free,
                               .secret_alloc = count_alloc,
                               .secret_free = plain_secret_free};
    return kp_set_memory(&memory) == KP_OK;
}

/*
 * The warm-up has twice as many operations under way: one whose client has been told holds its slot
 * for a moment longer, so that there may be more of them than the window has, and the first use of
 * a slot allocates its two areas.
 */
static bool print_allocations(const struct session *s, uint64_t n_ops)
{
    if (!run_ops(s, "async", WINDOW / 2, WARM_UP_OPS))
        return false;
    uint64_t before = atomic_load(&n_allocations);
    if (!run_count(s, "async", n_ops))
        return false;
    printf("pipeline.async.allocations %.4f 0 0\n",
           (double)(atomic_load(&n_allocations) - before) / (double)n_ops);
    return true;
}

/* ---- Commands ---- */

static bool run_command(struct session *s, int argc, char **argv)
{
    if (argc <= 2)
        return run_cases(s, argv[1]); /* argv[argc] is NULL */
    if (argc == 4 && strcmp(argv[1], "count") == 0)
        return run_count(s, argv[2], strtoull(argv[3], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "allocations") == 0)
        return print_allocations(s, strtoull(argv[2], NULL, 10));
    fprintf(stderr, "usage: bench_pipeline [CASE | count async|sync N | allocations N]\n");
    return false;
}

int main(int argc, char **argv)
{
    struct session s = {.provider = NULL};
    bool counts = argc > 1 && strcmp(argv[1], "allocations") == 0;
    bool ok = (!counts || count_allocations()) && session_open(&s) && run_command(&s, argc, argv);
    session_close(&s);
    return ok ? 0 : 1;
}
