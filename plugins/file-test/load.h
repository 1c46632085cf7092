/* Getting keys into the table of loaded keys. Workers only. */
#ifndef KP_PLUGINS_FILE_TEST_LOAD_H
#define KP_PLUGINS_FILE_TEST_LOAD_H

#include "plugins/file-test/vault.h"

/*
 * The key version for use, from the table when its file did not change, else read anew, rotated
 * first when its policy says so and no version was asked for. *ret: the caller's reference.
 * Errors: usage (names), not_found, and those of ft_store_load.
 */
kp_status ft_load_key(struct ft_vault *vault, kp_span name, kp_span version, struct ft_loaded **ret,
                      struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_FILE_TEST_LOAD_H */
