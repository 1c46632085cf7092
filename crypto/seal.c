#include "crypto/seal.h"

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "crypto/lib.h"
#include "crypto/random.h"

static kp_status check_args(kp_span key, kp_span aad, kp_span bytes, struct kp_error *reterr)
{
    if (key.len != KPC_SEAL_KEY_LEN)
        return kpb_fail(reterr, KP_USAGE, "a sealing key has %u bytes, not %zu", KPC_SEAL_KEY_LEN,
                        key.len);
    if (aad.len > KP_PAYLOAD_MAX_LEN || bytes.len > KP_PAYLOAD_MAX_LEN)
        return kpb_fail(reterr, KP_USAGE, "at most %u bytes are sealed at once",
                        KP_PAYLOAD_MAX_LEN);
    return KP_OK;
}

static EVP_CIPHER_CTX *start(kp_span key, kp_span aad, const uint8_t *iv, int encrypting)
{
    const EVP_CIPHER *cipher = kpc_lib_aes(KPC_AES_GCM, 256);
    EVP_CIPHER_CTX *ctx = cipher ? EVP_CIPHER_CTX_new() : NULL;
    int len = 0;
    if (ctx && EVP_CipherInit_ex2(ctx, cipher, key.ptr, iv, encrypting, NULL) > 0 &&
        (aad.len == 0 || EVP_CipherUpdate(ctx, NULL, &len, aad.ptr, (int)aad.len) > 0))
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

static bool update(EVP_CIPHER_CTX *ctx, kp_span in, uint8_t *out)
{
    int len = 0;
    return in.len == 0 || EVP_CipherUpdate(ctx, out, &len, in.ptr, (int)in.len) > 0;
}

static bool seal_body(EVP_CIPHER_CTX *ctx, kp_span plain, uint8_t *body)
{
    int len = 0;
    uint8_t *tag = body + plain.len;
    return ctx && update(ctx, plain, body) && EVP_CipherFinal_ex(ctx, tag, &len) > 0 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, KPC_TAG_LEN, tag) > 0;
}

kp_status kpc_seal(kp_span key, kp_span aad, kp_span plain, struct kpc_out *out,
                   struct kp_error *reterr)
{
    kp_status st = check_args(key, aad, plain, reterr);
    if (st != KP_OK)
        return st;
    if (out->cap < plain.len + KPC_SEAL_OVERHEAD)
        return kpb_fail(reterr, KP_USAGE, "the output area has %zu bytes; %zu are needed", out->cap,
                        plain.len + KPC_SEAL_OVERHEAD);
    out->len = 0;
    st = kpc_random(out->ptr, KPC_GCM_IV_LEN, reterr);
    if (st != KP_OK)
        return st;
    kpc_lib_enter();
    EVP_CIPHER_CTX *ctx = start(key, aad, out->ptr, 1);
    if (seal_body(ctx, plain, out->ptr + KPC_GCM_IV_LEN))
        out->len = plain.len + KPC_SEAL_OVERHEAD;
    else
        st = kpc_fail_openssl(reterr, "OpenSSL could not seal");
    EVP_CIPHER_CTX_free(ctx);
    kpc_lib_leave();
    return st;
}

static bool check_tag(EVP_CIPHER_CTX *ctx, kp_span sealed)
{
    uint8_t tag[KPC_TAG_LEN];
    uint8_t none[1];
    int len = 0;
    memcpy(tag, sealed.ptr + sealed.len - KPC_TAG_LEN, KPC_TAG_LEN);
    return EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, KPC_TAG_LEN, tag) > 0 &&
           EVP_CipherFinal_ex(ctx, none, &len) > 0;
}

static kp_status open_body(EVP_CIPHER_CTX *ctx, kp_span sealed, struct kpc_out *out,
                           struct kp_error *reterr)
{
    kp_span body = kpb_span(sealed.ptr + KPC_GCM_IV_LEN, sealed.len - KPC_SEAL_OVERHEAD);
    if (!ctx || !update(ctx, body, out->ptr))
        return kpc_fail_openssl(reterr, "OpenSSL could not open the seal");
    if (!check_tag(ctx, sealed))
        return kpb_fail(reterr, KP_INTEGRITY,
                        "the sealed data was altered, or belongs to another key or place");
    out->len = body.len;
    return KP_OK;
}

kp_status kpc_open(kp_span key, kp_span aad, kp_span sealed, struct kpc_out *out,
                   struct kp_error *reterr)
{
    if (sealed.len < KPC_SEAL_OVERHEAD)
        return kpb_fail(reterr, KP_INTEGRITY, "the sealed data is cut short");
    size_t plain_len = sealed.len - KPC_SEAL_OVERHEAD;
    kp_status st = check_args(key, aad, kpb_span(sealed.ptr, plain_len), reterr);
    if (st != KP_OK)
        return st;
    if (out->cap < plain_len)
        return kpb_fail(reterr, KP_USAGE, "the output area has %zu bytes; %zu are needed", out->cap,
                        plain_len);
    out->len = 0;
    kpc_lib_enter();
    EVP_CIPHER_CTX *ctx = start(key, aad, sealed.ptr, 0);
    st = open_body(ctx, sealed, out, reterr);
    EVP_CIPHER_CTX_free(ctx);
    kpc_lib_leave();
    if (st != KP_OK)
        kpb_wipe(out->ptr, plain_len); /* GCM hands out plaintext before the tag is known */
    return st;
}
