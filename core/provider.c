#include "core/provider.h"

#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/arena.h"
#include "core/aside.h"
#include "core/observe.h"
#include "core/process.h"
#include "core/route.h"
#include "core/vault.h"
#include "crypto/init.h"
#include "crypto/random.h"

#define PERMITS_PER_CORE 8u
#define PERMITS_PER_CORE_SHORT 2u /* while work is short */
/* Blocking work waits for disks, not for processors: some room beyond the cores. */
#define BLOCKERS_MIN 4u
/* The parts of the secret arena that may be kept for the next operations: one in so many. */
#define REQUEST_AREAS_SHARE 4u
#define REPLY_AREAS_SHARE 16u

/* ---- Questions about a provider ---- */

kp_status kpi_provider_check(const struct kp_provider *provider, struct kp_error *reterr)
{
    if (provider->epoch != kpi_process_epoch())
        return kpb_fail(reterr, KP_USAGE,
                        "the provider was opened before this process forked; open a new one");
    if (atomic_load_explicit(&provider->closing, memory_order_seq_cst))
        return kpb_fail(reterr, KP_USAGE, "the provider is being closed");
    return KP_OK;
}

kp_status kpi_caller_enter(struct kpi_shard *shard, struct kp_error *reterr)
{
    /* Sequentially consistent on both sides: either we see closing or the closer sees us. */
    atomic_fetch_add_explicit(&shard->n_callers, 1, memory_order_seq_cst);
    kp_status st = kpi_provider_check(shard->provider, reterr);
    if (st != KP_OK)
        kpi_caller_leave(shard);
    return st;
}

void kpi_caller_leave(struct kpi_shard *shard)
{
    atomic_fetch_sub_explicit(&shard->n_callers, 1, memory_order_release);
}

struct kpi_shard *kpi_provider_shard(struct kp_provider *provider, uint32_t at)
{
    return at < provider->n_shards ? &provider->shards[at] : NULL;
}

const struct kpi_config *kpi_provider_config(struct kp_provider *provider)
{
    uv_mutex_lock(&provider->lock);
    const struct kpi_config *config = &provider->config->config;
    uv_mutex_unlock(&provider->lock);
    return config;
}

/* ---- Steps of opening ---- */

static kp_status load_config(struct kp_provider *provider, const struct kp_options *options,
                             struct kp_error *reterr)
{
    provider->config = kpb_alloc("provider.config", sizeof *provider->config);
    if (!provider->config)
        return kpb_fail_memory(reterr, "provider.config");
    kpi_config_init(&provider->config->config);
    if (options->config_path) {
        provider->config_path =
            kpb_strdup_span("provider.config_path", kpb_span_str(options->config_path));
        if (!provider->config_path)
            return kpb_fail_memory(reterr, "provider.config_path");
    }
    return kpi_config_load(options, &provider->config->config, reterr);
}

static kp_status load_plugins(struct kp_provider *provider, const struct kp_options *options,
                              struct kp_error *reterr)
{
    struct kpi_plugins *plugins = &provider->plugins;
    const struct kpi_plugin_sources sources =
        kpi_plugin_sources_of(options, &provider->config->config);
    kpi_plugins_init(plugins);
    kp_status st = kpi_plugins_load(plugins, &sources, reterr);
    for (size_t i = 0; i < plugins->n_refusals; i++)
        kpi_observe_plugin_refused(provider, plugins->refusals[i].origin,
                                   &plugins->refusals[i].error);
    return st;
}

kp_status kpi_provider_check_vaults(const struct kpi_plugins *plugins, struct kpi_config *config,
                                    struct kp_error *reterr)
{
    kp_status st = KP_OK;
    for (size_t i = 0; st == KP_OK && i < config->n_vaults; i++) {
        struct kpi_route route = {0};
        st = kpi_route_find(config, plugins, kpb_span_str(config->vaults[i].name), &route, reterr);
        if (st == KP_OK)
            st = kpi_config_check_settings(&config->vaults[i], &route.plugin->caps, reterr);
        kpi_route_clear(&route);
    }
    return st;
}

static kp_status make_services(struct kp_provider *provider, const struct kp_options *options,
                               struct kp_error *reterr)
{
    kp_status st = kpi_observe_open(provider, options, reterr);
    if (st != KP_OK)
        return st;
    provider->credential_key = kpb_secret_alloc("provider.credential_key", KPI_CREDENTIAL_KEY_LEN);
    if (!provider->credential_key)
        return kpb_fail_memory(reterr, "provider.credential_key");
    return kpc_random(provider->credential_key, KPI_CREDENTIAL_KEY_LEN, reterr);
}

static uint32_t or_default(uint32_t configured, uint32_t fallback)
{
    return configured != 0 ? configured : fallback;
}

static kp_status make_gate(struct kp_provider *provider, uint32_t n_cores, struct kp_error *reterr)
{
    const uint32_t wanted = provider->config->config.provider.inline_permits;
    const struct kpi_gate_size size = {or_default(wanted, PERMITS_PER_CORE_SHORT * n_cores),
                                       or_default(wanted, PERMITS_PER_CORE * n_cores)};
    if (kpi_gate_init(&provider->gate, &size, provider->clock) != KP_OK)
        return kpb_fail_memory(reterr, "provider.gate");
    provider->has_gate = true;
    return KP_OK;
}

static kp_status make_workers(struct kp_provider *provider, struct kp_error *reterr)
{
    const struct kpi_provider_limits *limits = &provider->config->config.provider;
    uint32_t cores = uv_available_parallelism();
    uint32_t n_workers = or_default(limits->workers, cores);
    uint32_t n_blockers = n_workers > BLOCKERS_MIN ? n_workers : BLOCKERS_MIN;
    kp_status st = make_gate(provider, cores, reterr);
    if (st != KP_OK)
        return st;
    if (kpi_workers_init(&provider->computers, "provider.computers", n_workers) != KP_OK ||
        kpi_workers_init(&provider->blockers, "provider.blockers", n_blockers) != KP_OK ||
        kpi_access_init(&provider->access, &provider->blockers) != KP_OK)
        return kpb_fail_memory(reterr, "provider.workers");
    return KP_OK;
}

/* What a shard keeps between operations, so that the steady path allocates nothing. */
static void set_kept_areas(struct kpi_shard *shard, const struct kpi_provider_limits *limits,
                           uint32_t n_shards)
{
    uint64_t share = (uint64_t)limits->secret_arena_kib * 1024 / n_shards;
    shard->ops.keep_max_len = (size_t)(share / REQUEST_AREAS_SHARE);
    kpi_reply_areas_init(&shard->reply_areas,
                         (uint32_t)(share / REPLY_AREAS_SHARE / KPI_REPLY_AREA_LEN));
}

static kp_status start_shards(struct kp_provider *provider, const struct kp_options *options,
                              struct kp_error *reterr)
{
    const struct kpi_provider_limits *limits = &provider->config->config.provider;
    uint32_t n = or_default(options->n_loops, limits->loops);
    if (n > KPI_SHARDS_MAX)
        return kpb_fail(reterr, KP_USAGE, "n_loops %u is above %u", n, KPI_SHARDS_MAX);
    provider->shards = kpb_alloc_array("provider.shards", n, sizeof *provider->shards);
    if (!provider->shards)
        return kpb_fail_memory(reterr, "provider.shards");
    for (uint32_t i = 0; i < n; i++) {
        struct kpi_shard *shard = &provider->shards[i];
        if (kpi_shard_init(shard, provider, i, limits->max_operations, provider->clock) != KP_OK)
            return kpb_fail_memory(reterr, "provider.shard");
        provider->n_shards++;
        set_kept_areas(shard, limits, n);
        if (kpi_shard_start(shard) != KP_OK)
            return kpb_fail_memory(reterr, "provider.thread");
    }
    return KP_OK;
}

static kp_status open_parts(struct kp_provider *provider, const struct kp_options *options,
                            struct kp_error *reterr)
{
    kp_status st = kpc_init(reterr);
    if (st == KP_OK)
        st = load_config(provider, options, reterr);
    if (st == KP_OK)
        kpb_ignore(
            kpi_arena_configure(/* one arena a process: the first provider sized it */
                                (size_t)provider->config->config.provider.secret_arena_kib * 1024));
    if (st == KP_OK)
        st = make_services(provider, options, reterr);
    if (st == KP_OK)
        st = load_plugins(provider, options, reterr);
    if (st == KP_OK)
        st = kpi_provider_check_vaults(&provider->plugins, &provider->config->config, reterr);
    if (st == KP_OK)
        st = make_workers(provider, reterr);
    if (st == KP_OK)
        st = kpi_http_shared_init(&provider->http, &provider->config->config, reterr);
    return st == KP_OK ? start_shards(provider, options, reterr) : st;
}

struct opening {
    struct kp_provider *provider;
    const struct kp_options *options;
    struct kp_error *reterr;
    kp_status status;
};

static void open_aside(void *ctx)
{
    struct opening *opening = ctx;
    opening->status = open_parts(opening->provider, opening->options, opening->reterr);
}

/* Digests of plugins, random bytes, the library's own beginnings: not on the caller's thread. */
static kp_status open_on_thread(struct kp_provider *provider, const struct kp_options *options,
                                struct kp_error *reterr)
{
    struct opening opening = {provider, options, reterr, KP_INTERNAL};
    kp_status st = kpi_aside_on_thread(open_aside, &opening, reterr);
    return st == KP_OK ? opening.status : st;
}

/* ---- Opening and freeing ---- */

static void free_configs(struct kpi_config_age *age)
{
    while (age) {
        struct kpi_config_age *older = age->older;
        kpi_config_clear(&age->config);
        kpb_free(age);
        age = older;
    }
}

static void free_shard(struct kpi_shard *shard)
{
    for (struct kpi_link *link; (link = kpi_list_pop(&shard->closed_vaults)) != NULL;)
        kpi_vault_free(KPI_HOLDER(link, struct kp_vault, in_shard));
    kpi_shard_clear(shard);
}

void kpi_provider_free(struct kp_provider *provider)
{
    for (uint32_t i = 0; i < provider->n_shards; i++)
        free_shard(&provider->shards[i]);
    kpb_free(provider->shards);
    kpi_http_shared_clear(&provider->http);
    kpi_access_clear(&provider->access);
    kpi_workers_clear(&provider->blockers);
    kpi_workers_clear(&provider->computers);
    if (provider->has_gate)
        kpi_gate_clear(&provider->gate);
    kpi_plugins_clear(&provider->plugins);
    kpi_observe_close(provider);
    kpb_secret_free(provider->credential_key, KPI_CREDENTIAL_KEY_LEN);
    free_configs(provider->config);
    kpb_free(provider->config_path);
    uv_mutex_destroy(&provider->lock);
    kpb_free(provider);
}

/* Opening failed half-way: the loops that run have nothing in them and end at once. */
static void undo_open(struct kp_provider *provider)
{
    for (uint32_t i = 0; i < provider->n_shards; i++)
        kpi_shard_end_idle(&provider->shards[i]);
    (void)kpi_workers_stop(&provider->computers, UINT64_MAX); /* none was started */
    (void)kpi_workers_stop(&provider->blockers, UINT64_MAX);
    (void)kpi_resolver_stop(&provider->http.resolver, UINT64_MAX);
    kpi_provider_free(provider);
}

kp_status kpi_provider_open(const struct kp_options *options, const struct kpi_clock *clock,
                            kp_provider **ret_provider, struct kp_error *reterr)
{
    kp_status st = kpi_process_begin(reterr);
    if (st != KP_OK)
        return st;
    struct kp_provider *provider = kpb_alloc("provider", sizeof *provider);
    if (!provider || uv_mutex_init(&provider->lock) != 0) {
        kpb_free(provider);
        return kpb_fail_memory(reterr, "provider");
    }
    provider->epoch = kpi_process_epoch();
    provider->clock = clock;
    kpi_list_init(&provider->vaults);
    kpi_list_init(&provider->in_live);
    st = open_on_thread(provider, options, reterr);
    if (st != KP_OK) {
        undo_open(provider);
        return st;
    }
    kpi_process_add(provider);
    *ret_provider = provider;
    return KP_OK;
}

kp_status kp_provider_open(const struct kp_options *options, kp_provider **ret_provider,
                           struct kp_error *reterr)
{
    struct kp_options wishes;
    kp_options_init(&wishes);
    if (!ret_provider)
        return kpb_fail(reterr, KP_USAGE, "provider_open: ret_provider is NULL");
    if (options && options->struct_size < sizeof options->struct_size)
        return kpb_fail(reterr, KP_USAGE, "provider_open: options.struct_size is not set");
    if (options)
        kpi_struct_read(&wishes, sizeof wishes, options);
    return kpi_provider_open(&wishes, kpi_clock_system(), ret_provider, reterr);
}
