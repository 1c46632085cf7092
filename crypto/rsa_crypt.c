/* RSAES-PKCS1-v1_5 and RSAES-OAEP, RFC 8017 sections 7.1 and 7.2. */
#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "base/errors.h"
#include "crypto/families.h"

static size_t modulus_len(const struct kpc_key *key)
{
    return key->bits / 8;
}

/* Bytes the padding costs: 11 for PKCS #1 v1.5, twice the digest and 2 for OAEP. */
static size_t overhead(uint32_t alg)
{
    switch (alg) {
    case KP_ALG_RSA1_5:
        return 11;
    case KP_ALG_RSA_OAEP:
        return 2 * 20 + 2;
    default:
        return 2 * 32 + 2;
    }
}

static kp_status check_bare(const struct kpc_crypt_job *job)
{
    const struct kpc_input *in = job->in;
    if (in->iv.len == 0 && in->aad.len == 0 && in->tag.len == 0)
        return KP_OK;
    return kpb_fail(job->err, KP_USAGE, "%s takes no iv, aad or tag", job->alg->name);
}

static kp_status check_rsa(const struct kpc_crypt_job *job)
{
    size_t k = modulus_len(job->key);
    size_t len = job->in->value.len;
    kp_status st = check_bare(job);
    if (st != KP_OK)
        return st;
    if (job->direction == KPC_BACKWARD && len != k)
        return kpb_fail(job->err, KP_USAGE,
                        "the value has %zu bytes; %s under a %u-bit key makes %zu", len,
                        job->alg->name, job->key->bits, k);
    size_t max = k - overhead(job->alg->alg);
    if (job->direction == KPC_FORWARD && len > max)
        return kpb_fail(job->err, KP_USAGE,
                        "the value has %zu bytes; %s with a %u-bit key takes at most %zu", len,
                        job->alg->name, job->key->bits, max);
    return KP_OK;
}

/*
 * OpenSSL from 3.2 on (and patched older ones) would answer damaged PKCS #1 v1.5 ciphertext with a
 * random message: a wrong key without a word. Why not here: see crypto/ops.h.
 */
static int report_damage(EVP_PKEY_CTX *ctx)
{
    static const char name[] = "implicit-rejection"; /* no macro for it in 3.0 */
    unsigned int off = 0;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_uint(name, &off), OSSL_PARAM_construct_end()};
    const OSSL_PARAM *known = EVP_PKEY_CTX_settable_params(ctx);
    if (!known || !OSSL_PARAM_locate_const(known, name))
        return 1;
    return EVP_PKEY_CTX_set_params(ctx, params);
}

static int prepare_rsa_crypt(EVP_PKEY_CTX *ctx, uint32_t alg, enum kpc_direction direction)
{
    int ok = direction == KPC_FORWARD ? EVP_PKEY_encrypt_init(ctx) : EVP_PKEY_decrypt_init(ctx);
    if (ok <= 0)
        return ok;
    if (alg == KP_ALG_RSA1_5) {
        ok = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING);
        return ok > 0 && direction == KPC_BACKWARD ? report_damage(ctx) : ok;
    }
    const EVP_MD *md = kpc_lib_md(alg == KP_ALG_RSA_OAEP ? KPC_SHA1 : KPC_SHA256);
    if (!md || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) <= 0 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) <= 0)
        return 0;
    return EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md);
}

static kp_status run_rsa(const struct kpc_crypt_job *job)
{
    static const uint8_t nothing[1];
    struct kpc_out *out = &job->ret->value;
    const uint8_t *in = job->in->value.len > 0 ? job->in->value.ptr : nothing;
    EVP_PKEY_CTX *ctx = kpc_key_context(job->key, job->alg->alg, job->direction, prepare_rsa_crypt);
    if (!ctx)
        return kpc_fail_crypt(job);
    size_t len = out->cap;
    int ok = job->direction == KPC_FORWARD
                 ? EVP_PKEY_encrypt(ctx, out->ptr, &len, in, job->in->value.len)
                 : EVP_PKEY_decrypt(ctx, out->ptr, &len, in, job->in->value.len);
    kpc_key_context_back(job->key, ctx, ok > 0);
    if (ok > 0 && len <= out->cap) {
        out->len = len;
        return KP_OK;
    }
    bool blamed = kpc_lib_blame() == KPC_BLAME_INPUT;
    return blamed && job->direction == KPC_BACKWARD ? kpc_fail_unreadable(job)
                                                    : kpc_fail_crypt(job);
}

static size_t max_rsa_len(const struct kpc_key *key, const struct kpc_alg_info *alg,
                          enum kpc_direction direction, size_t in_len)
{
    (void)alg;
    (void)direction; /* OpenSSL wants room for a whole block, also to decrypt */
    (void)in_len;
    return modulus_len(key);
}

const struct kpc_crypt_family kpc_rsa_crypt_family = {check_rsa, run_rsa, max_rsa_len};
