#include <stdbool.h>

#include "base/errors.h"
#include "crypto/lib.h"
#include "crypto/rsa_numbers.h"

/* Each attempt finds a square root of 1 with probability of at least one half. */
#define RECOVER_ATTEMPTS 100

/* Working numbers of the search: de - 1 = 2^t * odd_part. */
struct search {
    const BIGNUM *n;
    BIGNUM *n_minus_one;
    BIGNUM *odd_part;
    BIGNUM *base;
    BIGNUM *root;
    BIGNUM *square;
    int t;
    BN_CTX *ctx;
};

static bool start_search(struct search *s, const struct kpc_rsa_numbers *numbers)
{
    s->n = numbers->n;
    s->n_minus_one = BN_CTX_get(s->ctx);
    s->odd_part = BN_CTX_get(s->ctx);
    s->base = BN_CTX_get(s->ctx);
    s->root = BN_CTX_get(s->ctx);
    s->square = BN_CTX_get(s->ctx);
    if (!s->square || !BN_copy(s->n_minus_one, s->n) || !BN_sub_word(s->n_minus_one, 1) ||
        !BN_mul(s->odd_part, numbers->d, numbers->e, s->ctx) || !BN_sub_word(s->odd_part, 1))
        return false;
    for (s->t = 0; !BN_is_zero(s->odd_part) && !BN_is_odd(s->odd_part); s->t++)
        if (!BN_rshift1(s->odd_part, s->odd_part))
            return false;
    BN_set_flags(s->odd_part, BN_FLG_CONSTTIME);
    return true;
}

/*
 * Squares up from base^odd_part; *ret_found when root is a square root of 1 other than 1 and n-1.
 */
static bool try_base(struct search *s, bool *ret_found)
{
    *ret_found = false;
    if (!BN_priv_rand_range_ex(s->base, s->n, 0, s->ctx) ||
        !BN_mod_exp(s->root, s->base, s->odd_part, s->n, s->ctx))
        return false;
    for (int i = 0; i < s->t; i++) {
        if (BN_is_one(s->root) || BN_cmp(s->root, s->n_minus_one) == 0)
            return true;
        if (!BN_mod_sqr(s->square, s->root, s->n, s->ctx))
            return false;
        if (BN_is_one(s->square)) {
            *ret_found = true;
            return true;
        }
        if (!BN_copy(s->root, s->square))
            return false;
    }
    return true;
}

/* p = gcd(root - 1, n), q = n / p, the larger one first. */
static bool split_modulus(struct search *s, struct kpc_rsa_numbers *numbers)
{
    numbers->p = BN_new();
    numbers->q = BN_new();
    if (!numbers->p || !numbers->q || !BN_sub_word(s->root, 1) ||
        !BN_gcd(numbers->p, s->root, s->n, s->ctx) ||
        !BN_div(numbers->q, NULL, s->n, numbers->p, s->ctx))
        return false;
    if (BN_cmp(numbers->p, numbers->q) < 0)
        BN_swap(numbers->p, numbers->q);
    BN_set_flags(numbers->p, BN_FLG_CONSTTIME);
    BN_set_flags(numbers->q, BN_FLG_CONSTTIME);
    return true;
}

static kp_status find_root(struct search *s, struct kp_error *reterr)
{
    bool found = false;
    for (int i = 0; i < RECOVER_ATTEMPTS && s->t > 0; i++) {
        if (!try_base(s, &found))
            return kpc_fail_openssl(reterr, "OpenSSL's integer arithmetic failed");
        if (found)
            return KP_OK;
    }
    return kpb_fail(reterr, KP_USAGE, "d of the RSA key does not belong to its n and e");
}

kp_status kpc_rsa_recover_primes(struct kpc_rsa_numbers *numbers, BN_CTX *ctx,
                                 struct kp_error *reterr)
{
    struct search s = {.ctx = ctx};
    BN_CTX_start(ctx);
    kp_status st = KP_OK;
    if (!start_search(&s, numbers))
        st = kpc_fail_openssl(reterr, "OpenSSL's integer arithmetic failed");
    if (st == KP_OK)
        st = find_root(&s, reterr);
    if (st == KP_OK && !split_modulus(&s, numbers))
        st = kpc_fail_openssl(reterr, "OpenSSL's integer arithmetic failed");
    BN_CTX_end(ctx);
    return st;
}
