/*
 * Where a key map keeps its text: the one seam between the map and the platform. A file here
 * (posix_map_file.c, win_map_file.c), on Windows also the registry (win_map_registry.c); tests put
 * failures and crashes in.
 *
 * Threads: the map makes one call at a time, but `stamp` from any. Calls may block.
 */
#ifndef KP_EKM_KEYS_MAP_STORE_H
#define KP_EKM_KEYS_MAP_STORE_H

#include <stdbool.h>

#include "base/buf.h"

/* Two stamps that differ say that the text was replaced in between. All 0: there is no text. */
struct ekm_map_stamp {
    uint64_t parts[4];
};

struct ekm_map_store {
    void *ctx; /* first argument of every call */

    /*
     * Takes the lock that excludes every other writer, waiting at most timeout_ms.
     * Errors: config with code 2058.
     */
    kp_status (*lock)(void *ctx, uint32_t timeout_ms, struct kp_error *reterr);
    void (*unlock)(void *ctx);

    /*
     * Appends the whole text to out and tells its stamp. not_found: there is none yet.
     * Errors: not_found, config (not to be trusted, unreadable, longer than out may hold),
     * no_memory.
     */
    kp_status (*read)(void *ctx, kp_buf *out, struct ekm_map_stamp *ret_stamp,
                      struct kp_error *reterr);
    /*
     * Replaces the text: afterwards, and after a crash at any moment, there is the old text or the
     * new; on return the new one is durable. Under the lock.
     * Errors: config with code 2058, no_memory.
     */
    kp_status (*write)(void *ctx, kp_span text, struct ekm_map_stamp *ret_stamp,
                       struct kp_error *reterr);
    /* The stamp of the text as it is now. false: it cannot be told. */
    bool (*stamp)(void *ctx, struct ekm_map_stamp *ret_stamp);
};

#endif /* KP_EKM_KEYS_MAP_STORE_H */
