/* ECDSA with signatures as r || s: RFC 7518 section 3.4, RFC 8812 section 3.2 (ES256K). */
#include <openssl/ec.h>

#include "base/errors.h"
#include "crypto/families.h"

#define EC_COORD_MAX_LEN 66
#define EC_DER_MAX_LEN (2 * (EC_COORD_MAX_LEN + 3) + 3) /* two INTEGERs in a SEQUENCE */

static size_t ec_signature_len(const struct kpc_key *key, const struct kpc_alg_info *alg)
{
    (void)alg;
    return 2 * key->first_len;
}

static kp_status check_ec_sign(const struct kpc_sign_job *job)
{
    (void)job; /* the digest's length says it all */
    return KP_OK;
}

static int prepare_ec_sign(EVP_PKEY_CTX *ctx, uint32_t alg, enum kpc_direction direction)
{
    (void)alg;
    return direction == KPC_FORWARD ? EVP_PKEY_sign_init(ctx) : EVP_PKEY_verify_init(ctx);
}

/* OpenSSL's DER into two numbers of full length. */
static bool split_der(const uint8_t *der, size_t der_len, uint8_t *out, int coord_len)
{
    /* Out of memory, OpenSSL 3.0 reports success here with a length of -1 and writes nothing. */
    if (der_len > EC_DER_MAX_LEN)
        return false;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
    bool ok = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, coord_len) == coord_len &&
              BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + coord_len, coord_len) == coord_len;
    ECDSA_SIG_free(pair);
    return ok;
}

/* The way back. *ret_len is 0 when OpenSSL fails. */
static void join_der(kp_span raw, uint8_t der[EC_DER_MAX_LEN], size_t *ret_len)
{
    int coord_len = (int)(raw.len / 2);
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw.ptr, coord_len, NULL);
    BIGNUM *s = BN_bin2bn(raw.ptr + coord_len, coord_len, NULL);
    *ret_len = 0;
    if (pair && r && s && ECDSA_SIG_set0(pair, r, s)) {
        r = NULL; /* moved to pair */
        s = NULL;
        int len = i2d_ECDSA_SIG(pair, &der);
        *ret_len = len > 0 ? (size_t)len : 0;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
}

static kp_status sign_ec(const struct kpc_sign_job *job, struct kpc_out *ret)
{
    uint8_t der[EC_DER_MAX_LEN];
    size_t der_len = sizeof der;
    size_t coord_len = job->key->first_len;
    EVP_PKEY_CTX *ctx = kpc_key_context(job->key, job->alg->alg, KPC_FORWARD, prepare_ec_sign);
    kp_status st = KP_OK;
    if (!ctx || EVP_PKEY_sign(ctx, der, &der_len, job->digest.ptr, job->digest.len) <= 0 ||
        !split_der(der, der_len, ret->ptr, (int)coord_len))
        st = kpc_fail_openssl(job->err, "OpenSSL could not sign");
    else
        ret->len = 2 * coord_len;
    kpc_key_context_back(job->key, ctx, st == KP_OK);
    return st;
}

static kp_status verify_ec(const struct kpc_sign_job *job, kp_span signature, bool *ret_valid)
{
    uint8_t der[EC_DER_MAX_LEN];
    size_t der_len = 0;
    join_der(signature, der, &der_len);
    EVP_PKEY_CTX *ctx = kpc_key_context(job->key, job->alg->alg, KPC_BACKWARD, prepare_ec_sign);
    kp_status st = KP_OK;
    if (!ctx || der_len == 0)
        st = kpc_fail_openssl(job->err, "OpenSSL could not verify");
    else
        st = kpc_take_verdict(
            job, EVP_PKEY_verify(ctx, der, der_len, job->digest.ptr, job->digest.len), ret_valid);
    kpc_key_context_back(job->key, ctx, st == KP_OK && *ret_valid);
    return st;
}

const struct kpc_sign_family kpc_ec_sign_family = {check_ec_sign, sign_ec, verify_ec,
                                                   ec_signature_len};
