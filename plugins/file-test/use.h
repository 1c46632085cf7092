/*
 * Using a key: the rules of the service on who may do what with it, then the computation. The one
 * path for run and submit. Any thread; no locks, no files.
 */
#ifndef KP_PLUGINS_FILE_TEST_USE_H
#define KP_PLUGINS_FILE_TEST_USE_H

#include "crypto/ops.h"
#include "plugins/file-test/op.h"

/* The answer; spans point into the caller's room, this struct, or the loaded key. */
struct ft_use {
    struct kp_reply reply;
    struct kpc_result result;
};

/*
 * Checks that the request may be served by this key: the algorithm serves the operation, key_ops
 * allows it, the version is enabled, and not before its time or expired for encrypt, wrap and sign.
 * Errors: usage (3110), forbidden (3113), naming vault, key and version.
 */
kp_status ft_use_check(const struct ft_vault *vault, const struct ft_loaded *loaded,
                       const struct kp_request *request, struct kp_error *reterr) KP_MUST_USE;

/* Bytes of room ft_use_key needs for the request; 0: none (verify), or it will fail anyway. */
size_t ft_use_room(const struct ft_loaded *loaded, const struct kp_request *request);

/* Computes. room of at least ft_use_room bytes is the caller's and holds secrets afterwards. */
kp_status ft_use_key(const struct ft_vault *vault, const struct ft_loaded *loaded,
                     const struct kp_request *request, uint8_t *room, size_t cap,
                     struct ft_use *ret, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_FILE_TEST_USE_H */
