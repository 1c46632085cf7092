#include "support/scripted_plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "support/latch.h"

#define ALL_OPS (((UINT64_C(1) << (KP_OP_MAX + 1)) - 1) & ~UINT64_C(1))
#define ALL_ALGS (((UINT64_C(1) << (KP_ALG_MAX + 1)) - 1) & ~UINT64_C(1))
#define VALUE_MAX_LEN (1024u * 1024u)

struct script_op {
    struct script_op *next;
    struct script_vault *vault;
    kp_op_id id;
    const struct kp_request *request;
    struct script_act act;
    bool accepted;
    bool held;
    bool finished;
    bool canceled;
    bool done;
    uint32_t n_callbacks;
};

struct pushed {
    struct pushed *next;
    struct script_act act;
};

struct script_vault {
    struct script_vault *next;
    char location[128];
    struct script_vault_plan plan;
    struct pushed *acts;
    struct script_op *first_op;
    struct script_op *last_op;
    struct script_op *held_from; /* none before it is held; nothing becomes held again */
    struct script_counts counts;
    const struct kp_host *host;
    uv_thread_t thread; /* the loop's, as seen in open */
    bool open_asked;    /* between open and closed */
    bool usable;        /* between opened(ok) and close */
};

/* Something for the plugin's own thread to do. */
struct errand {
    struct errand *next;
    struct script_op *op;
    void (*call)(struct script_vault *vault);
    struct script_vault *vault;
};

static uv_once_t once = UV_ONCE_INIT;
static uv_mutex_t lock;
static uv_mutex_t broken_lock; /* taken inside lock */
static uv_cond_t changed;
static struct script_vault *vaults;
static struct errand *errands;
static bool foreign_ends;
static uv_thread_t foreign_thread;
static bool foreign_runs;
static char broken[256];
static uint8_t big_value[VALUE_MAX_LEN];

static void init_once(void)
{
    if (uv_mutex_init(&lock) != 0 || uv_mutex_init(&broken_lock) != 0 ||
        uv_cond_init(&changed) != 0)
        abort();
}

static void *must_alloc(size_t n)
{
    void *p = calloc(1, n);
    if (!p)
        abort();
    return p;
}

void script_broken(const char *what)
{
    uv_mutex_lock(&broken_lock);
    if (broken[0] == '\0')
        (void)snprintf(broken, sizeof broken, "%s", what);
    uv_mutex_unlock(&broken_lock);
}

static void must(bool kept, const char *what)
{
    if (!kept)
        script_broken(what);
}

static bool on_thread_of(struct script_vault *vault)
{
    uv_thread_t self = uv_thread_self();
    return uv_thread_equal(&self, &vault->thread);
}

/* ---- Finishing ---- */

static void fill_error(struct kp_error *error, const struct script_act *act)
{
    kp_error_init(error);
    error->status = (uint32_t)act->status;
    error->exposure = act->exposure;
    error->code = act->code;
    if (act->hint_ms > 0)
        error->retry_after_ms = act->hint_ms;
    (void)snprintf(error->text, sizeof error->text, "the script says %s",
                   kp_status_text(act->status));
}

static kp_span text_span(const char *text)
{
    return (kp_span){(const uint8_t *)text, strlen(text)};
}

static kp_span version_for(const struct kp_request *request, const char *version)
{
    if (version)
        return text_span(version);
    return request->version.len > 0 ? request->version : text_span("1");
}

static void fill_key(struct kp_key_info *key, const struct kp_request *request, kp_span version)
{
    *key = (struct kp_key_info){.struct_size = sizeof *key,
                                .kty = KP_KTY_OCT,
                                .bits = 256,
                                .key_ops = KP_KEY_OP_WRAP | KP_KEY_OP_UNWRAP,
                                .flags = KP_KEY_ENABLED,
                                .name = request->name,
                                .version = version,
                                .not_before_unix_s = KP_TIME_NONE,
                                .expires_unix_s = KP_TIME_NONE,
                                .created_unix_s = KP_TIME_NONE,
                                .updated_unix_s = KP_TIME_NONE,
                                .deleted_unix_s = KP_TIME_NONE,
                                .scheduled_purge_unix_s = KP_TIME_NONE};
}

static void fill_reply(struct kp_reply *reply, struct kp_key_info *key,
                       const struct kp_request *request, const char *version, uint32_t value_len)
{
    kp_span used = version_for(request, version);
    *reply = (struct kp_reply){.struct_size = sizeof *reply,
                               .alg = request->alg,
                               .name = request->name,
                               .version = used,
                               .value = request->value};
    if (value_len > 0)
        reply->value = (kp_span){big_value, value_len};
    if (kp_op_traits(request->op) & KP_TRAIT_PAYLOAD)
        return;
    fill_key(key, request, used);
    reply->key = key;
}

static kp_status call_finish(const struct script_op *op, const struct script_act *act)
{
    const struct kp_host *host = op->vault->host;
    struct kp_error error;
    struct kp_reply reply;
    struct kp_key_info key;
    if (act->status != KP_OK) {
        fill_error(&error, act);
        return host->finish(host->self, op->id, act->status, NULL, act->bare ? NULL : &error);
    }
    fill_reply(&reply, &key, op->request, act->version, act->value_len);
    return host->finish(host->self, op->id, KP_OK, &reply, NULL);
}

/* False when it was before. */
static bool mark_finished(struct script_op *op)
{
    uv_mutex_lock(&lock);
    bool first = !op->finished;
    bool was_held = op->held;
    op->finished = true;
    op->held = false;
    if (was_held)
        op->vault->counts.n_held--;
    uv_cond_broadcast(&changed);
    uv_mutex_unlock(&lock);
    return first;
}

void script_op_mark_finished(struct script_op *op)
{
    must(mark_finished(op), "the test finished an operation twice");
}

static kp_status finish_op(struct script_op *op, const struct script_act *act)
{
    uint32_t n = act->n_finishes > 0 ? act->n_finishes : 1;
    if (!mark_finished(op))
        return KP_USAGE; /* the request may be gone; for such games there is script_finish_id */
    /* A second finish must not look at the request, which is gone when the first got through. */
    kp_op_id id = op->id;
    kp_status st = call_finish(op, act);
    must(st == KP_OK, "a first finish was refused");
    for (uint32_t i = 1; i < n; i++)
        must(script_finish_id(op->vault, id) == KP_USAGE, "a second finish was accepted");
    return st;
}

kp_status script_finish_id(struct script_vault *vault, kp_op_id id)
{
    const struct kp_host *host = vault->host;
    const struct kp_reply reply = {.struct_size = sizeof reply, .version = text_span("666")};
    return host->finish(host->self, id, KP_OK, &reply, NULL);
}

kp_status script_finish_with(struct script_op *op, const struct script_act *act)
{
    return finish_op(op, act);
}

kp_status script_finish(struct script_op *op, kp_status status)
{
    struct script_act act = op->act;
    act.status = status;
    act.n_finishes = 1;
    return finish_op(op, &act);
}

void script_finish_held(struct script_vault *vault, kp_status status)
{
    for (struct script_op *op; (op = script_held(vault)) != NULL;)
        (void)script_finish(op, status);
}

/* ---- The plugin's own thread ---- */

static void run_errand(struct errand *errand)
{
    if (errand->op)
        (void)finish_op(errand->op, &errand->op->act);
    else
        errand->call(errand->vault);
    free(errand);
}

static void foreign_main(void *arg)
{
    (void)arg;
    uv_mutex_lock(&lock);
    while (!foreign_ends || errands) {
        struct errand *errand = errands;
        if (!errand) {
            uv_cond_wait(&changed, &lock);
            continue;
        }
        errands = errand->next;
        uv_mutex_unlock(&lock);
        run_errand(errand);
        uv_mutex_lock(&lock);
    }
    uv_mutex_unlock(&lock);
}

static void send_errand(struct script_op *op, void (*call)(struct script_vault *),
                        struct script_vault *vault)
{
    struct errand *errand = must_alloc(sizeof *errand);
    *errand = (struct errand){NULL, op, call, vault};
    uv_mutex_lock(&lock);
    if (!foreign_runs && uv_thread_create(&foreign_thread, foreign_main, NULL) != 0)
        abort();
    foreign_runs = true;
    struct errand **at = &errands;
    while (*at)
        at = &(*at)->next;
    *at = errand;
    uv_cond_broadcast(&changed);
    uv_mutex_unlock(&lock);
}

/* ---- Operations ---- */

static struct script_act next_act(struct script_vault *vault)
{
    uv_mutex_lock(&lock);
    struct script_act act = vault->plan.usual;
    struct pushed *pushed = vault->acts;
    if (pushed) {
        act = pushed->act;
        vault->acts = pushed->next;
    }
    uv_mutex_unlock(&lock);
    free(pushed);
    return act;
}

static struct script_op *note_op(struct script_vault *vault, kp_op_id id,
                                 const struct kp_request *request)
{
    struct script_op *op = must_alloc(sizeof *op);
    op->vault = vault;
    op->id = id;
    op->request = request;
    op->act = next_act(vault);
    return op;
}

static void accept_op(struct script_op *op)
{
    struct script_vault *vault = op->vault;
    uv_mutex_lock(&lock);
    op->accepted = true;
    if (vault->last_op)
        vault->last_op->next = op;
    else
        vault->first_op = op;
    vault->last_op = op;
    vault->counts.n_submit++;
    vault->counts.n_alive++;
    op->held = op->act.how == SCRIPT_HELD || op->act.how == SCRIPT_DEAF;
    vault->counts.n_held += op->held;
    uv_cond_broadcast(&changed);
    uv_mutex_unlock(&lock);
}

void script_op_expect(struct script_op *op)
{
    uv_mutex_lock(&lock);
    must(!op->done, "a callback was promised after done");
    op->n_callbacks++;
    uv_mutex_unlock(&lock);
}

void script_op_arrived(struct script_op *op)
{
    must(on_thread_of(op->vault), "a callback came on another thread than the loop's");
    uv_mutex_lock(&lock);
    bool promised = op->n_callbacks > 0 && !op->done;
    op->n_callbacks--;
    uv_mutex_unlock(&lock);
    must(promised, "a callback came twice, or after done");
}

static void timer_fired(void *arg)
{
    struct script_op *op = arg;
    script_op_arrived(op);
    (void)finish_op(op, &op->act);
}

static void work_here(void *arg)
{
    struct script_op *op = arg;
    must(!on_thread_of(op->vault), "work ran on the loop thread");
    if (op->act.how == SCRIPT_ON_WORKER)
        (void)finish_op(op, &op->act);
}

static void work_done(void *arg)
{
    struct script_op *op = arg;
    script_op_arrived(op);
    if (op->act.how == SCRIPT_WORK)
        (void)finish_op(op, &op->act);
}

static kp_status ask_host(struct script_op *op)
{
    const struct kp_host *host = op->vault->host;
    kp_timer_id id;
    script_op_expect(op);
    kp_status st = op->act.how == SCRIPT_TIMER
                       ? host->timer(host->self, op->id, op->act.delay_ms, timer_fired, op, &id)
                       : host->work(host->self, op->id, work_here, work_done, op);
    if (st == KP_OK)
        return KP_OK;
    op->n_callbacks--;
    struct script_act failed = {.status = st};
    return finish_op(op, &failed);
}

static kp_status refuse(struct script_op *op, struct kp_error *reterr)
{
    kp_status st = op->act.status;
    if (!op->act.bare)
        fill_error(reterr, &op->act);
    uv_mutex_lock(&lock);
    op->vault->counts.n_submit++;
    uv_cond_broadcast(&changed);
    uv_mutex_unlock(&lock);
    free(op);
    return st;
}

static kp_status start_op(struct script_op *op)
{
    switch (op->act.how) {
    case SCRIPT_INSIDE:
        return finish_op(op, &op->act);
    case SCRIPT_TIMER:
    case SCRIPT_WORK:
    case SCRIPT_ON_WORKER:
        return ask_host(op);
    case SCRIPT_FOREIGN:
        send_errand(op, NULL, NULL);
        return KP_OK;
    case SCRIPT_CALL:
        return op->act.call(op);
    default:
        return KP_OK;
    }
}

static kp_status script_submit(void *instance, kp_op_id id, const struct kp_request *request,
                               void **ret_state, struct kp_error *reterr)
{
    struct script_vault *vault = instance;
    must(on_thread_of(vault), "submit was called on another thread than the loop's");
    must(vault->usable, "submit was called before opened or after close");
    must(id != 0, "an operation has the id 0");
    struct script_op *op = note_op(vault, id, request);
    if (op->act.how == SCRIPT_REFUSED)
        return refuse(op, reterr);
    *ret_state = op;
    accept_op(op);
    return start_op(op);
}

static void script_cancel(void *instance, kp_op_id id, void *state)
{
    struct script_vault *vault = instance;
    struct script_op *op = state;
    must(on_thread_of(vault), "cancel was called on another thread than the loop's");
    must(op && op->id == id && !op->done, "cancel was called for what is no operation under way");
    if (!op)
        return;
    uv_mutex_lock(&lock);
    must(!op->canceled, "cancel was called twice");
    op->canceled = true;
    vault->counts.n_cancel++;
    bool obey = op->held && op->act.how == SCRIPT_HELD;
    uv_cond_broadcast(&changed);
    uv_mutex_unlock(&lock);
    if (obey)
        (void)script_finish(op, KP_CANCELED);
}

static void script_done(void *instance, kp_op_id id, void *state)
{
    struct script_vault *vault = instance;
    struct script_op *op = state;
    must(on_thread_of(vault), "done was called on another thread than the loop's");
    must(op && op->id == id, "done was called with another state or id");
    if (!op)
        return;
    uv_mutex_lock(&lock);
    bool once_only = !op->done;
    bool after_all = op->finished && op->n_callbacks == 0;
    op->done = true;
    op->request = NULL;
    vault->counts.n_done++;
    vault->counts.n_alive--;
    uv_cond_broadcast(&changed);
    uv_mutex_unlock(&lock);
    must(once_only, "done was called twice");
    must(after_all, "done was called before the finish or before the last callback");
}

void script_pass_done(void *instance, kp_op_id id, void *state)
{
    script_done(instance, id, state);
}

/* ---- run ---- */

static void enter_run(struct script_vault *vault)
{
    uv_mutex_lock(&lock);
    struct script_counts *counts = &vault->counts;
    counts->n_run++;
    counts->n_running++;
    if (counts->n_running > counts->n_running_max)
        counts->n_running_max = counts->n_running;
    uv_cond_broadcast(&changed);
    uv_mutex_unlock(&lock);
}

static void leave_run(struct script_vault *vault)
{
    uv_mutex_lock(&lock);
    vault->counts.n_running--;
    uv_cond_broadcast(&changed);
    uv_mutex_unlock(&lock);
}

static void answer_run(const struct script_run_act *act, const struct kp_request *request,
                       kp_answer_fn *answer, void *answer_ctx)
{
    struct kp_reply reply;
    struct kp_key_info key;
    uint32_t n = act->n_answers == UINT32_MAX ? 0 : act->n_answers > 0 ? act->n_answers : 1;
    fill_reply(&reply, &key, request, act->version, 0);
    for (uint32_t i = 0; i < n; i++)
        answer(answer_ctx, &reply);
}

static kp_status fail_run(const struct script_run_act *act, struct kp_error *reterr)
{
    const struct script_act error = {.status = act->status};
    if (!act->bare)
        fill_error(reterr, &error);
    return act->status;
}

static kp_status script_run(void *instance, const struct kp_request *request, kp_answer_fn *answer,
                            void *answer_ctx, struct kp_error *reterr)
{
    struct script_vault *vault = instance;
    uv_mutex_lock(&lock);
    const struct script_run_act act = vault->plan.run;
    uv_mutex_unlock(&lock);
    kp_status st = KP_OK;
    must(vault->usable, "run was called before opened or after close");
    enter_run(vault);
    if (act.entered)
        latch_hit(act.entered);
    if (act.block)
        latch_wait(act.block, 1);
    if (act.call)
        act.call(act.ctx);
    if (act.how == SCRIPT_RUN_ANSWERS)
        answer_run(&act, request, answer, answer_ctx);
    else
        st = act.how == SCRIPT_RUN_DECLINES ? KP_UNSUPPORTED : fail_run(&act, reterr);
    leave_run(vault);
    return st;
}

/* ---- Opening and closing ---- */

static void tell_opened(struct script_vault *vault)
{
    const struct kp_host *host = vault->host;
    const struct script_act failure = {
        .status = vault->plan.open_status, .exposure = KP_ANSWERED, .code = vault->plan.open_code};
    struct kp_error error;
    bool good = vault->plan.opening != SCRIPT_OPEN_FAILS;
    vault->usable = good;
    if (good) {
        host->opened(host->self, KP_OK, NULL);
        return;
    }
    fill_error(&error, &failure);
    host->opened(host->self, failure.status, &error);
}

static void opened_by_timer(void *arg)
{
    tell_opened(arg);
}

void script_vault_opened(struct script_vault *vault, kp_status status)
{
    vault->usable = status == KP_OK;
    vault->host->opened(vault->host->self, status, NULL);
}

static kp_status refuse_open(struct script_vault *vault, struct kp_error *reterr)
{
    const struct script_act error = {
        .status = vault->plan.open_status, .exposure = KP_ANSWERED, .code = vault->plan.open_code};
    fill_error(reterr, &error);
    uv_mutex_lock(&lock);
    vault->open_asked = false;
    vault->usable = false;
    uv_mutex_unlock(&lock);
    return error.status;
}

static kp_status go_on_opening(struct script_vault *vault, struct kp_error *reterr)
{
    const struct kp_host *host = vault->host;
    kp_timer_id id;
    switch (vault->plan.opening) {
    case SCRIPT_OPENS_LATER:
        return host->timer(host->self, 0, vault->plan.delay_ms, opened_by_timer, vault, &id);
    case SCRIPT_OPENS_FOREIGN:
        send_errand(NULL, tell_opened, vault);
        return KP_OK;
    case SCRIPT_OPEN_HELD:
        return KP_OK;
    case SCRIPT_OPEN_REFUSED:
        return refuse_open(vault, reterr);
    case SCRIPT_OPENS_AND_REFUSES:
        host->opened(host->self, KP_OK, NULL);
        return refuse_open(vault, reterr);
    case SCRIPT_OPENS_TWICE:
        tell_opened(vault);
        tell_opened(vault);
        return KP_OK;
    default:
        tell_opened(vault);
        return KP_OK;
    }
}

static kp_status script_open(const struct kp_host *host, const struct kp_vault_settings *settings,
                             void **ret_vault, struct kp_error *reterr)
{
    char location[128];
    (void)snprintf(location, sizeof location, "%.*s", (int)settings->location.len,
                   (const char *)settings->location.ptr);
    struct script_vault *vault = script_vault(location);
    must(!vault->open_asked, "open was called twice without a closed in between");
    must(host->struct_size >= sizeof *host && host->abi_major == KP_ABI_MAJOR && host->memory,
         "the host table is not what its version says");
    uv_mutex_lock(&lock);
    vault->host = host;
    vault->thread = uv_thread_self();
    vault->open_asked = true;
    vault->counts.n_open++;
    uv_cond_broadcast(&changed);
    uv_mutex_unlock(&lock);
    *ret_vault = vault;
    return go_on_opening(vault, reterr);
}

static void tell_closed(struct script_vault *vault)
{
    const struct kp_host *host = vault->host;
    uv_mutex_lock(&lock);
    vault->open_asked = false;
    uv_mutex_unlock(&lock);
    host->closed(host->self);
}

static void closed_by_timer(void *arg)
{
    tell_closed(arg);
}

void script_vault_closed(struct script_vault *vault)
{
    tell_closed(vault);
}

static void go_on_closing(struct script_vault *vault)
{
    const struct kp_host *host = vault->host;
    kp_timer_id id;
    switch (vault->plan.closing) {
    case SCRIPT_CLOSES_LATER:
        must(host->timer(host->self, 0, vault->plan.delay_ms, closed_by_timer, vault, &id) == KP_OK,
             "a vault that closes was refused a timer");
        return;
    case SCRIPT_CLOSES_FOREIGN:
        send_errand(NULL, tell_closed, vault);
        return;
    case SCRIPT_CLOSE_HELD:
        return;
    case SCRIPT_CLOSES_TWICE:
        tell_closed(vault);
        host->closed(host->self);
        return;
    default:
        tell_closed(vault);
        return;
    }
}

static void script_close(void *instance)
{
    struct script_vault *vault = instance;
    must(on_thread_of(vault), "close was called on another thread than the loop's");
    uv_mutex_lock(&lock);
    bool in_time = vault->open_asked && vault->counts.n_alive == 0;
    bool nobody_runs = vault->counts.n_running == 0;
    vault->usable = false;
    vault->counts.n_close++;
    uv_cond_broadcast(&changed);
    uv_mutex_unlock(&lock);
    must(in_time, "close was called twice or with operations in flight");
    must(nobody_runs, "close was called while somebody was inside run");
    go_on_closing(vault);
}

static kp_status script_reload(void *instance, const struct kp_vault_settings *settings,
                               struct kp_error *reterr)
{
    struct script_vault *vault = instance;
    (void)settings;
    (void)reterr;
    must(on_thread_of(vault), "reload was called on another thread than the loop's");
    uv_mutex_lock(&lock);
    vault->counts.n_reload++;
    uv_cond_broadcast(&changed);
    uv_mutex_unlock(&lock);
    return KP_OK;
}

/* ---- Table ---- */

static const char *const schemes[] = {"script", NULL};
static const char *const no_suffixes[] = {NULL};
static const struct kp_setting_spec *const no_settings[] = {NULL};
static struct kp_caps caps;
static struct kp_plugin table;

static void reset_table(void)
{
    caps = (struct kp_caps){.struct_size = sizeof caps,
                            .flags = KP_CAP_CANCEL,
                            .ops = ALL_OPS,
                            .algs = ALL_ALGS,
                            .ktys = 0x7e,
                            .curves = 0x1e,
                            .rsa_bits_min = 2048,
                            .rsa_bits_max = 4096,
                            .schemes = schemes,
                            .host_suffixes = no_suffixes,
                            .settings = no_settings};
    table = (struct kp_plugin){.struct_size = sizeof table,
                               .abi_major = KP_ABI_MAJOR,
                               .abi_minor = KP_ABI_MINOR,
                               .name = "scripted",
                               .version = "1.0.0",
                               .doc = "Does what a test says.",
                               .caps = &caps,
                               .open = script_open,
                               .submit = script_submit,
                               .cancel = script_cancel,
                               .done = script_done,
                               .close = script_close,
                               .reload = script_reload};
}

const struct kp_plugin *script_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor;
    return host_abi_major == KP_ABI_MAJOR ? &table : NULL;
}

struct kp_plugin *script_table(void)
{
    return &table;
}

struct kp_caps *script_caps(void)
{
    return &caps;
}

void script_serve_run(uint64_t ops)
{
    caps.run_ops = ops;
    table.run = script_run;
}

/* ---- The script ---- */

static void free_vault(struct script_vault *vault)
{
    for (struct script_op *op = vault->first_op, *next; op; op = next) {
        next = op->next;
        free(op);
    }
    for (struct pushed *act = vault->acts, *next; act; act = next) {
        next = act->next;
        free(act);
    }
    free(vault);
}

static void join_foreign(void)
{
    if (!foreign_runs)
        return;
    uv_mutex_lock(&lock);
    foreign_ends = true;
    uv_cond_broadcast(&changed);
    uv_mutex_unlock(&lock);
    uv_thread_join(&foreign_thread);
    foreign_runs = false;
    foreign_ends = false;
}

void script_begin(void)
{
    uv_once(&once, init_once);
    join_foreign();
    while (vaults) {
        struct script_vault *next = vaults->next;
        free_vault(vaults);
        vaults = next;
    }
    broken[0] = '\0';
    for (uint32_t i = 0; i < sizeof big_value; i++)
        big_value[i] = (uint8_t)i;
    reset_table();
}

void script_end(void)
{
    char what[sizeof broken];
    join_foreign();
    uint32_t n_alive = 0;
    uint32_t n_open = 0;
    for (struct script_vault *vault = vaults; vault; vault = vault->next) {
        n_alive += vault->counts.n_alive;
        n_open += vault->open_asked;
    }
    memcpy(what, broken, sizeof what);
    script_begin();
    assert_string_equal(what, "");
    assert_int_equal(n_alive, 0);
    assert_int_equal(n_open, 0);
}

/* ---- What tests ask ---- */

struct script_vault *script_vault(const char *location)
{
    uv_mutex_lock(&lock);
    struct script_vault *vault = vaults;
    while (vault && strcmp(vault->location, location) != 0)
        vault = vault->next;
    if (!vault) {
        vault = must_alloc(sizeof *vault);
        (void)snprintf(vault->location, sizeof vault->location, "%s", location);
        vault->next = vaults;
        vaults = vault;
    }
    uv_mutex_unlock(&lock);
    return vault;
}

struct script_vault_plan *script_plan(struct script_vault *vault)
{
    return &vault->plan;
}

void script_push(struct script_vault *vault, struct script_act act)
{
    struct pushed *pushed = must_alloc(sizeof *pushed);
    pushed->act = act;
    uv_mutex_lock(&lock);
    struct pushed **at = &vault->acts;
    while (*at)
        at = &(*at)->next;
    *at = pushed;
    uv_mutex_unlock(&lock);
}

void script_usually(struct script_vault *vault, struct script_act act)
{
    uv_mutex_lock(&lock);
    vault->plan.usual = act;
    uv_mutex_unlock(&lock);
}

const struct kp_host *script_host(struct script_vault *vault)
{
    uv_mutex_lock(&lock);
    const struct kp_host *host = vault->host;
    uv_mutex_unlock(&lock);
    return host;
}

struct script_counts script_counts(struct script_vault *vault)
{
    uv_mutex_lock(&lock);
    struct script_counts counts = vault->counts;
    uv_mutex_unlock(&lock);
    return counts;
}

static uint32_t count_at(const struct script_vault *vault, size_t member_at)
{
    uint32_t n;
    memcpy(&n, (const char *)&vault->counts + member_at, sizeof n);
    return n;
}

void script_wait(struct script_vault *vault, size_t member_at, uint32_t n, bool or_more)
{
    uint64_t end = uv_hrtime() + LATCH_DEADLINE_S * LATCH_NS_PER_S;
    uv_mutex_lock(&lock);
    for (;;) {
        uint32_t have = count_at(vault, member_at);
        uint64_t now = uv_hrtime();
        if (have == n || (or_more && have > n))
            break;
        if (now >= end) {
            (void)fprintf(stderr, "waited for %u at %zu, saw %u\n", n, member_at, have);
            abort();
        }
        (void)uv_cond_timedwait(&changed, &lock, end - now);
    }
    uv_mutex_unlock(&lock);
}

struct script_op *script_held(struct script_vault *vault)
{
    uv_mutex_lock(&lock);
    struct script_op *op = vault->held_from ? vault->held_from : vault->first_op;
    while (op && !op->held)
        op = op->next;
    if (op)
        vault->held_from = op;
    uv_mutex_unlock(&lock);
    return op;
}

struct script_op *script_op_at(struct script_vault *vault, uint32_t i)
{
    uv_mutex_lock(&lock);
    struct script_op *op = vault->first_op;
    while (op && i-- > 0)
        op = op->next;
    uv_mutex_unlock(&lock);
    return op;
}

kp_op_id script_op_id(const struct script_op *op)
{
    return op->id;
}

const struct kp_request *script_op_request(const struct script_op *op)
{
    return op->request;
}

struct script_vault *script_op_vault(const struct script_op *op)
{
    return op->vault;
}

bool script_op_is_done(const struct script_op *op)
{
    uv_mutex_lock(&lock);
    bool done = op->done;
    uv_mutex_unlock(&lock);
    return done;
}

bool script_op_was_canceled(const struct script_op *op)
{
    uv_mutex_lock(&lock);
    bool canceled = op->canceled;
    uv_mutex_unlock(&lock);
    return canceled;
}

void *script_op_ctx(const struct script_op *op)
{
    return op->act.ctx;
}
