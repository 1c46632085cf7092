/*
 * The registry: which vaults a provider has, found by name and credential. The same text with
 * another secret is another vault here, so no login ever sees what another one unlocked.
 */
#include <keyprovider/keyprovider.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/aside.h"
#include "core/observe.h"
#include "core/pipeline.h"
#include "core/process.h"
#include "core/provider.h"
#include "core/route.h"
#include "core/vault.h"
#include "crypto/hash.h"

/* ---- Identity ---- */

static kp_status append_sized(kp_buf *buf, kp_span part)
{
    uint8_t len[8];
    for (unsigned i = 0; i < sizeof len; i++)
        len[i] = (uint8_t)((uint64_t)part.len >> (8 * i));
    kp_status st = kp_buf_append(buf, kpb_span(len, sizeof len));
    return st == KP_OK ? kp_buf_append(buf, part) : st;
}

/* HMAC, with a key of this provider's, of everything two equal vaults must share but the name. */
static kp_status take_fingerprint(const struct kp_provider *provider,
                                  const struct kp_vault_options *options,
                                  uint8_t ret[KPI_FINGERPRINT_LEN], struct kp_error *reterr)
{
    uint8_t flags = (uint8_t)options->flags;
    kp_buf material;
    kp_buf_init_secret(&material, "vault.fingerprint", 2 * KP_PAYLOAD_MAX_LEN);
    kp_status st = kp_buf_append_byte(&material, flags);
    if (st == KP_OK)
        st = append_sized(&material, options->identity);
    if (st == KP_OK)
        st = append_sized(&material, options->secret);
    if (st == KP_OK)
        st = kpc_hmac_sha256(kpb_span(provider->credential_key, KPI_CREDENTIAL_KEY_LEN),
                             kp_buf_view(&material), ret, reterr);
    else
        st = kpb_fail(reterr, st, "the credential is too long or memory is out");
    kp_buf_clear(&material);
    return st;
}

struct fingerprinting {
    const struct kp_provider *provider;
    const struct kp_vault_options *options;
    uint8_t *fingerprint;
    struct kp_error *reterr;
    kp_status status;
};

static void take_aside(void *ctx)
{
    struct fingerprinting *f = ctx;
    f->status = take_fingerprint(f->provider, f->options, f->fingerprint, f->reterr);
}

/* The caller's thread and its locks stay out of it. */
static kp_status take_on_loop(struct kp_provider *provider, const struct kp_vault_options *options,
                              uint8_t ret[KPI_FINGERPRINT_LEN], struct kp_error *reterr)
{
    struct fingerprinting f = {provider, options, ret, reterr, KP_INTERNAL};
    kpi_aside_on_loop(&provider->shards[0], take_aside, &f);
    return f.status;
}

static struct kp_vault *find_locked(struct kp_provider *provider, const char *name,
                                    const uint8_t fingerprint[KPI_FINGERPRINT_LEN])
{
    for (struct kpi_link *link = provider->vaults.next; link != &provider->vaults;
         link = link->next) {
        struct kp_vault *vault = KPI_HOLDER(link, struct kp_vault, in_registry);
        if (kpb_span_eq_str(kpb_span_str(vault->name), name) &&
            memcmp(vault->fingerprint, fingerprint, KPI_FINGERPRINT_LEN) == 0)
            return vault;
    }
    return NULL;
}

/* ---- Making and freeing ---- */

static void init_lists(struct kp_vault *vault)
{
    kpi_list_init(&vault->in_registry);
    kpi_list_init(&vault->in_shard);
    kpi_list_init(&vault->in_ready);
    kpi_list_init(&vault->ops);
    kpi_list_init(&vault->queue);
    kpi_list_init(&vault->patient);
    kpi_list_init(&vault->in_flight);
    kpi_list_init(&vault->errands);
    kpi_list_init(&vault->reloads);
}

/* A configured vault uses the configuration's own record; any other gets one with the defaults. */
static kp_status set_config(struct kp_vault *vault, const struct kpi_config *config,
                            const struct kpi_route *route, struct kp_error *reterr)
{
    if (route->configured) {
        vault->config = route->configured;
        return KP_OK;
    }
    kp_status st = kpi_vault_config_init(&vault->own_config, config, kpb_span_str(route->name),
                                         kpb_span_str(route->location));
    if (st != KP_OK)
        return kpb_fail_memory(reterr, "vault.config");
    vault->config = &vault->own_config;
    return kpi_config_check_settings(&vault->own_config, &route->plugin->caps, reterr);
}

static kp_status copy_credential(struct kp_vault *vault, const struct kp_vault_options *options,
                                 struct kp_error *reterr)
{
    kp_buf_init(&vault->identity, "vault.identity", KP_VAULT_TEXT_MAX_LEN);
    kp_buf_init_secret(&vault->secret, "vault.secret", KPI_SECRET_MAX_LEN);
    kp_status st = kp_buf_append(&vault->identity, options->identity);
    if (st == KP_OK)
        st = kp_buf_append(&vault->secret, options->secret);
    return st == KP_OK ? st : kpb_fail(reterr, st, "the identity or the secret is too long");
}

static kp_status fill_vault(struct kp_vault *vault, struct kp_provider *provider,
                            const struct kpi_route *route, const struct kp_vault_options *options,
                            struct kp_error *reterr)
{
    init_lists(vault);
    vault->provider = provider;
    vault->plugin = &route->plugin->table;
    vault->configured = route->configured != NULL;
    vault->open_flags = options->flags & KP_VAULT_MAY_CREATE;
    kpi_breaker_init(&vault->breaker);
    kpi_key_cache_init(&vault->cache, vault);
    kp_status st = set_config(vault, &provider->config->config, route, reterr);
    if (st != KP_OK)
        return st;
    atomic_init(&vault->limits, &vault->config->limits);
    kpi_budget_init(&vault->budget, vault->config->limits.retry_budget_burst);
    vault->name = kpb_strdup_span("vault.name", kpb_span_str(route->name));
    vault->location = kpb_strdup_span("vault.location", kpb_span_str(route->location));
    /* Before the door opens: a plugin may still be calling at one that is used again. */
    vault->shard = &provider->shards[provider->next_shard % provider->n_shards];
    vault->door = kpi_door_open(vault);
    vault->metrics = kpi_observe_add_vault(provider, route->name);
    if (!vault->name || !vault->location || !vault->door || !vault->metrics)
        return kpb_fail_memory(reterr, "vault");
    return copy_credential(vault, options, reterr);
}

void kpi_vault_free(struct kp_vault *vault)
{
    if (!vault)
        return;
    kpi_door_close(vault->door);
    kpi_key_cache_clear(&vault->cache);
    kpi_observe_remove_vault(vault);
    kpi_vault_config_clear(&vault->own_config);
    kp_buf_clear(&vault->identity);
    kp_buf_clear(&vault->secret);
    kpb_free(vault->name);
    kpb_free(vault->location);
    kpb_free(vault);
}

/* ---- Retiring ---- */

static void retired_vault_closed(struct kp_vault *vault)
{
    kpi_list_remove(&vault->in_shard);
    kpi_vault_free(vault);
}

static void deliver_retire(struct kpi_mail *mail)
{
    kpi_vault_begin_close(KPI_HOLDER(mail, struct kp_vault, close_mail));
}

static struct kp_vault *least_recently_used_locked(struct kp_provider *provider)
{
    struct kp_vault *found = NULL;
    for (struct kpi_link *link = provider->vaults.next; link != &provider->vaults;
         link = link->next) {
        struct kp_vault *vault = KPI_HOLDER(link, struct kp_vault, in_registry);
        bool idle = vault->n_acquired == 0 && atomic_load(&vault->n_pending) == 0 &&
                    atomic_load(&vault->n_in_flight) == 0;
        if (idle && (!found || vault->last_used < found->last_used))
            found = vault;
    }
    return found;
}

/* Makes room for one more vault by closing one that nobody holds or waits for; false: there is
 * none. */
static bool make_room_locked(struct kp_provider *provider)
{
    if (provider->n_vaults < provider->config->config.provider.max_vaults)
        return true;
    struct kp_vault *vault = least_recently_used_locked(provider);
    if (!vault)
        return false;
    kpi_list_remove(&vault->in_registry);
    provider->n_vaults--;
    vault->on_closed = retired_vault_closed;
    vault->close_mail.deliver = deliver_retire;
    kpi_shard_post(vault->shard, &vault->close_mail);
    return true;
}

/* ---- The client face ---- */

static void deliver_attach(struct kpi_mail *mail)
{
    struct kp_vault *vault = KPI_HOLDER(mail, struct kp_vault, attach_mail);
    kpi_list_append(&vault->shard->vaults, &vault->in_shard);
}

static void register_locked(struct kp_provider *provider, struct kp_vault *vault)
{
    provider->next_shard++;
    vault->attach_mail.deliver = deliver_attach;
    kpi_list_append(&provider->vaults, &vault->in_registry);
    provider->n_vaults++;
    kpi_shard_post(vault->shard, &vault->attach_mail);
}

static kp_status make_vault_locked(struct kp_provider *provider, const struct kpi_route *route,
                                   const struct kp_vault_options *options,
                                   const uint8_t fingerprint[KPI_FINGERPRINT_LEN],
                                   struct kp_vault **ret_vault, struct kp_error *reterr)
{
    if (!make_room_locked(provider))
        return kpb_fail(reterr, KP_THROTTLED, "%u vaults are in use, as many as max_vaults allows",
                        provider->n_vaults);
    struct kp_vault *vault = kpb_alloc("vault", sizeof *vault);
    if (!vault)
        return kpb_fail_memory(reterr, "vault");
    kp_status st = fill_vault(vault, provider, route, options, reterr);
    if (st != KP_OK) {
        kpi_vault_free(vault);
        return st;
    }
    memcpy(vault->fingerprint, fingerprint, KPI_FINGERPRINT_LEN);
    register_locked(provider, vault);
    *ret_vault = vault;
    return KP_OK;
}

static kp_status acquire_locked(struct kp_provider *provider, const char *text,
                                const struct kp_vault_options *options,
                                const uint8_t fingerprint[KPI_FINGERPRINT_LEN],
                                struct kp_vault **ret_vault, struct kp_error *reterr)
{
    struct kpi_route route = {0};
    struct kp_vault *vault = NULL;
    kp_status st = kpi_route_find(&provider->config->config, &provider->plugins, kpb_span_str(text),
                                  &route, reterr);
    if (st == KP_OK)
        vault = find_locked(provider, route.name, fingerprint);
    if (st == KP_OK && !vault)
        st = make_vault_locked(provider, &route, options, fingerprint, &vault, reterr);
    if (st == KP_OK) {
        vault->n_acquired++;
        vault->last_used = ++provider->uses;
        *ret_vault = vault;
    }
    kpi_route_clear(&route);
    return st;
}

static kp_status check_options(const struct kp_vault_options *options, struct kp_error *reterr)
{
    if (options->identity.len > 0 && !options->identity.ptr)
        return kpb_fail(reterr, KP_USAGE, "vault_acquire: identity is NULL but has a length");
    if (options->secret.len > 0 && !options->secret.ptr)
        return kpb_fail(reterr, KP_USAGE, "vault_acquire: secret is NULL but has a length");
    return KP_OK;
}

kp_status kp_vault_acquire(kp_provider *provider, const char *text,
                           const struct kp_vault_options *options, kp_vault **ret_vault,
                           struct kp_error *reterr)
{
    struct kp_vault_options wishes = {.struct_size = sizeof wishes};
    uint8_t fingerprint[KPI_FINGERPRINT_LEN];
    if (!provider || !text || !ret_vault)
        return kpb_fail(reterr, KP_USAGE, "vault_acquire: provider, text or ret_vault is NULL");
    if (options && options->struct_size < sizeof options->struct_size)
        return kpb_fail(reterr, KP_USAGE, "vault_acquire: options.struct_size is not set");
    if (options)
        kpi_struct_read(&wishes, sizeof wishes, options);
    kp_status st = check_options(&wishes, reterr);
    if (st == KP_OK)
        st = kpi_caller_enter(&provider->shards[0], reterr);
    if (st != KP_OK)
        return st;
    st = take_on_loop(provider, &wishes, fingerprint, reterr);
    uv_mutex_lock(&provider->lock);
    if (st == KP_OK)
        st = kpi_provider_check(provider, reterr);
    if (st == KP_OK)
        st = acquire_locked(provider, text, &wishes, fingerprint, ret_vault, reterr);
    uv_mutex_unlock(&provider->lock);
    kpi_caller_leave(&provider->shards[0]);
    return st;
}

void kp_vault_release(kp_vault *vault)
{
    if (!vault || kpi_provider_check(vault->provider, NULL) != KP_OK)
        return; /* a forked child, or a provider that is closing and frees it anyway */
    uv_mutex_lock(&vault->provider->lock);
    vault->n_acquired--;
    uv_mutex_unlock(&vault->provider->lock);
}
