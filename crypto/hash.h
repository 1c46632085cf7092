/*
 * SHA-256 and HMAC-SHA-256 for our own use: pins, checksums, key ids. Any thread; a struct
 * kpc_sha256 belongs to one thread at a time. Sources: FIPS 180-4, RFC 2104.
 */
#ifndef KP_CRYPTO_HASH_H
#define KP_CRYPTO_HASH_H

#include <keyprovider/status.h>

#define KPC_SHA256_LEN 32u

/* A digest under way. A zeroed one is idle. */
struct kpc_sha256 {
    void *ctx;
};

/* Begins anew. Errors of all four: no_memory, internal; usage for feeding an idle one. */
kp_status kpc_sha256_start(struct kpc_sha256 *hash, struct kp_error *reterr) KP_MUST_USE;
kp_status kpc_sha256_feed(struct kpc_sha256 *hash, kp_span bytes, struct kp_error *reterr)
    KP_MUST_USE;
/* Writes the digest; the struct is idle again, also after a failure. */
kp_status kpc_sha256_finish(struct kpc_sha256 *hash, uint8_t out[KPC_SHA256_LEN],
                            struct kp_error *reterr) KP_MUST_USE;
/* Drops a digest under way. Idle is allowed. */
void kpc_sha256_clear(struct kpc_sha256 *hash);

/* All at once. */
kp_status kpc_sha256(kp_span bytes, uint8_t out[KPC_SHA256_LEN], struct kp_error *reterr)
    KP_MUST_USE;

/* HMAC with a key of any length from 1. Compare results with kpb_span_eq_secret. */
kp_status kpc_hmac_sha256(kp_span key, kp_span bytes, uint8_t out[KPC_SHA256_LEN],
                          struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_CRYPTO_HASH_H */
