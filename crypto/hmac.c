/* HS256, HS384, HS512: RFC 2104 with the digests of RFC 7518 section 3.2. */
#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/mem.h"
#include "base/span.h"
#include "crypto/families.h"

#define HMAC_MAX_LEN 64u

static size_t hmac_len(const struct kpc_key *key, const struct kpc_alg_info *alg)
{
    (void)key;
    switch (alg->alg) {
    case KP_ALG_HS256:
        return 32;
    case KP_ALG_HS384:
        return 48;
    default:
        return HMAC_MAX_LEN;
    }
}

static kp_status check_hmac(const struct kpc_sign_job *job)
{
    (void)job; /* any value, any key */
    return KP_OK;
}

static EVP_MAC_CTX *make_context(const struct kpc_sign_job *job)
{
    EVP_MAC *hmac = kpc_lib_hmac();
    EVP_MAC_CTX *ctx = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    if (!ctx)
        return NULL;
    char digest[16] = {0};
    const char *name = kpc_lib_md_name((enum kpc_digest)job->alg->digest);
    memcpy(digest, name, strlen(name));
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    if (EVP_MAC_init(ctx, job->key->secret, job->key->secret_len, params) > 0)
        return ctx;
    EVP_MAC_CTX_free(ctx);
    return NULL;
}

/* A keyed context of the caller's own: a copy of the one the key keeps. */
static EVP_MAC_CTX *take_context(const struct kpc_sign_job *job)
{
    _Atomic(EVP_MAC_CTX *) *slot = &job->key->prepared_hmac[job->alg->alg - KP_ALG_HS256];
    EVP_MAC_CTX *published = atomic_load_explicit(slot, memory_order_acquire);
    if (published)
        return EVP_MAC_CTX_dup(published);
    EVP_MAC_CTX *ctx = make_context(job);
    if (!ctx)
        return NULL;
    if (atomic_compare_exchange_strong(slot, &published, ctx))
        return EVP_MAC_CTX_dup(ctx);
    EVP_MAC_CTX_free(ctx); /* another thread was first */
    return EVP_MAC_CTX_dup(published);
}

static kp_status compute(const struct kpc_sign_job *job, uint8_t *out, size_t cap, size_t *ret_len)
{
    EVP_MAC_CTX *ctx = take_context(job);
    kp_status st = KP_OK;
    if (!ctx || EVP_MAC_update(ctx, job->digest.ptr, job->digest.len) <= 0 ||
        EVP_MAC_final(ctx, out, ret_len, cap) <= 0)
        st = kpc_fail_openssl(job->err, "OpenSSL could not compute the HMAC");
    EVP_MAC_CTX_free(ctx);
    return st;
}

static kp_status sign_hmac(const struct kpc_sign_job *job, struct kpc_out *ret)
{
    return compute(job, ret->ptr, ret->cap, &ret->len);
}

static kp_status verify_hmac(const struct kpc_sign_job *job, kp_span signature, bool *ret_valid)
{
    uint8_t expected[HMAC_MAX_LEN];
    size_t len = 0;
    kp_status st = compute(job, expected, sizeof expected, &len);
    if (st == KP_OK)
        *ret_valid = kpb_span_eq_secret(signature, kpb_span(expected, len));
    kpb_wipe(expected, sizeof expected);
    return st;
}

const struct kpc_sign_family kpc_hmac_family = {check_hmac, sign_hmac, verify_hmac, hmac_len};
