#include "tests/chaos/callers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/chaos/dice.h"

#define DEK_LEN 32u
#define WRAPPED_MAX_LEN 512u
#define VERSION_ROOM 80u
#define KEPT 8u           /* wrapped keys that a caller remembers; the first one for good */
#define FINDINGS_SHOWN 20 /* the others are counted */
#define SETTLE_S 60u      /* until the last fault must have been got over */
#define SETTLE_TIMEOUT_MS 10000u
#define KEY_NAME "app"

enum ask { ASK_WRAP, ASK_UNWRAP, ASK_GET, ASK_CREATE, N_ASKS };

static const char *const ASK_TEXT[N_ASKS] = {"wrap", "unwrap", "get_key", "create"};
static const uint32_t ASK_OP[N_ASKS] = {KP_OP_WRAP, KP_OP_UNWRAP, KP_OP_GET_KEY, KP_OP_CREATE};

struct kept {
    kp_vault *vault; /* NULL: nothing kept */
    uint8_t dek[DEK_LEN];
    uint8_t wrapped[WRAPPED_MAX_LEN];
    size_t wrapped_len;
    char version[VERSION_ROOM];
};

/* One request that does not block. Kept to the end: a second completion must find it. */
struct asked {
    struct asked *next;
    struct caller *caller;
    unsigned n_completions; /* under the caller's lock */
    struct kp_result result;
};

/* One request that ended with auth. */
struct refused {
    struct refused *next;
    enum ask ask;
    struct kp_result result; /* only its status and its error */
};

struct caller {
    struct callers *all;
    size_t number;
    pthread_t thread;
    bool is_started;
    struct dice dice;
    struct kept kept[KEPT];
    uint64_t counts[N_ASKS][KP_STATUS_COUNT];
    uint64_t late_max_ms;
    uint64_t n_steps;
    pthread_mutex_t lock;
    pthread_cond_t done;
    struct asked *asked;     /* newest first */
    struct refused *refused; /* likewise */
};

struct callers {
    struct callers_options options;
    atomic_bool stops;
    pthread_mutex_t lock;
    pthread_cond_t over;
    size_t n_over;
    size_t n_findings;
    struct caller caller[];
};

/* ---- Time ---- */

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* A condition that waits by the clock that nobody sets. */
static void init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(cond, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

static struct timespec in_ms(uint64_t ms)
{
    const uint64_t at = now_ms() + ms;
    const struct timespec t = {(time_t)(at / 1000u), (long)(at % 1000u) * 1000000};
    return t;
}

/* ---- Findings ---- */

static void finding(struct caller *c, const char *ask, const char *what, const struct kp_result *r)
{
    struct callers *all = c->all;
    (void)pthread_mutex_lock(&all->lock);
    if (all->n_findings++ < FINDINGS_SHOWN)
        (void)fprintf(stderr, "chaos: caller %zu, %s: %s: %s %s\n", c->number, ask, what,
                      r ? kp_status_text(r->status) : "", r ? r->error.text : "");
    (void)pthread_mutex_unlock(&all->lock);
}

/* What a server that comes and goes may do to a request. auth: a fresh token that was refused too;
 * why is checked at the end, by callers_check_refused. */
static bool is_passing(kp_status status, bool was_cancelled)
{
    return status == KP_OK || status == KP_THROTTLED || status == KP_TRANSIENT ||
           status == KP_TIMEOUT || status == KP_AUTH || (was_cancelled && status == KP_CANCELED);
}

/* ---- One request ---- */

/* Completion: on a loop thread. */
static void on_done(void *ctx, kp_op_id id, struct kp_result *result)
{
    struct asked *asked = ctx;
    (void)id;
    (void)pthread_mutex_lock(&asked->caller->lock);
    if (++asked->n_completions == 1)
        kp_result_take(result, &asked->result);
    (void)pthread_cond_signal(&asked->caller->done);
    (void)pthread_mutex_unlock(&asked->caller->lock);
}

/* Waits for the completion; false when it is overdue by far more than any machine is slow. */
static bool wait_done(struct caller *c, const struct asked *asked, uint32_t timeout_ms)
{
    const struct timespec end = in_ms((uint64_t)timeout_ms + c->all->options.slack_ms + 30000u);
    int failed = 0;
    (void)pthread_mutex_lock(&c->lock);
    while (asked->n_completions == 0 && failed == 0)
        failed = pthread_cond_timedwait(&c->done, &c->lock, &end);
    const bool ok = asked->n_completions > 0;
    (void)pthread_mutex_unlock(&c->lock);
    return ok;
}

/* The result is the caller's, as after kp_call. */
static bool ask_and_wait(struct caller *c, kp_vault *vault, const struct kp_request *request,
                         bool cancels, struct kp_result *ret)
{
    kp_op_id id;
    struct asked *asked = calloc(1, sizeof *asked);
    if (!asked)
        return false;
    asked->caller = c;
    asked->next = c->asked;
    c->asked = asked;
    kp_status st = kp_submit(vault, request, on_done, asked, &id, &ret->error);
    if (st != KP_OK) {
        ret->status = st;
        asked->n_completions = 1; /* refused: none will come */
        return true;
    }
    if (cancels)
        kp_cancel(c->all->options.provider, id);
    if (!wait_done(c, asked, request->timeout_ms))
        return false;
    (void)pthread_mutex_lock(&c->lock);
    kp_result_take(&asked->result, ret);
    (void)pthread_mutex_unlock(&c->lock);
    return true;
}

static void check_time(struct caller *c, enum ask ask, uint64_t took_ms, uint32_t timeout_ms,
                       const struct kp_result *result)
{
    const uint64_t late_ms = took_ms > timeout_ms ? took_ms - timeout_ms : 0;
    if (late_ms > c->late_max_ms)
        c->late_max_ms = late_ms;
    if (late_ms > c->all->options.slack_ms)
        finding(c, ASK_TEXT[ask], "completed after its deadline", result);
}

static void keep_refused(struct caller *c, enum ask ask, const struct kp_result *result)
{
    struct refused *refused = calloc(1, sizeof *refused);
    if (!refused) {
        finding(c, ASK_TEXT[ask], "was refused, and there is no memory to note it", result);
        return;
    }
    refused->ask = ask;
    refused->result.status = result->status;
    refused->result.error = result->error;
    refused->next = c->refused;
    c->refused = refused;
}

/* Asks, counts, and checks what holds for every answer. True when it is ok. */
static bool ask_for(struct caller *c, enum ask ask, kp_vault *vault, struct kp_request *request,
                    struct kp_result *ret)
{
    const uint64_t begin_ms = now_ms();
    const bool blocks = dice_percent(&c->dice, 50);
    const bool cancels = !blocks && dice_percent(&c->dice, 4);
    memset(ret, 0, sizeof *ret);
    request->name.ptr = (const uint8_t *)KEY_NAME;
    request->name.len = strlen(KEY_NAME);
    if (request->timeout_ms == 0)
        request->timeout_ms = dice_between(&c->dice, 400, 3000);
    if (blocks) {
        ret->status = kp_call(vault, request, ret);
    } else if (!ask_and_wait(c, vault, request, cancels, ret)) {
        finding(c, ASK_TEXT[ask], "never completed", NULL);
        return false;
    }
    check_time(c, ask, now_ms() - begin_ms, request->timeout_ms, ret);
    c->counts[ask][ret->status]++;
    if (!is_passing(ret->status, cancels))
        finding(c, ASK_TEXT[ask], "failed for a reason that is none here", ret);
    if (ret->status == KP_AUTH)
        keep_refused(c, ask, ret);
    return ret->status == KP_OK;
}

static void begin_request(enum ask ask, uint32_t flags, struct kp_request *request)
{
    kp_request_init(request, ASK_OP[ask]);
    request->alg = ask == ASK_WRAP || ask == ASK_UNWRAP ? KP_ALG_RSA_OAEP_256 : 0;
    request->flags = flags;
}

static void keep(struct caller *c, const struct kept *made)
{
    size_t i = 0;
    while (i < KEPT && c->kept[i].vault)
        i++;
    c->kept[i < KEPT ? i : dice_between(&c->dice, 1, KEPT - 1)] = *made;
}

static bool wrap(struct caller *c, kp_vault *vault, uint32_t flags, uint32_t timeout_ms)
{
    struct kept made = {.vault = vault};
    struct kp_request request;
    struct kp_result result;
    for (size_t i = 0; i < DEK_LEN; i++)
        made.dek[i] = (uint8_t)dice_roll(&c->dice);
    begin_request(ASK_WRAP, flags, &request);
    request.timeout_ms = timeout_ms;
    request.value.ptr = made.dek;
    request.value.len = DEK_LEN;
    const bool ok = ask_for(c, ASK_WRAP, vault, &request, &result);
    const struct kp_reply *reply = &result.reply;
    if (ok && (reply->value.len > WRAPPED_MAX_LEN || reply->version.len >= VERSION_ROOM)) {
        finding(c, "wrap", "has a strange answer", NULL);
    } else if (ok) {
        memcpy(made.wrapped, reply->value.ptr, reply->value.len);
        made.wrapped_len = reply->value.len;
        memcpy(made.version, reply->version.ptr, reply->version.len);
        keep(c, &made);
    }
    kp_result_clear(&result);
    return ok;
}

static bool unwrap(struct caller *c, const struct kept *kept, uint32_t flags, uint32_t timeout_ms)
{
    struct kp_request request;
    struct kp_result result;
    begin_request(ASK_UNWRAP, flags, &request);
    request.timeout_ms = timeout_ms;
    request.version.ptr = (const uint8_t *)kept->version;
    request.version.len = strlen(kept->version);
    request.value.ptr = kept->wrapped;
    request.value.len = kept->wrapped_len;
    const bool ok = ask_for(c, ASK_UNWRAP, kept->vault, &request, &result);
    if (ok && (result.reply.value.len != DEK_LEN ||
               memcmp(result.reply.value.ptr, kept->dek, DEK_LEN) != 0))
        finding(c, "unwrap", "gave another key back", NULL);
    kp_result_clear(&result);
    return ok;
}

static void get_key(struct caller *c, kp_vault *vault)
{
    struct kp_request request;
    struct kp_result result;
    begin_request(ASK_GET, dice_percent(&c->dice, 50) ? KP_REQ_CACHED_OK : 0, &request);
    (void)ask_for(c, ASK_GET, vault, &request, &result);
    kp_result_clear(&result);
}

static void create(struct caller *c, kp_vault *vault)
{
    struct kp_key_params params;
    struct kp_request request;
    struct kp_result result;
    kp_key_params_init(&params);
    params.kty = KP_KTY_RSA;
    params.bits = 2048;
    begin_request(ASK_CREATE, 0, &request);
    request.params = &params;
    (void)ask_for(c, ASK_CREATE, vault, &request, &result);
    kp_result_clear(&result);
}

/* ---- A caller ---- */

static kp_vault *any_vault(struct caller *c)
{
    return c->all->options
        .vaults[dice_between(&c->dice, 0, (uint32_t)c->all->options.n_vaults - 1)];
}

static uint32_t any_flags(struct caller *c)
{
    return (dice_percent(&c->dice, 50) ? KP_REQ_WAIT_FOR_ROOM : 0) |
           (dice_percent(&c->dice, 50) ? KP_REQ_WAIT_FOR_PROBE : 0);
}

static const struct kept *any_kept(struct caller *c)
{
    const struct kept *kept = &c->kept[dice_between(&c->dice, 0, KEPT - 1)];
    return kept->vault ? kept : &c->kept[0];
}

static void step(struct caller *c)
{
    const struct kept *kept = any_kept(c);
    const uint32_t what = dice_between(&c->dice, 1, 100);
    c->n_steps++;
    if (c->number == 0 && what <= 10)
        create(c, any_vault(c));
    else if (what <= 15)
        get_key(c, any_vault(c));
    else if (what <= 55 && kept->vault)
        (void)unwrap(c, kept, any_flags(c), 0);
    else
        (void)wrap(c, any_vault(c), any_flags(c), 0);
}

/* Refused at once is no reason to spin: a breaker that is open answers in microseconds. */
static void breathe(void)
{
    const struct timespec t = {0, 2000000};
    (void)nanosleep(&t, NULL);
}

/* With no fault left, everything kept unwraps, and something new can be wrapped. */
static void settle(struct caller *c)
{
    const uint32_t patient = KP_REQ_WAIT_FOR_ROOM | KP_REQ_WAIT_FOR_PROBE;
    const uint64_t end_ms = now_ms() + SETTLE_S * 1000u;
    size_t n = 0;
    while (!wrap(c, any_vault(c), patient, SETTLE_TIMEOUT_MS) && now_ms() < end_ms)
        breathe();
    while (n < KEPT && c->kept[n].vault && now_ms() < end_ms) {
        if (unwrap(c, &c->kept[n], patient, SETTLE_TIMEOUT_MS))
            n++;
        else
            breathe();
    }
    if (n == 0 || (n < KEPT && c->kept[n].vault))
        finding(c, "unwrap", "a wrapped key did not unwrap, though all faults were over", NULL);
}

static void *run_caller(void *arg)
{
    struct caller *c = arg;
    while (!atomic_load(&c->all->stops)) {
        step(c);
        breathe();
    }
    settle(c);
    (void)pthread_mutex_lock(&c->all->lock);
    c->all->n_over++;
    (void)pthread_cond_signal(&c->all->over);
    (void)pthread_mutex_unlock(&c->all->lock);
    return NULL;
}

/* ---- All of them ---- */

static bool start_caller(struct callers *all, size_t i)
{
    struct caller *c = &all->caller[i];
    c->all = all;
    c->number = i;
    c->dice = dice_of(all->options.seed, i + 1);
    (void)pthread_mutex_init(&c->lock, NULL);
    init_cond(&c->done);
    c->is_started = pthread_create(&c->thread, NULL, run_caller, c) == 0;
    return c->is_started;
}

struct callers *callers_start(const struct callers_options *options)
{
    struct callers *all = calloc(1, sizeof *all + options->n * sizeof all->caller[0]);
    if (!all)
        return NULL;
    all->options = *options;
    atomic_init(&all->stops, false);
    (void)pthread_mutex_init(&all->lock, NULL);
    init_cond(&all->over);
    for (size_t i = 0; i < options->n; i++) {
        if (!start_caller(all, i)) {
            (void)fprintf(stderr, "chaos: only %zu threads could be started\n", i);
            all->n_findings++;
            all->options.n = i;
        }
    }
    return all;
}

bool callers_finish(struct callers *all, uint32_t wait_ms)
{
    const struct timespec end = in_ms(wait_ms);
    int failed = 0;
    atomic_store(&all->stops, true);
    (void)pthread_mutex_lock(&all->lock);
    while (all->n_over < all->options.n && failed == 0)
        failed = pthread_cond_timedwait(&all->over, &all->lock, &end);
    const bool ok = all->n_over == all->options.n;
    if (!ok)
        (void)fprintf(stderr, "chaos: %zu of %zu callers are stuck\n", all->options.n - all->n_over,
                      all->options.n);
    (void)pthread_mutex_unlock(&all->lock);
    for (size_t i = 0; ok && i < all->options.n; i++)
        (void)pthread_join(all->caller[i].thread, NULL);
    return ok;
}

void callers_check_refused(struct callers *all, bool (*is_planted)(void *ctx, const char *id),
                           void *ctx)
{
    for (size_t i = 0; i < all->options.n; i++) {
        struct caller *c = &all->caller[i];
        for (const struct refused *r = c->refused; r; r = r->next) {
            if (!is_planted(ctx, r->result.error.request_id))
                finding(c, ASK_TEXT[r->ask], "was refused though nothing planted did it",
                        &r->result);
        }
    }
}

static void check_once(struct caller *c)
{
    for (const struct asked *asked = c->asked; asked; asked = asked->next) {
        if (asked->n_completions != 1)
            finding(c, "request", asked->n_completions ? "completed twice" : "never completed",
                    NULL);
    }
}

static void print_counts(const struct callers *all, enum ask ask, FILE *out)
{
    (void)fprintf(out, "%-8s", ASK_TEXT[ask]);
    for (int status = 0; status < KP_STATUS_COUNT; status++) {
        uint64_t n = 0;
        for (size_t i = 0; i < all->options.n; i++)
            n += all->caller[i].counts[ask][status];
        if (n > 0)
            (void)fprintf(out, "  %s %llu", kp_status_text((kp_status)status),
                          (unsigned long long)n);
    }
    (void)fputc('\n', out);
}

size_t callers_report(struct callers *all, FILE *out)
{
    uint64_t late_max_ms = 0;
    for (size_t i = 0; i < all->options.n; i++) {
        check_once(&all->caller[i]);
        if (all->caller[i].late_max_ms > late_max_ms)
            late_max_ms = all->caller[i].late_max_ms;
    }
    for (int ask = 0; ask < N_ASKS; ask++)
        print_counts(all, (enum ask)ask, out);
    (void)fprintf(out, "latest completion: %llu ms after its deadline\n",
                  (unsigned long long)late_max_ms);
    return all->n_findings;
}

void callers_free(struct callers *all)
{
    for (size_t i = 0; all && i < all->options.n; i++) {
        struct caller *c = &all->caller[i];
        while (c->asked) {
            struct asked *next = c->asked->next;
            kp_result_clear(&c->asked->result);
            free(c->asked);
            c->asked = next;
        }
        while (c->refused) {
            struct refused *next = c->refused->next;
            free(c->refused);
            c->refused = next;
        }
        (void)pthread_cond_destroy(&c->done);
        (void)pthread_mutex_destroy(&c->lock);
    }
    free(all);
}
