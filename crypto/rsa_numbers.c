#include "crypto/rsa_numbers.h"

#include <stdbool.h>

#include "base/errors.h"
#include "crypto/key.h"
#include "crypto/lib.h"

static kp_status fail_arithmetic(struct kp_error *reterr)
{
    return kpc_fail_openssl(reterr, "OpenSSL's integer arithmetic failed");
}

void kpc_rsa_numbers_clear(struct kpc_rsa_numbers *numbers)
{
    BIGNUM **all[] = {&numbers->n, &numbers->e,  &numbers->d,  &numbers->p,
                      &numbers->q, &numbers->dp, &numbers->dq, &numbers->qi};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        BN_clear_free(*all[i]);
        *all[i] = NULL;
    }
}

/* ---- Reading ---- */

static kp_status read_integer(kp_span bytes, const char *member, BIGNUM **ret,
                              struct kp_error *reterr)
{
    while (bytes.len > 0 && *bytes.ptr == 0) {
        bytes.ptr++;
        bytes.len--;
    }
    if (bytes.len == 0)
        return kpb_fail(reterr, KP_USAGE, "the RSA key has no %s, or it is zero", member);
    if (bytes.len > KPC_RSA_MAX_LEN)
        return kpb_fail(reterr, KP_USAGE, "%s of the RSA key has %zu bytes; at most %u fit", member,
                        bytes.len, KPC_RSA_MAX_LEN);
    *ret = BN_bin2bn(bytes.ptr, (int)bytes.len, NULL);
    return *ret ? KP_OK : kpb_fail_memory(reterr, "crypto.openssl");
}

/* A secret integer: the arithmetic on it shall not branch on its bits. */
static kp_status read_secret(kp_span bytes, const char *member, BIGNUM **ret,
                             struct kp_error *reterr)
{
    kp_status st = read_integer(bytes, member, ret, reterr);
    if (st == KP_OK)
        BN_set_flags(*ret, BN_FLG_CONSTTIME);
    return st;
}

static kp_status check_modulus(const BIGNUM *n, struct kp_error *reterr)
{
    int bits = BN_num_bits(n);
    if (bits != 2048 && bits != 3072 && bits != 4096)
        return kpb_fail(reterr, KP_USAGE,
                        "n of the RSA key has %d bits; the sizes are 2048, 3072 and 4096", bits);
    if (!BN_is_odd(n))
        return kpb_fail(reterr, KP_USAGE, "n of the RSA key is even");
    return KP_OK;
}

static kp_status check_exponent(const BIGNUM *e, struct kp_error *reterr)
{
    if (!BN_is_odd(e) || BN_is_one(e))
        return kpb_fail(reterr, KP_USAGE, "e of the RSA key must be odd and at least 3");
    if (BN_num_bits(e) > 64)
        return kpb_fail(reterr, KP_USAGE, "e of the RSA key has %d bits; at most 64 are taken",
                        BN_num_bits(e));
    return KP_OK;
}

static kp_status read_public(struct kpc_rsa_numbers *numbers, const struct kp_key_params *params,
                             struct kp_error *reterr)
{
    kp_status st = read_integer(params->n, "n", &numbers->n, reterr);
    if (st == KP_OK)
        st = check_modulus(numbers->n, reterr);
    if (st == KP_OK)
        st = read_integer(params->e, "e", &numbers->e, reterr);
    if (st == KP_OK)
        st = check_exponent(numbers->e, reterr);
    return st;
}

/* The CRT members as a table: RFC 7518 section 6.3.2 wants all of them or none. */
static kp_status read_crt(struct kpc_rsa_numbers *numbers, const struct kp_key_params *params,
                          struct kp_error *reterr)
{
    const struct {
        const char *name;
        kp_span bytes;
        BIGNUM **number;
    } members[] = {{"p", params->p, &numbers->p},
                   {"q", params->q, &numbers->q},
                   {"dp", params->dp, &numbers->dp},
                   {"dq", params->dq, &numbers->dq},
                   {"qi", params->qi, &numbers->qi}};
    const size_t n_members = sizeof members / sizeof members[0];
    size_t n_given = 0;
    for (size_t i = 0; i < n_members; i++)
        n_given += members[i].bytes.len > 0;
    kp_status st = KP_OK;
    for (size_t i = 0; n_given > 0 && st == KP_OK && i < n_members; i++)
        st = read_secret(members[i].bytes, members[i].name, members[i].number, reterr);
    return st;
}

kp_status kpc_rsa_numbers_read(struct kpc_rsa_numbers *numbers, const struct kp_key_params *params,
                               struct kp_error *reterr)
{
    kp_status st = read_public(numbers, params, reterr);
    if (st != KP_OK)
        return st;
    if (params->d.len > 0)
        st = read_secret(params->d, "d", &numbers->d, reterr);
    if (st == KP_OK)
        st = read_crt(numbers, params, reterr);
    if (st != KP_OK)
        return st;
    if (numbers->p && !numbers->d)
        return kpb_fail(reterr, KP_USAGE, "the RSA key has p but no d");
    if (numbers->d && BN_cmp(numbers->d, numbers->n) >= 0)
        return kpb_fail(reterr, KP_USAGE, "d of the RSA key is not below n");
    return KP_OK;
}

/* ---- Completing ---- */

/* numbers->dp = d mod p-1, and likewise for q. */
static bool reduce_exponent(BIGNUM **ret, const BIGNUM *d, const BIGNUM *prime, BN_CTX *ctx)
{
    BIGNUM *minus_one = BN_dup(prime);
    *ret = BN_new();
    bool ok = minus_one && *ret && BN_sub_word(minus_one, 1);
    if (ok) {
        BN_set_flags(minus_one, BN_FLG_CONSTTIME);
        BN_set_flags(*ret, BN_FLG_CONSTTIME);
        ok = BN_mod(*ret, d, minus_one, ctx);
    }
    BN_clear_free(minus_one);
    return ok;
}

static bool derive_crt(struct kpc_rsa_numbers *numbers, BN_CTX *ctx)
{
    if (!reduce_exponent(&numbers->dp, numbers->d, numbers->p, ctx) ||
        !reduce_exponent(&numbers->dq, numbers->d, numbers->q, ctx))
        return false;
    numbers->qi = BN_mod_inverse(NULL, numbers->q, numbers->p, ctx);
    return numbers->qi != NULL;
}

kp_status kpc_rsa_numbers_complete(struct kpc_rsa_numbers *numbers, struct kp_error *reterr)
{
    if (numbers->p)
        return KP_OK;
    BN_CTX *ctx = BN_CTX_secure_new_ex(kpc_lib_ctx());
    if (!ctx)
        return kpb_fail_memory(reterr, "crypto.openssl");
    kp_status st = kpc_rsa_recover_primes(numbers, ctx, reterr);
    if (st == KP_OK && !derive_crt(numbers, ctx))
        st = fail_arithmetic(reterr);
    BN_CTX_free(ctx);
    return st;
}

/* ---- Checking ---- */

static kp_status check_primes(const struct kpc_rsa_numbers *numbers, BN_CTX *ctx,
                              struct kp_error *reterr)
{
    int half = BN_num_bits(numbers->n) / 2;
    if (BN_num_bits(numbers->p) != half)
        return kpb_fail(reterr, KP_USAGE, "p of the RSA key must have half the bits of n");
    if (BN_num_bits(numbers->q) != half)
        return kpb_fail(reterr, KP_USAGE, "q of the RSA key must have half the bits of n");
    if (BN_cmp(numbers->p, numbers->q) == 0)
        return kpb_fail(reterr, KP_USAGE, "p and q of the RSA key are equal");
    BIGNUM *product = BN_CTX_get(ctx);
    if (!product || !BN_mul(product, numbers->p, numbers->q, ctx))
        return fail_arithmetic(reterr);
    if (BN_cmp(product, numbers->n) != 0)
        return kpb_fail(reterr, KP_USAGE, "p times q of the RSA key is not n");
    return KP_OK;
}

/* d and its reduced form against one prime. */
static kp_status check_exponents(const struct kpc_rsa_numbers *numbers, const BIGNUM *prime,
                                 const BIGNUM *reduced, const char *member, BN_CTX *ctx,
                                 struct kp_error *reterr)
{
    BIGNUM *minus_one = BN_CTX_get(ctx);
    BIGNUM *result = BN_CTX_get(ctx);
    if (!result || !BN_copy(minus_one, prime) || !BN_sub_word(minus_one, 1))
        return fail_arithmetic(reterr);
    BN_set_flags(minus_one, BN_FLG_CONSTTIME);
    if (!BN_mod_mul(result, numbers->d, numbers->e, minus_one, ctx))
        return fail_arithmetic(reterr);
    if (!BN_is_one(result))
        return kpb_fail(reterr, KP_USAGE, "d of the RSA key does not belong to its n and e");
    if (!BN_mod(result, numbers->d, minus_one, ctx))
        return fail_arithmetic(reterr);
    if (BN_cmp(result, reduced) != 0)
        return kpb_fail(reterr, KP_USAGE, "%s of the RSA key does not belong to its d", member);
    return KP_OK;
}

static kp_status check_coefficient(const struct kpc_rsa_numbers *numbers, BN_CTX *ctx,
                                   struct kp_error *reterr)
{
    BIGNUM *result = BN_CTX_get(ctx);
    if (!result || !BN_mod_mul(result, numbers->qi, numbers->q, numbers->p, ctx))
        return fail_arithmetic(reterr);
    if (!BN_is_one(result) || BN_cmp(numbers->qi, numbers->p) >= 0)
        return kpb_fail(reterr, KP_USAGE, "qi of the RSA key is not the inverse of q modulo p");
    return KP_OK;
}

kp_status kpc_rsa_numbers_check(const struct kpc_rsa_numbers *numbers, struct kp_error *reterr)
{
    BN_CTX *ctx = BN_CTX_secure_new_ex(kpc_lib_ctx());
    if (!ctx)
        return kpb_fail_memory(reterr, "crypto.openssl");
    BN_CTX_start(ctx);
    kp_status st = check_primes(numbers, ctx, reterr);
    if (st == KP_OK)
        st = check_exponents(numbers, numbers->p, numbers->dp, "dp", ctx, reterr);
    if (st == KP_OK)
        st = check_exponents(numbers, numbers->q, numbers->dq, "dq", ctx, reterr);
    if (st == KP_OK)
        st = check_coefficient(numbers, ctx, reterr);
    BN_CTX_end(ctx);
    BN_CTX_free(ctx);
    return st;
}
