#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "crypto/key_parts.h"
#include "crypto/lib.h"
#include "crypto/rsa_numbers.h"

#define N_RSA_NUMBERS 8
#define RSA_DEFAULT_BITS 2048u
#define RSA_DEFAULT_EXPONENT 65537u
#define SCRATCH_LEN (N_RSA_NUMBERS * KPC_RSA_MAX_LEN)

/* Copies n and e of the OpenSSL key into key->pub, without leading zeros. */
static kp_status keep_public(struct kpc_key *key, struct kp_error *reterr)
{
    key->bits = (uint32_t)EVP_PKEY_get_bits(key->pkey);
    key->first_len = key->bits / 8;
    kp_status st = kpc_pkey_integer(key, OSSL_PKEY_PARAM_RSA_N, key->pub, key->first_len, reterr);
    uint8_t e[8];
    if (st == KP_OK)
        st = kpc_pkey_integer(key, OSSL_PKEY_PARAM_RSA_E, e, sizeof e, reterr);
    if (st != KP_OK)
        return st;
    size_t zeros = 0;
    while (e[zeros] == 0)
        zeros++;
    key->second_len = sizeof e - zeros;
    memcpy(key->pub + key->first_len, e + zeros, key->second_len);
    return KP_OK;
}

/* ---- Making one ---- */

static kp_status check_wanted(uint32_t bits, uint64_t exponent, struct kp_error *reterr)
{
    if (bits != 2048 && bits != 3072 && bits != 4096)
        return kpb_fail(reterr, KP_USAGE, "RSA keys have 2048, 3072 or 4096 bits, not %u", bits);
    if (exponent < 3 || exponent % 2 == 0)
        return kpb_fail(reterr, KP_USAGE, "the public exponent must be odd and at least 3");
    return KP_OK;
}

kp_status kpc_rsa_generate(struct kpc_key *key, const struct kp_key_params *params,
                           struct kp_error *reterr)
{
    size_t bits = params->bits ? params->bits : RSA_DEFAULT_BITS;
    uint64_t exponent = params->public_exponent ? params->public_exponent : RSA_DEFAULT_EXPONENT;
    kp_status st = check_wanted((uint32_t)bits, exponent, reterr);
    if (st != KP_OK)
        return st;
    OSSL_PARAM wanted[] = {OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_RSA_BITS, &bits),
                           OSSL_PARAM_construct_uint64(OSSL_PKEY_PARAM_RSA_E, &exponent),
                           OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(kpc_lib_ctx(), "RSA", NULL);
    if (!ctx || EVP_PKEY_keygen_init(ctx) <= 0 || EVP_PKEY_CTX_set_params(ctx, wanted) <= 0 ||
        EVP_PKEY_generate(ctx, &key->pkey) <= 0)
        st = kpc_fail_openssl(reterr, "OpenSSL could not generate an RSA key");
    EVP_PKEY_CTX_free(ctx);
    key->has_private = true;
    return st == KP_OK ? keep_public(key, reterr) : st;
}

/* ---- Taking one in ---- */

static OSSL_PARAM number_param(const char *name, const BIGNUM *number, uint8_t *scratch, int len)
{
    (void)BN_bn2nativepad(number, scratch, len); /* scratch holds any of ours */
    return OSSL_PARAM_construct_BN(name, scratch, (size_t)len);
}

/* Passes the numbers through secret memory of ours, which OpenSSL only reads. */
static kp_status make_pkey(struct kpc_key *key, const struct kpc_rsa_numbers *numbers,
                           struct kp_error *reterr)
{
    const struct {
        const char *name;
        const BIGNUM *number;
    } parts[N_RSA_NUMBERS] = {{OSSL_PKEY_PARAM_RSA_N, numbers->n},
                              {OSSL_PKEY_PARAM_RSA_E, numbers->e},
                              {OSSL_PKEY_PARAM_RSA_D, numbers->d},
                              {OSSL_PKEY_PARAM_RSA_FACTOR1, numbers->p},
                              {OSSL_PKEY_PARAM_RSA_FACTOR2, numbers->q},
                              {OSSL_PKEY_PARAM_RSA_EXPONENT1, numbers->dp},
                              {OSSL_PKEY_PARAM_RSA_EXPONENT2, numbers->dq},
                              {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, numbers->qi}};
    uint8_t *scratch = kpb_secret_alloc("crypto.key.scratch", SCRATCH_LEN);
    if (!scratch)
        return kpb_fail_memory(reterr, "crypto.key.scratch");
    OSSL_PARAM params[N_RSA_NUMBERS + 1];
    size_t n_params = 0;
    for (size_t i = 0; i < N_RSA_NUMBERS && parts[i].number; i++)
        params[n_params++] =
            number_param(parts[i].name, parts[i].number, scratch + i * KPC_RSA_MAX_LEN,
                         BN_num_bytes(parts[i].number));
    params[n_params] = OSSL_PARAM_construct_end();
    kp_status st = kpc_pkey_make(key, "RSA", params, "n and e do not make an RSA key", reterr);
    kpb_secret_free(scratch, SCRATCH_LEN);
    return st;
}

/* What only OpenSSL's own checks prove: primality, or a public modulus without small factors. */
static kp_status prove_pkey(const struct kpc_key *key, struct kp_error *reterr)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(kpc_lib_ctx(), key->pkey, NULL);
    kp_status st = KP_OK;
    if (!ctx)
        st = kpb_fail_memory(reterr, "crypto.openssl");
    else if (key->has_private && EVP_PKEY_pairwise_check(ctx) <= 0)
        st = kpc_refuse_input(reterr, "p or q of the RSA key is not prime");
    else if (!key->has_private && EVP_PKEY_public_check(ctx) <= 0)
        st = kpc_refuse_input(reterr, "n of the RSA key is not a product of two primes");
    EVP_PKEY_CTX_free(ctx);
    return st;
}

static kp_status take_numbers(struct kpc_key *key, struct kpc_rsa_numbers *numbers,
                              enum kpc_origin origin, struct kp_error *reterr)
{
    kp_status st = KP_OK;
    key->has_private = numbers->d != NULL;
    if (key->has_private) {
        st = kpc_rsa_numbers_complete(numbers, reterr);
        if (st == KP_OK)
            st = kpc_rsa_numbers_check(numbers, reterr);
    }
    if (st == KP_OK)
        st = make_pkey(key, numbers, reterr);
    if (st == KP_OK && origin != KPC_STORED)
        st = prove_pkey(key, reterr);
    return st == KP_OK ? keep_public(key, reterr) : st;
}

kp_status kpc_rsa_import(struct kpc_key *key, const struct kp_key_params *params,
                         enum kpc_origin origin, struct kp_error *reterr)
{
    if (params->x.len > 0 || params->y.len > 0)
        return kpb_fail(reterr, KP_USAGE, "an RSA key has no x and y");
    if (params->k.len > 0)
        return kpb_fail(reterr, KP_USAGE, "an RSA key has no k");
    struct kpc_rsa_numbers numbers = {0};
    kp_status st = kpc_rsa_numbers_read(&numbers, params, reterr);
    if (st == KP_OK)
        st = take_numbers(key, &numbers, origin, reterr);
    kpc_rsa_numbers_clear(&numbers);
    return st;
}
