/*
 * Comparing with the access secrets of configured vaults, for front ends whose callers must not
 * hang: a file is read by a worker, and the caller's wait for it is bounded. Nothing is kept
 * between two questions, so that a secret that was changed counts at once.
 *
 * A vault's file has one reader at most, however long its disk takes: who asks meanwhile waits for
 * that one and shares the next, which began after the question.
 *
 * Threads: check from any; init and clear while there is no other.
 */
#ifndef KP_CORE_ACCESS_H
#define KP_CORE_ACCESS_H

#include <uv.h>

#include "core/config.h"
#include "core/workers.h"

struct kpi_access {
    bool ready;
    struct kpi_workers *workers;
    uv_mutex_t lock;
    uv_cond_t ended;
    struct kpi_access_file *files; /* one for each reference asked for */
};

/* Errors: no_memory. */
kp_status kpi_access_init(struct kpi_access *access, struct kpi_workers *workers) KP_MUST_USE;
/* Only once the workers have ended. A zeroed one is allowed. */
void kpi_access_clear(struct kpi_access *access);

/*
 * Whether secret is what ref leads to, compared in constant time. ref must stay until clear.
 * Errors: auth (it is not), timeout (not read in that time), config (cannot be read), no_memory.
 */
kp_status kpi_access_check(struct kpi_access *access, const struct kpi_secret_ref *ref,
                           kp_span secret, uint32_t timeout_ms, struct kp_error *reterr)
    KP_MUST_USE;

#endif /* KP_CORE_ACCESS_H */
