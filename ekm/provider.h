/*
 * The provider's life: what Initialize opens and Free closes. It is there between the first
 * Initialize and the last Free and can be opened again after that.
 *
 * Every call holds the provider while it runs (acquire, release). Free takes it away from new
 * calls, cancels what runs, waits for the calls to leave, and then closes: so nothing of it is left
 * when the library is unloaded.
 *
 * Threads: any.
 */
#ifndef KP_EKM_PROVIDER_H
#define KP_EKM_PROVIDER_H

#include "ekm/environment.h"
#include "ekm/keys/resolve.h"
#include "ekm/keys/sync.h"
#include "ekm/patience.h"
#include "ekm/report.h"
#include "ekm/settings.h"

struct ekm_session;
struct ekm_vault;

#define EKM_SESSION_BUCKETS 4096u

struct ekm_provider {
    /* ---- fixed after open ---- */
    const struct ekm_environment *env;
    kp_provider *kp;
    struct ekm_settings settings;
    struct ekm_report *report;
    struct ekm_clock clock;
    ekm_map *map;
    ekm_resolver *resolver;
    struct ekm_sync *sync;

    /* ---- under the global lock ---- */
    uint32_t n_initialized;

    /* ---- under sync ---- */
    uint32_t n_users; /* calls inside, and the opening itself */
    bool is_closing;
    struct ekm_session *buckets[EKM_SESSION_BUCKETS];
    uint32_t n_sessions;
    struct ekm_vault *vaults;
    uint32_t n_vaults;
    uint64_t uses;
    struct ekm_stopwatch waiting; /* of calls on any vault, see patience.h */
};

/* SqlCryptInitializeProvider and SqlCryptFreeProvider. */
SqlCpError ekm_provider_initialize(void);
SqlCpError ekm_provider_free(void);

/* The provider, held until release; NULL: there is none. */
struct ekm_provider *ekm_provider_acquire(void);
void ekm_provider_release(struct ekm_provider *provider);

uint64_t ekm_provider_now_ms(const struct ekm_provider *provider);
#endif /* KP_EKM_PROVIDER_H */
