/* Looking inside: plugins, vaults, counters and the configuration, for people and their tools. */
#include <keyprovider/keyprovider.h>

#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "core/metrics.h"
#include "core/observe.h"
#include "core/plugin_load.h"
#include "core/provider.h"
#include "core/schema.h"
#include "core/vault.h"

#define METRICS_TEXT_MAX_LEN (64u * 1024u * 1024u)

const char *kp_version(void)
{
    return KP_VERSION_BUILT;
}

/* Goes in as any caller does, so that nothing is freed meanwhile; pair with leave. */
static bool enter(kp_provider *provider)
{
    return provider && kpi_caller_enter(&provider->shards[0], NULL) == KP_OK;
}

static void leave(kp_provider *provider)
{
    kpi_caller_leave(&provider->shards[0]);
}

void kp_plugins_each(kp_provider *provider, kp_plugin_each_fn *each, void *ctx)
{
    if (!each || !enter(provider))
        return;
    for (size_t i = 0; i < provider->plugins.n_items; i++)
        each(ctx, &provider->plugins.items[i]->table, provider->plugins.items[i]->origin);
    leave(provider);
}

/* ---- Vaults ---- */

/* As the newest configuration has it. vault->config is the loop thread's. */
static const char *location_locked(const struct kp_vault *vault)
{
    const struct kpi_vault_config *config =
        vault->configured
            ? kpi_config_find_vault(&vault->provider->config->config, kpb_span_str(vault->name))
            : &vault->own_config;
    return config ? config->location : vault->location;
}

static void describe_open_locked(const struct kp_vault *vault, struct kp_vault_info *ret)
{
    uint32_t pending = atomic_load_explicit(&vault->n_pending, memory_order_relaxed);
    uint32_t in_flight = atomic_load_explicit(&vault->n_in_flight, memory_order_relaxed);
    *ret = (struct kp_vault_info){
        .struct_size = sizeof *ret,
        .configured = vault->configured,
        .name = vault->name,
        .plugin = vault->plugin->name,
        .location = location_locked(vault),
        .state = kpi_vault_state_text(vault),
        .breaker = kpi_breaker_text(&vault->breaker),
        .n_in_flight = in_flight,
        .n_queued = pending > in_flight ? pending - in_flight : 0,
    };
}

/* One that stands in the configuration and has not been asked for yet. */
static void describe_configured(const struct kpi_vault_config *config, struct kp_vault_info *ret)
{
    *ret = (struct kp_vault_info){
        .struct_size = sizeof *ret,
        .configured = 1,
        .name = config->name,
        .plugin = config->plugin,
        .location = config->location,
        .state = "idle",
        .breaker = "closed",
    };
}

static bool is_open_locked(const struct kp_provider *provider,
                           const struct kpi_vault_config *config)
{
    for (struct kpi_link *link = provider->vaults.next; link != &provider->vaults;
         link = link->next) {
        const struct kp_vault *vault = KPI_HOLDER(link, struct kp_vault, in_registry);
        if (vault->configured && strcmp(vault->name, config->name) == 0)
            return true;
    }
    return false;
}

static void each_vault_locked(struct kp_provider *provider, kp_vault_each_fn *each, void *ctx)
{
    const struct kpi_config *config = &provider->config->config;
    struct kp_vault_info info;
    for (struct kpi_link *link = provider->vaults.next; link != &provider->vaults;
         link = link->next) {
        describe_open_locked(KPI_HOLDER(link, struct kp_vault, in_registry), &info);
        each(ctx, &info);
    }
    for (size_t i = 0; i < config->n_vaults; i++) {
        if (is_open_locked(provider, &config->vaults[i]))
            continue;
        describe_configured(&config->vaults[i], &info);
        each(ctx, &info);
    }
}

void kp_vaults_each(kp_provider *provider, kp_vault_each_fn *each, void *ctx)
{
    if (!each || !enter(provider))
        return;
    uv_mutex_lock(&provider->lock);
    each_vault_locked(provider, each, ctx);
    uv_mutex_unlock(&provider->lock);
    leave(provider);
}

/* ---- Counters ---- */

void kp_metrics_each(kp_provider *provider, kp_metrics_each_fn *each, void *ctx)
{
    if (!each || !enter(provider))
        return;
    kpi_metrics_each(provider->metrics, each, ctx);
    leave(provider);
}

void kp_phases_each(kp_provider *provider, kp_phases_each_fn *each, void *ctx)
{
    if (!each || !enter(provider))
        return;
    kpi_metrics_each_phase(provider->metrics, each, ctx);
    leave(provider);
}

void kp_vault_metrics_each(kp_provider *provider, kp_vault_metrics_each_fn *each, void *ctx)
{
    if (!each || !enter(provider))
        return;
    kpi_metrics_each_vault(provider->metrics, each, ctx);
    leave(provider);
}

kp_status kp_metrics_text(kp_provider *provider, kp_text_fn *write, void *ctx)
{
    kp_buf text;
    if (!write || !enter(provider))
        return KP_USAGE;
    kp_buf_init(&text, "metrics.text", METRICS_TEXT_MAX_LEN);
    kp_status st = kpi_observe_metrics_text(provider, &text);
    if (st == KP_OK)
        write(ctx, kp_buf_view(&text));
    kp_buf_clear(&text);
    leave(provider);
    return st;
}

/* ---- Configuration ---- */

static kp_status check_with_plugins(const struct kp_options *options, struct kpi_config *config,
                                    struct kp_error *reterr)
{
    struct kpi_plugins plugins;
    const struct kpi_plugin_sources sources = kpi_plugin_sources_of(options, config);
    kpi_plugins_init(&plugins);
    kp_status st = kpi_plugins_load(&plugins, &sources, reterr);
    if (st == KP_OK)
        st = kpi_provider_check_vaults(&plugins, config, reterr);
    kpi_plugins_clear(&plugins);
    return st;
}

kp_status kp_config_check(const struct kp_options *options, kp_text_fn *write, void *ctx,
                          struct kp_error *reterr)
{
    struct kp_options wishes;
    struct kpi_config config;
    kp_options_init(&wishes);
    if (options && options->struct_size < sizeof options->struct_size)
        return kpb_fail(reterr, KP_USAGE, "config_check: options.struct_size is not set");
    if (options)
        kpi_struct_read(&wishes, sizeof wishes, options);
    kp_status st = kpi_config_load(&wishes, &config, reterr);
    if (st != KP_OK)
        return st;
    st = check_with_plugins(&wishes, &config, reterr);
    if (st == KP_OK && write && kpi_config_write_effective(&config, write, ctx) != KP_OK)
        st = kpb_fail_memory(reterr, "config.write");
    kpi_config_clear(&config);
    return st;
}

kp_status kp_config_section(kp_provider *provider, const char *name, kp_text_fn *write, void *ctx)
{
    kp_status st;
    if (!name || !write || !enter(provider))
        return KP_USAGE;
    st = kpi_config_write_section(kpi_provider_config(provider), name, write, ctx);
    leave(provider);
    return st;
}

static kp_status check_access(kp_provider *provider, const char *name, kp_span secret,
                              uint32_t timeout_ms, struct kp_error *reterr)
{
    const struct kpi_vault_config *vault =
        kpi_config_find_vault(kpi_provider_config(provider), kpb_span_str(name));
    if (!vault)
        return kpb_fail(reterr, KP_CONFIG, "no vault of the name %.128s is configured", name);
    if (vault->access_secret.kind == KPI_SECRET_NONE)
        return kpb_fail(reterr, KP_CONFIG, "vaults.%s.access_secret is not set", name);
    kp_status st =
        kpi_access_check(&provider->access, &vault->access_secret, secret, timeout_ms, reterr);
    if (st != KP_OK)
        kpb_error_prefix(reterr, "vaults.%s.access_secret", name);
    return st;
}

kp_status kp_config_check_access(kp_provider *provider, const char *vault, kp_span secret,
                                 uint32_t timeout_ms, struct kp_error *reterr)
{
    if (!vault || (secret.len > 0 && !secret.ptr) || !enter(provider))
        return kpb_fail(reterr, KP_USAGE, "check_access: no provider, vault or secret");
    kp_status st = check_access(provider, vault, secret, timeout_ms, reterr);
    leave(provider);
    return st;
}

kp_status kp_config_schema(kp_text_fn *write, void *ctx)
{
    return write ? kpi_schema_write(NULL, write, ctx) : KP_USAGE;
}
