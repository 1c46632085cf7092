/* RSASSA-PKCS1-v1_5 and RSASSA-PSS, RFC 8017 section 8, and the bare type 1 padding of RSNULL. */
#include <openssl/rsa.h>

#include "base/errors.h"
#include "crypto/families.h"

static size_t rsa_signature_len(const struct kpc_key *key, const struct kpc_alg_info *alg)
{
    (void)alg;
    return key->bits / 8;
}

static kp_status check_rsa_sign(const struct kpc_sign_job *job)
{
    size_t max = job->key->bits / 8 - 11;
    if (job->alg->alg != KP_ALG_RSNULL || job->digest.len <= max)
        return KP_OK;
    return kpb_fail(job->err, KP_USAGE,
                    "the value has %zu bytes; RSNULL with a %u-bit key takes at most %zu",
                    job->digest.len, job->key->bits, max);
}

static bool is_pss(uint32_t alg)
{
    return alg == KP_ALG_PS256 || alg == KP_ALG_PS384 || alg == KP_ALG_PS512;
}

static int prepare_rsa_sign(EVP_PKEY_CTX *ctx, uint32_t alg, enum kpc_direction direction)
{
    int ok = direction == KPC_FORWARD ? EVP_PKEY_sign_init(ctx) : EVP_PKEY_verify_init(ctx);
    if (ok <= 0)
        return ok;
    if (alg == KP_ALG_RSNULL) /* no digest set: OpenSSL pads the bytes as they are */
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING);
    const EVP_MD *md = kpc_lib_md((enum kpc_digest)kpc_alg_find(alg)->digest);
    int padding = is_pss(alg) ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
    if (!md || EVP_PKEY_CTX_set_rsa_padding(ctx, padding) <= 0)
        return 0;
    ok = EVP_PKEY_CTX_set_signature_md(ctx, md);
    if (ok <= 0 || !is_pss(alg))
        return ok;
    if (EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) <= 0)
        return 0;
    return EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST);
}

static kp_status sign_rsa(const struct kpc_sign_job *job, struct kpc_out *ret)
{
    EVP_PKEY_CTX *ctx = kpc_key_context(job->key, job->alg->alg, KPC_FORWARD, prepare_rsa_sign);
    size_t len = ret->cap;
    kp_status st = KP_OK;
    if (!ctx || EVP_PKEY_sign(ctx, ret->ptr, &len, job->digest.ptr, job->digest.len) <= 0 ||
        len != rsa_signature_len(job->key, job->alg))
        st = kpc_fail_openssl(job->err, "OpenSSL could not sign");
    else
        ret->len = len;
    kpc_key_context_back(job->key, ctx, st == KP_OK);
    return st;
}

static kp_status verify_rsa(const struct kpc_sign_job *job, kp_span signature, bool *ret_valid)
{
    EVP_PKEY_CTX *ctx = kpc_key_context(job->key, job->alg->alg, KPC_BACKWARD, prepare_rsa_sign);
    if (!ctx)
        return kpc_fail_openssl(job->err, "OpenSSL could not verify");
    int answer =
        EVP_PKEY_verify(ctx, signature.ptr, signature.len, job->digest.ptr, job->digest.len);
    kpc_key_context_back(job->key, ctx, answer > 0);
    return kpc_take_verdict(job, answer, ret_valid);
}

const struct kpc_sign_family kpc_rsa_sign_family = {check_rsa_sign, sign_rsa, verify_rsa,
                                                    rsa_signature_len};
