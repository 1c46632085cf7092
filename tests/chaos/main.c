/*
 * Chaos: many callers while an emulator throttles, resets, stalls, drops silently, lets tokens
 * expire and restarts. docs/CHAOS.md says what is held against it.
 *
 *     chaos [--seconds N] [--seed N] [--callers N] [--slack-ms N] [--plan]
 *
 * Needs KP_BIN and KP_PLUGIN_DIR. Ends with 0 when no rule was broken.
 */
#define _XOPEN_SOURCE 700 /* nftw */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <keyprovider/keyprovider.h>

#include "support/live_emulator.h"
#include "tests/chaos/callers.h"
#include "tests/chaos/front.h"
#include "tests/chaos/plan.h"

#define CALLERS_MAX 1024u
#define CONFIG_ROOM 8192u
#define PATH_ROOM 1024u
#define SETUP_TIMEOUT_MS 60000u
#define STUCK_MS 120000u
#define CLOSE_MS 30000u
#define LIFETIME_S "4000" /* past what a token lives */

enum { VAULT_ONE, VAULT_TWO, VAULT_HSM, N_VAULTS };

static const char *const VAULT_NAMES[N_VAULTS] = {"one", "two", "hsm"};

struct options {
    uint32_t seconds;
    uint64_t seed;
    uint32_t callers;
    uint32_t slack_ms;
    bool h2; /* nghttpx stands before the vaults */
    bool only_plan;
};

struct run {
    struct options options;
    struct plan plan;
    char folder[EMULATOR_PATH_ROOM];
    struct live_emulator emulator;
    struct front front;
    kp_provider *provider;
    kp_vault *vaults[N_VAULTS];
    struct callers *callers;
    size_t n_played[PLAN_KILL + 1];
    bool failed;
};

static void complain(struct run *run, const char *what, const char *why)
{
    (void)fprintf(stderr, "chaos: %s: %s\n", what, why);
    run->failed = true;
}

/* ---- Options ---- */

static bool read_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
    char *end = NULL;
    errno = 0;
    *ret = text ? strtoull(text, &end, 10) : 0;
    return text && *text >= '0' && *text <= '9' && !*end && errno == 0 && *ret >= min &&
           *ret <= max;
}

static bool read_option(const char *name, const char *value, struct options *o)
{
    uint64_t number = 0;
    if (strcmp(name, "--seed") == 0)
        return read_number(value, 0, UINT64_MAX, &o->seed);
    const struct {
        const char *name;
        uint64_t max;
        uint32_t *ret;
    } numbers[] = {{"--seconds", PLAN_ROUNDS_MAX * PLAN_ROUND_MS / 1000, &o->seconds},
                   {"--callers", CALLERS_MAX, &o->callers},
                   {"--slack-ms", 60000, &o->slack_ms}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(name, numbers[i].name) != 0)
            continue;
        if (!read_number(value, 1, numbers[i].max, &number))
            return false;
        *numbers[i].ret = (uint32_t)number;
        return true;
    }
    return false;
}

static bool read_options(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        bool is_plan = strcmp(argv[i], "--plan") == 0;
        bool is_h2 = strcmp(argv[i], "--h2") == 0;
        o->only_plan = o->only_plan || is_plan;
        o->h2 = o->h2 || is_h2;
        if (is_plan || is_h2)
            continue;
        if (!read_option(argv[i], argv[i + 1], o)) {
            (void)fprintf(stderr, "usage: chaos [--seconds N] [--seed N] [--callers N] "
                                  "[--slack-ms N] [--h2] [--plan]\n");
            return false;
        }
        i++;
    }
    return true;
}

/* ---- The provider ---- */

/* Breakers that open and close often, so that a short run sees both. */
static int write_head(const struct run *run, char *out, size_t room)
{
    return snprintf(out, room,
                    "{\"provider\":{\"loops\":2},\"http\":{\"ca_file\":\"%s/%sca.pem\","
                    "\"connect_timeout_ms\":2000},"
                    "\"defaults\":{\"breaker\":{\"open_ms\":100,\"open_max_ms\":500},"
                    "\"max_in_flight\":48,\"max_queued\":40},\"vaults\":{",
                    run->folder, run->options.h2 ? "" : "state/");
}

static uint16_t port_of(const struct run *run, bool is_hsm)
{
    if (run->options.h2)
        return run->front.ports[is_hsm];
    return run->emulator.ports[is_hsm ? EMULATOR_HSM : EMULATOR_VAULT];
}

static int write_vault(const struct run *run, size_t i, char *out, size_t room)
{
    const struct live_emulator *e = &run->emulator;
    const bool is_hsm = i == VAULT_HSM;
    return snprintf(out, room,
                    "%s\"%s\":{\"location\":\"localhost:%u\",\"plugin\":\"%s\",\"settings\":{"
                    "\"custom_suffix\":\"localhost\",\"custom_resource\":\"https://%s.azure.net\","
                    "\"authority\":\"https://localhost:%u\",\"poll_ms\":50,\"identity\":{"
                    "\"tenant\":\"%s\",\"client_id\":\"%s\",\"secret\":{\"file\":\"%s/secret\"}}}}",
                    i > 0 ? "," : "", VAULT_NAMES[i], port_of(run, is_hsm),
                    is_hsm ? "managed-hsm" : "azure-keyvault", is_hsm ? "managedhsm" : "vault",
                    e->ports[EMULATOR_LOGIN], e->tenant, e->client_id, run->folder);
}

static bool write_secret(const struct run *run)
{
    char path[PATH_ROOM];
    (void)snprintf(path, sizeof path, "%s/secret", run->folder);
    FILE *file = fopen(path, "w");
    const bool ok = file && fputs(run->emulator.secret, file) >= 0;
    return file && fclose(file) == 0 && ok;
}

static bool open_provider(struct run *run)
{
    char config[CONFIG_ROOM];
    struct kp_options options;
    struct kp_error err;
    int n = write_head(run, config, sizeof config);
    for (size_t i = 0; i < N_VAULTS; i++)
        n += write_vault(run, i, config + n, sizeof config - (size_t)n);
    (void)snprintf(config + n, sizeof config - (size_t)n, "}}");
    kp_options_init(&options);
    options.config_text = config;
    options.plugin_dir = getenv("KP_PLUGIN_DIR");
    kp_error_init(&err);
    kp_status st = write_secret(run) ? kp_provider_open(&options, &run->provider, &err) : KP_VAULT;
    for (size_t i = 0; st == KP_OK && i < N_VAULTS; i++)
        st = kp_vault_acquire(run->provider, VAULT_NAMES[i], NULL, &run->vaults[i], &err);
    if (st != KP_OK)
        complain(run, "the provider does not open", err.text);
    return st == KP_OK;
}

static bool create_key(struct run *run, size_t vault)
{
    struct kp_key_params params;
    struct kp_request request;
    struct kp_result result;
    kp_key_params_init(&params);
    params.kty = KP_KTY_RSA;
    params.bits = 2048;
    kp_request_init(&request, KP_OP_CREATE);
    request.name.ptr = (const uint8_t *)"app";
    request.name.len = 3;
    request.params = &params;
    request.timeout_ms = SETUP_TIMEOUT_MS;
    const bool ok = kp_call(run->vaults[vault], &request, &result) == KP_OK;
    if (!ok)
        complain(run, "the key cannot be created", result.error.text);
    kp_result_clear(&result);
    return ok;
}

/* ---- The plan ---- */

static bool fault(const struct run *run, const char *rule)
{
    char body[PLAN_RULE_MAX_LEN + 32];
    (void)snprintf(body, sizeof body, "{\"rules\":[%s]}", rule);
    return live_emulator_tell(&run->emulator, "POST", "/scenario", body);
}

static void sleep_ms(uint32_t ms)
{
    const struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    (void)nanosleep(&t, NULL);
}

static bool freeze(struct run *run, uint32_t ms)
{
    live_emulator_freeze(&run->emulator, true);
    sleep_ms(ms);
    live_emulator_freeze(&run->emulator, false);
    return true;
}

static bool restart(struct run *run, bool kills, uint32_t ms)
{
    const bool ended =
        kills ? live_emulator_kill(&run->emulator) : live_emulator_stop(&run->emulator);
    sleep_ms(ms);
    return ended && live_emulator_start(&run->emulator);
}

static bool play(struct run *run, const struct plan_event *event)
{
    switch (event->kind) {
    case PLAN_FAULT:
        return fault(run, event->rule);
    case PLAN_EXPIRE:
        return live_emulator_tell(&run->emulator, "POST", "/clock",
                                  "{\"advance_s\":" LIFETIME_S "}");
    case PLAN_FREEZE:
        return freeze(run, event->ms);
    default:
        return restart(run, event->kind == PLAN_KILL, event->ms);
    }
}

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* An event that is late, because an emulator took its time to start, comes at once. */
static void play_all(struct run *run)
{
    const uint64_t begin_ms = now_ms();
    for (size_t i = 0; i < run->plan.n && !run->failed; i++) {
        const struct plan_event *event = &run->plan.events[i];
        const uint64_t at_ms = now_ms() - begin_ms;
        if (event->at_ms > at_ms)
            sleep_ms((uint32_t)(event->at_ms - at_ms));
        if (play(run, event))
            run->n_played[event->kind]++;
        else
            complain(run, plan_kind_text(event->kind), "the emulator does not take it");
    }
    if (!run->failed && !live_emulator_tell(&run->emulator, "DELETE", "/scenario", ""))
        complain(run, "the end", "the emulator does not forget its faults");
}

/* ---- What was refused ---- */

/* The emulator's reason for the 401 of that id, to the end of the log; NULL: it never sent one. */
static const char *reason_of(const char *log, const char *id)
{
    char head[128];
    const int n = snprintf(head, sizeof head, "kp-emulator: 401 %s ", id);
    const char *at = id[0] && n > 0 && (size_t)n < sizeof head ? strstr(log, head) : NULL;
    return at ? at + n : NULL;
}

struct refusals {
    const struct run *run;
    const char *log;
};

/* A token may be refused because a rule says so, because the clock has jumped, or because another
 * emulator gave it out. Nothing else that it says of a token is ours to see. */
static bool is_planted(void *ctx, const char *id)
{
    const struct refusals *refusals = ctx;
    const size_t *n_played = refusals->run->n_played;
    const struct {
        const char *reason;
        size_t n_played;
    } planted[] = {
        {"a challenge of the scenario", n_played[PLAN_FAULT]},
        {"the token has been revoked", n_played[PLAN_FAULT]},
        {"AKV10000: TokenExpired", n_played[PLAN_EXPIRE]},
        {"AKV10000: the token's signature", n_played[PLAN_RESTART] + n_played[PLAN_KILL]}};
    const char *reason = reason_of(refusals->log, id);
    for (size_t i = 0; reason && i < sizeof planted / sizeof planted[0]; i++) {
        if (planted[i].n_played > 0 &&
            strncmp(reason, planted[i].reason, strlen(planted[i].reason)) == 0)
            return true;
    }
    return false;
}

static void check_refused(struct run *run)
{
    char *log = live_emulator_log(&run->emulator);
    struct refusals refusals = {run, log};
    if (log)
        callers_check_refused(run->callers, is_planted, &refusals);
    else
        complain(run, "the emulator", "has no log that can be read");
    free(log);
}

/* ---- What the provider counted ---- */

struct sums {
    uint64_t submitted;
    uint64_t completed;
    uint64_t retries;
};

static void add_metrics(void *ctx, const struct kp_op_metrics *metrics)
{
    struct sums *sums = ctx;
    sums->submitted += metrics->submitted;
    sums->retries += metrics->retries;
    for (size_t i = 0; i < KP_STATUS_COUNT; i++)
        sums->completed += metrics->completed[i];
}

static void check_metrics(struct run *run)
{
    struct sums sums = {0, 0, 0};
    kp_metrics_each(run->provider, add_metrics, &sums);
    (void)printf("provider: %llu submitted, %llu completed, %llu retries\n",
                 (unsigned long long)sums.submitted, (unsigned long long)sums.completed,
                 (unsigned long long)sums.retries);
    if (sums.submitted != sums.completed)
        complain(run, "the provider", "did not complete as many requests as it took");
    if (sums.retries == 0)
        complain(run, "the provider", "never tried again: no fault reached it");
}

static void close_provider(struct run *run)
{
    struct kp_close_report report;
    memset(&report, 0, sizeof report);
    report.struct_size = sizeof report;
    for (size_t i = 0; i < N_VAULTS; i++)
        kp_vault_release(run->vaults[i]);
    kp_provider_close_wait(run->provider, CLOSE_MS, &report);
    if (report.abandoned > 0)
        complain(run, "close", report.text);
}

/* ---- One run ---- */

static bool make_folder(struct run *run)
{
    const char *below = getenv("TMPDIR");
    (void)snprintf(run->folder, sizeof run->folder, "%s/kp-chaos-XXXXXX",
                   below && below[0] == '/' ? below : "/tmp");
    if (mkdtemp(run->folder))
        return true;
    complain(run, "no folder", strerror(errno));
    return false;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

static void run_callers(struct run *run)
{
    const struct callers_options options = {run->provider,     run->vaults,
                                            N_VAULTS,          run->options.callers,
                                            run->options.seed, run->options.slack_ms};
    run->callers = callers_start(&options);
    if (!run->callers) {
        complain(run, "callers", "no memory");
        return;
    }
    play_all(run);
    if (!callers_finish(run->callers, STUCK_MS)) {
        live_emulator_print_log(&run->emulator);
        (void)live_emulator_kill(&run->emulator);
        front_end(&run->front);
        _exit(1); /* stuck threads hold whatever a clean end would free */
    }
    check_refused(run);
    check_metrics(run);
}

static bool start_front(struct run *run)
{
    char ca_file[PATH_ROOM];
    const uint16_t behind[FRONT_N] = {run->emulator.ports[EMULATOR_VAULT],
                                      run->emulator.ports[EMULATOR_HSM]};
    (void)snprintf(ca_file, sizeof ca_file, "%s/state/ca.pem", run->folder);
    return front_start(&run->front, behind, run->folder, ca_file);
}

static void run_all(struct run *run)
{
    char program[PATH_ROOM];
    const char *bin = getenv("KP_BIN");
    (void)snprintf(program, sizeof program, "%s/kp-emulator", bin ? bin : "");
    if (!bin) {
        complain(run, "KP_BIN", "says where kp-emulator is, and it is not set");
        return;
    }
    if (!make_folder(run))
        return;
    const bool ok = live_emulator_open(&run->emulator, program, run->folder) &&
                    (!run->options.h2 || start_front(run)) && open_provider(run) &&
                    create_key(run, VAULT_ONE) && create_key(run, VAULT_HSM);
    run->failed = run->failed || !ok;
    if (ok)
        run_callers(run);
    if (run->provider)
        close_provider(run);
    front_end(&run->front);
    if (!live_emulator_stop(&run->emulator))
        run->failed = true;
    if (run->callers && callers_report(run->callers, stdout) > 0)
        run->failed = true;
    callers_free(run->callers);
    if (run->failed)
        live_emulator_print_log(&run->emulator);
    (void)nftw(run->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void print_events(const struct run *run)
{
    for (int kind = 0; kind <= PLAN_KILL; kind++)
        (void)printf("%s%zu %s", kind > 0 ? ", " : "events: ", run->n_played[kind],
                     plan_kind_text((enum plan_kind)kind));
    (void)printf("\n%s (seed %llu)\n", run->failed ? "FAILED" : "no rule was broken",
                 (unsigned long long)run->options.seed);
}

#if defined(__SANITIZE_THREAD__)
/* The name is the sanitizer's. */
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void);

/* As in tests/support/wire.c: libcurl closes a socket before it says that it needs no watch. */
const char *__tsan_default_suppressions(void)
{
    return "race:on_socket\n";
}
#endif

int main(int argc, char **argv)
{
    static struct run run = {.options = {60, 1, 64, 2000, false, false}};
    if (!read_options(argc, argv, &run.options))
        return 2;
    plan_make(&run.plan, run.options.seed, run.options.seconds * 1000u);
    if (run.options.only_plan) {
        plan_print(&run.plan, stdout);
        return 0;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)printf("chaos: seed %llu, %u s, %u callers\n", (unsigned long long)run.options.seed,
                 run.options.seconds, run.options.callers);
    (void)fflush(stdout);
    run_all(&run);
    print_events(&run);
    return run.failed ? 1 : 0;
}
