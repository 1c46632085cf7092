/*
 * Internal to crypto/: the integers of an RSA key, read from a JWK, completed and proven consistent
 * before OpenSSL gets them. One thread owns the struct.
 */
#ifndef KP_CRYPTO_RSA_NUMBERS_H
#define KP_CRYPTO_RSA_NUMBERS_H

#include <openssl/bn.h>

#include <keyprovider/status.h>

/* d and what follows are NULL in a public key. */
struct kpc_rsa_numbers {
    BIGNUM *n;
    BIGNUM *e;
    BIGNUM *d;
    BIGNUM *p;
    BIGNUM *q;
    BIGNUM *dp;
    BIGNUM *dq;
    BIGNUM *qi;
};

/*
 * Reads the members of params and checks each by itself: sizes, n and e odd, d below n, the CRT
 * members all or none. Zeroed numbers in; the caller clears them also after a failure.
 * Errors: usage naming the member, no_memory.
 */
kp_status kpc_rsa_numbers_read(struct kpc_rsa_numbers *numbers, const struct kp_key_params *params,
                               struct kp_error *reterr) KP_MUST_USE;

/*
 * Fills p, q, dp, dq and qi from n, e and d when they are absent. Errors: usage when d does not
 * belong to n and e, no_memory.
 */
kp_status kpc_rsa_numbers_complete(struct kpc_rsa_numbers *numbers, struct kp_error *reterr)
    KP_MUST_USE;

/*
 * Proves that the private integers fit each other: p and q of half the modulus' size, different,
 * n = pq, de = 1 modulo p-1 and q-1, dp, dq and qi as RFC 8017 section 3.2 defines them. Not that p
 * and q are prime. Errors: usage naming the member, no_memory.
 */
kp_status kpc_rsa_numbers_check(const struct kpc_rsa_numbers *numbers, struct kp_error *reterr)
    KP_MUST_USE;

/* Frees and wipes all. */
void kpc_rsa_numbers_clear(struct kpc_rsa_numbers *numbers);

/*
 * Finds the two primes of n from e and d. p comes out the larger.
 * Source: NIST SP 800-56B rev. 2 appendix C.1. Errors: usage, no_memory.
 */
kp_status kpc_rsa_recover_primes(struct kpc_rsa_numbers *numbers, BN_CTX *ctx,
                                 struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_CRYPTO_RSA_NUMBERS_H */
