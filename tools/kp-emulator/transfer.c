#include "tools/kp-emulator/transfer.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "base/errors.h"
#include "base/span.h"
#include "crypto/ops.h"
#include "crypto/random.h"

#define SITE "emulator.transfer"
#define AES_LEN 32u
#define DER_MAX_LEN 8192u

const char *emu_transfer_digest(kp_span enc)
{
    if (kpb_span_eq_str(enc, "CKM_RSA_AES_KEY_WRAP"))
        return "SHA1";
    if (kpb_span_eq_str(enc, "RSA_AES_KEY_WRAP_256"))
        return "SHA256";
    return kpb_span_eq_str(enc, "RSA_AES_KEY_WRAP_384") ? "SHA384" : NULL;
}

/* ---- The outer half: RSA-OAEP ---- */

static EVP_PKEY *public_key(kp_span n, kp_span e)
{
    uint8_t little[KPC_RSA_MAX_LEN + 8];
    EVP_PKEY *pkey = NULL;
    if (n.len == 0 || n.len > KPC_RSA_MAX_LEN || e.len == 0 || e.len > 8)
        return NULL;
    for (size_t i = 0; i < n.len; i++) /* OSSL_PARAM wants the native order of bytes */
        little[i] = n.ptr[n.len - 1 - i];
    for (size_t i = 0; i < e.len; i++)
        little[n.len + i] = e.ptr[e.len - 1 - i];
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, little, n.len),
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, little + n.len, e.len),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (ctx && EVP_PKEY_fromdata_init(ctx) == 1)
        (void)EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static bool set_oaep(EVP_PKEY_CTX *ctx, const char *digest)
{
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, digest, NULL) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, digest, NULL) == 1;
}

static kp_status encrypt_oaep(kp_span n, kp_span e, const char *digest, const uint8_t *aes,
                              kp_buf *out)
{
    uint8_t *room = NULL;
    size_t len = n.len;
    EVP_PKEY *pkey = public_key(n, e);
    EVP_PKEY_CTX *ctx = pkey ? EVP_PKEY_CTX_new(pkey, NULL) : NULL;
    bool ok = ctx && EVP_PKEY_encrypt_init(ctx) == 1 && set_oaep(ctx, digest) &&
              kp_buf_extend(out, n.len, &room) == KP_OK &&
              EVP_PKEY_encrypt(ctx, room, &len, aes, AES_LEN) == 1 && len == n.len;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return ok ? KP_OK : KP_USAGE;
}

/* ---- The inner half: AES key wrap with padding ---- */

static kp_status aes_key(const uint8_t *bytes, struct kpc_key **ret, struct kp_error *reterr)
{
    struct kp_key_params params = {.struct_size = sizeof params, .kty = KP_KTY_OCT};
    params.k = kpb_span(bytes, AES_LEN);
    return kpc_key_from_jwk(&params, KPC_FOREIGN, ret, reterr);
}

/* Wraps, or unwraps; the result is appended to out. */
static kp_status run_aes(const uint8_t *bytes, uint32_t op, kp_span text, kp_buf *out,
                         struct kp_error *reterr)
{
    struct kpc_key *key = NULL;
    struct kpc_result result = {.value = {NULL, 0, 0}};
    const struct kpc_input in = {.alg = KP_ALG_CKM_AES_KEY_WRAP_PAD, .value = text};
    const size_t start = out->len;
    kp_status st = aes_key(bytes, &key, reterr);
    if (st != KP_OK)
        return st;
    result.value.cap = kpc_max_output_len(key, in.alg, op, text.len);
    st = kp_buf_extend(out, result.value.cap, &result.value.ptr);
    if (st == KP_OK)
        st = op == KP_OP_WRAP ? kpc_encrypt(key, &in, &result, reterr)
                              : kpc_decrypt(key, &in, &result, reterr);
    out->len = start + (st == KP_OK ? result.value.len : 0);
    kpc_key_release(key);
    return st;
}

/* ---- Both ---- */

kp_status emu_transfer_wrap(const struct kpc_key *key, kp_span n, kp_span e, const char *digest,
                            kp_buf *out, struct kp_error *reterr)
{
    uint8_t aes[AES_LEN];
    kp_buf der;
    kp_status st = kpc_random_secret(aes, sizeof aes, reterr);
    if (st == KP_OK && encrypt_oaep(n, e, digest, aes, out) != KP_OK)
        st = kpb_fail(reterr, KP_USAGE, "the transport key of the attestation is no RSA key");
    kp_buf_init_secret(&der, SITE, DER_MAX_LEN);
    if (st == KP_OK)
        st = emu_pkcs8_write(key, &der, reterr);
    if (st == KP_OK)
        st = run_aes(aes, KP_OP_WRAP, kp_buf_view(&der), out, reterr);
    kp_buf_clear(&der);
    OPENSSL_cleanse(aes, sizeof aes);
    return st;
}

static kp_status decrypt_oaep(const struct kpc_key *kek, kp_span text, const char *digest,
                              uint8_t *aes, struct kp_error *reterr)
{
    uint8_t room[KPC_RSA_MAX_LEN];
    struct kpc_result result = {.value = {room, sizeof room, 0}};
    const struct kpc_input in = {
        .alg = strcmp(digest, "SHA1") == 0 ? KP_ALG_RSA_OAEP : KP_ALG_RSA_OAEP_256, .value = text};
    kp_status st = kpc_decrypt((struct kpc_key *)(uintptr_t)kek, &in, &result, reterr);
    if (st == KP_OK && result.value.len != AES_LEN)
        st = kpb_fail(reterr, KP_INTEGRITY, "the blob's inner key is not AES-256");
    if (st == KP_OK)
        memcpy(aes, room, AES_LEN);
    OPENSSL_cleanse(room, sizeof room);
    return st;
}

kp_status emu_transfer_unwrap(const struct kpc_key *kek, kp_span text, const char *digest,
                              kp_buf *secret, struct kp_error *reterr)
{
    uint8_t aes[AES_LEN];
    const size_t n = kpc_key_bits(kek) / 8;
    if (kpc_key_kty(kek) != KP_KTY_RSA || text.len <= n)
        return kpb_fail(reterr, KP_USAGE, "the blob is too short, or its KEK is no RSA key");
    kp_status st = decrypt_oaep(kek, kpb_span(text.ptr, n), digest, aes, reterr);
    if (st == KP_OK)
        st = run_aes(aes, KP_OP_UNWRAP, kpb_span(text.ptr + n, text.len - n), secret, reterr);
    OPENSSL_cleanse(aes, sizeof aes);
    return st;
}
