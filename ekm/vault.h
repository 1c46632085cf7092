/*
 * A vault under one credential, shared by the sessions that have both: what is known about the
 * credential, and the values it unwrapped. Whose secret differs has another one (kp_vault_acquire
 * tells by an HMAC of the credential), so nobody meets what another login unlocked.
 *
 * Counted; one that nobody holds stays for a while, for what it knows is worth keeping.
 *
 * Threads: any.
 */
#ifndef KP_EKM_VAULT_H
#define KP_EKM_VAULT_H

#include "ekm/credential.h"
#include "ekm/provider.h"
#include "ekm/unwrap_cache.h"

#define EKM_IDLE_VAULTS_MAX 256u

struct ekm_vault {
    /* ---- fixed after acquire ---- */
    kp_vault *kp;
    uint64_t identity;                /* tells credentials apart, for the resolver */
    char text[EKM_VAULT_MAX_LEN + 1]; /* as records and log lines name it */
    struct ekm_unwrap_cache *cache;   /* NULL: off */
    struct ekm_patience *patience;    /* with the others of the same text */

    /* ---- under provider->sync ---- */
    struct ekm_vault *next;
    uint32_t n_refs;
    uint64_t last_used;
    uint64_t bad_until_ms; /* 0: nothing is known against the credential */
};

/*
 * The vault of a credential. Asks no network; waits for a file with an access secret, but never on
 * it. Errors: auth with 3303 (wrong access secret), not_found with 3900 (no plugin serves the
 * host), config with 5, timeout with 5 (the file hangs), throttled, no_memory.
 */
kp_status ekm_vault_acquire(struct ekm_provider *provider, const struct ekm_credential *credential,
                            struct ekm_vault **ret, struct kp_error *reterr) KP_MUST_USE;
void ekm_vault_release(struct ekm_provider *provider, struct ekm_vault *vault);

/* Notes how an operation under the credential ended. */
void ekm_vault_learn(struct ekm_provider *provider, struct ekm_vault *vault, kp_status status,
                     const struct kp_error *err);
/* Whether the vault refused the credential lately. */
bool ekm_vault_is_bad(struct ekm_provider *provider, struct ekm_vault *vault);

/* Frees them all; no session is left. */
void ekm_vaults_clear(struct ekm_provider *provider);

#endif /* KP_EKM_VAULT_H */
