/*
 * Published test vectors and the means to read them: byte strings of fixed room, JWKs from RFCs.
 * A malformed literal fails the running test.
 */
#ifndef KP_TESTS_SUPPORT_VECTORS_H
#define KP_TESTS_SUPPORT_VECTORS_H

#include "base/span.h"

#define VEC_MAX_LEN 1024u

/* A byte string by value. */
struct vec {
    size_t len;
    uint8_t b[VEC_MAX_LEN];
};

struct vec vec_hex(const char *digits);
struct vec vec_b64(const char *text); /* base64url */
/* View, valid as long as v. */
kp_span vec_span(const struct vec *v);

/* A JWK as published, members base64url, absent ones NULL. */
struct vec_jwk_text {
    uint32_t kty;
    uint32_t curve;
    const char *n, *e, *d, *p, *q, *dp, *dq, *qi, *x, *y, *k;
};

/* The same decoded; params points into it. */
struct vec_jwk {
    struct kp_key_params params;
    struct vec n, e, d, p, q, dp, dq, qi, x, y, k;
};

void vec_jwk_load(struct vec_jwk *jwk, const struct vec_jwk_text *text);

extern const struct vec_jwk_text vec_rsa_rfc7515_a2;  /* RFC 7515 appendix A.2.1 */
extern const struct vec_jwk_text vec_rsa_rfc7516_a1;  /* RFC 7516 appendix A.1.3 */
extern const struct vec_jwk_text vec_rsa_rfc7516_a2;  /* RFC 7516 appendix A.2.3 */
extern const struct vec_jwk_text vec_ec_rfc7515_a3;   /* RFC 7515 appendix A.3.1 */
extern const struct vec_jwk_text vec_ec_rfc7515_a4;   /* RFC 7515 appendix A.4.1 */
extern const struct vec_jwk_text vec_oct_rfc7515_a1;  /* RFC 7515 appendix A.1.1 */
extern const struct vec_jwk_text vec_oct_rfc7516_a3;  /* RFC 7516 appendix A.3.3 */
extern const struct vec_jwk_text vec_ec_rfc6979_p384; /* RFC 6979 appendix A.2.6 */
extern const struct vec_jwk_text vec_ec_p256k;        /* Wycheproof */

#endif /* KP_TESTS_SUPPORT_VECTORS_H */
