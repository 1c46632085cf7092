/*
 * What a request of a plugin costs over HTTPS, against a bare loop of libcurl and libuv that sends
 * the same to the same server.
 *
 *     bench_http FOLDER [CASE]          every case, or one: http.h2.64. Writes a certificate to
 *                                       FOLDER.
 *     bench_http FOLDER count CASE N    N operations of a case and out, for a counter of
 *                                       instructions or system calls
 *
 * With KP_BENCH_CA, KP_BENCH_H1 and KP_BENCH_H2 in the environment it asks the server that they
 * name, and starts none.
 */
#include <keyprovider/keyprovider.h>

#include "bench/pairs.h"
#include "bench/target.h"

#define CASE_MS 500
#define IN_FLIGHT 64 /* what the vault lets through at once; the window keeps its queue filled */

/* ---- Cases ---- */

struct row {
    const char *name;
    const char *url; /* a variable of the environment */
    const char *mode;
    unsigned n; /* at once */
};

static const struct row ROWS[] = {
    {"http.h1.1", "KP_BENCH_H1", "h1", 1},     {"http.h1.64", "KP_BENCH_H1", "h1", IN_FLIGHT},
    {"http.h2.1", "KP_BENCH_H2", "h2", 1},     {"http.h2.64", "KP_BENCH_H2", "h2", IN_FLIGHT},
    {"http.fresh", "KP_BENCH_H1", "fresh", 1},
};

/* fresh: every connection is too old for the next request. */
static bool open_target(struct bench_target *target, const struct row *row)
{
    bool fresh = strcmp(row->mode, "fresh") == 0;
    char config[512];
    char location[256];
    (void)snprintf(config, sizeof config,
                   "{\"http\": {\"proxy\": \"none\", \"ca_file\": \"%s\", \"max_age_ms\": %u}}",
                   getenv("KP_BENCH_CA"), fresh ? 1u : 600000u);
    (void)snprintf(location, sizeof location, "canned:%s", getenv(row->url));
    return bench_target_open(target, config, location, NULL);
}

static bool run_row(struct bench_yardstick *yardstick, const struct row *row)
{
    struct bench_target target;
    bool ok = open_target(&target, row);
    const struct bench_case c = {.name = row->name,
                                 .load = {target.vault, &target.request, row->n == 1},
                                 .job = row->n == 1 ? bench_job("sync", 0, 1, CASE_MS)
                                                    : bench_job("async", 2 * row->n, 1, CASE_MS),
                                 .yardstick = bench_job(row->mode, row->n, 1, CASE_MS)};
    ok = ok && bench_case_run(&c, yardstick);
    bench_target_close(&target);
    return ok;
}

static bool run_cases(const char *only)
{
    struct bench_yardstick y;
    bool ok = bench_yardstick_start(&y, "bare_http");
    for (size_t i = 0; ok && i < sizeof ROWS / sizeof ROWS[0]; i++)
        if (!only || strcmp(only, ROWS[i].name) == 0)
            ok = run_row(&y, &ROWS[i]);
    bench_yardstick_end(&y);
    return ok;
}

/* ---- Counting ---- */

static bool count_row(const struct row *row, uint64_t n_ops)
{
    struct bench_target target;
    struct bench_run run;
    struct bench_job job =
        row->n == 1 ? bench_job("sync", 0, 1, 0) : bench_job("async", 2 * row->n, 1, 0);
    bool ok = open_target(&target, row);
    const struct bench_load load = {target.vault, &target.request, false};
    job.n_ops = n_ops;
    ok = ok && bench_load_run(&load, &job, &run);
    bench_target_close(&target);
    return ok;
}

static bool run_count(const char *name, uint64_t n_ops)
{
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        if (strcmp(name, ROWS[i].name) == 0)
            return count_row(&ROWS[i], n_ops);
    fprintf(stderr, "bench_http: no case is called %s\n", name);
    return false;
}

/* ---- Commands ---- */

static bool run_command(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[2], "count") == 0)
        return run_count(argv[3], strtoull(argv[4], NULL, 10));
    return run_cases(argv[2]); /* argv[argc] is NULL */
}

static bool run_with_server(int argc, char **argv)
{
    struct bench_yardstick server;
    bool ok = bench_server_start(&server, argv[1]) && run_command(argc, argv);
    bench_yardstick_end(&server);
    return ok;
}

int main(int argc, char **argv)
{
    bool is_count = argc == 5 && strcmp(argv[2], "count") == 0;
    if (argc != 2 && argc != 3 && !is_count) {
        fprintf(stderr, "usage: bench_http FOLDER [CASE | count CASE N]\n");
        return 1;
    }
    bool ok = getenv("KP_BENCH_H1") ? run_command(argc, argv) : run_with_server(argc, argv);
    return ok ? 0 : 1;
}
