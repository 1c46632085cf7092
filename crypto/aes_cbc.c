/*
 * AES-CBC, NIST SP 800-38A section 6.2. A*CBCPAD pads as PKCS #7 (RFC 5652 section 6.3). A*CBC
 * fills the last block with zeros and leaves them on the decrypted value, as a Managed HSM does.
 */
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "crypto/families.h"

#define BLOCK 16u

static bool is_padded(const struct kpc_alg_info *alg)
{
    return alg->alg == KP_ALG_A128CBCPAD || alg->alg == KP_ALG_A192CBCPAD ||
           alg->alg == KP_ALG_A256CBCPAD;
}

static kp_status check_cbc(const struct kpc_crypt_job *job)
{
    const struct kpc_input *in = job->in;
    if (in->iv.len != KPC_CBC_IV_LEN)
        return kpb_fail(job->err, KP_USAGE, "the iv has %zu bytes; %s takes %u", in->iv.len,
                        job->alg->name, KPC_CBC_IV_LEN);
    if (in->tag.len > 0)
        return kpb_fail(job->err, KP_USAGE, "%s takes no tag", job->alg->name);
    if (job->direction == KPC_BACKWARD && (in->value.len == 0 || in->value.len % BLOCK != 0))
        return kpb_fail(job->err, KP_USAGE, "the value has %zu bytes; %s makes a multiple of 16",
                        in->value.len, job->alg->name);
    if (in->value.len == 0 && !is_padded(job->alg))
        return kpb_fail(job->err, KP_USAGE, "the value to encrypt is empty");
    return KP_OK;
}

/* The last block filled up with zeros, when there is one to fill. */
static bool feed_zeros(EVP_CIPHER_CTX *ctx, const struct kpc_crypt_job *job, size_t *at)
{
    static const uint8_t zeros[BLOCK];
    size_t odd = job->in->value.len % BLOCK;
    if (job->direction == KPC_BACKWARD || is_padded(job->alg) || odd == 0)
        return true;
    int len = 0;
    if (EVP_CipherUpdate(ctx, job->ret->value.ptr + *at, &len, zeros, (int)(BLOCK - odd)) <= 0)
        return false;
    *at += (size_t)len;
    return true;
}

static bool feed_cbc(EVP_CIPHER_CTX *ctx, const struct kpc_crypt_job *job, size_t *at)
{
    kp_span value = job->in->value;
    int len = 0;
    if (EVP_CIPHER_CTX_set_padding(ctx, is_padded(job->alg)) <= 0)
        return false;
    if (value.len > 0 &&
        EVP_CipherUpdate(ctx, job->ret->value.ptr, &len, value.ptr, (int)value.len) <= 0)
        return false;
    *at = (size_t)len;
    return feed_zeros(ctx, job, at);
}

static kp_status finish_cbc(EVP_CIPHER_CTX *ctx, const struct kpc_crypt_job *job, size_t at)
{
    /* Never straight into the caller's area: a short last block would be written there in full. */
    uint8_t last[BLOCK];
    int len = 0;
    if (EVP_CipherFinal_ex(ctx, last, &len) <= 0)
        return job->direction == KPC_FORWARD ? kpc_fail_crypt(job) : kpc_fail_unreadable(job);
    memcpy(job->ret->value.ptr + at, last, (size_t)len);
    kpb_wipe(last, sizeof last);
    job->ret->value.len = at + (size_t)len;
    return KP_OK;
}

static kp_status run_cbc(const struct kpc_crypt_job *job)
{
    struct kpc_result *ret = job->ret;
    size_t at = 0;
    memcpy(ret->iv, job->in->iv.ptr, KPC_CBC_IV_LEN);
    ret->iv_len = KPC_CBC_IV_LEN;
    EVP_CIPHER_CTX *ctx = kpc_aes_context(job, KPC_AES_CBC, ret->iv);
    kp_status st;
    if (!ctx || !feed_cbc(ctx, job, &at))
        st = kpc_fail_crypt(job);
    else
        st = finish_cbc(ctx, job, at);
    EVP_CIPHER_CTX_free(ctx);
    return st;
}

static size_t max_cbc_len(const struct kpc_key *key, const struct kpc_alg_info *alg,
                          enum kpc_direction direction, size_t in_len)
{
    (void)key;
    if (direction == KPC_BACKWARD)
        return in_len;
    return (in_len + (is_padded(alg) ? BLOCK : BLOCK - 1)) / BLOCK * BLOCK;
}

const struct kpc_crypt_family kpc_aes_cbc_family = {check_cbc, run_cbc, max_cbc_len};
