#include "ekm/patience.h"

#include "base/mem.h"
#include "ekm/provider.h"
#include "ekm/vault.h"

/* ---- Sharing ---- */

struct ekm_patience *ekm_patience_new(void)
{
    struct ekm_patience *patience = kpb_alloc("ekm.patience", sizeof *patience);

    if (patience)
        patience->n_refs = 1;
    return patience;
}

void ekm_patience_release_locked(struct ekm_patience *patience)
{
    if (patience && --patience->n_refs == 0)
        kpb_free(patience);
}

void ekm_patience_share_locked(struct ekm_vault *vault, const struct ekm_vault *other)
{
    if (!other)
        return;
    ekm_patience_release_locked(vault->patience);
    vault->patience = other->patience;
    vault->patience->n_refs++;
}

/* ---- Patience ---- */

/* Time during which others held the start up and this vault did not. */
static uint64_t held_up_by_others_locked(const struct ekm_provider *provider,
                                         const struct ekm_vault *vault, uint64_t now_ms)
{
    uint64_t all = ekm_stopwatch_read(&provider->waiting, now_ms);
    uint64_t own = ekm_stopwatch_read(&vault->patience->waiting, now_ms);

    return all > own ? all - own : 0;
}

uint64_t ekm_patience_left_ms(struct ekm_provider *provider, const struct ekm_vault *vault)
{
    uint64_t age = provider->env->age_ms(provider->env->ctx);
    uint64_t now = ekm_provider_now_ms(provider);
    uint64_t others;

    ekm_sync_lock(provider->sync);
    others = held_up_by_others_locked(provider, vault, now);
    ekm_sync_unlock(provider->sync);
    age = age > others ? age - others : 0;
    return age < provider->settings.patience_ms ? provider->settings.patience_ms - age : 0;
}

void ekm_patience_begin(struct ekm_provider *provider, struct ekm_vault *vault, uint64_t since_ms)
{
    ekm_sync_lock(provider->sync);
    ekm_stopwatch_start(&provider->waiting, since_ms);
    ekm_stopwatch_start(&vault->patience->waiting, since_ms);
    ekm_sync_unlock(provider->sync);
}

void ekm_patience_end(struct ekm_provider *provider, struct ekm_vault *vault)
{
    uint64_t now = ekm_provider_now_ms(provider);

    ekm_sync_lock(provider->sync);
    ekm_stopwatch_stop(&provider->waiting, now);
    ekm_stopwatch_stop(&vault->patience->waiting, now);
    ekm_sync_unlock(provider->sync);
}
