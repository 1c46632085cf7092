#include "crypto/hash.h"

#include <stdbool.h>

#include <openssl/core_names.h>

#include "base/errors.h"
#include "crypto/lib.h"

static kp_status fail_digest(struct kp_error *reterr)
{
    return kpc_fail_openssl(reterr, "OpenSSL could not compute SHA-256");
}

kp_status kpc_sha256_start(struct kpc_sha256 *hash, struct kp_error *reterr)
{
    kpc_sha256_clear(hash);
    kpc_lib_enter();
    kp_status st = KP_OK;
    const EVP_MD *md = kpc_lib_md(KPC_SHA256);
    hash->ctx = EVP_MD_CTX_new();
    if (!md || !hash->ctx || EVP_DigestInit_ex2(hash->ctx, md, NULL) <= 0)
        st = fail_digest(reterr);
    kpc_lib_leave();
    if (st != KP_OK)
        kpc_sha256_clear(hash);
    return st;
}

kp_status kpc_sha256_feed(struct kpc_sha256 *hash, kp_span bytes, struct kp_error *reterr)
{
    if (!hash->ctx)
        return kpb_fail(reterr, KP_USAGE, "the digest was not started");
    kpc_lib_enter();
    kp_status st = KP_OK;
    if (EVP_DigestUpdate(hash->ctx, bytes.ptr, bytes.len) <= 0)
        st = fail_digest(reterr);
    kpc_lib_leave();
    return st;
}

kp_status kpc_sha256_finish(struct kpc_sha256 *hash, uint8_t out[KPC_SHA256_LEN],
                            struct kp_error *reterr)
{
    if (!hash->ctx)
        return kpb_fail(reterr, KP_USAGE, "the digest was not started");
    kpc_lib_enter();
    kp_status st = KP_OK;
    if (EVP_DigestFinal_ex(hash->ctx, out, NULL) <= 0)
        st = fail_digest(reterr);
    kpc_lib_leave();
    kpc_sha256_clear(hash);
    return st;
}

void kpc_sha256_clear(struct kpc_sha256 *hash)
{
    EVP_MD_CTX_free(hash->ctx);
    hash->ctx = NULL;
}

kp_status kpc_sha256(kp_span bytes, uint8_t out[KPC_SHA256_LEN], struct kp_error *reterr)
{
    kpc_lib_enter();
    kp_status st = KP_OK;
    const EVP_MD *md = kpc_lib_md(KPC_SHA256);
    if (!md || EVP_Digest(bytes.ptr, bytes.len, out, NULL, md, NULL) <= 0)
        st = fail_digest(reterr);
    kpc_lib_leave();
    return st;
}

static bool compute_hmac(EVP_MAC_CTX *ctx, kp_span key, kp_span bytes, uint8_t *out)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    size_t len = 0;
    return ctx && EVP_MAC_init(ctx, key.ptr, key.len, params) > 0 &&
           EVP_MAC_update(ctx, bytes.ptr, bytes.len) > 0 &&
           EVP_MAC_final(ctx, out, &len, KPC_SHA256_LEN) > 0;
}

kp_status kpc_hmac_sha256(kp_span key, kp_span bytes, uint8_t out[KPC_SHA256_LEN],
                          struct kp_error *reterr)
{
    if (key.len == 0)
        return kpb_fail(reterr, KP_USAGE, "the HMAC key is empty");
    kpc_lib_enter();
    EVP_MAC *hmac = kpc_lib_hmac();
    EVP_MAC_CTX *ctx = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    kp_status st = KP_OK;
    if (!compute_hmac(ctx, key, bytes, out))
        st = kpc_fail_openssl(reterr, "OpenSSL could not compute the HMAC");
    EVP_MAC_CTX_free(ctx);
    kpc_lib_leave();
    return st;
}
