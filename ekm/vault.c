#include "ekm/vault.h"

#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"

/* Longest wait for a file with an access secret, in which a disk answers or never. */
#define ACCESS_MS 5000u

/* ---- Acquiring from the core ---- */

static kp_status check_access(struct ekm_provider *provider, const struct ekm_credential *c,
                              struct kp_error *reterr)
{
    uint32_t timeout_ms = provider->settings.timeout_ms;
    kp_status st;

    if (c->kind != EKM_CREDENTIAL_CONFIG)
        return KP_OK;
    st = kp_config_check_access(provider->kp, ekm_credential_vault(c), kp_buf_view(&c->secret),
                                timeout_ms < ACCESS_MS ? timeout_ms : ACCESS_MS, reterr);
    if (st == KP_AUTH)
        reterr->code = KP_CODE_ErrorGetTokenBadCredentials;
    else if (st == KP_CONFIG || st == KP_TIMEOUT)
        reterr->code = KP_CODE_scp_err_AuthFailure;
    return st;
}

/* A host that no plugin serves is a misspelt one; the others are the configuration's business. */
static void number_refusal(const struct ekm_credential *c, struct kp_error *err)
{
    bool is_host = c->kind == EKM_CREDENTIAL_CLIENT || c->kind == EKM_CREDENTIAL_MANAGED;

    if (err->code == 0 && err->status == KP_CONFIG)
        err->code = is_host ? KP_CODE_ErrorAKVDoesNotExist : KP_CODE_scp_err_AuthFailure;
}

static kp_status acquire_kp(struct ekm_provider *provider, const struct ekm_credential *c,
                            kp_vault **ret, struct kp_error *reterr)
{
    struct kp_vault_options options = {.struct_size = sizeof options};
    kp_status st;

    if (c->kind == EKM_CREDENTIAL_CLIENT) {
        options.identity = kpb_span_str(c->client_id);
        options.secret = kp_buf_view(&c->secret);
    } else if (c->kind == EKM_CREDENTIAL_MANAGED) {
        options.identity = kpb_span_str("Managed Identity");
    }
    st = kp_vault_acquire(provider->kp, ekm_credential_vault(c), &options, ret, reterr);
    if (st != KP_OK)
        number_refusal(c, reterr);
    return st;
}

/* ---- The list ---- */

static struct ekm_vault *find_locked(struct ekm_provider *provider, const kp_vault *kp)
{
    struct ekm_vault *vault = provider->vaults;

    while (vault && vault->kp != kp)
        vault = vault->next;
    return vault;
}

static void free_vault(struct ekm_provider *provider, struct ekm_vault *vault)
{
    if (!vault)
        return;
    ekm_sync_lock(provider->sync);
    ekm_patience_release_locked(vault->patience);
    ekm_sync_unlock(provider->sync);
    ekm_unwrap_cache_free(vault->cache);
    kp_vault_release(vault->kp);
    kpb_free(vault);
}

/* Takes the longest unused one out if there are too many; NULL: there are not. */
static struct ekm_vault *take_surplus_locked(struct ekm_provider *provider)
{
    struct ekm_vault **oldest = NULL;

    if (provider->n_vaults <= EKM_IDLE_VAULTS_MAX)
        return NULL;
    for (struct ekm_vault **at = &provider->vaults; *at; at = &(*at)->next) {
        if ((*at)->n_refs == 0 && (!oldest || (*at)->last_used < (*oldest)->last_used))
            oldest = at;
    }
    if (!oldest)
        return NULL;
    struct ekm_vault *surplus = *oldest;
    *oldest = surplus->next;
    provider->n_vaults--;
    return surplus;
}

static kp_status set_text(struct ekm_vault *vault, const struct ekm_credential *c,
                          struct kp_error *reterr)
{
    char text[EKM_VAULT_MAX_LEN + 1];
    int n = snprintf(text, sizeof text, "%s%s", c->kind == EKM_CREDENTIAL_CONFIG ? "config:" : "",
                     ekm_credential_vault(c));

    if (n < 0 || (size_t)n >= sizeof text)
        return kpb_fail(reterr, KP_USAGE, "IDENTITY has more than %u bytes", EKM_VAULT_MAX_LEN);
    return ekm_vault_text(kpb_span_str(text), vault->text, reterr);
}

/* kp moves in, also on failure. */
static kp_status new_vault(struct ekm_provider *provider, const struct ekm_credential *c,
                           kp_vault *kp, struct ekm_vault **ret, struct kp_error *reterr)
{
    const struct ekm_settings *s = &provider->settings;
    struct ekm_vault *vault = kpb_alloc("ekm.vault", sizeof *vault);
    kp_status st;

    if (!vault) {
        kp_vault_release(kp);
        return kpb_fail_memory(reterr, "ekm.vault");
    }
    vault->kp = kp; /* moved to the vault */
    vault->patience = ekm_patience_new();
    st = vault->patience ? set_text(vault, c, reterr) : kpb_fail_memory(reterr, "ekm.patience");
    if (st == KP_OK && s->unwrap_cache_ms > 0)
        st = ekm_unwrap_cache_new(s->unwrap_cache_entries, s->unwrap_cache_ms, &vault->cache,
                                  reterr);
    if (st != KP_OK) {
        free_vault(provider, vault);
        return st;
    }
    *ret = vault; /* moved to the caller */
    return KP_OK;
}

/* Another entry of the vault, under another credential. */
static const struct ekm_vault *find_text_locked(const struct ekm_provider *provider,
                                                const char *text)
{
    const struct ekm_vault *vault = provider->vaults;

    while (vault && strcmp(vault->text, text) != 0)
        vault = vault->next;
    return vault;
}

/* The one that is in the list afterwards: somebody else may have been faster. */
static struct ekm_vault *hold_locked(struct ekm_provider *provider, struct ekm_vault *fresh,
                                     const kp_vault *kp)
{
    struct ekm_vault *vault = find_locked(provider, kp);

    if (!vault && fresh) {
        vault = fresh;
        ekm_patience_share_locked(vault, find_text_locked(provider, vault->text));
        vault->next = provider->vaults;
        provider->vaults = vault; /* moved to the list */
        provider->n_vaults++;
        vault->identity = provider->uses + 1;
    }
    if (vault) {
        vault->n_refs++;
        vault->last_used = ++provider->uses;
    }
    return vault;
}

static struct ekm_vault *hold(struct ekm_provider *provider, struct ekm_vault *fresh,
                              const kp_vault *kp)
{
    struct ekm_vault *vault;
    struct ekm_vault *surplus;

    ekm_sync_lock(provider->sync);
    vault = hold_locked(provider, fresh, kp);
    surplus = take_surplus_locked(provider);
    ekm_sync_unlock(provider->sync);
    free_vault(provider, surplus);
    return vault;
}

kp_status ekm_vault_acquire(struct ekm_provider *provider, const struct ekm_credential *credential,
                            struct ekm_vault **ret, struct kp_error *reterr)
{
    struct ekm_vault *fresh = NULL;
    kp_vault *kp = NULL;
    kp_status st = check_access(provider, credential, reterr);

    if (st == KP_OK)
        st = acquire_kp(provider, credential, &kp, reterr);
    if (st != KP_OK)
        return st;
    *ret = hold(provider, NULL, kp);
    if (*ret) {
        kp_vault_release(kp); /* the list holds it already */
        return KP_OK;
    }
    st = new_vault(provider, credential, kp, &fresh, reterr);
    if (st != KP_OK)
        return st;
    *ret = hold(provider, fresh, kp);
    if (*ret != fresh)
        free_vault(provider, fresh);
    return KP_OK;
}

void ekm_vault_release(struct ekm_provider *provider, struct ekm_vault *vault)
{
    ekm_sync_lock(provider->sync);
    vault->n_refs--;
    ekm_sync_unlock(provider->sync);
}

void ekm_vaults_clear(struct ekm_provider *provider)
{
    while (provider->vaults) {
        struct ekm_vault *vault = provider->vaults;

        provider->vaults = vault->next;
        free_vault(provider, vault);
    }
    provider->n_vaults = 0;
}

/* ---- What is known about the credential ---- */

/* 3800 to 3899: the proof of identity could not be made here, so nobody has refused it. */
static bool is_refusal(kp_status status, const struct kp_error *err)
{
    return status == KP_AUTH && err->code / 100 != 38;
}

void ekm_vault_learn(struct ekm_provider *provider, struct ekm_vault *vault, kp_status status,
                     const struct kp_error *err)
{
    uint64_t until = 0;

    if (is_refusal(status, err))
        until = ekm_provider_now_ms(provider) + provider->settings.bad_credential_ms;
    else if (status != KP_OK)
        return; /* says nothing about it */
    ekm_sync_lock(provider->sync);
    vault->bad_until_ms = until;
    ekm_sync_unlock(provider->sync);
}

bool ekm_vault_is_bad(struct ekm_provider *provider, struct ekm_vault *vault)
{
    uint64_t now = ekm_provider_now_ms(provider);
    bool bad;

    ekm_sync_lock(provider->sync);
    bad = now < vault->bad_until_ms;
    ekm_sync_unlock(provider->sync);
    return bad;
}
