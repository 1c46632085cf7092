/*
 * What create, import and update ask for, checked and applied to a version. Pure functions.
 * Every error is usage or unsupported with one sentence that names the member.
 */
#ifndef KP_PLUGINS_FILE_TEST_PARAMS_H
#define KP_PLUGINS_FILE_TEST_PARAMS_H

#include "plugins/file-test/op.h"

/*
 * The key type a new key gets from the one asked for: HSM kinds only with the setting hsm, where
 * every key is of an HSM kind. Errors: usage, unsupported.
 */
kp_status ft_params_kty(const struct ft_vault *vault, uint32_t asked, uint32_t *ret,
                        struct kp_error *reterr) KP_MUST_USE;

/* Checks what is the same for all three: key_ops, tags, times, what a file vault cannot do. */
kp_status ft_params_check(const struct kp_key_params *params, struct kp_error *reterr) KP_MUST_USE;

/* Fills a new version of a key made now: type and public part from key, the rest from params. */
void ft_params_new_version(const struct ft_vault *vault, const struct kp_key_params *params,
                           uint32_t kty, const struct kpc_key *key, struct ft_version *ret);

/* Applies an update to a version of file. Errors: no_memory. */
kp_status ft_params_apply(const struct kp_key_params *params, struct ft_keyfile *file,
                          struct ft_version *version, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_FILE_TEST_PARAMS_H */
