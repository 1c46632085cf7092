/*
 * local_public_ops: encrypt, wrap and verify with the public part of a key, here instead of at the
 * vault. Off unless a vault's configuration asks for it, because it passes by the vault's
 * permission checks and its audit. Conditions: a pinned version, metadata at most cache.metadata_ms
 * (5 minutes) old, the key enabled, within its dates and allowed to do it. Whatever does not meet
 * them goes to the vault, which then decides.
 *
 * Loop thread, but for the computation itself.
 */
#ifndef KP_CORE_LOCAL_OPS_H
#define KP_CORE_LOCAL_OPS_H

#include <stdbool.h>

struct kpi_key_cache;
struct kpi_op;

/* True when op is being served here, or waits for the metadata that decides it. */
bool kpi_local_serve(struct kpi_key_cache *cache, struct kpi_op *op);

/* Computes the answer with the key that serve found. On a worker. */
void kpi_local_run(struct kpi_op *op);

#endif /* KP_CORE_LOCAL_OPS_H */
