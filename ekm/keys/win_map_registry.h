/*
 * The key map's store in the registry of Windows. Below the key that the connector's documents name
 * (made once, with the rights of the account that SQL Server runs as):
 *
 *   ROOT\keyprovider                          ours: one value a record, THUMBPRINT VAULT, whose
 *   data
 *                                             is the text of a map with that record
 *   ROOT\Azure Key Vault\VAULT\THUMBPRINT     the connector's: KeyUri. Read, never written.
 *
 * A record is replaced by the writing of one value, so after a crash each record is the old or the
 * new one; a change of several records may have come half way, and repeating it completes it. A
 * record of ours goes before the connector's of the same thumbprint and vault.
 *
 * Threads: as ekm/keys/map_store.h.
 */
#ifndef KP_EKM_KEYS_WIN_MAP_REGISTRY_H
#define KP_EKM_KEYS_WIN_MAP_REGISTRY_H

#include "ekm/keys/map_store.h"

struct ekm_win_registry;

/* Whether a map's path is one of the registry: HKLM\... or HKCU\..., letters of any case. */
bool ekm_win_is_registry_path(const char *path);

/* A store over the key path; copied. Touches nothing. Errors: usage, no_memory. */
kp_status ekm_win_registry_new(const char *path, struct ekm_win_registry **ret,
                               struct kp_error *reterr) KP_MUST_USE;
/* NULL allowed. */
void ekm_win_registry_free(struct ekm_win_registry *registry);
/* Fills a store that uses registry. */
void ekm_win_registry_store(struct ekm_win_registry *registry, struct ekm_map_store *ret);

#endif /* KP_EKM_KEYS_WIN_MAP_REGISTRY_H */
