/*
 * What needs the cryptographic library, away from the caller's thread. That library keeps state for
 * each thread that uses it; a host such as a database server has threads of its own making, which
 * shall keep none.
 *
 * Threads: any. Both wait until fn has returned.
 */
#ifndef KP_CORE_ASIDE_H
#define KP_CORE_ASIDE_H

#include <keyprovider/status.h>

#include "core/shard.h"

typedef void kpi_aside_fn(void *ctx);

/*
 * Runs fn on the loop thread; on a loop thread of ours, where it is. fn must not block, and the
 * caller holds no lock that a loop takes. The caller is counted in the shard, so that the loop is
 * there.
 */
void kpi_aside_on_loop(struct kpi_shard *shard, kpi_aside_fn *fn, void *ctx);
/* Runs fn on a thread made for it, which is gone afterwards. Errors: no_memory. */
kp_status kpi_aside_on_thread(kpi_aside_fn *fn, void *ctx, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_CORE_ASIDE_H */
