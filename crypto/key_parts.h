/*
 * Internal to crypto/: what a key is made of, and the makers of each type. Only this folder looks
 * inside.
 */
#ifndef KP_CRYPTO_KEY_PARTS_H
#define KP_CRYPTO_KEY_PARTS_H

#include <stdatomic.h>

#include <openssl/evp.h>

#include "crypto/key.h"

#define KPC_PUBLIC_MAX_LEN (KPC_RSA_MAX_LEN + 8u) /* n and an 8-byte e; x and y are shorter */
#define KPC_N_HMACS 3
#define KPC_N_SPARES 8 /* contexts kept for the next operation: one cache line of pointers */

enum kpc_direction {
    KPC_FORWARD = 0,  /* encrypt, sign */
    KPC_BACKWARD = 1, /* decrypt, verify */
    KPC_N_DIRECTIONS
};

struct kpc_key {
    /* Fixed after creation. */
    uint32_t kty;
    uint32_t bits;
    uint32_t curve;
    bool has_private;
    EVP_PKEY *pkey;  /* RSA and EC */
    uint8_t *secret; /* oct, in secret memory */
    size_t secret_len;
    size_t first_len;  /* n or x, at the start of pub */
    size_t second_len; /* e or y, behind it */
    uint8_t pub[KPC_PUBLIC_MAX_LEN];

    /* Any thread. Contexts are NULL until first used, then published once and only copied. */
    atomic_uint refs;
    _Atomic(EVP_PKEY_CTX *) prepared[KP_ALG_MAX + 1][KPC_N_DIRECTIONS];
    _Atomic(EVP_PKEY_CTX *) spares[KPC_N_SPARES]; /* whoever takes one out has it alone */
    _Atomic(EVP_MAC_CTX *) prepared_hmac[KPC_N_HMACS];
};

/* Each fills a zeroed key; on failure the caller releases it, half-built or not. */
kp_status kpc_rsa_generate(struct kpc_key *key, const struct kp_key_params *params,
                           struct kp_error *reterr) KP_MUST_USE;
kp_status kpc_rsa_import(struct kpc_key *key, const struct kp_key_params *params,
                         enum kpc_origin origin, struct kp_error *reterr) KP_MUST_USE;
kp_status kpc_ec_generate(struct kpc_key *key, const struct kp_key_params *params,
                          struct kp_error *reterr) KP_MUST_USE;
kp_status kpc_ec_import(struct kpc_key *key, const struct kp_key_params *params,
                        struct kp_error *reterr) KP_MUST_USE;
kp_status kpc_oct_generate(struct kpc_key *key, const struct kp_key_params *params,
                           struct kp_error *reterr) KP_MUST_USE;
kp_status kpc_oct_import(struct kpc_key *key, const struct kp_key_params *params,
                         struct kp_error *reterr) KP_MUST_USE;

/*
 * Makes key->pkey of a type ("RSA", "EC") from numbers; with the private half when
 * key->has_private. What params point to stays the caller's to wipe. Errors: usage with the
 * sentence refusal, no_memory.
 */
kp_status kpc_pkey_make(struct kpc_key *key, const char *type, OSSL_PARAM *params,
                        const char *refusal, struct kp_error *reterr) KP_MUST_USE;

/* Turns a big-endian integer into the machine's byte order in place, or back. */
void kpc_native_order(uint8_t *bytes, size_t len);

/*
 * Writes an integer of key->pkey (an OSSL_PKEY_PARAM_* name) big-endian into out, with leading
 * zeros up to out_len, and nowhere else. Errors: internal when it has none or it does not fit.
 */
kp_status kpc_pkey_integer(const struct kpc_key *key, const char *name, uint8_t *out,
                           size_t out_len, struct kp_error *reterr) KP_MUST_USE;

/* Sets up a fresh context for one algorithm and direction; 1 on success, as OpenSSL answers. */
typedef int kpc_prepare_fn(EVP_PKEY_CTX *ctx, uint32_t alg, enum kpc_direction direction);

/*
 * A context of the caller's own, ready for operations with one algorithm in one direction: one that
 * was given back, or a copy of the key's prepared one, which is made by prepare on first use. NULL
 * when OpenSSL fails. Give it back.
 */
EVP_PKEY_CTX *kpc_key_context(struct kpc_key *key, uint32_t alg, enum kpc_direction direction,
                              kpc_prepare_fn *prepare);
/* Takes back what kpc_key_context gave, or NULL. good: its operation went well, so that it may
 * serve another one; else it is freed. */
void kpc_key_context_back(struct kpc_key *key, EVP_PKEY_CTX *ctx, bool good);

#endif /* KP_CRYPTO_KEY_PARTS_H */
