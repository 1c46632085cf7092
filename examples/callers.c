/*
 * Many threads over one provider: each wraps a data key, unwraps it again, compares, and so on for
 * some seconds. Prints how long the calls took.
 *
 *     callers CONFIG VAULT KEY [CALLERS [SECONDS [PLUGIN_DIR]]]
 *
 * The numbers are those of this machine at this moment; bench/ is where they are compared.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <keyprovider/keyprovider.h>

#define DEK_LEN 32
#define SAMPLES_MAX 65536 /* of one caller and operation; later calls are not sampled */
#define CALLERS_MAX 1024

enum kind { WRAP, UNWRAP, N_KINDS };

static const char *const KIND_TEXT[N_KINDS] = {"wrap", "unwrap"};

struct samples {
    uint64_t *ns;
    size_t n;
};

struct caller {
    /* fixed before the thread starts */
    kp_vault *vault;
    kp_span key;
    uint64_t end_ns;
    uint8_t dek[DEK_LEN];

    /* the thread's own */
    pthread_t thread;
    struct samples samples[N_KINDS];
    kp_status status;
    struct kp_error err;
};

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* Runs one operation and notes how long it took. */
static kp_status timed_call(struct caller *c, enum kind kind, const struct kp_request *request,
                            struct kp_result *result)
{
    const uint64_t start = now_ns();
    const kp_status st = kp_call(c->vault, request, result);
    struct samples *s = &c->samples[kind];
    if (s->n < SAMPLES_MAX) {
        s->ns[s->n++] = now_ns() - start;
    }
    if (st != KP_OK) {
        c->err = result->error;
    }
    return st;
}

static void fill_request(const struct caller *c, uint32_t op, struct kp_request *request)
{
    kp_request_init(request, op);
    request->name = c->key;
    request->alg = KP_ALG_RSA_OAEP_256;
    request->flags = KP_REQ_WAIT_FOR_ROOM;
}

static kp_status unwrap_and_compare(struct caller *c, const struct kp_reply *wrapped)
{
    struct kp_request request;
    struct kp_result result = {0};
    fill_request(c, KP_OP_UNWRAP, &request);
    request.version = wrapped->version;
    request.value = wrapped->value;
    kp_status st = timed_call(c, UNWRAP, &request, &result);
    if (st == KP_OK && (result.reply.value.len != DEK_LEN ||
                        memcmp(result.reply.value.ptr, c->dek, DEK_LEN) != 0)) {
        (void)snprintf(c->err.text, sizeof c->err.text, "unwrap gave another key back");
        st = KP_INTEGRITY;
    }
    kp_result_clear(&result);
    return st;
}

static kp_status round_trip(struct caller *c)
{
    struct kp_request request;
    struct kp_result result = {0};
    fill_request(c, KP_OP_WRAP, &request);
    request.value.ptr = c->dek;
    request.value.len = DEK_LEN;
    kp_status st = timed_call(c, WRAP, &request, &result);
    if (st == KP_OK) {
        st = unwrap_and_compare(c, &result.reply);
    }
    kp_result_clear(&result);
    return st;
}

static void *run_caller(void *arg)
{
    struct caller *c = arg;
    while (c->status == KP_OK && now_ns() < c->end_ns) {
        c->status = round_trip(c);
    }
    return NULL;
}

/* ---- The table ---- */

static int compare_ns(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static double ms_at(const uint64_t *sorted, size_t n, size_t percent)
{
    const size_t rank = (n - 1) * percent / 100;
    return (double)sorted[rank] / 1e6;
}

static void print_row(const char *name, uint64_t *ns, size_t n, double seconds)
{
    if (n == 0) {
        printf("%-8s %8d\n", name, 0);
        return;
    }
    qsort(ns, n, sizeof *ns, compare_ns);
    printf("%-8s %8zu %10.0f %9.2f %9.2f %9.2f %9.2f\n", name, n, (double)n / seconds,
           ms_at(ns, n, 50), ms_at(ns, n, 90), ms_at(ns, n, 99), (double)ns[n - 1] / 1e6);
}

/* One row of all callers' samples together. */
static int print_kind(const struct caller *callers, size_t n_callers, enum kind kind,
                      double seconds)
{
    size_t n = 0;
    uint64_t *all = malloc(n_callers * SAMPLES_MAX * sizeof *all);
    if (!all) {
        return 0;
    }
    for (size_t i = 0; i < n_callers; i++) {
        const struct samples *s = &callers[i].samples[kind];
        memcpy(all + n, s->ns, s->n * sizeof *all);
        n += s->n;
    }
    print_row(KIND_TEXT[kind], all, n, seconds);
    free(all);
    return 1;
}

static int print_table(const struct caller *callers, size_t n_callers, double seconds)
{
    int ok = 1;
    printf("%zu callers, one provider, %.1f s\n", n_callers, seconds);
    printf("%-8s %8s %10s %9s %9s %9s %9s\n", "", "calls", "per s", "p50 ms", "p90 ms", "p99 ms",
           "max ms");
    for (int kind = 0; kind < N_KINDS; kind++) {
        ok = ok && print_kind(callers, n_callers, (enum kind)kind, seconds);
    }
    return ok;
}

/* ---- Running ---- */

static int init_caller(struct caller *c, kp_vault *vault, kp_span key, uint64_t end_ns, size_t i)
{
    c->vault = vault;
    c->key = key;
    c->end_ns = end_ns;
    memset(c->dek, (int)(i & 0xff), sizeof c->dek); /* each its own, so that a mix-up shows */
    memcpy(c->dek, &i, sizeof i);
    for (int kind = 0; kind < N_KINDS; kind++) {
        c->samples[kind].ns = malloc(SAMPLES_MAX * sizeof(uint64_t));
        if (!c->samples[kind].ns) {
            return 0;
        }
    }
    return pthread_create(&c->thread, NULL, run_caller, c) == 0;
}

/* Waits for the first n callers; 1 when each of them succeeded. */
static int join_callers(struct caller *callers, size_t n)
{
    int ok = 1;
    for (size_t i = 0; i < n; i++) {
        (void)pthread_join(callers[i].thread, NULL);
        if (callers[i].status != KP_OK && ok) {
            fprintf(stderr, "callers: %s: %s\n", kp_status_text(callers[i].status),
                    callers[i].err.text);
            ok = 0;
        }
    }
    return ok;
}

static void free_callers(struct caller *callers, size_t n)
{
    for (size_t i = 0; callers && i < n; i++) {
        for (int kind = 0; kind < N_KINDS; kind++) {
            free(callers[i].samples[kind].ns);
        }
    }
    free(callers);
}

static int run_all(kp_vault *vault, kp_span key, size_t n_callers, unsigned seconds)
{
    const uint64_t start = now_ns();
    const uint64_t end = start + seconds * UINT64_C(1000000000);
    struct caller *callers = calloc(n_callers, sizeof *callers);
    size_t n = 0;
    while (callers && n < n_callers && init_caller(&callers[n], vault, key, end, n)) {
        n++;
    }
    int ok = callers && join_callers(callers, n);
    if (ok && n < n_callers) {
        fprintf(stderr, "callers: only %zu threads could be started\n", n);
        ok = 0;
    }
    ok = ok && print_table(callers, n_callers, (double)(now_ns() - start) / 1e9);
    free_callers(callers, n_callers);
    return ok;
}

static int open_and_run(const struct kp_options *options, const char *vault_text, const char *key,
                        size_t n_callers, unsigned seconds)
{
    const kp_span name = {(const uint8_t *)key, strlen(key)};
    struct kp_error err;
    kp_provider *provider = NULL;
    kp_vault *vault = NULL;
    kp_status st = kp_provider_open(options, &provider, &err);
    if (st == KP_OK) {
        st = kp_vault_acquire(provider, vault_text, NULL, &vault, &err);
    }
    if (st != KP_OK) {
        fprintf(stderr, "callers: %s: %s\n", kp_status_text(st), err.text);
    }
    const int ok = st == KP_OK && run_all(vault, name, n_callers, seconds);
    kp_vault_release(vault);
    kp_provider_close_wait(provider, 5000, NULL);
    return ok;
}

int main(int argc, char **argv)
{
    struct kp_options options;
    const unsigned long n = argc > 4 ? strtoul(argv[4], NULL, 10) : 64;
    const unsigned long seconds = argc > 5 ? strtoul(argv[5], NULL, 10) : 3;
    if (argc < 4 || n < 1 || n > CALLERS_MAX || seconds < 1 || seconds > 3600) {
        fprintf(stderr, "usage: callers CONFIG VAULT KEY [CALLERS [SECONDS [PLUGIN_DIR]]]\n");
        return 2;
    }
    kp_options_init(&options);
    options.config_path = argv[1];
    options.plugin_dir = argc > 6 ? argv[6] : NULL;
    return open_and_run(&options, argv[2], argv[3], n, (unsigned)seconds) ? 0 : 1;
}
