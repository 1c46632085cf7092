/*
 * Values a credential has unwrapped, kept for a vault's outages: bounded in count and lifetime, in
 * secret memory, off unless ekm.unwrap_cache_ms is set. One per vault and credential (ekm/vault.h),
 * so nobody finds what another login unwrapped.
 *
 * What is past its lifetime is wiped at the next put or get, whatever that asks for.
 *
 * Threads: any.
 */
#ifndef KP_EKM_UNWRAP_CACHE_H
#define KP_EKM_UNWRAP_CACHE_H

#include "base/buf.h"
#include "ekm/keys/thumb.h"

#define EKM_VALUE_MAX_LEN 512u /* bytes of a wrapped value that is kept, and of an unwrapped one */

struct ekm_unwrap_cache;

/* Errors: no_memory. */
kp_status ekm_unwrap_cache_new(uint32_t n_entries, uint32_t lifetime_ms,
                               struct ekm_unwrap_cache **ret, struct kp_error *reterr) KP_MUST_USE;
/* Wipes and frees. NULL allowed. */
void ekm_unwrap_cache_free(struct ekm_unwrap_cache *cache);

/* Keeps a copy; of too many the oldest goes. What does not fit or has no memory is not kept. */
void ekm_unwrap_cache_put(struct ekm_unwrap_cache *cache, const struct ekm_thumb *thumb,
                          kp_span wrapped, kp_span value, uint64_t now_ms);
/* Wipes all that the key has unwrapped. */
void ekm_unwrap_cache_forget(struct ekm_unwrap_cache *cache, const struct ekm_thumb *thumb);
/*
 * Appends the value to out, secret. Errors: not_found (also one past its lifetime), no_memory,
 * usage (out is too small).
 */
kp_status ekm_unwrap_cache_get(struct ekm_unwrap_cache *cache, const struct ekm_thumb *thumb,
                               kp_span wrapped, uint64_t now_ms, kp_buf *out) KP_MUST_USE;

#endif /* KP_EKM_UNWRAP_CACHE_H */
