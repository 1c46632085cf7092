/*
 * The map that Microsoft's connector keeps in the registry of Windows, read in place and never
 * changed: ROOT\Azure Key Vault\VAULT\THUMBPRINT with the value KeyUri. Any thread; blocks on the
 * registry.
 */
#ifndef KP_EKM_KEYS_WIN_CONNECTOR_MAP_H
#define KP_EKM_KEYS_WIN_CONNECTOR_MAP_H

#include "ekm/keys/map_store.h"
#include "ekm/keys/map_table.h"

/*
 * Puts every entry below root (an open key, as a void pointer) into table as ekm_reg_read would;
 * what is in the way there stays. An entry that is not understood is passed over: it is not ours to
 * mend, and the others are needed. No such map: nothing is put.
 * Errors: config with code 2058 (full), no_memory.
 */
kp_status ekm_win_connector_read(void *root, struct ekm_table *table, struct kp_error *reterr)
    KP_MUST_USE;

/*
 * Folds what would change with the map into two numbers: when its keys were last written, and how
 * many there are. Both 0: there is none.
 */
void ekm_win_connector_stamp(void *root, uint64_t *ret_written, uint64_t *ret_keys);

#endif /* KP_EKM_KEYS_WIN_CONNECTOR_MAP_H */
