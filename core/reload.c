/*
 * Taking over a changed configuration while running: read and checked as a whole first, then every
 * vault gets its new limits, and plugins that can are handed their new settings. Older
 * configurations stay until the end: somebody may be reading them.
 */
#include <keyprovider/keyprovider.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/observe.h"
#include "core/pipeline.h"
#include "core/plugin_status.h"
#include "core/process.h"
#include "core/provider.h"
#include "core/vault.h"

/* ---- A vault's plugin gets its new settings ---- */

static void hand_over(struct kp_vault *vault, struct kpi_reload *reload)
{
    const struct kp_vault_settings settings = kpi_vault_settings(vault, &reload->inputs);
    if (reload->status == KP_OK && kpi_vault_state_of(vault) == KPI_VAULT_OPEN)
        reload->status =
            kpi_plugin_status(vault->plugin->reload(vault->instance, &settings, &reload->error),
                              &reload->error, "reload");
    kpi_observe_reloaded(vault, reload->status, &reload->error);
}

static void deliver_new_inputs(struct kpi_mail *mail)
{
    struct kpi_reload *reload = KPI_HOLDER(mail, struct kpi_reload, mail);
    struct kp_vault *vault = reload->vault;
    if (reload->config ==
        vault->config) /* else a later reload's are on their way, or were faster */
        hand_over(vault, reload);
    kpi_vault_inputs_clear(&reload->inputs);
    kpi_list_remove(&reload->in_vault);
    kpb_free(reload);
    kpi_vault_check_close(vault);
}

static void fetch_new_inputs(struct kpi_job *job)
{
    struct kpi_reload *reload = KPI_HOLDER(job, struct kpi_reload, job);
    reload->status = kpi_vault_inputs_fetch(reload->config, &reload->inputs, &reload->error);
    reload->mail.deliver = deliver_new_inputs;
    kpi_shard_post(reload->vault->shard, &reload->mail);
}

static void deliver_reload(struct kpi_mail *mail)
{
    struct kpi_reload *reload = KPI_HOLDER(mail, struct kpi_reload, mail);
    struct kp_vault *vault = reload->vault;
    kpi_list_append(&vault->reloads, &reload->in_vault);
    vault->config = reload->config;
    reload->job.run = fetch_new_inputs;
    if (kpi_workers_submit(&vault->provider->blockers, &reload->job) == KP_OK)
        return;
    reload->status = kpb_fail(&reload->error, KP_NO_MEMORY, "no worker to read the new settings");
    deliver_new_inputs(&reload->mail);
}

/* ---- The provider ---- */

static const struct kpi_vault_config *config_for(const struct kp_vault *vault,
                                                 const struct kpi_config *config)
{
    return vault->configured ? kpi_config_find_vault(config, kpb_span_str(vault->name)) : NULL;
}

/* A vault that is no longer configured keeps what it has until it is closed. */
static void apply_to_vault(struct kp_vault *vault, const struct kpi_config *config)
{
    const struct kpi_vault_config *mine = config_for(vault, config);
    if (vault->configured && !mine)
        return;
    atomic_store_explicit(&vault->limits, mine ? &mine->limits : &config->defaults,
                          memory_order_release);
    if (!mine)
        return;
    struct kpi_reload *reload = kpb_alloc("reload", sizeof *reload);
    if (!reload) {
        struct kp_error error;
        kpi_observe_reloaded(vault, kpb_fail_memory(&error, "reload"), &error);
        return;
    }
    reload->vault = vault;
    reload->config = mine;
    kpi_list_init(&reload->in_vault);
    reload->mail.deliver = deliver_reload;
    kpi_shard_post(vault->shard, &reload->mail);
}

static void apply_locked(struct kp_provider *provider, struct kpi_config_age *age)
{
    age->older = provider->config;
    provider->config = age;
    kpi_observe_configure(provider);
    for (struct kpi_link *link = provider->vaults.next; link != &provider->vaults;
         link = link->next)
        apply_to_vault(KPI_HOLDER(link, struct kp_vault, in_registry), &age->config);
}

/* Once closing is set, under the same lock, no loop need be there any more for our mail. */
static kp_status apply(struct kp_provider *provider, struct kpi_config_age *age,
                       struct kp_error *reterr)
{
    uv_mutex_lock(&provider->lock);
    kp_status st = kpi_provider_check(provider, reterr);
    if (st == KP_OK)
        apply_locked(provider, age);
    uv_mutex_unlock(&provider->lock);
    return st;
}

static kp_status load_next(struct kp_provider *provider, struct kpi_config_age *age,
                           struct kp_error *reterr)
{
    struct kp_options options;
    kp_options_init(&options);
    options.config_path = provider->config_path;
    kp_status st = kpi_config_load(&options, &age->config, reterr);
    /* First the plugins' settings: only then do both sides have defaults, types and marks. */
    if (st == KP_OK)
        st = kpi_provider_check_vaults(&provider->plugins, &age->config, reterr);
    return st == KP_OK
               ? kpi_config_check_reload(kpi_provider_config(provider), &age->config, reterr)
               : st;
}

static kp_status reload_now(struct kp_provider *provider, struct kp_error *reterr)
{
    if (!provider->config_path)
        return kpb_fail(reterr, KP_USAGE, "reload: the provider was opened without a file");
    struct kpi_config_age *age = kpb_alloc("provider.config", sizeof *age);
    if (!age)
        return kpb_fail_memory(reterr, "provider.config");
    kpi_config_init(&age->config);
    kp_status st = load_next(provider, age, reterr);
    if (st == KP_OK)
        st = apply(provider, age, reterr);
    if (st != KP_OK) {
        kpi_config_clear(&age->config);
        kpb_free(age);
    }
    return st;
}

kp_status kp_provider_reload(kp_provider *provider, struct kp_error *reterr)
{
    if (!provider)
        return kpb_fail(reterr, KP_USAGE, "reload: provider is NULL");
    kp_status st = kpi_caller_enter(&provider->shards[0], reterr);
    if (st != KP_OK)
        return st;
    st = reload_now(provider, reterr);
    kpi_caller_leave(&provider->shards[0]);
    return st;
}
