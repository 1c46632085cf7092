#include "ekm/provider.h"

#include "base/errors.h"
#include "base/mem.h"
#include "ekm/global.h"
#include "ekm/session.h"
#include "ekm/vault.h"

/* Free waits that long for calls to leave; each ends as soon as its cancel has got through. */
#define DRAIN_MS 15000u
#define CLOSE_MS 10000u

static struct ekm_provider *current; /* under the global lock */

/* ---- Opening ---- */

static uint64_t clock_now(void *ctx)
{
    return ekm_provider_now_ms(ctx);
}

static void clock_pause(void *ctx, uint32_t ms)
{
    const struct ekm_provider *p = ctx;

    if (p->env->pause)
        p->env->pause(p->env->ctx, ms);
    else
        ekm_sync_pause(NULL, ms);
}

static void note(void *ctx, kp_status status, uint32_t code, const char *vault, const char *text)
{
    struct ekm_provider *p = ctx;
    struct kp_error err;
    struct ekm_news news = {.event = "note", .vault = vault, .text = text};

    if (status != KP_OK) {
        kpb_ignore(kpb_fail_code(&err, status, code, "%s", text));
        news.err = &err;
        news.number = (uint32_t)ekm_number(&err, EKM_ACT_LOCAL);
    }
    ekm_report_write(p->report, &news);
}

static kp_status open_kp(struct ekm_provider *p, struct kp_error *reterr)
{
    const struct ekm_environment *env = p->env;
    struct kp_options options;
    char path[EKM_PATH_MAX_LEN + 1];

    kp_options_init(&options);
    options.flags = env->open_flags;
    options.static_plugins = env->static_plugins;
    options.log = ekm_report_core_line;
    options.log_ctx = p->report;
    options.config_path = env->config_path;
    options.config_text = env->config_text;
    if (!env->config_path && !env->config_text && ekm_platform_config_path(path))
        options.config_path = path;
    return kp_provider_open(&options, &p->kp, reterr);
}

static kp_status configure_report(struct ekm_provider *p, struct kp_error *reterr)
{
    const struct ekm_settings *s = &p->settings;
    struct ekm_log_file *file = NULL;
    kp_status st = ekm_log_file_open(s->log_file, &file, reterr);

    if (st == KP_OK)
        ekm_report_configure(p->report, file, s->log_json, s->event_level,
                             s->log_lines_per_second); /* file moved to the report */
    return st;
}

static kp_status open_keys(struct ekm_provider *p, struct kp_error *reterr)
{
    struct ekm_resolver_options options;
    kp_status st = ekm_map_open(p->settings.key_map, &p->map, reterr);

    if (st != KP_OK) {
        kpb_error_prefix(reterr, "ekm.key_map");
        return st;
    }
    p->clock = (struct ekm_clock){p, clock_now, clock_pause};
    ekm_resolver_options_init(&options);
    options.clock = &p->clock;
    return ekm_resolver_new(p->map, &options, note, p, &p->resolver, reterr);
}

static kp_status open_parts(struct ekm_provider *p, struct kp_error *reterr)
{
    kp_status st = open_kp(p, reterr);

    if (st == KP_OK)
        st = ekm_settings_read(p->kp, &p->settings, reterr);
    if (st == KP_OK)
        st = configure_report(p, reterr);
    if (st == KP_OK)
        st = open_keys(p, reterr);
    return st;
}

/* Threads that a plugin did not give back may still log: the report then stays, too. */
static void close_kp(struct ekm_provider *p)
{
    struct kp_close_report closed = {.struct_size = sizeof closed};
    const struct ekm_news news = {.event = "note", .call = "FreeProvider", .text = closed.text};

    kp_provider_close_wait(p->kp, CLOSE_MS, &closed);
    if (closed.abandoned == 0)
        ekm_report_free(p->report);
    else
        ekm_report_write(p->report, &news);
}

/* Nobody is inside any more. */
static void free_parts(struct ekm_provider *p)
{
    if (!p)
        return;
    ekm_vaults_clear(p);
    ekm_resolver_free(p->resolver);
    ekm_map_close(p->map);
    if (p->report)
        close_kp(p);
    ekm_settings_clear(&p->settings);
    ekm_sync_free(p->sync);
    kpb_free(p);
}

static void tell_opening(struct ekm_provider *p, kp_status st, const struct kp_error *err)
{
    struct ekm_news news = {.event = "opened", .call = "InitializeProvider", .text = kp_version()};

    if (st != KP_OK) {
        news.event = "failed";
        news.err = err;
        news.number = (uint32_t)ekm_number(err, EKM_ACT_LOCAL);
    }
    ekm_report_write(p->report, &news);
}

static kp_status open_provider(struct ekm_provider **ret, struct kp_error *reterr)
{
    struct ekm_provider *p = kpb_alloc("ekm.provider", sizeof *p);
    kp_status st;

    if (!p)
        return kpb_fail_memory(reterr, "ekm.provider");
    p->env = ekm_environment_get();
    p->sync = ekm_sync_new();
    st = p->sync ? ekm_report_new(p->env, &p->report, reterr)
                 : kpb_fail_memory(reterr, "ekm.provider");
    if (st == KP_OK) {
        st = open_parts(p, reterr);
        tell_opening(p, st, reterr);
    }
    if (st != KP_OK) {
        free_parts(p);
        return st;
    }
    *ret = p; /* moved to the caller */
    return KP_OK;
}

static bool count_initialize(void)
{
    bool there;

    ekm_global_lock();
    there = current != NULL;
    if (there)
        current->n_initialized++;
    ekm_global_unlock();
    return there;
}

static void publish(struct ekm_provider *p)
{
    ekm_global_lock();
    p->n_initialized = 1;
    current = p; /* moved to the process */
    ekm_global_unlock();
}

SqlCpError ekm_provider_initialize(void)
{
    struct ekm_provider *p = NULL;
    struct kp_error err;
    kp_status st = KP_OK;

    kp_error_init(&err);
    ekm_lifetime_lock();
    if (!count_initialize()) {
        st = open_provider(&p, &err);
        if (st == KP_OK)
            publish(p);
    }
    ekm_lifetime_unlock();
    return st == KP_OK ? scp_err_Success : ekm_number(&err, EKM_ACT_LOCAL);
}

/* ---- Closing ---- */

/* The provider when this was its last Free; *ret_known: there was one at all. */
static struct ekm_provider *take_last(bool *ret_known)
{
    struct ekm_provider *p;

    ekm_global_lock();
    p = current;
    *ret_known = p != NULL;
    if (p && --p->n_initialized > 0)
        p = NULL;
    else
        current = NULL;
    ekm_global_unlock();
    return p;
}

/* Whether every call has left. */
static bool drain(struct ekm_provider *p)
{
    uint64_t end = ekm_sync_now_ms(NULL) + DRAIN_MS;
    bool drained;

    ekm_sync_lock(p->sync);
    while (p->n_users > 0 && ekm_sync_now_ms(NULL) < end)
        ekm_sync_wait(p->sync, (uint32_t)(end - ekm_sync_now_ms(NULL)));
    drained = p->n_users == 0;
    ekm_sync_unlock(p->sync);
    return drained;
}

static void close_provider(struct ekm_provider *p)
{
    const struct ekm_news stuck = {
        .event = "note",
        .call = "FreeProvider",
        .text = "a call did not return; what it uses is left in memory until the process ends"};
    bool was_inside;

    ekm_sync_lock(p->sync);
    p->is_closing = true;
    was_inside = p->n_users > 0;
    ekm_sync_unlock(p->sync);
    if (was_inside)
        ekm_module_stay(); /* their last instructions come after the count, and may come late */
    ekm_sessions_abort(p);
    if (drain(p)) {
        ekm_sessions_clear(p);
        free_parts(p);
    } else {
        ekm_report_write(p->report, &stuck);
    }
}

SqlCpError ekm_provider_free(void)
{
    struct ekm_provider *p;
    bool known;

    ekm_lifetime_lock();
    p = take_last(&known);
    if (p)
        close_provider(p);
    ekm_lifetime_unlock();
    return known ? scp_err_Success : scp_err_InvalidArgument;
}

/* ---- Holding ---- */

/* The user is counted under the global lock: afterwards Free waits for it. */
struct ekm_provider *ekm_provider_acquire(void)
{
    struct ekm_provider *p;

    ekm_global_lock();
    p = current;
    if (p) {
        ekm_sync_lock(p->sync);
        p->n_users++;
        ekm_sync_unlock(p->sync);
    }
    ekm_global_unlock();
    return p;
}

void ekm_provider_release(struct ekm_provider *provider)
{
    ekm_sync_lock(provider->sync);
    if (--provider->n_users == 0)
        ekm_sync_wake(provider->sync);
    ekm_sync_unlock(provider->sync);
}

/* ---- Time ---- */

uint64_t ekm_provider_now_ms(const struct ekm_provider *provider)
{
    return provider->env->now_ms(provider->env->ctx);
}
