/*
 * New versions of existing keys: asked for, or due by a rotation policy.
 *
 * A policy's rotation happens lazily: the first call that looks at or uses a key without naming a
 * version after it is due makes the new version. Workers only.
 */
#ifndef KP_PLUGINS_FILE_TEST_ROTATE_H
#define KP_PLUGINS_FILE_TEST_ROTATE_H

#include "plugins/file-test/op.h"

#define FT_ROTATE_RETRY_S 60 /* after a rotation that was due and failed */

/* Makes a key of the type and size of a version. *ret_key: the caller's. */
kp_status ft_rotate_generate(const struct ft_version *like, struct kpc_key **ret_key,
                             struct kp_error *reterr) KP_MUST_USE;

/*
 * Appends key as a new version to file: key_ops, tags and enabled as in the current version, expiry
 * by the policy. *ret_version may be NULL.
 */
kp_status ft_rotate_append(const struct ft_vault *vault, struct ft_keyfile *file,
                           struct kpc_key *key, struct ft_version **ret_version,
                           struct kp_error *reterr) KP_MUST_USE;

/* Whether key is of the type and size of a version. */
bool ft_rotate_fits(const struct ft_version *like, const struct kpc_key *key);

/* When file's policy wants a new version, INT64_MAX when never or the vault does not do it. */
int64_t ft_rotate_due_unix_s(const struct ft_vault *vault, const struct ft_keyfile *file);

/*
 * Rotates a key that is due. Never fails the operation it is called from: what goes wrong, a lock
 * held by others included, is logged and tried again later. True when there is a new version.
 */
bool ft_rotate_if_due(struct ft_vault *vault, const struct ft_keyfile *file);

/* Puts a random version id into *version and seals key into sealed as that version of name. */
kp_status ft_version_seal(const struct ft_vault *vault, const char *name,
                          struct ft_version *version, const struct kpc_key *key, kp_buf *sealed,
                          struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_FILE_TEST_ROTATE_H */
