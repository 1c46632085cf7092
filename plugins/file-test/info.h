/*
 * Turning a key file into what an answer says about it, and the questions about its state that all
 * operations ask. Pure functions; any thread.
 */
#ifndef KP_PLUGINS_FILE_TEST_INFO_H
#define KP_PLUGINS_FILE_TEST_INFO_H

#include "plugins/file-test/op.h"

/* Which parts of a key an answer shows. */
enum ft_detail {
    FT_DETAIL_KEY = 0,       /* everything */
    FT_DETAIL_LIST_KEYS = 1, /* as the service lists keys: no version, no public part */
    FT_DETAIL_LIST_VERSIONS = 2
};

/* Fills *ret; every span points into arena. Errors: no_memory. */
kp_status ft_info_fill(const struct ft_vault *vault, struct ft_arena *arena,
                       const struct ft_keyfile *file, const struct ft_version *version,
                       enum ft_detail detail, struct kp_key_info *ret, struct kp_error *reterr)
    KP_MUST_USE;

/* Makes a key the answer of op, with its name and version. Errors: no_memory. */
kp_status ft_answer_key(struct ft_op *op, const struct ft_keyfile *file,
                        const struct ft_version *version, struct kp_error *reterr) KP_MUST_USE;

/* A deleted key counts as deleted until its retention ends; afterwards its name is free. */
enum ft_life { FT_LIVE = 0, FT_DELETED = 1, FT_GONE = 2 };
enum ft_life ft_life_of(const struct ft_keyfile *file, int64_t now_unix_s);

/* Loads a key that is not deleted; the caller clears *ret in any case. Errors: as ft_store_load. */
kp_status ft_load_live(const struct ft_vault *vault, kp_span name, struct ft_keyfile *ret,
                       struct kp_error *reterr) KP_MUST_USE;
/* Loads a deleted key that is still recoverable. */
kp_status ft_load_deleted(const struct ft_vault *vault, kp_span name, struct ft_keyfile *ret,
                          struct kp_error *reterr) KP_MUST_USE;
/* The version asked for, or the current one. Errors: not_found naming it. */
kp_status ft_find_version(const struct ft_vault *vault, const struct ft_keyfile *file,
                          kp_span version, struct ft_version **ret, struct kp_error *reterr)
    KP_MUST_USE;

/* Version id as a span. */
kp_span ft_version_span(const struct ft_version *version);

#endif /* KP_PLUGINS_FILE_TEST_INFO_H */
