/* AES key wrap: RFC 3394 (A*KW, CKM_AES_KEY_WRAP) and RFC 5649 (CKM_AES_KEY_WRAP_PAD). */
#include "base/errors.h"
#include "crypto/families.h"

#define SEMIBLOCK 8u

static bool is_padded(const struct kpc_alg_info *alg)
{
    return alg->alg == KP_ALG_CKM_AES_KEY_WRAP_PAD;
}

static kp_status check_wrap_input(const struct kpc_crypt_job *job)
{
    size_t len = job->in->value.len;
    if (is_padded(job->alg) && len == 0)
        return kpb_fail(job->err, KP_USAGE, "the value to wrap is empty");
    if (!is_padded(job->alg) && (len % SEMIBLOCK != 0 || len < 2 * SEMIBLOCK))
        return kpb_fail(job->err, KP_USAGE,
                        "the value has %zu bytes; %s takes a multiple of 8 from 16 on", len,
                        job->alg->name);
    return KP_OK;
}

static kp_status check_wrap(const struct kpc_crypt_job *job)
{
    const struct kpc_input *in = job->in;
    if (in->iv.len > 0 || in->aad.len > 0 || in->tag.len > 0)
        return kpb_fail(job->err, KP_USAGE, "%s takes no iv, aad or tag", job->alg->name);
    if (job->direction == KPC_FORWARD)
        return check_wrap_input(job);
    size_t min = is_padded(job->alg) ? 2 * SEMIBLOCK : 3 * SEMIBLOCK;
    if (in->value.len % SEMIBLOCK != 0 || in->value.len < min)
        return kpb_fail(job->err, KP_USAGE,
                        "the value has %zu bytes; %s makes a multiple of 8 from %zu on",
                        in->value.len, job->alg->name, min);
    return KP_OK;
}

static kp_status run_wrap(const struct kpc_crypt_job *job)
{
    struct kpc_out *out = &job->ret->value;
    enum kpc_aes_mode mode = is_padded(job->alg) ? KPC_AES_WRAP_PAD : KPC_AES_WRAP;
    EVP_CIPHER_CTX *ctx = kpc_aes_context(job, mode, NULL);
    if (!ctx)
        return kpc_fail_crypt(job);
    int len = 0;
    int ok = EVP_CipherUpdate(ctx, out->ptr, &len, job->in->value.ptr, (int)job->in->value.len);
    EVP_CIPHER_CTX_free(ctx);
    if (ok <= 0 || len <= 0)
        return job->direction == KPC_FORWARD ? kpc_fail_crypt(job) : kpc_fail_unreadable(job);
    out->len = (size_t)len;
    return KP_OK;
}

static size_t max_wrap_len(const struct kpc_key *key, const struct kpc_alg_info *alg,
                           enum kpc_direction direction, size_t in_len)
{
    (void)key;
    (void)alg;
    if (direction == KPC_BACKWARD)
        return in_len;
    return (in_len + SEMIBLOCK - 1) / SEMIBLOCK * SEMIBLOCK + SEMIBLOCK;
}

const struct kpc_crypt_family kpc_aes_wrap_family = {check_wrap, run_wrap, max_wrap_len};
