/*
 * How long failures that pass are waited out: ekm.patience_ms from the start of the process, for
 * each vault, shared by everybody who calls it under whatever credential.
 *
 *     left = patience - (age of the process - time that only other vaults held the start up)
 *
 * So five hundred databases on one vault wait together and not one after the other, and a vault
 * that is away does not use up what the next one may need when its databases come to be opened.
 *
 * Threads: any; what changes is under the provider's sync.
 */
#ifndef KP_EKM_PATIENCE_H
#define KP_EKM_PATIENCE_H

#include "ekm/stopwatch.h"

struct ekm_provider;
struct ekm_vault;

/* What the entries of one vault have in common, whatever their credentials. */
struct ekm_patience {
    uint32_t n_refs; /* entries */
    struct ekm_stopwatch waiting;
};

/* NULL: memory is out. */
struct ekm_patience *ekm_patience_new(void);
/* Makes both entries share other's; NULL allowed for other. Under the provider's sync. */
void ekm_patience_share_locked(struct ekm_vault *vault, const struct ekm_vault *other);
/* Under the provider's sync, or when nobody else knows it. NULL allowed. */
void ekm_patience_release_locked(struct ekm_patience *patience);

/* Milliseconds of patience with a vault that are left. */
uint64_t ekm_patience_left_ms(struct ekm_provider *provider, const struct ekm_vault *vault);
/* A call that began at since_ms has failed for a passing reason and goes on; exactly one end
 * follows. */
void ekm_patience_begin(struct ekm_provider *provider, struct ekm_vault *vault, uint64_t since_ms);
void ekm_patience_end(struct ekm_provider *provider, struct ekm_vault *vault);

#endif /* KP_EKM_PATIENCE_H */
