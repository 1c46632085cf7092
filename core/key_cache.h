/*
 * Key metadata of one vault: kept for a bounded time, fetched once however many wait for it.
 *
 * A miss starts one shared fetch with a deadline of its own; everybody who wants the same key joins
 * it, and a waiter that gives up takes nobody with it; those that wait for the breaker's probe and
 * those that do not have a fetch each. A failure reaches every waiter and is not kept. Anything
 * that changes a key drops what is known of it, also what a fetch under way is about to bring.
 * Serving an entry past its lifetime while the vault is unreachable is a setting, off by default
 * (cache.stale_ms).
 *
 * Loop thread only.
 */
#ifndef KP_CORE_KEY_CACHE_H
#define KP_CORE_KEY_CACHE_H

#include <stdbool.h>

#include "core/block.h"
#include "core/list.h"

struct kp_vault;
struct kpi_op;
struct kpc_key;

#define KPI_CACHE_BUCKETS 256u

struct kpi_key_entry {
    struct kpi_link in_bucket;
    struct kpi_link in_use_order;
    kp_span name; /* both spans point into reply */
    kp_span version;
    struct kpi_block block;
    const struct kp_reply *reply;
    struct kpc_key *public_key; /* made when first needed; may be NULL */
    uint64_t fetched_ns;
};

struct kpi_key_cache {
    struct kp_vault *vault;
    struct kpi_link *buckets;  /* KPI_CACHE_BUCKETS; NULL until the first entry */
    struct kpi_link use_order; /* least recently used first */
    struct kpi_link fetches;   /* under way */
    uint32_t n_entries;
};

void kpi_key_cache_init(struct kpi_key_cache *cache, struct kp_vault *vault);
/* Frees every entry. No fetch may be under way. */
void kpi_key_cache_clear(struct kpi_key_cache *cache);

/*
 * Tries to serve op without asking the vault for itself: from an entry, by joining or starting a
 * shared fetch, or with the key's public part (core/local_ops). False: dispatch it as usual.
 */
bool kpi_key_cache_serve(struct kpi_key_cache *cache, struct kpi_op *op);
/* An entry still within its lifetime, or NULL. */
struct kpi_key_entry *kpi_key_cache_fresh(struct kpi_key_cache *cache, kp_span name,
                                          kp_span version);
/* op waits for the metadata of its key and is then dispatched again. */
void kpi_key_cache_join(struct kpi_key_cache *cache, struct kpi_op *op);
/* Something happened to the key: forgets every version of it, in whatever case its name is
 * written. */
void kpi_key_cache_forget(struct kpi_key_cache *cache, kp_span name);

#endif /* KP_CORE_KEY_CACHE_H */
