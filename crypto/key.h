/*
 * A key in use: RSA, EC or oct, private or public only. Immutable once made; any number of threads
 * use one key at once. References are counted; the last release frees it and wipes what is secret.
 *
 * RSA: 2048, 3072 or 4096 bits, odd public exponent from 3 to 2^64 - 1. EC: P-256, P-256K, P-384,
 * P-521. oct: 16 to 64 bytes; AES algorithms take 16, 24 and 32.
 */
#ifndef KP_CRYPTO_KEY_H
#define KP_CRYPTO_KEY_H

#include <stdbool.h>

#include "base/buf.h"

#define KPC_RSA_MAX_LEN 512u      /* bytes of a 4096-bit modulus */
#define KPC_OCT_MIN_LEN 16u       /* bytes of an oct key */
#define KPC_OCT_MAX_LEN 64u       /* Managed HSM imports k up to 64 bytes (HMAC) */
#define KPC_PRIVATE_MAX_LEN 3072u /* room kpc_key_export_private never exceeds, bytes */

struct kpc_key;

/* Where key material comes from, which decides how much of it is proven. */
enum kpc_origin {
    /* From outside: everything is proven, primality included. Up to some 0.3 s for RSA-4096. */
    KPC_FOREIGN = 1,
    /* Read back from where we stored it: the same arithmetic (any altered member is noticed), but
     * no primality tests: 0.1 ms for RSA. EC keys are proven all the same, in 0.2 to 2 ms. */
    KPC_STORED = 2
};

/*
 * The private members of a JWK, big-endian; d of an EC key has full length, RSA integers minimal.
 */
struct kpc_private {
    kp_span d;
    kp_span p;
    kp_span q;
    kp_span dp;
    kp_span dq;
    kp_span qi;
    kp_span k;
};

/*
 * Makes a new key. Looks at kty (HSM kinds make the plain kind), bits (RSA, oct; 0 means 2048 and
 * 256), curve (EC; none means P-256) and public_exponent (RSA; 0 means 65537) of params.
 * Computes for seconds with RSA-4096; a worker's job. *ret_key: the caller's one reference.
 * Errors: usage naming the member; no_memory; internal when OpenSSL fails.
 */
kp_status kpc_key_generate(const struct kp_key_params *params, struct kpc_key **ret_key,
                           struct kp_error *reterr) KP_MUST_USE;

/*
 * Makes a key from JWK members of params, copied: RSA n, e [d [p q dp dq qi]]; EC curve, x, y [d];
 * oct k. Without d the key is public only. RSA integers may have leading zeros; x, y and d of an EC
 * key have the curve's full length. p, q, dp, dq and qi come together or not at all, and are then
 * recovered from d. Every member is checked against the others.
 * Source: RFC 7518 section 6; NIST SP 800-56B rev. 2 section 6.4.
 * Errors: usage with one sentence naming the member; no_memory; internal when OpenSSL fails.
 */
kp_status kpc_key_from_jwk(const struct kp_key_params *params, enum kpc_origin origin,
                           struct kpc_key **ret_key, struct kp_error *reterr) KP_MUST_USE;

/* Makes a public-only key from kty, n and e, or kty, curve, x and y of info; checked as foreign. */
kp_status kpc_key_from_public(const struct kp_key_info *info, struct kpc_key **ret_key,
                              struct kp_error *reterr) KP_MUST_USE;

/* One more reference. Returns key. Any thread that holds one. */
struct kpc_key *kpc_key_acquire(struct kpc_key *key);
/* Gives one back; the last frees and wipes. NULL allowed. */
void kpc_key_release(struct kpc_key *key);

/* KP_KTY_RSA, KP_KTY_EC or KP_KTY_OCT. */
uint32_t kpc_key_kty(const struct kpc_key *key);
/* Bits of the modulus, the curve or the secret. */
uint32_t kpc_key_bits(const struct kpc_key *key);
/* enum kp_curve; KP_CURVE_NONE unless EC. */
uint32_t kpc_key_curve(const struct kpc_key *key);
/* Whether it can decrypt and sign. An oct key always can. */
bool kpc_key_has_private(const struct kpc_key *key);

/*
 * Writes kty, curve, bits and the public integers into *ret_info and leaves its other members
 * alone. n and e are minimal, x and y of full length; those the type lacks become empty. The spans
 * are borrowed from the key until its release.
 */
void kpc_key_describe(const struct kpc_key *key, struct kp_key_info *ret_info);

/*
 * Appends the private members to secret, which must be a secret buffer with room in its limit for
 * KPC_PRIVATE_MAX_LEN more bytes, and points *ret_private into it until the buffer changes. Members
 * the type lacks become empty.
 * Errors: usage for a public-only key or a buffer that is not secret or too small; no_memory.
 */
kp_status kpc_key_export_private(const struct kpc_key *key, kp_buf *secret,
                                 struct kpc_private *ret_private, struct kp_error *reterr)
    KP_MUST_USE;

#endif /* KP_CRYPTO_KEY_H */
