/*
 * The file vault at work: RSA wrap and unwrap through the whole library, against the bare RSA loop.
 *
 *     bench_file_vault FOLDER              every case; FOLDER must not exist and stays behind
 *     bench_file_vault FOLDER CASE         one, such as unwrap.2048.sync.64
 *     bench_file_vault FOLDER CASE N       the same with N permits to compute on callers' threads
 *     bench_file_vault FOLDER count N      N wraps with RSA-2048, for an instruction counter
 *
 * The bare loop runs on one thread where there is one caller, else on as many as there are cores.
 * Cases speed.* set wrap against the RSA public operation alone, as `openssl speed` measures it.
 */
#include <keyprovider/keyprovider.h>

#include "bench/pairs.h"

#define CLOSE_MS 5000
#define PLUGINS "../lib/keyprovider/plugins"
#define PATH_LEN 4096
#define DEK_LEN 32
#define WINDOW 64 /* operations under way of an asynchronous caller */
#define NAME_LEN 64
#define N_SIZES 3

static const unsigned SIZES[N_SIZES] = {2048, 3072, 4096};

/* Long enough for some hundred operations on a slow core. */
static const unsigned WRAP_MS[N_SIZES] = {200, 200, 300};
/* Long enough that the end, when one core has work left and the other none, does not count. */
static const unsigned UNWRAP_MS[N_SIZES] = {500, 1000, 2500};

/* A key of the vault with the request that each operation sends. */
struct key {
    char name[NAME_LEN];
    struct kp_request wrap;
    struct kp_request unwrap;
    struct kp_result wrapped; /* unwrap's input */
};

struct session {
    kp_provider *provider;
    kp_vault *vault;
    struct key keys[N_SIZES];
    unsigned n_cores;
    const char *only;    /* NULL: every case */
    const char *permits; /* NULL: the default */
    struct bench_yardstick yardstick;
};

static kp_span text(const char *s)
{
    kp_span span = {(const uint8_t *)s, strlen(s)};
    return span;
}

static bool say_failure(const char *what, kp_status st, const struct kp_error *error)
{
    if (st != KP_OK)
        fprintf(stderr, "bench_file_vault: %s: %s: %s\n", what, kp_status_text(st), error->text);
    return st == KP_OK;
}

/* ---- Keys ---- */

static bool create_key(kp_vault *vault, const struct key *key, unsigned bits)
{
    struct kp_key_params params;
    struct kp_request request;
    struct kp_result result;
    kp_key_params_init(&params);
    params.kty = KP_KTY_RSA;
    params.bits = bits;
    kp_request_init(&request, KP_OP_CREATE);
    request.name = text(key->name);
    request.params = &params;
    bool ok = say_failure("create", kp_call(vault, &request, &result), &result.error);
    kp_result_clear(&result);
    return ok;
}

static void fill_request(struct kp_request *request, uint32_t op, const struct key *key)
{
    kp_request_init(request, op);
    request->name = text(key->name);
    request->alg = KP_ALG_RSA_OAEP_256;
}

static bool make_key(kp_vault *vault, struct key *key, unsigned bits)
{
    static const uint8_t dek[DEK_LEN] = {1, 2, 3};
    (void)snprintf(key->name, sizeof key->name, "tde-master-key-%u", bits);
    if (!create_key(vault, key, bits))
        return false;
    fill_request(&key->wrap, KP_OP_WRAP, key);
    key->wrap.value.ptr = dek;
    key->wrap.value.len = sizeof dek;
    kp_status st = kp_call(vault, &key->wrap, &key->wrapped);
    fill_request(&key->unwrap, KP_OP_UNWRAP, key);
    key->unwrap.version = key->wrapped.reply.version;
    key->unwrap.value = key->wrapped.reply.value;
    return say_failure("wrap", st, &key->wrapped.error);
}

/* ---- Session ---- */

static bool open_vault(struct session *s, const char *folder)
{
    char plugins[PATH_LEN];
    char location[PATH_LEN];
    char config[128];
    struct kp_options options;
    struct kp_vault_options wishes = {.struct_size = sizeof wishes, .flags = KP_VAULT_MAY_CREATE};
    struct kp_error error;
    if (!bench_path_beside(PLUGINS, plugins, sizeof plugins) ||
        snprintf(location, sizeof location, "file:%s", folder) >= (int)sizeof location)
        return false;
    kp_options_init(&options);
    options.plugin_dir = plugins;
    (void)snprintf(config, sizeof config, "{\"provider\": {\"inline_permits\": %s}}",
                   s->permits ? s->permits : "0");
    options.config_text = config;
    kp_status st = kp_provider_open(&options, &s->provider, &error);
    if (st == KP_OK)
        st = kp_vault_acquire(s->provider, location, &wishes, &s->vault, &error);
    return say_failure("open", st, &error);
}

/* Keys take long to make: only those that the cases need. */
static bool size_wanted(const struct session *s, unsigned bits)
{
    char part[16];
    (void)snprintf(part, sizeof part, ".%u.", bits);
    return !s->only || strstr(s->only, part);
}

static bool session_open(struct session *s, const char *folder)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    s->n_cores = n > 0 ? (unsigned)n : 1;
    bool ok = open_vault(s, folder);
    for (size_t i = 0; ok && i < N_SIZES; i++)
        if (size_wanted(s, SIZES[i]))
            ok = make_key(s->vault, &s->keys[i], SIZES[i]);
    return ok && bench_yardstick_start(&s->yardstick, "bare_oaep");
}

static void session_close(struct session *s)
{
    bench_yardstick_end(&s->yardstick);
    for (size_t i = 0; i < N_SIZES; i++)
        kp_result_clear(&s->keys[i].wrapped);
    kp_vault_release(s->vault);
    kp_provider_close_wait(s->provider, CLOSE_MS, NULL);
}

/* ---- Cases ---- */

enum kind { UNWRAP, WRAP, SPEED, N_KINDS };

/* What a kind is called, and what the yardstick does meanwhile. */
static const char *const KINDS[N_KINDS] = {"unwrap", "wrap", "speed"};
static const char *const TWINS[N_KINDS] = {"unwrap", "wrap", "verify"};

/* n_callers 0: one asynchronous caller. */
static bool run_case(struct session *s, size_t size, enum kind kind, unsigned n_callers)
{
    char name[NAME_LEN];
    const struct key *key = &s->keys[size];
    unsigned ms = kind == UNWRAP ? UNWRAP_MS[size] : WRAP_MS[size];
    bool async = n_callers == 0;
    const struct bench_case c = {
        .name = name,
        .load = {s->vault, kind == UNWRAP ? &key->unwrap : &key->wrap, !async},
        .job = async ? bench_job("async", WINDOW, 1, ms) : bench_job("sync", 0, n_callers, ms),
        .yardstick = bench_job(TWINS[kind], SIZES[size], n_callers == 1 ? 1 : s->n_cores, ms),
    };
    (void)snprintf(name, sizeof name, "%s.%u.%s.%u", KINDS[kind], SIZES[size],
                   async ? "async" : "sync", async ? WINDOW : n_callers);
    return (s->only && strcmp(s->only, name) != 0) || bench_case_run(&c, &s->yardstick);
}

static bool run_size(struct session *s, size_t size, const unsigned *n_callers, size_t n)
{
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = run_case(s, size, UNWRAP, n_callers[i]) && run_case(s, size, WRAP, n_callers[i]);
    return ok;
}

static bool run_cases(struct session *s)
{
    static const unsigned all[] = {1, 2, 8, 64, 0};
    static const unsigned some[] = {2, 64, 0};
    return run_size(s, 0, all, sizeof all / sizeof all[0]) && run_case(s, 0, SPEED, 2) &&
           run_case(s, 0, SPEED, 64) && run_size(s, 1, some, sizeof some / sizeof some[0]) &&
           run_size(s, 2, some, sizeof some / sizeof some[0]);
}

static bool run_count(struct session *s, uint64_t n_ops)
{
    const struct bench_load load = {s->vault, &s->keys[0].wrap, false};
    struct bench_job job = bench_job("sync", 0, 1, 0);
    struct bench_run run;
    job.n_ops = n_ops;
    return bench_load_run(&load, &job, &run);
}

int main(int argc, char **argv)
{
    static struct session s;
    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: bench_file_vault FOLDER [CASE [PERMITS]]\n");
        return 2;
    }
    s.only = argc > 2 ? argv[2] : NULL;
    s.permits = argc > 3 ? argv[3] : NULL;
    bool counts = argc == 4 && strcmp(argv[2], "count") == 0;
    if (counts) {
        s.only = ".2048.";
        s.permits = NULL;
    }
    bool ok = session_open(&s, argv[1]) &&
              (counts ? run_count(&s, strtoull(argv[3], NULL, 10)) : run_cases(&s));
    session_close(&s);
    return ok ? 0 : 1;
}
