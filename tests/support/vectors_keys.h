/*
 * Keys and single operations of crypto/ for tests, over the vectors. Anything unexpected fails the
 * running test.
 */
#ifndef KP_TESTS_SUPPORT_VECTORS_KEYS_H
#define KP_TESTS_SUPPORT_VECTORS_KEYS_H

#include "crypto/key.h"
#include "crypto/ops.h"
#include "support/vectors.h"

/* A key from a published JWK, proven as a foreign one. The caller releases it. */
struct kpc_key *vec_key(const struct vec_jwk_text *text);
/* The same with only its public members. */
struct kpc_key *vec_public_key(const struct vec_jwk_text *text);
/* An oct key of these bytes. */
struct kpc_key *vec_oct_key(kp_span k);
/* A fresh key; bits for RSA and oct, curve for EC. */
struct kpc_key *vec_new_key(uint32_t kty, uint32_t bits, uint32_t curve);

/* The result of an encryption or decryption with room for VEC_MAX_LEN bytes. */
struct vec_result {
    struct kpc_result r;
    struct vec value;
};

kp_status vec_encrypt(struct kpc_key *key, const struct kpc_input *in, struct vec_result *ret,
                      struct kp_error *err);
kp_status vec_decrypt(struct kpc_key *key, const struct kpc_input *in, struct vec_result *ret,
                      struct kp_error *err);
kp_status vec_sign(struct kpc_key *key, uint32_t alg, kp_span digest, struct vec *ret,
                   struct kp_error *err);

/* Whether the signature is good; the call itself must succeed. */
bool vec_verify(struct kpc_key *key, uint32_t alg, kp_span digest, kp_span signature);

/* The failure has this class and its sentence holds this part. */
void vec_assert_failed(kp_status st, kp_status expected, const struct kp_error *err,
                       const char *part);
void vec_assert_bytes(kp_span actual, kp_span expected);

#endif /* KP_TESTS_SUPPORT_VECTORS_KEYS_H */
