/* AES-GCM with a random 96-bit IV and a 128-bit tag: NIST SP 800-38D, RFC 7518 section 5.3. */
#include <string.h>

#include "base/errors.h"
#include "crypto/families.h"
#include "crypto/random.h"

static kp_status check_gcm(const struct kpc_crypt_job *job)
{
    const struct kpc_input *in = job->in;
    if (job->direction == KPC_FORWARD && in->iv.len > 0)
        return kpb_fail(job->err, KP_USAGE, "%s makes its iv itself; leave it out", job->alg->name);
    if (job->direction == KPC_FORWARD && in->tag.len > 0)
        return kpb_fail(job->err, KP_USAGE, "%s makes the tag; leave it out", job->alg->name);
    if (job->direction == KPC_FORWARD)
        return KP_OK;
    if (in->iv.len != KPC_GCM_IV_LEN)
        return kpb_fail(job->err, KP_USAGE, "the iv has %zu bytes; %s takes %u", in->iv.len,
                        job->alg->name, KPC_GCM_IV_LEN);
    if (in->tag.len != KPC_TAG_LEN)
        return kpb_fail(job->err, KP_USAGE, "the tag has %zu bytes; %s takes %u", in->tag.len,
                        job->alg->name, KPC_TAG_LEN);
    return KP_OK;
}

static bool feed_gcm(EVP_CIPHER_CTX *ctx, const struct kpc_crypt_job *job)
{
    int len = 0;
    kp_span aad = job->in->aad;
    kp_span value = job->in->value;
    if (aad.len > 0 && EVP_CipherUpdate(ctx, NULL, &len, aad.ptr, (int)aad.len) <= 0)
        return false;
    return value.len == 0 ||
           EVP_CipherUpdate(ctx, job->ret->value.ptr, &len, value.ptr, (int)value.len) > 0;
}

static bool finish_gcm(EVP_CIPHER_CTX *ctx, const struct kpc_crypt_job *job)
{
    uint8_t none[1];
    int len = 0;
    uint8_t *tag = job->ret->tag;
    if (job->direction == KPC_FORWARD)
        return EVP_CipherFinal_ex(ctx, none, &len) > 0 &&
               EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, KPC_TAG_LEN, tag) > 0;
    return EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, KPC_TAG_LEN, tag) > 0 &&
           EVP_CipherFinal_ex(ctx, none, &len) > 0;
}

static kp_status choose_iv(const struct kpc_crypt_job *job)
{
    struct kpc_result *ret = job->ret;
    ret->iv_len = KPC_GCM_IV_LEN;
    ret->tag_len = KPC_TAG_LEN;
    if (job->direction == KPC_FORWARD)
        return kpc_random(ret->iv, KPC_GCM_IV_LEN, job->err);
    memcpy(ret->iv, job->in->iv.ptr, KPC_GCM_IV_LEN);
    memcpy(ret->tag, job->in->tag.ptr, KPC_TAG_LEN);
    return KP_OK;
}

static kp_status run_gcm(const struct kpc_crypt_job *job)
{
    kp_status st = choose_iv(job);
    if (st != KP_OK)
        return st;
    EVP_CIPHER_CTX *ctx = kpc_aes_context(job, KPC_AES_GCM, job->ret->iv);
    if (!ctx || !feed_gcm(ctx, job))
        st = kpc_fail_crypt(job);
    else if (!finish_gcm(ctx, job)) /* the plaintext is out already; failing wipes it */
        st = job->direction == KPC_FORWARD ? kpc_fail_crypt(job) : kpc_fail_unreadable(job);
    else
        job->ret->value.len = job->in->value.len;
    EVP_CIPHER_CTX_free(ctx);
    return st;
}

static size_t max_gcm_len(const struct kpc_key *key, const struct kpc_alg_info *alg,
                          enum kpc_direction direction, size_t in_len)
{
    (void)key;
    (void)alg;
    (void)direction;
    return in_len;
}

const struct kpc_crypt_family kpc_aes_gcm_family = {check_gcm, run_gcm, max_gcm_len};
